"""What survives: the start of `serve`, fresh and again; `kill -9` of it; `kill -9` of the bridge after each answer.

Counts and seconds of whole processes on this machine; the counts are what must hold.
"""

import asyncio
import base64
import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from ocpi_hub.simulator.lab import LabHub, running_lab

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


async def kill_bridge(folder: Path) -> int:
    """How many transactions there are after the bridge was killed right after each of KILLS answers."""
    async with running_lab(folder=folder, tell=quiet, port=0, ocpp_port=0, fresh=False) as hub:
        await hub.ask("POST", "/chargers", {"id": "CRASH", "password": PASSWORD})
        await hub.ask("PUT", "/tokens/CARD", {"status": "Accepted"})
        for number in range(KILLS):
            await _start_and_kill(hub, folder, number)
        known = await hub.ask("GET", "/transactions?charger=CRASH")
        return len({transaction["start"] for transaction in known})


async def _start_and_kill(hub: LabHub, folder: Path, number: int) -> None:
    call = {"connectorId": 1, "idTag": "CARD", "meterStart": number, "timestamp": f"2026-11-21T08:{number:02d}:00Z"}
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                async with _socket(hub) as socket:
                    boot = {"chargePointVendor": "Crash", "chargePointModel": "Test"}
                    await _ask(socket, "BootNotification", boot)
                    answer = await _ask(socket, "StartTransaction", call)
                    bridge = int((folder / "bridge.pid").read_text().split()[0])
                    os.kill(bridge, signal.SIGKILL)
                    assert answer["transactionId"] > 0
                    return
            await asyncio.sleep(0.1)


def _socket(hub: LabHub) -> connect:
    secret = base64.b64encode(f"CRASH:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}"}
    return connect(f"{hub.ocpp_url}/CRASH", subprotocols=["ocpp1.6"], additional_headers=headers, proxy=None)


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
        found = asyncio.run(kill_bridge(folder))
    table.add_row("serve ready, fresh", f"{fresh:.1f} s", f"≤ {FRESH:.0f} s")
    table.add_row("serve ready, again (best of 3)", f"{again:.1f} s", f"≤ {AGAIN:.0f} s")
    table.add_row(f"kill -9 of serve: all {processes} processes gone", f"{gone:.2f} s", f"≤ {GONE:.0f} s")
    table.add_row("serve ready after kill -9", f"{after:.1f} s", f"≤ {FRESH:.0f} s")
    table.add_row("transactions after kill -9 of the bridge", f"{found} of {KILLS}", f"{KILLS} of {KILLS}")
    Console().print(table)
    return fresh <= FRESH and again <= AGAIN and gone <= GONE and after <= FRESH and found == KILLS


if __name__ == "__main__":
    main()
