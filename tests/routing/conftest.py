"""One hub for all tests of this folder, with two CPO and three eMSP platforms that registered by the handshake; before
each test nothing is kept, owed or remembered, and nobody misbehaves.
"""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.conftest import Databases, Urls
from tests.routing.roaming import Roaming
from tests.world.hub import running_hub

_numbers = itertools.count(1)
_EMPTIED = ("location", "tariff", "token", "session", "cdr", "kept_count", "owed", "outage", "proxy", "trail")


@pytest.fixture(scope="package")
def one_database(databases: Databases, template: str) -> Iterator[str]:
    """A database with every table and no row, for the whole folder."""
    name = f"hub_routing_{os.getpid()}_{next(_numbers)}"
    databases.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
    yield databases.url_of(name)
    databases.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def the_world(one_database: str, servers: Urls) -> AsyncIterator[Roaming]:
    async with (
        running_hub(one_database, servers.redis_url, works=True, partner_timeout=3, authorize_timeout=2) as hub,
        AsyncExitStack() as stack,
    ):
        yield await Roaming.begin(hub, stack)


@pytest_asyncio.fixture(loop_scope="package")
async def world(the_world: Roaming) -> Roaming:
    """Everybody, with a clean slate."""
    await the_world.told()
    async with the_world.hub.resources.unit_of_work() as db:
        for table in _EMPTIED:
            await db.execute(text(f"DELETE FROM {table}"))
    for partner in the_world.everybody:
        partner.behave()
        for kept in (partner.heard, partner.kept, partner.objects, partner.authorizes):
            kept.clear()
        partner.command_result = {"result": "ACCEPTED", "timeout": 30}
        partner.page_size = 50
    return the_world
