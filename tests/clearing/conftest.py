"""A hub whose bells start their jobs, a CPO (NL/ABC) and an eMSP (DE/MSP) that registered with it."""

from collections.abc import AsyncIterator

import pytest

from tests.modules.owned.talking import ABC, registered
from tests.world.hub import Hub, running_hub
from tests.world.objects import location
from tests.world.partner import Partner


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url, works=True) as running:
        yield running


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("CPO", "NL", "ABC")) as partner:
        await partner.put("locations", "NL/ABC/LOC1", location(owner=ABC))
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("EMSP", "DE", "MSP")) as partner:
        yield partner
