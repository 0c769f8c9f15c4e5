"""How long delivery takes when something is broken: the broker wiped or away, a worker killed, a partner that hangs.

X2, X3, X4 and X6 of docs/performance.md. That nothing is lost is a test's business (tests/delivery); here it is
counted, too. Everything is real: PostgreSQL that syncs, Valkey, a Celery worker, partners over HTTP on loopback.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import kombu.pools
import psutil
import redis.asyncio
from aiohttp import web
from rich.console import Console
from rich.table import Table

from benchmarks.delivery import Stopwatch, changes, fresh
from ocpi_hub.base.jobs import Bellringer, use_broker
from ocpi_hub.base.resources import open_resources
from ocpi_hub.embedded.servers import Urls, running
from tests.delivery.hub import Hub, settings
from tests.delivery.process import worker
from tests.world.partner import Partner

NO_BROKER = "redis://127.0.0.1:1/0"
RATE, SECONDS = 20, 10
"""Changes a second, each of a location of its own."""
RESUMES, LEASE, GRACE = 5.0, 60.0, 5.0
OTHERS, HANGS, ROUNDS, WINDOW, UNCHANGED = 49, 25.0, 3, 12, 1.10


@dataclass
class World:
    """A hub's API side, partners, and when each of them heard of each change."""

    hub: Hub
    watch: Stopwatch
    partners: list[Partner]
    published: int = 0

    async def change(self, *, rate: float, seconds: float) -> None:
        """Each is of a location of its own."""
        first, self.published = self.published, self.published + int(rate * seconds)
        await changes(self.hub, self.watch, rate=rate, seconds=seconds, locations=self.published, first=first)

    async def told(self, *, within: float = 120) -> None:
        """Wait until nothing is owed."""
        async with asyncio.timeout(within):
            while await self.hub.owed():
                await asyncio.sleep(0.05)

    def took(self, share: float) -> float:
        """The seconds in which this share of what was published had been heard."""
        return sorted(self.watch.took)[min(len(self.watch.took) - 1, int(len(self.watch.took) * share))]


@asynccontextmanager
async def world(database_url: str, broker: str, partners: int = 1) -> AsyncIterator[World]:
    ringer, watch = Bellringer(), Stopwatch()
    use_broker(broker)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings(database_url, broker), ring=ringer))
        hub, there = Hub(resources, resources.clock, []), list[Partner]()  # type: ignore[arg-type]
        for number in range(partners):
            partner = await stack.enter_async_context(Partner(("EMSP", "DE", f"M{number:02d}")))
            partner.misbehave(watch.at(number), module="locations")
            await hub.connect(partner)
            there.append(partner)
        yield World(hub, watch, there)
        await ringer.aclose()
    kombu.pools.reset()


async def wiped(database_url: str, redis_url: str) -> tuple[float, int]:
    """X2: the longest that a change took while the broker forgot everything each second; and how many were lost."""
    async with world(database_url, redis_url) as here, worker(database_url, redis_url, log_level="ERROR"):
        changing = asyncio.create_task(here.change(rate=RATE, seconds=SECONDS))
        async with redis.asyncio.from_url(redis_url) as client:
            while not changing.done():
                await asyncio.sleep(1)
                await client.flushall()
        await changing
        await here.told()
        return here.took(1.0), RATE * SECONDS - len(here.watch.took)


async def without_a_broker(database_url: str) -> tuple[float, int]:
    """X3: p95 of what changes took with no broker anywhere, by the sweep; and how many were lost."""
    async with (
        world(database_url, NO_BROKER) as here,
        worker(database_url, NO_BROKER, ready="worker.leads", log_level="INFO"),
    ):
        await here.change(rate=RATE, seconds=SECONDS)
        await here.told()
        return here.took(0.95), RATE * SECONDS - len(here.watch.took)


async def killed(database_url: str, redis_url: str) -> tuple[float, int]:
    """X4: from the kill -9 of a worker that holds leases to the last change heard; and how many were lost."""
    async with world(database_url, redis_url) as here:
        hear = here.watch.at(0)

        async def slowly(request: web.Request) -> None:
            await hear(request)
            await asyncio.sleep(0.5)

        here.partners[0].misbehave(slowly, module="locations")
        await here.change(rate=RATE, seconds=5)
        async with worker(database_url, redis_url, log_level="ERROR", lease=LEASE) as first:
            await here.partners[0].hears("locations", count=10, within=60)
            children = first.children()
            first.kill()
            await asyncio.to_thread(psutil.wait_procs, children, timeout=10)
            began = perf_counter()
        async with worker(database_url, redis_url, log_level="ERROR", lease=LEASE):
            await here.told(within=2 * LEASE)
        return perf_counter() - began, RATE * 5 - len(here.watch.took)


async def hanging(database_url: str, redis_url: str) -> tuple[float, float]:
    """X6: p95 at 49 partners while the fiftieth answers after 25 s, beside p95 while it answers at once; and that."""
    found: dict[bool, list[float]] = {False: [], True: []}
    async with (
        world(database_url, redis_url, OTHERS + 1) as here,
        worker(database_url, redis_url, log_level="ERROR", partner_timeout=HANGS + 5),
    ):
        last = here.partners[-1]

        async def slowly(_: web.Request) -> None:
            if hangs:
                await asyncio.sleep(HANGS)

        hangs = False
        last.misbehave(slowly, module="locations")
        await here.change(rate=1, seconds=4)  # warms up
        for turn in range(2 * ROUNDS):
            hangs = bool(turn % 2)
            here.watch.took.clear()
            here.watch.seen.clear()
            await here.change(rate=1, seconds=WINDOW)
            await others(here, OTHERS * WINDOW)
            found[hangs].append(statistics.quantiles(here.watch.took, n=20)[-1])
    ratio = statistics.median(loud / calm for loud, calm in zip(found[True], found[False], strict=True))
    return ratio, statistics.median(found[False])


async def others(here: World, count: int) -> None:
    """Wait until the others have heard so much."""
    async with asyncio.timeout(60):
        while sum(number < OTHERS for number, _ in here.watch.seen) < count:
            await asyncio.sleep(0.05)


def measure(servers: Urls) -> list[tuple[str, str, str, bool]]:
    def begin(name: str) -> str:
        print(f"{name} …", file=sys.stderr, flush=True)
        return fresh(servers.database_url, name)

    longest, lost2 = asyncio.run(wiped(begin("x2"), servers.redis_url))
    p95, lost3 = asyncio.run(without_a_broker(begin("x3")))
    again, lost4 = asyncio.run(killed(begin("x4"), servers.redis_url))
    ratio, calm = asyncio.run(hanging(begin("x6"), servers.redis_url))
    return [
        (
            "X2: the longest delivery while the broker is wiped each second",
            f"{longest:.1f} s, {lost2} lost",
            f"≤ {RESUMES:.0f} s, 0 lost",
            longest <= RESUMES and not lost2,
        ),
        (
            "X3: p95 with no broker at all",
            f"{p95:.1f} s, {lost3} lost",
            f"≤ {RESUMES:.0f} s, 0 lost",
            p95 <= RESUMES and not lost3,
        ),
        (
            "X4: kill -9 of a worker with leases, until all is delivered",
            f"{again:.0f} s, {lost4} lost",
            f"≤ {LEASE + GRACE:.0f} s, 0 lost",
            again <= LEASE + GRACE and not lost4,
        ),
        (
            f"X6: p95 at {OTHERS} while one answers after {HANGS:.0f} s (otherwise {1000 * calm:.0f} ms)",
            f"{ratio:.2f} ×",
            f"≤ {UNCHANGED} ×",
            ratio <= UNCHANGED,
        ),
    ]


def main() -> bool:
    """Print the table; False when a target was missed."""
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "data") as servers:
            found = measure(servers)
    table = Table("what", "measured", "target", title="delivery when something is broken, on loopback")
    for what, measured, target, good in found:
        table.add_row(what, measured if good else f"[red]{measured}[/red]", target)
    Console().print(table)
    return all(good for *_, good in found)


if __name__ == "__main__":
    main()
