"""A running hub for the tests of the OCPI face."""

from collections.abc import AsyncIterator

import pytest

from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def cpo() -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "ABC"), name="A CPO") as partner:
        yield partner


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "XYZ"), name="An eMSP") as partner:
        yield partner


@pytest.fixture
async def known(hub: Hub, cpo: Partner) -> Partner:
    """A CPO that has registered."""
    assert (await cpo.register(hub.versions_url, await hub.invite("A CPO"))).status_code == 200
    return cpo
