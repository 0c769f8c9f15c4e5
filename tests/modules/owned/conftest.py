"""One hub for all tests of this folder, with a CPO platform (NL/ABC) and an eMSP platform (DE/MSP) that registered
by the handshake; before each test nothing is kept and nothing is owed.
"""

import itertools
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.conftest import Databases, Urls
from tests.modules.owned.talking import registered
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

_numbers = itertools.count(1)
_EMPTIED = ("location", "tariff", "token", "session", "cdr", "cdr_audit", "kept_count", "owed", "attempt")


@pytest.fixture(scope="package")
def one_database(databases: Databases, template: str) -> Iterator[str]:
    """A database with every table and no row, for the whole folder."""
    name = f"hub_owned_{os.getpid()}_{next(_numbers)}"
    databases.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
    yield databases.url_of(name)
    databases.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def the_hub(one_database: str, servers: Urls) -> AsyncIterator[Hub]:
    async with running_hub(one_database, servers.redis_url) as hub:
        yield hub


@pytest_asyncio.fixture(loop_scope="package")
async def hub(the_hub: Hub) -> Hub:
    """The hub, emptied."""
    async with the_hub.resources.unit_of_work() as db:
        for table in _EMPTIED:
            await db.execute(text(f"DELETE FROM {table}"))
    return the_hub


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def the_cpo(the_hub: Hub) -> AsyncIterator[Partner]:
    async with registered(the_hub, ("CPO", "NL", "ABC")) as partner:
        yield partner


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def the_emsp(the_hub: Hub) -> AsyncIterator[Partner]:
    async with registered(the_hub, ("EMSP", "DE", "MSP")) as partner:
        yield partner


@pytest.fixture
def cpo(hub: Hub, the_cpo: Partner) -> Partner:
    return the_cpo


@pytest.fixture
def emsp(hub: Hub, the_emsp: Partner) -> Partner:
    return the_emsp
