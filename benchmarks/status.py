"""From a charger's StatusNotification to the partner's endpoint, through the whole hub as `serve` runs it.

Ten simulated chargers of two EVSEs change 20 times a second together; everything goes over loopback.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from bridge_ocpp.simulator import SimulatedCharger
from ocpi_hub.simulator.emsp import SimulatedEmsp
from ocpi_hub.simulator.lab import LabHub, running_lab
from ocpi_hub.wire.headers import PartyId

CHARGERS, EVSES = 10, 2
CHANGES_A_SECOND, SECONDS = 20, 20
P95 = 0.5
LOCATION = {
    "address": "Damrak 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
    "time_zone": "Europe/Amsterdam",
}
EXPECTED = {"Available": "AVAILABLE", "Unavailable": "INOPERATIVE"}


class Watching(SimulatedEmsp):
    """An eMSP that notes when it first hears each status of each EVSE."""

    waiting: dict[str, tuple[str, float]]
    took: list[float]

    def describe(self, module, document):
        now = perf_counter()
        for evse in document.get("evses", []) if module == "locations" else []:
            wanted = self.waiting.get(evse["uid"])
            if wanted is not None and wanted[0] == evse["status"]:
                self.took.append(now - wanted[1])
                del self.waiting[evse["uid"]]
        return ""


async def _measure() -> list[float]:
    async with AsyncExitStack() as stack:
        emsp = Watching(PartyId("DE", "APP"), "Watching")
        emsp.waiting, emsp.took = {}, []
        await stack.enter_async_context(emsp.serving())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        hub = await stack.enter_async_context(
            running_lab(folder=folder / "data", tell=lambda _kind, _text: None, port=0, ocpp_port=0)
        )
        invited = await hub.ask("POST", "/partners", {"name": "Watching"})
        await emsp.register(invited["versions_url"], invited["credentials_token"])
        places = [await _plug_in(hub, number, stack) for number in range(CHARGERS)]
        await _change(emsp, places)
        return emsp.took


async def _plug_in(hub: LabHub, number: int, stack: AsyncExitStack) -> tuple[SimulatedCharger, dict[int, str]]:
    evses = [{"uid": f"E{number}-{n}"} for n in range(1, EVSES + 1)]
    body = {"id": f"BOX-{number}", "location": LOCATION, "evses": evses}
    added = await hub.ask("POST", "/chargers", body)
    box = SimulatedCharger(hub.ocpp_url, f"BOX-{number}", password=added["password"], evses=EVSES)
    task = asyncio.create_task(box.run())
    stack.callback(task.cancel)
    await asyncio.wait_for(box.online.wait(), 20)
    return box, {n: f"E{number}-{n}" for n in range(1, EVSES + 1)}


async def _change(emsp: Watching, places: list[tuple[SimulatedCharger, dict[int, str]]]) -> None:
    await asyncio.sleep(2)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(CHANGES_A_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, begin + number / CHANGES_A_SECOND - loop.time()))
        box, uids = places[number % CHARGERS]
        evse = 1 + number // CHARGERS % EVSES
        status = "Unavailable" if box.evses[evse].status == "Available" else "Available"
        emsp.waiting[uids[evse]] = (EXPECTED[status], perf_counter())
        box.soon(box.set_status(evse, status))
    await emsp.until(lambda: not emsp.waiting, within=30)


def main() -> bool:
    """Print the table; False when the target was missed."""
    took = sorted(asyncio.run(_measure()))
    p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
    table = Table("changes", "p50", "p95", "target p95", title=f"charger → partner, {CHANGES_A_SECOND} changes/s")
    table.add_row(str(len(took)), f"{p50 * 1000:.0f} ms", f"{p95 * 1000:.0f} ms", f"≤ {P95 * 1000:.0f} ms")
    Console().print(table)
    return p95 <= P95


if __name__ == "__main__":
    main()
