"""No CDR may be lost: a CPO posts CDRs without pause while processes of the hub are killed at random (`kill -9`).

Counts: what the hub acknowledged, what reached the eMSP, how often. CHAOS_SECONDS (60) sets the length; a process dies
every ten seconds. A CPO repeats what was not acknowledged, as real ones do; the same CDR again is no second CDR.
"""

import asyncio
import collections
import os
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from ocpi_hub.simulator.cpo import SimulatedCpo
from ocpi_hub.simulator.emsp import SimulatedEmsp
from ocpi_hub.simulator.lab import running_lab
from ocpi_hub.simulator.platform import HubSaidNo
from ocpi_hub.wire.headers import PartyId
from tests.world import objects

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
EVERY = 10.0
RATE = 50.0
PATIENCE = 180.0
"""Seconds after the end in which all that was acknowledged must have arrived."""
CPO, EMSP = ("BE", "STA"), ("DE", "APP")


@dataclass
class Count:
    """What happened. `repeats` are posts of the CPO that had to be made again, by the reason."""

    acknowledged: set[str] = field(default_factory=set)
    repeats: collections.Counter[str] = field(default_factory=collections.Counter)
    killed: collections.Counter[str] = field(default_factory=collections.Counter)


async def post(cpo: SimulatedCpo, count: Count, number: int) -> None:
    """Post one CDR until the hub says that it has it."""
    document = objects.cdr(
        f"CDR-{number:06d}", owner=CPO, session_id=f"S-{number:06d}", cdr_token=objects.cdr_token(owner=EMSP)
    )
    while True:
        try:
            await cpo.say("POST", "cdrs", "RECEIVER", "", document)
        except (HubSaidNo, aiohttp.ClientError, TimeoutError, OSError) as error:
            count.repeats["refused" if isinstance(error, HubSaidNo) else type(error).__name__] += 1
            await asyncio.sleep(0.5 + random.random())
        else:
            count.acknowledged.add(document["id"].lower())
            return


async def load(cpo: SimulatedCpo, count: Count) -> None:
    """RATE CDRs a second, whatever the hub makes of it."""
    began, tasks = perf_counter(), []
    for number in range(int(SECONDS * RATE)):
        await asyncio.sleep(max(0.0, began + number / RATE - perf_counter()))
        tasks.append(asyncio.create_task(post(cpo, count, number)))
    await asyncio.gather(*tasks)


async def kill(folder: Path, count: Count) -> None:
    """Every ten seconds one process dies, each part of the hub as likely as another; their supervisor is spared."""
    for _ in range(int(SECONDS // EVERY)):
        await asyncio.sleep(EVERY)
        part = random.choice([path for path in folder.glob("*.pid") if path.stem != "migrate"])
        process = psutil.Process(int(part.read_text().split()[0]))
        victim = random.choice([process, process, *process.children(recursive=True)])
        count.killed[part.stem if victim == process else f"a child of {part.stem}"] += 1
        victim.kill()


async def run(folder: Path, console: Console) -> tuple[Count, collections.Counter[str], float]:
    """The counts, how often each CDR reached the eMSP, and the seconds that the last one took after the end."""
    count = Count()
    quiet = {"tell": lambda _kind, _text: None}
    async with (
        running_lab(folder=folder, port=0, ocpp_port=0, LOG_LEVEL="ERROR", **quiet) as hub,
        SimulatedCpo(PartyId(*CPO), "Chaos CPO").serving() as cpo,
        SimulatedEmsp(PartyId(*EMSP), "Chaos eMSP").serving() as emsp,
    ):
        for platform in (cpo, emsp):
            invited = await hub.ask("POST", "/partners", {"name": platform.name})
            await platform.register(invited["versions_url"], invited["credentials_token"])
        console.print(f"{RATE:.0f} CDRs/s for {SECONDS:.0f} s, a kill -9 every {EVERY:.0f} s …")
        await asyncio.gather(load(cpo, count), kill(folder, count))
        ended = perf_counter()
        wanted = {f"{'/'.join(CPO)}/{cdr_id}".lower() for cdr_id in count.acknowledged}
        try:
            await emsp.until(lambda: wanted <= emsp.store["cdrs"].keys(), within=PATIENCE)
        except TimeoutError:
            console.print("the eMSP does not have all of them yet")
        arrived = collections.Counter(heard.document["id"] for heard in emsp.heard if heard.module == "cdrs")
        return count, arrived, perf_counter() - ended


def main() -> bool:
    """Print the table; False when a CDR was lost."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-") as temporary:
        Path(temporary).chmod(0o755)
        count, arrived, took = asyncio.run(run(Path(temporary) / "data", console))
    lost = count.acknowledged - {cdr_id.lower() for cdr_id in arrived}
    table = Table("what", "measured", "target", title="kill -9 under load")
    table.add_row("killed", ", ".join(f"{n} × {name}" for name, n in count.killed.items()), "")
    table.add_row("CDRs acknowledged", str(len(count.acknowledged)), str(int(SECONDS * RATE)))
    table.add_row("lost", str(len(lost)), "0")
    table.add_row("arrived", str(len(arrived)), "each of them")
    table.add_row("posted to the eMSP more than once", str(sum(n > 1 for n in arrived.values())), "allowed")
    table.add_row("posted by the CPO again", ", ".join(f"{n} × {why}" for why, n in count.repeats.items()), "allowed")
    table.add_row("last arrival after the end", f"{took:.1f} s", f"≤ {PATIENCE:.0f} s")
    console.print(table)
    return not lost and len(count.acknowledged) == int(SECONDS * RATE)


if __name__ == "__main__":
    main()
