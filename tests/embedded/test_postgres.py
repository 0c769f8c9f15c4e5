"""PostgreSQL and what it leaves behind: stale pid files, strays, zombies, data of another version."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.postgres import Postgres
from ocpi_hub.embedded.processes import EmbeddedError, PidFile, server_user, started_at
from ocpi_hub.embedded.servers import embedded_postgres, wait_for


@pytest.fixture
def postgres(place: Path) -> Iterator[Postgres]:
    """A cluster that was made and does not run."""
    folder = DataFolder.open(place / "data", server_user("nobody"))
    postgres = embedded_postgres(folder, fast=True)
    assert not postgres.exists()
    postgres.make()
    assert postgres.exists()
    yield postgres
    postgres.stop()


def started(postgres: Postgres) -> Postgres:
    postgres.start()
    wait_for(postgres)
    return postgres


async def ask(postgres: Postgres, question: str) -> object:
    link = await asyncpg.connect(postgres.url)
    try:
        return await link.fetchval(question)
    finally:
        await link.close()


async def test_how_it_is_made(postgres: Postgres) -> None:
    started(postgres)
    assert await ask(postgres, "SHOW listen_addresses") == ""
    assert await ask(postgres, "SHOW data_checksums") == "on"
    assert await ask(postgres, "SHOW server_encoding") == "UTF8"
    assert await ask(postgres, "SELECT datlocale FROM pg_database WHERE datname = 'ocpi_hub'") == "C.UTF-8"
    assert await ask(postgres, "SELECT lower('ÄÉ')") == "äé"
    assert int(str(await ask(postgres, "SHOW server_version_num"))) // 10000 == 18


async def test_a_pid_file_that_names_a_stranger_does_not_stop_it(postgres: Postgres) -> None:
    started(postgres)
    data = postgres.home / "data"
    assert postgres.process is not None
    left = (data / "postmaster.pid").read_text()
    postgres.process.kill()
    postgres.process.wait()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        for lock in (data / "postmaster.pid", postgres.sockets / ".s.PGSQL.5432.lock"):
            lock.write_text(left.replace(str(postgres.pid), str(stranger.pid), 1))
        started(postgres)
        assert await ask(postgres, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_zombie_postmaster_does_not_stop_it(postgres: Postgres) -> None:
    started(postgres)
    zombie = postgres.process
    assert zombie is not None
    os.kill(zombie.pid, signal.SIGKILL)
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped
    started(postgres)
    assert await ask(postgres, "SELECT 1") == 1
    zombie.wait()


async def test_what_an_earlier_run_left_running_is_stopped_first(postgres: Postgres) -> None:
    started(postgres)
    assert postgres.process is not None
    earlier, since = postgres.process, started_at(postgres.process.pid)
    later = started(Postgres(postgres.folder, postgres.program, postgres.sockets, fast=True))
    try:
        assert started_at(earlier.pid) != since
        assert await ask(later, "SELECT 1") == 1
    finally:
        later.stop()
        earlier.wait()
    assert "was not properly shut down" not in postgres.log.read_text()


def test_a_pid_that_is_used_again_is_never_stopped(place: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file = PidFile(place / "valkey.pid")
    try:
        pid_file.write(stranger.pid)
        assert pid_file.running() == stranger.pid
        pid_file.path.write_text(f"{stranger.pid} some-other-boot/123\n")
        pid_file.stop_stray({signal.SIGKILL: 1.0})
        assert stranger.poll() is None
        assert not pid_file.path.exists()
    finally:
        stranger.kill()
        stranger.wait()


def test_data_of_another_version_is_refused_with_the_way_over(postgres: Postgres) -> None:
    (postgres.home / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 17, and this is 18: .*`pg_dump -Fc .*`pg_restore"):
        postgres.exists()


def test_a_server_that_ends_says_why(postgres: Postgres) -> None:
    (postgres.home / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    postgres.start()
    with pytest.raises(
        EmbeddedError, match=r"PostgreSQL does not start \(exit status 1\): .*; more in .*postgresql.log"
    ):
        wait_for(postgres)


def test_half_made_data_is_made_anew(place: Path) -> None:
    folder = DataFolder.open(place / "data", server_user("nobody"))
    postgres = embedded_postgres(folder, fast=True)
    folder.own("postgresql")
    half = postgres.home / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert not postgres.exists()
    postgres.make()
    assert postgres.exists()
    assert not half.exists()
