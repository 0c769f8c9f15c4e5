"""What survives: the start of `serve`, fresh and again; `kill -9` of it; `kill -9` of the bridge after each answer.

Counts and seconds of whole processes on this machine; the counts are what must hold.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from ocpi_hub.embedded.migrate import migrate
from ocpi_hub.embedded.servers import running
from ocpi_hub.simulator.lab import running_lab

KILLS = 20
FRESH, AGAIN, GONE = 5.0, 3.0, 5.0
PASSWORD = "a-good-password"


def quiet(_kind: str, _text: str) -> None:
    """The hub's own words are of no interest here."""


async def start(folder: Path, *, fresh: bool) -> float:
    """Seconds until `serve` says ready."""
    began = perf_counter()
    async with running_lab(folder=folder, tell=quiet, port=0, ocpp_port=0, fresh=fresh):
        return perf_counter() - began


async def kill_serve(folder: Path) -> tuple[float, int]:
    """Seconds until nothing of a killed `serve` runs, and how many processes it had."""
    async with running_lab(folder=folder, tell=quiet, port=0, ocpp_port=0, fresh=False) as hub:
        family = psutil.Process(hub.process.pid).children(recursive=True)
        began = perf_counter()
        hub.process.kill()
        await hub.process.wait()
        while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in family):
            if perf_counter() - began > 4 * GONE:
                break
            await asyncio.sleep(0.02)
        return perf_counter() - began, len(family) + 1


def kill_bridge(folder: Path) -> int:
    """How many transactions there are after a bridge was killed right after each of KILLS answers."""
    with running(folder) as urls:
        migrate(urls.database_url)
        environment = os.environ | {
            "OCPI_HUB_DATABASE_URL": urls.database_url,
            "OCPI_HUB_REDIS_URL": urls.redis_url,
            "OCPI_HUB_SECRET_KEY": "a-secret-key-for-this-benchmark",
            "OCPI_HUB_OCPP_PORT": "9876",
            "OCPI_HUB_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "ocpi_hub.cli"]
        add = [*command, "charger", "add", "CRASH", "--password", PASSWORD]
        subprocess.run(add, env=environment, check=True, capture_output=True)
        for number in range(KILLS):
            bridge = subprocess.Popen([*command, "bridge"], env=environment, stdout=subprocess.PIPE, text=True)
            assert bridge.stdout is not None
            while bridge.stdout.readline().strip() != "bridge ready":
                assert bridge.poll() is None, "the bridge ended before it was ready"
            asyncio.run(_start_and_kill(bridge, number))
            bridge.wait()
        return asyncio.run(_count(urls.database_url))


async def _start_and_kill(bridge: "subprocess.Popen[str]", number: int) -> None:
    call = {"connectorId": 1, "idTag": "CARD", "meterStart": number, "timestamp": f"2026-11-21T08:{number:02d}:00Z"}
    secret = base64.b64encode(f"CRASH:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    url = "ws://127.0.0.1:9876/ocpp/CRASH"
    async with (
        asyncio.timeout(60),
        connect(url, subprotocols=[Subprotocol("ocpp1.6")], additional_headers=headers, proxy=None) as socket,
    ):
        await _ask(socket, "BootNotification", {"chargePointVendor": "Crash", "chargePointModel": "Test"})
        answer = await _ask(socket, "StartTransaction", call)
        bridge.kill()
        assert answer["transactionId"] > 0


async def _count(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM ocpp_transaction"))
    finally:
        await connection.close()


async def _ask(socket: Any, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    await socket.send(json.dumps([2, action, action, payload]))
    while True:
        frame = json.loads(await socket.recv())
        if frame[0] == 3 and frame[1] == action:
            return dict(frame[2])


def main() -> bool:
    """Print the table; False when a count or a time was missed."""
    table = Table("what", "measured", "target", title="crashes and starts")
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-") as temporary:
        Path(temporary).chmod(0o755)
        folder = Path(temporary) / "data"
        fresh = asyncio.run(start(folder, fresh=True))
        again = min(asyncio.run(start(folder, fresh=False)) for _ in range(3))
        gone, processes = asyncio.run(kill_serve(folder))
        after = asyncio.run(start(folder, fresh=False))
        found = kill_bridge(Path(temporary) / "bridge")
    table.add_row("serve ready, fresh", f"{fresh:.1f} s", f"≤ {FRESH:.0f} s")
    table.add_row("serve ready, again (best of 3)", f"{again:.1f} s", f"≤ {AGAIN:.0f} s")
    table.add_row(f"kill -9 of serve: all {processes} processes gone", f"{gone:.2f} s", f"≤ {GONE:.0f} s")
    table.add_row("serve ready after kill -9", f"{after:.1f} s", f"≤ {FRESH:.0f} s")
    table.add_row("transactions after kill -9 of the bridge", f"{found} of {KILLS}", f"{KILLS} of {KILLS}")
    Console().print(table)
    return fresh <= FRESH and again <= AGAIN and gone <= GONE and after <= FRESH and found == KILLS


if __name__ == "__main__":
    main()
