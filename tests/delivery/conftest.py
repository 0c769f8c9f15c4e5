"""A hub with its database and its partners."""

from collections.abc import AsyncIterator

import pytest

from tests.delivery.hub import Hub, open_hub
from tests.world.partner import Partner


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with open_hub(database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "MSP"), name="An eMSP") as partner:
        yield partner


@pytest.fixture
async def other() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "FR", "OTH"), name="Another eMSP") as partner:
        yield partner


@pytest.fixture
async def cpo() -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "CPO"), name="A CPO") as partner:
        yield partner
