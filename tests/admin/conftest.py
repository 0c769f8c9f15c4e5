"""A hub with its bridge, for the tests of the admin REST; a module may change its settings."""

import pytest

from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.world.hub import running_hub


@pytest.fixture
def changed():
    """The settings that a module wants otherwise."""
    return {}


@pytest.fixture
async def hub(database_url, redis_url, changed):
    async with running_hub(database_url, redis_url, works=True, ocpp_port=0, **changed) as running:
        bind(running.resources)
        yield running


@pytest.fixture
async def bridge(hub):
    async with bridge_of(hub.resources).run() as running:
        yield running
