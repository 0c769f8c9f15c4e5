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


@pytest.fixture
async def charging(house: House) -> House:
    """A charger with a tariff of 0.50 + 0.25/kWh + 21 %, and a whitelisted card of an eMSP."""
    await house.add_partner()
    await house.add_tariff()
    await house.add_charger()
    await house.add_token()
    await house.settle()
    return house


@pytest.fixture
async def placed(house: House) -> House:
    """Two chargers at one location; the first has two EVSEs. Everything is online, nothing is owed."""
    await house.add_partner()
    await house.add_tariff()
    await house.add_charger(evses=[{"uid": "EVSE1", "connectors": [{}, {"id": "B"}]}, {"uid": "EVSE2"}])
    await house.add_charger("BOX-2", evses=[{"uid": "EVSE3"}], location={"id": "LOC1"})
    await house.settle()
    house.bells.clear()
    return house
