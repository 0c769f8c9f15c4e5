"""What processes hold after ten minutes of work: an API process, a worker, and a bridge whose chargers come and go.

At the API 150 requests a second: locations told and owed to an eMSP, pages of 100, and objects passed on to a partner.
At the bridge 200 chargers: each returns, charges, and drops without a word. BENCH_MEMORY_SECONDS sets the length (600).
The rates are bounded, so that other work on the machine changes little. Not among those that `make bench` runs.
"""

import asyncio
import itertools
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table
from websockets.exceptions import ConnectionClosed

from benchmarks.bridge import CARD, now
from benchmarks.delivery import fresh
from benchmarks.filling import fill
from benchmarks.fleet import METER, Charger, bridge, come, go
from benchmarks.routing import JSON, _free_port, _hub, _partner, location, process, registered
from ocpi_hub.embedded.servers import Urls, running
from tests.delivery.process import worker
from tests.world import ocpi
from tests.world.hub import SECRET

ALONE = True
SECONDS = float(os.environ.get("BENCH_MEMORY_SECONDS", "600"))
WARM = 0.1
"""The share of the time after which it is looked at what grows."""
RATE, CHARGERS, KEPT = 150, 200, 10_000
CHARGE = 20.0
"""Seconds that a charger takes to come, charge and go."""
MEGABYTES, SPREAD = 250, 0.10


@dataclass
class Watched:
    """A process, and what it held each second, in MB. `limit`: what it may hold."""

    name: str
    size: Callable[[], float]
    limit: float | None = None
    sizes: list[float] = field(default_factory=list)

    def row(self) -> tuple[tuple[str, ...], bool]:
        warm = self.sizes[int(len(self.sizes) * WARM) :]
        third = max(1, len(warm) // 3)
        first, last, most = statistics.mean(warm[:third]), statistics.mean(warm[-third:]), max(self.sizes)
        good = abs(last / first - 1) <= SPREAD and (self.limit is None or most <= self.limit)
        target = f"± {SPREAD:.0%}" + (f", ≤ {self.limit:.0f} MB" if self.limit is not None else "")
        numbers = (f"{first:.0f} MB", f"{last:.0f} MB", f"{last / first - 1:+.1%}", f"{most:.0f} MB", target)
        return (self.name, *numbers), good


def held(pid: int) -> Callable[[], float]:
    one = psutil.Process(pid)
    return lambda: one.memory_info().rss / 1e6


async def ask(session: aiohttp.ClientSession, number: int, base: str, heads: list[dict[str, str]]) -> None:
    """One request: six of ten tell the hub a location, three pass one on to the eMSP, one reads a page."""
    cpo, emsp = heads
    turn = number % 10
    ids = {"X-Request-ID": f"m-{number}", "X-Correlation-ID": f"m-{number}"}
    receiver, name = f"{base}/receiver/locations/NL/ABC", f"LOC{random.randrange(KEPT)}"
    body = location().replace(b"LOC1", name.encode()).replace(b"Central Station", b"Station %d" % number)
    if turn == 9:
        url = f"{base}/sender/locations?limit=100&offset={random.randrange(KEPT - 100)}"
        asked = session.get(url, headers=emsp | ids | ocpi.routing("NL/HUB", "DE/MSP"))
    elif turn % 3:
        asked = session.put(f"{receiver}/{name}", data=body, headers=cpo | ids | ocpi.routing("NL/HUB", "NL/ABC"))
    else:
        asked = session.put(f"{receiver}/{name}", data=body, headers=cpo | ids | ocpi.routing("DE/MSP", "NL/ABC"))
    async with asked as answer:
        said = await answer.read()
        assert answer.status in (200, 201), (answer.status, said[:200])


async def load(base: str, heads: list[dict[str, str]], until: float) -> int:
    """RATE requests a second; how many were answered. A slow machine gets fewer, never a heap of them."""
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(64)
    begin, done = loop.time(), 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:

        async def one(number: int) -> None:
            nonlocal done
            try:
                await ask(session, number, base, heads)
                done += 1
            finally:
                room.release()

        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                if loop.time() >= until:
                    break
                await asyncio.sleep(max(0.0, begin + number / RATE - loop.time()))
                await room.acquire()
                tasks.create_task(one(number))
    return done


async def charge(charger: Charger, url: str, until: float) -> int:
    """Come, charge, drop, again and again; how often."""
    clock, pause = asyncio.get_running_loop().time, CHARGE / 6
    await asyncio.sleep(random.random() * CHARGE)
    for count in itertools.count():
        if clock() >= until:
            return count
        with suppress(ConnectionClosed):
            await charger.come(url)
            begun = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": now()}
            number = (await charger.ask("StartTransaction", begun))["transactionId"]
            for wh in (100, 200, 300):
                await asyncio.sleep(pause)
                value = [{"timestamp": now(), "sampledValue": [METER | {"value": str(wh)}]}]
                await charger.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": value})
            await asyncio.sleep(pause)
            await charger.ask("StopTransaction", {"transactionId": number, "meterStop": 300, "timestamp": now()})
        await go([charger])
        await asyncio.sleep(pause)
    raise AssertionError("unreachable")


async def watch(watched: list[Watched], until: float) -> None:
    clock = asyncio.get_running_loop().time
    for second in itertools.count():
        if clock() >= until:
            return
        for one in watched:
            one.sizes.append(one.size())
        if second % 30 == 0:
            held_now = ", ".join(f"{one.name} {one.sizes[-1]:.0f} MB" for one in watched)
            print(f"{until - clock():.0f} s left: {held_now}", file=sys.stderr, flush=True)
        await asyncio.sleep(1)


async def measure(servers: Urls, database_url: str, port: int, partner: int) -> tuple[list[Watched], dict[str, Any]]:
    async with AsyncExitStack() as stack:
        tokens = await registered(stack, database_url, servers.redis_url, port, partner)
        heads = [{"Authorization": ocpi.encode(token), **JSON} for token in tokens]
        working = await stack.enter_async_context(
            worker(database_url, servers.redis_url, log_level="ERROR", secret_key=SECRET)
        )
        url, central = await stack.enter_async_context(bridge(fleet=CHARGERS))
        server = next(c.pid for c in psutil.net_connections() if c.status == "LISTEN" and c.laddr.port == port)

        def most() -> float:
            sizes = [0]
            for child in working.children():
                with suppress(psutil.NoSuchProcess):
                    sizes.append(child.memory_info().rss)
            return max(sizes) / 1e6

        watched = [
            Watched("API process", held(server), MEGABYTES),
            Watched("worker, the biggest of its processes", most),
            Watched("bridge process", held(central.pid)),
        ]
        chargers = [Charger(number) for number in range(CHARGERS)]
        await come(chargers, url, at_once=CHARGERS)
        until = asyncio.get_running_loop().time() + SECONDS
        asked, charges, _ = await asyncio.gather(
            load(f"http://127.0.0.1:{port}/ocpi/2.2.1", heads, until),
            asyncio.gather(*(charge(charger, url, until) for charger in chargers)),
            watch(watched, until),
        )
        await go(chargers)
        return watched, {"asked": asked, "charges": sum(charges)}


def main() -> bool:
    """Print the table; False when a target was missed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        servers = stack.enter_context(running(folder / "data"))
        database_url, port = fresh(servers.database_url, "memory"), _free_port()
        partner = stack.enter_context(process(_partner))
        stack.enter_context(process(_hub, database_url, servers.redis_url, port, 30))
        asyncio.run(fill(database_url, count=KEPT))
        watched, did = asyncio.run(measure(servers, database_url, port, partner))
    title = f"{SECONDS:.0f} s: {did['asked']:,} requests, {did['charges']:,} charges of {CHARGERS} that come and go"
    table = Table("process", "first third", "last third", "growth", "most", "target", title=title)
    rows = [one.row() for one in watched]
    for row, _ in rows:
        table.add_row(*row)
    Console().print(table)
    return all(good for _, good in rows)


if __name__ == "__main__":
    main()
