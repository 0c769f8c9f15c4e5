"""The servers of the tests: the same embedded PostgreSQL and Valkey that `serve` starts, once per test run.

OCPI_HUB_TEST_DATABASE_URL and OCPI_HUB_TEST_REDIS_URL point the same suite at servers of your own; the
database user must then be allowed to create databases, and everything in that Valkey is deleted.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import hypothesis
import pytest
import redis
from sqlalchemy.engine import make_url

from ocpi_hub.embedded.migrate import migrate
from ocpi_hub.embedded.processes import exists
from ocpi_hub.embedded.servers import Urls, running
from tests import spoken


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-spoken", action="store_true", help="write what was exchanged into tests/spoken.json")


def pytest_configure(config: pytest.Config) -> None:
    """A developer's own settings must not change a test."""
    config.pluginmanager.register(spoken.Whole(), "whole-files")
    for name in [name for name in os.environ if name.startswith("OCPI_HUB_")]:
        if not name.startswith("OCPI_HUB_TEST_"):
            del os.environ[name]


# Nothing is judged by a stopwatch here: a busy machine may be slow.
hypothesis.settings.register_profile("calm", deadline=None)
hypothesis.settings.load_profile("calm")


@pytest.fixture(scope="module", autouse=True)
def really_spoken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Holds each test file to what tests/spoken.json says that it exchanges with the bridge (see spoken.py)."""
    with spoken.listening() as heard:
        yield
    config, name = request.config, Path(request.node.nodeid).as_posix()
    if config.getoption("--record-spoken"):
        spoken.record(name, heard)
        return
    whole = name not in config.pluginmanager.get_plugin("whole-files").broken and "::" not in " ".join(config.args)
    missing = spoken.missing(name, heard) if whole else set()
    assert not missing, f"tests/spoken.json says that {name} exchanges {sorted(missing)}; run it with --record-spoken"


@dataclass(frozen=True)
class Databases:
    """Makes and drops databases over one connection that stays open."""

    url: str
    runner: asyncio.Runner
    admin: asyncpg.Connection

    def execute(self, statement: str) -> None:
        self.runner.run(self.admin.execute(statement))

    def url_of(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)


def quick_place() -> str:
    """Where temporary data goes: into memory where there is plenty of it, for a database is a thousand files."""
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        may_execute = not os.statvfs(memory).f_flag & os.ST_NOEXEC  # programs may have to be copied there
        if may_execute:
            return memory
    return tempfile.gettempdir()


_PREFIX = "ocpi-hub-tests-"


def _forget_killed_runs() -> None:
    """Remove what test runs left behind that were killed: it may lie in memory."""
    for folder in Path(quick_place()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Urls]:
    """PostgreSQL and Valkey: those of the environment, else embedded ones in a temporary folder."""
    database_url = os.environ.get("OCPI_HUB_TEST_DATABASE_URL")
    redis_url = os.environ.get("OCPI_HUB_TEST_REDIS_URL")
    if database_url and redis_url:
        yield Urls(database_url, redis_url)
        return
    _forget_killed_runs()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=quick_place()))
    try:
        with running(folder, fast=True) as embedded:
            yield Urls(database_url or embedded.database_url, redis_url or embedded.redis_url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(servers: Urls) -> Iterator[Databases]:
    """The means to make databases."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        admin = runner.run(asyncpg.connect(servers.database_url))
        try:
            yield Databases(servers.database_url, runner, admin)
        finally:
            runner.run(admin.close())


@pytest.fixture(scope="session")
def template(databases: Databases) -> Iterator[str]:
    """The name of a database that has every table and no row."""
    name = f"hub_template_{os.getpid()}"
    databases.execute(f"CREATE DATABASE {name}")
    make_schema(databases.url_of(name))
    yield name
    databases.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_schema(database_url: str) -> None:
    """Make every table of the house in an empty database, the way a hub does it."""
    migrate(database_url)


_numbers = itertools.count(1)


@pytest.fixture
def database_url(databases: Databases, template: str) -> Iterator[str]:
    """A database of this test's own, with every table and no row."""
    name = f"hub_test_{os.getpid()}_{next(_numbers)}"
    databases.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
    yield databases.url_of(name)
    databases.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(servers: Urls) -> str:
    """A Valkey with nothing in it."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url
