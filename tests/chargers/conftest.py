"""A hub process with chargers, on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.base.database import Bell
from ocpi_hub.base.resources import open_resources
from ocpi_hub.base.settings import Settings
from tests.chargers.house import House
from tests.world.partner import Partner


@pytest.fixture
async def house(database_url: str, redis_url: str) -> AsyncIterator[House]:
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        secret_key="a secret key for tests only",
        partner_networks="127.0.0.0/8",
    )
    bells: list[Bell] = []

    async def ring(rung: list[Bell]) -> None:
        bells.extend(rung)

    async with open_resources(settings, ring=ring) as resources:
        yield House(resources, bells)


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "MSP")) as partner:
        yield partner
