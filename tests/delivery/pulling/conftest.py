"""A hub with a CPO that can be pulled and an eMSP that hears of it."""

from collections.abc import AsyncIterator

import pytest

from tests.delivery.hub import Hub, open_hub
from tests.delivery.pulling.crawl import Crawl
from tests.world.partner import Partner


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with open_hub(database_url, redis_url, pull_most_pages=20) as opened:
        yield opened


@pytest.fixture
async def cpo() -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "CPO"), name="A CPO", page_size=2, filters=False) as partner:
        yield partner


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "MSP"), name="An eMSP") as partner:
        yield partner


@pytest.fixture
async def crawl(hub: Hub, cpo: Partner) -> Crawl:
    return Crawl(hub, cpo, await hub.connect(cpo))
