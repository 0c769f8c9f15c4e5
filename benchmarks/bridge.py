"""64 chargers at full speed at one bridge process, beside an echo and a minimal server on the `ocpp` library.

Half speak 1.6 (Heartbeat and MeterValues in turns), half 2.0.1 (TransactionEvent); each waits for its answer before it
says more. The bridge is the one of `serve`, with a PostgreSQL that syncs: all is committed before it is answered.
The echo parses JSON and answers; the library validates by its own schemas and stores nothing.
"""

import asyncio
import base64
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from benchmarks.status import LOCATION
from ocpi_hub.simulator.lab import running_lab

CHARGERS, SECONDS, ROUNDS = 64, 6.0, 2
TARGET = 1.5
CARD = "04A1B2C3D4E5F6"
REGISTER = "Energy.Active.Import.Register"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Talker:
    """One charger: boots, begins a charge, and then talks as fast as it is answered."""

    def __init__(self, socket, number: int, protocol: str) -> None:
        self._socket = socket
        self._old = protocol == "ocpp1.6"
        self._number = number
        self._ids = itertools.count(1)
        self._wh = itertools.count(1000)
        self._transaction: int | str = f"tx-{number}-{datetime.now(UTC).timestamp()}"
        self.answers = 0

    async def call(self, action: str, payload: dict) -> dict:
        await self._socket.send(json.dumps([2, str(next(self._ids)), action, payload]))
        frame = json.loads(await self._socket.recv())
        while frame[0] == 2:  # what the central system wants to know meanwhile
            await self._socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
            frame = json.loads(await self._socket.recv())
        if frame[0] != 3:
            raise RuntimeError(f"{action}: {frame}")
        return frame[2]

    async def begin(self) -> None:
        if self._old:
            await self.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
            start = {"connectorId": 1, "idTag": CARD, "meterStart": 1000, "timestamp": now()}
            self._transaction = (await self.call("StartTransaction", start)).get("transactionId", 1)
        else:
            station = {"vendorName": "V", "model": "M"}
            await self.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
            await self.call("TransactionEvent", self._event("Started"))

    async def talk(self, until: float) -> None:
        clock = asyncio.get_running_loop().time
        for turn in itertools.count():
            if clock() >= until:
                return
            if not self._old:
                await self.call("TransactionEvent", self._event("Updated"))
            elif turn % 2:
                await self.call("Heartbeat", {})
            else:
                value = {"value": str(next(self._wh)), "measurand": REGISTER, "unit": "Wh"}
                meter = [{"timestamp": now(), "sampledValue": [value]}]
                await self.call(
                    "MeterValues", {"connectorId": 1, "transactionId": self._transaction, "meterValue": meter}
                )
            self.answers += 1

    def _event(self, kind: str) -> dict:
        wh = next(self._wh)
        sample = {"value": wh, "measurand": REGISTER, "context": "Sample.Periodic"}
        event = {
            "eventType": kind,
            "timestamp": now(),
            "triggerReason": "Authorized" if kind == "Started" else "MeterValuePeriodic",
            "seqNo": wh - 1000,
            "transactionInfo": {"transactionId": self._transaction, "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": now(), "sampledValue": [sample]}],
        }
        if kind == "Started":
            event["idToken"] = {"idToken": CARD, "type": "ISO14443"}
        return event


def protocol_of(number: int) -> str:
    return "ocpp1.6" if number % 2 else "ocpp2.0.1"


async def rate(url: str, passwords: dict[int, str] | None = None) -> float:
    """Answers per second over all chargers."""
    async with AsyncExitStack() as stack:
        talkers = []
        for number in range(CHARGERS):
            basic = base64.b64encode(f"BENCH-{number}:{(passwords or {}).get(number, 'x')}".encode()).decode()
            socket = await stack.enter_async_context(
                connect(
                    f"{url}/BENCH-{number}",
                    subprotocols=[protocol_of(number)],
                    additional_headers={"Authorization": f"Basic {basic}"},
                    compression=None,
                    ping_interval=None,
                    proxy=None,
                )
            )
            talkers.append(Talker(socket, number, protocol_of(number)))
        await asyncio.gather(*(talker.begin() for talker in talkers))
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await asyncio.gather(*(talker.talk(begin + SECONDS) for talker in talkers))
        return sum(talker.answers for talker in talkers) / (loop.time() - begin)


@asynccontextmanager
async def beside(kind: str) -> AsyncIterator[str]:
    """A server of benchmarks/central.py as a process of its own; its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.central", kind],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert process.stdout is not None
        yield (await asyncio.to_thread(process.stdout.readline)).strip()
    finally:
        process.terminate()
        process.wait(10)


async def _measure() -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {"echo": [], "ocpp": [], "bridge": []}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        hub = await stack.enter_async_context(
            running_lab(folder=folder / "data", tell=lambda _kind, _text: None, port=0, ocpp_port=0)
        )
        await hub.ask("PUT", f"/tokens/{CARD}", {"status": "Accepted"})
        passwords = {}
        for number in range(CHARGERS):
            body = {"id": f"BENCH-{number}", "location": LOCATION, "evses": [{}]}
            passwords[number] = (await hub.ask("POST", "/chargers", body))["password"]
        urls = {kind: await stack.enter_async_context(beside(kind)) for kind in ("echo", "ocpp")}
        for _ in range(ROUNDS):
            for kind, url in urls.items():
                rates[kind].append(await rate(url))
            rates["bridge"].append(await rate(hub.ocpp_url, passwords))
    return rates


def main() -> bool:
    """Print the table; False when the target was missed."""
    best = {kind: max(found) for kind, found in asyncio.run(_measure()).items()}
    ratio = best["bridge"] / best["ocpp"]
    table = Table("server", "messages/s", "beside the library", title=f"{CHARGERS} chargers at full speed")
    table.add_row("echo: parses JSON", f"{best['echo']:.0f}", f"{best['echo'] / best['ocpp']:.2f}")
    table.add_row("the ocpp library, stores nothing", f"{best['ocpp']:.0f}", "1")
    table.add_row("the bridge, all committed", f"{best['bridge']:.0f}", f"{ratio:.2f} (target ≥ {TARGET})")
    Console().print(table)
    return ratio >= TARGET


if __name__ == "__main__":
    main()
