"""`serve` as a real process with toy parts: ready, stopped, killed, alone, and never leaving anything behind."""

import ctypes
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
import redis
from pydantic import SecretStr

from ocpi_hub.base.settings import Settings
from ocpi_hub.embedded import EmbeddedError, attach
from ocpi_hub.embedded.keys import with_keys
from ocpi_hub.embedded.processes import command_of
from tests.conftest import Databases
from tests.embedded.conftest import NOBODY, PORT, ROOT, Hub, below, processes_below, root_only, stat_of, still_running

# Starting takes one or two seconds of an idle machine; this is for a busy one.
LONG = 15.0


def attached(hub: Hub) -> tuple[str, str]:
    settings = attach(Settings(data_dir=hub.data))
    assert settings.database_url is not None
    assert settings.redis_url is not None
    return settings.database_url.get_secret_value(), settings.redis_url.get_secret_value()


async def remember(hub: Hub) -> None:
    """Leave something in both servers."""
    database_url, redis_url = attached(hub)
    link = await asyncpg.connect(database_url)
    await link.execute("CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (7)")
    await link.close()
    with redis.Redis.from_url(redis_url) as client:
        client.set("kept", "7")


async def remembered(hub: Hub) -> tuple[int, bytes]:
    database_url, redis_url = attached(hub)
    link = await asyncpg.connect(database_url)
    row = await link.fetchval("SELECT max(id) FROM kept")
    await link.close()
    with redis.Redis.from_url(redis_url) as client:
        return row, client.get("kept")


async def test_fresh_then_again_with_its_data_and_keys(any_hub: Hub) -> None:
    path = any_hub.data / "keys.env"
    assert any_hub.ready() < LONG
    assert f"keys        {path} (made now, for you alone: keep it)" in any_hub.out
    kept = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await remember(any_hub)
    assert any_hub.stop() == 0
    assert any_hub.ready() < LONG
    assert f"keys        {path}" in any_hub.out
    assert path.read_text() == kept
    assert await remembered(any_hub) == (7, b"7")


def test_the_real_parts_can_be_forked() -> None:
    """A thread that some import starts would be missing in every part, with the locks that it held."""
    code = (
        "import importlib, threading; from ocpi_hub.cli.run import parts\n"
        "for path in parts().values():\n    importlib.import_module(path.partition(':')[0])\n"
        "print(threading.active_count())"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "1"


def test_says_what_listens_and_last_that_it_is_ready(running_hub: Hub) -> None:
    says = [line.split()[0] for line in running_hub.out]
    assert says[:6] == ["data", "keys", "PostgreSQL", "PostgreSQL", "Valkey", "database"]
    assert f"api         http://127.0.0.1:{PORT} (others: https://hub.example.com)" in running_hub.out
    assert "worker      2 processes" in running_hub.out
    assert says[8] == "ready"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stops_in_order_and_leaves_nothing(hub: Hub, number: signal.Signals) -> None:
    hub.ready()
    processes = processes_below(hub.pid)
    assert len(processes) > 8
    assert hub.stop(number) == 0
    assert still_running(processes) == set()
    assert not (hub.data / "serve.json").exists()
    assert not list(hub.data.glob("*.pid"))
    ends = (hub.data / "valkey.log").read_text(), (hub.data / "postgresql.log").read_text()
    assert "ready to exit" in ends[0]
    assert ends[1].rstrip().endswith("database system is shut down")


def test_can_be_stopped_while_it_starts(hub: Hub) -> None:
    hub.start()
    hub.says("making an empty database")
    processes = processes_below(hub.pid)
    assert hub.stop() == 0
    assert "ready" not in hub.out
    assert still_running(processes) == set()
    hub.ready()


async def test_a_killed_serve_leaves_no_process_and_loses_nothing(any_hub: Hub) -> None:
    any_hub.ready()
    await remember(any_hub)
    processes = processes_below(any_hub.pid)
    pool = any_hub.started("pool")
    assert len(pool) == 4
    assert set(pool) < set(processes)
    os.kill(any_hub.pid, signal.SIGKILL)
    any_hub.until(lambda: not still_running(processes), within=5)
    assert any_hub.ready() < LONG
    assert await remembered(any_hub) == (7, b"7")


def test_starts_at_once_after_it_was_killed(hub: Hub) -> None:
    hub.ready()
    hub.stop(signal.SIGKILL)
    assert hub.ready() < LONG


def test_a_part_that_dies_starts_again_without_its_old_children(running_hub: Hub) -> None:
    hub = running_hub
    worker = len(hub.started("worker"))
    pool = {pid: since for pid, since in processes_below(hub.pid).items() if pid in hub.started("pool")}
    assert len(pool) == 4
    os.kill(hub.started("worker")[-1], signal.SIGKILL)
    hub.until(lambda: len(hub.started("worker")) == worker + 1)
    assert still_running(pool) == set()
    hub.says('"part": "worker", "how": "killed by SIGKILL", "starts_again_in": 0.25')
    hub.says('"part": "worker", "event": "serve.running_again"')
    assert len(hub.started("api")) == 1


@pytest.mark.parametrize("name", ["PostgreSQL", "Valkey"])
async def test_a_server_that_is_killed_comes_back_with_its_data(running_hub: Hub, name: str) -> None:
    await remember(running_hub)
    os.kill(running_hub.server_pid(name.lower()), signal.SIGKILL)
    running_hub.says(f'"part": "{name}", "event": "serve.running_again"')
    assert await remembered(running_hub) == (7, b"7")
    assert len(running_hub.started("api")) == 1


def test_a_second_serve_is_refused(running_hub: Hub) -> None:
    second = Hub(running_hub.folder).start()
    assert second.ends() == 1
    assert second.out == [
        f"ocpi-hub: another `ocpi-hub serve` (process {running_hub.pid}) already uses {running_hub.data}: "
        "stop it, or set OCPI_HUB_DATA_DIR to another folder"
    ]


def test_a_part_that_cannot_start_ends_it_all(hub: Hub) -> None:
    hub.settings = {"TOY_API": "fails"}
    hub.start()
    assert hub.ends() == 1
    assert "ocpi-hub: api: the port is taken" in hub.out
    assert hub.out[-1] == "ocpi-hub: api ended before it was ready (exit status 1); its own words are above"
    assert "ready" not in hub.out


def test_a_port_that_is_taken_is_said_before_anything_starts(hub: Hub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub.settings = {"OCPI_HUB_PORT": str(port)}
        hub.start()
        assert hub.ends() == 1
    assert hub.out[-1] == (
        f"ocpi-hub: cannot listen on 127.0.0.1:{port} (Address already in use): set OCPI_HUB_PORT to another port"
    )
    assert not (hub.data / "postgresql").exists()


def test_attach_gives_what_is_in_force(running_hub: Hub) -> None:
    found = attach(Settings(data_dir=running_hub.data, ocpp_port=9999, name="Mine"))
    assert (found.port, found.ocpp_port, found.name) == (PORT, 9999, "Mine")
    assert found.partner_networks == ("10.0.0.0/8",)
    assert found.admin_key is not None
    assert found.admin_key.get_secret_value() == "operator"
    kept = (running_hub.data / "keys.env").read_text()
    assert found.secret_key is not None
    assert found.secret_key.get_secret_value() in kept
    assert "operator" not in kept
    assert stat.S_IMODE((running_hub.data / "serve.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("left_behind", [False, True])
def test_attach_says_when_no_hub_runs(place: Path, left_behind: bool) -> None:
    if left_behind:
        (place / "serve.lock").write_text("1\n")
        (place / "serve.json").write_text('{"port": 8123}')
    with pytest.raises(EmbeddedError, match=r"no hub is running here .* start `ocpi-hub serve`, or set OCPI_HUB_DATA"):
        attach(Settings(data_dir=place))


def test_attach_adds_kept_keys_to_servers_of_your_own(place: Path) -> None:
    with_keys(Settings(data_dir=place, admin_key=SecretStr("operator")))
    found = attach(Settings(data_dir=place, database_url=SecretStr("postgresql://x"), redis_url=SecretStr("redis://y")))
    assert found.admin_key is None
    assert found.secret_key is not None
    assert (place / "keys.env").read_text() == f"OCPI_HUB_SECRET_KEY={found.secret_key.get_secret_value()}\n"


def test_servers_of_your_own_are_used(hub: Hub, databases: Databases, redis_url: str) -> None:
    databases.execute("CREATE DATABASE of_your_own")
    database_url = databases.url_of("of_your_own")
    hub.settings = {"OCPI_HUB_DATABASE_URL": database_url, "OCPI_HUB_REDIS_URL": redis_url}
    hub.ready()
    assert not (hub.data / "postgresql").exists()
    assert not (hub.data / "valkey").exists()
    assert not [pid for pid in below(hub.pid) if "postgres -D" in command_of(pid) or "valkey" in command_of(pid)]
    assert attached(hub) == (database_url, redis_url)
    assert hub.stop() == 0
    databases.execute("DROP DATABASE of_your_own WITH (FORCE)")


def test_a_database_that_cannot_be_reached_is_a_sentence(hub: Hub, redis_url: str) -> None:
    hub.settings = {"OCPI_HUB_DATABASE_URL": "postgresql://hub@127.0.0.1:1/hub", "OCPI_HUB_REDIS_URL": redis_url}
    hub.start()
    assert hub.ends() == 1
    assert hub.out[-1].startswith("ocpi-hub: the database could not be brought up to date")
    assert any("Connect call failed" in line for line in hub.out)


@root_only
def test_root_drops_its_servers_and_opens_nothing(running_hub: Hub) -> None:
    hub = running_hub
    assert NOBODY is not None
    for name in ("postgresql", "valkey", "run"):
        known = (hub.data / name).stat()
        assert (known.st_uid, stat.S_IMODE(known.st_mode)) == (NOBODY.uid, 0o700)
    for name in ("postgresql", "valkey"):
        status = Path(f"/proc/{hub.server_pid(name)}/status").read_text()
        assert f"\nUid:\t{NOBODY.uid}\t{NOBODY.uid}\t{NOBODY.uid}" in status
        assert "\nGroups:\t \n" in status
    assert stat.S_IMODE(hub.data.stat().st_mode) == 0o711
    assert stat.S_IMODE(hub.folder.stat().st_mode) == 0o755


@root_only
def test_a_root_that_may_not_become_anybody_is_told_the_way_out(hub: Hub) -> None:
    hub.before_exec = without_becoming_another
    hub.start()
    assert hub.ends() == 1
    assert hub.out[-1] == (
        "ocpi-hub: root may not become nobody here, and PostgreSQL refuses to run as root: "
        "set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL to servers of your own"
    )


def without_becoming_another() -> None:
    """What `docker run --cap-drop` does: take CAP_SETGID and CAP_SETUID away."""
    drop_from_bounding_set = 24
    for capability in (6, 7):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


@root_only
def test_as_the_first_process_of_a_container_it_buries_what_it_inherits(hub: Hub) -> None:
    hub.command = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    hub.ready()
    postmaster = next(pid for pid in below(hub.pid) if "/bin/postgres -D" in command_of(pid))
    backends = below(postmaster)
    assert backends
    os.kill(postmaster, signal.SIGKILL)
    hub.says('"part": "PostgreSQL", "event": "serve.running_again"')
    hub.until(lambda: not [pid for pid in backends if stat_of(pid)], within=5)
    hub.stop(signal.SIGKILL)
