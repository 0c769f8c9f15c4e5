"""From the publishing of a change to the partner's endpoint: real PostgreSQL (fsync on), Valkey, Celery worker, HTTP.

The publisher and the partners live in this process and share the machine's cores with everything else.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

from aiohttp import web
from rich.console import Console
from rich.table import Table

from ocpi_hub.base.jobs import Bellringer, use_broker
from ocpi_hub.base.resources import open_resources
from ocpi_hub.embedded.servers import running
from tests.conftest import make_schema
from tests.delivery.hub import Hub, settings
from tests.delivery.process import worker
from tests.world.partner import Partner

STEADY = ((1, 20, 15, 0.5), (10, 20, 15, None), (10, 100, 10, None))
"""Partners, changes a second, seconds, and the p95 in seconds that must be met."""
RESYNC = 60.0


class Stopwatch:
    """When each change was published, and when each partner had it."""

    def __init__(self) -> None:
        self.published: dict[str, float] = {}
        self.took: list[float] = []
        self.seen: set[tuple[int, str]] = set()
        self.last = 0.0

    def at(self, partner: int) -> Any:
        """A partner's ear: notes the first time that it hears of a change."""

        async def hear(request: web.Request) -> None:
            change = (await request.json())["name"]
            if (partner, change) not in self.seen:
                self.seen.add((partner, change))
                self.last = perf_counter()
                self.took.append(self.last - self.published[change])

        return hear


async def changes(hub: Hub, watch: Stopwatch, *, rate: float, seconds: float, locations: int, first: int = 0) -> None:
    """Change locations in turn, so many a second, whatever the hub makes of it. `first` is the number of the first."""
    began, tasks = perf_counter(), []
    for n in range(first, first + int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + (n - first) / rate - perf_counter()))
        name = f"Station {n}"
        watch.published[name] = perf_counter()
        tasks.append(asyncio.create_task(hub.put_location(f"LOC{n % locations}", name=name)))
    await asyncio.gather(*tasks)


async def steady(database_url: str, redis_url: str, *, partners: int, rate: float, seconds: float) -> Sequence[float]:
    """Seconds from publishing to hearing, of every change that was heard (a newer state may overtake one)."""
    ringer, watch = Bellringer(), Stopwatch()
    use_broker(redis_url)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings(database_url, redis_url), ring=ringer))
        hub = Hub(resources, resources.clock, [])  # type: ignore[arg-type]
        for n in range(partners):
            partner = await stack.enter_async_context(Partner(("EMSP", "DE", f"M{n:02d}")))
            partner.misbehave(watch.at(n))
            await hub.connect(partner)
        await stack.enter_async_context(worker(database_url, redis_url, log_level="WARNING"))
        watch.published["warm"] = perf_counter()
        await hub.put_location("WARM", name="warm")
        while await hub.owed():
            await asyncio.sleep(0.05)
        watch.took.clear()
        await changes(hub, watch, rate=rate, seconds=seconds, locations=int(rate * 2))
        while await hub.owed():
            await asyncio.sleep(0.05)
        await ringer.aclose()
    return watch.took


async def resync(database_url: str, redis_url: str, *, objects: int) -> float:
    """Seconds until a partner that was away has the newest state of so many objects."""
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings(database_url, redis_url)))
        hub = Hub(resources, resources.clock, [])  # type: ignore[arg-type]
        partner = await stack.enter_async_context(Partner(("EMSP", "DE", "MSP")))
        await hub.connect(partner)
        for n in range(objects):
            await hub.put_location(f"LOC{n}")
        await stack.enter_async_context(worker(database_url, redis_url, log_level="WARNING"))
        await partner.hears("locations", count=1, within=30)
        began = perf_counter()
        await partner.hears("locations", count=objects, within=120)
        return perf_counter() - began


def main() -> bool:
    """Print the table; whether the targets were met."""
    table = Table("what", "heard", "p50 ms", "p95 ms", "max ms", "target", title="delivery, on loopback")
    met = True
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "data") as servers:
            for number, (partners, rate, seconds, target) in enumerate(STEADY):
                url = fresh(servers.database_url, f"steady{number}")
                took = asyncio.run(steady(url, servers.redis_url, partners=partners, rate=rate, seconds=seconds))
                p95 = statistics.quantiles(took, n=20)[-1]
                met = met and (target is None or p95 <= target)
                numbers = (f"{1000 * value:.0f}" for value in (statistics.median(took), p95, max(took)))
                wanted = f"p95 ≤ {1000 * target:.0f} ms" if target else "what the cores give"
                table.add_row(f"{rate} changes/s to {partners}", str(len(took)), *numbers, wanted)
            url = fresh(servers.database_url, "resync")
            seconds = asyncio.run(resync(url, servers.redis_url, objects=1000))
            met = met and seconds <= RESYNC
            table.add_row("1000 objects to one that is back", "1000", "", "", f"{1000 * seconds:.0f}", "all ≤ 60 s")
    Console().print(table)
    return met


def fresh(database_url: str, name: str) -> str:
    """A new database with every table. Gives its URL."""

    async def create() -> str:
        from sqlalchemy.engine import make_url
        from sqlalchemy.sql import text

        from ocpi_hub.base.database import open_engine

        engine = open_engine(database_url)
        async with engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text(f"CREATE DATABASE {name}"))
        await engine.dispose()
        url = make_url(database_url).set(database=name).render_as_string(hide_password=False)
        await asyncio.to_thread(make_schema, url)
        return url

    return asyncio.run(create())


if __name__ == "__main__":
    main()
