"""A hub of the tests' own, whose bells are answered here."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpi_hub.chargers.binding import bind
from tests.world.hub import Hub, running_hub


@pytest.fixture
def settings() -> dict[str, Any]:
    """Further settings of the hub."""
    return {}


@pytest.fixture
async def hub(database_url: str, redis_url: str, settings: dict[str, Any]) -> AsyncIterator[Hub]:
    given = {"ocpp_port": 0, "ping_interval": 2} | settings
    async with running_hub(database_url, redis_url, works=True, **given) as running:
        bind(running.resources)
        yield running
