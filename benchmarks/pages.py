"""Lists: a page of 100 locations of 4 KB from 10,000 kept, against the bare SQL of it; and what depth and number cost.

The bare side is Starlette on the same server with asyncpg, that fetches the same hundred documents of a table with
jsonb and sends them to the same reader; once more of the hub's own table. Beside it asyncpg alone, in a process of
its own, that does nothing with them. The eMSP and PostgreSQL share the machine's cores with all.
"""

import asyncio
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.bare import LISTED, PAGE, serve_bare
from benchmarks.delivery import fresh
from benchmarks.filling import fill
from benchmarks.keeping import JOURNAL_DAYS, onboard, ratio
from benchmarks.routing import _free_port, _hub, _spawn, process
from ocpi_hub.embedded.servers import running

SOME, MANY = 10_000, 100_000
CONNECTIONS, SECONDS, ROUNDS = 4, 2.0, 5
OF_BARE, DEEP, KEEPS = 0.8, 2.0, 0.8


def _bare(answers: Any, asks: Any, database_url: str) -> None:
    """For each ask, say how many pages a second the SQL alone gives."""

    async def measured() -> None:
        pool = await asyncpg.create_pool(database_url, min_size=CONNECTIONS, max_size=CONNECTIONS)

        async def one(until: float) -> int:
            done = 0
            while perf_counter() < until:
                assert len(await pool.fetch(PAGE, ["nl/abc"])) == 100
                done += 1
            return done

        while asks.get():
            began = perf_counter()
            done = await asyncio.gather(*(one(began + SECONDS) for _ in range(CONNECTIONS)))
            answers.put(sum(done) / (perf_counter() - began))

    from uvicorn.loops.auto import auto_loop_factory

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(measured())


async def load(url: str, headers: dict[str, str], *, connections: int = CONNECTIONS) -> float:
    """Pages a second of this URL."""
    done = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        began = perf_counter()

        async def one() -> None:
            nonlocal done
            while perf_counter() < began + SECONDS:
                async with session.get(url, headers=headers) as answer:
                    body = await answer.read()
                    assert answer.status == 200, body
                    assert len(body) > 300_000, len(body)
                done += 1

        await asyncio.gather(*(one() for _ in range(connections)))
        return done / (perf_counter() - began)


def main() -> bool:
    """Print the table; whether the targets were met."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        servers = stack.enter_context(running(folder / "data"))
        urls, headers = {}, {}
        for name, count in (("ten", SOME), ("hundred", MANY)):
            database_url, port = fresh(servers.database_url, name), _free_port()
            stack.enter_context(process(_hub, database_url, servers.redis_url, port, JOURNAL_DAYS))
            headers[name] = asyncio.run(onboard(database_url, servers.redis_url, port, reader=True))
            asyncio.run(fill(database_url, count=count))
            urls[name] = (database_url, f"http://127.0.0.1:{port}/ocpi/2.2.1/sender/locations?limit=100")
        bare_url = f"http://127.0.0.1:{stack.enter_context(process(serve_bare, urls['ten'][0], LISTED))}/page"
        answers, asks = _spawn.Queue(), _spawn.Queue()
        bare = _spawn.Process(target=_bare, args=(answers, asks, urls["ten"][0]), daemon=True)
        bare.start()
        stack.callback(bare.terminate)
        found: dict[str, list[float]] = {
            name: [] for name in ("sql", "bare", "own", "ten", "hundred", "deep", "middle", "first")
        }
        for turn in range(ROUNDS + 1):
            asks.put(True)
            rates = {"sql": answers.get(timeout=60), "bare": asyncio.run(load(bare_url, {}))}
            rates["own"] = asyncio.run(load(f"{bare_url}_of_hub", {}))
            rates |= {name: asyncio.run(load(urls[name][1], headers[name])) for name in ("ten", "hundred")}
            for name, offset in (("first", 0), ("middle", 50_000), ("deep", 99_000)):
                url = f"{urls['hundred'][1]}&offset={offset}"
                rates[name] = asyncio.run(load(url, headers["hundred"], connections=1))
            for name, rate in rates.items():
                found[name] += [rate] if turn else []  # the first turn warms up
    return _print(found)


def _print(found: dict[str, list[float]]) -> bool:
    table = Table("what", "pages/s", "ratio", "target", title="pages of 100 locations of 4 KB, loopback")
    against = ratio(found["ten"], found["bare"])
    keeps = ratio(found["hundred"], found["ten"])
    costs = ratio(found["first"], found["deep"])

    def row(name: str, key: str, said: str = "", target: str = "") -> None:
        table.add_row(name, f"{statistics.median(found[key]):.0f}", said, target)

    row("asyncpg alone, 10,000 kept", "sql")
    row("bare side, 10,000 kept", "bare")
    row("hub, 10,000 kept", "ten", f"{against:.2f}", f"≥ {OF_BARE}")
    row("bare side on the hub's own table", "own", f"{ratio(found['own'], found['bare']):.2f}")
    row("hub, 100,000 kept", "hundred", f"{keeps:.2f}", f"≥ {KEEPS}")
    row("one after the other: the first of 100,000", "first")
    row("  at offset 50,000", "middle", f"{ratio(found['first'], found['middle']):.2f} times")
    row("  at offset 99,000", "deep", f"{costs:.2f} times", f"≤ {DEEP}")
    Console().print(table)
    return against >= OF_BARE and keeps >= KEEPS and costs <= DEEP


if __name__ == "__main__":
    main()
