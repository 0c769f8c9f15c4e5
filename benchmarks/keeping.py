"""Broadcast: a location of 4 KB is PUT to the hub, kept, and owed to an eMSP, over 32 connections to one API process.

In one run against a bare side (Starlette, pydantic, one asyncpg transaction that upserts the object and an outbox
row) and the PyPI library extrawest_ocpi, which answers the same PUT from memory. Every PUT changes something.
"""

import asyncio
import itertools
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from time import perf_counter

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.bare import serve_bare
from benchmarks.delivery import fresh
from benchmarks.filling import fill
from benchmarks.routing import JSON, _free_port, _hub, location, process
from ocpi_hub.base.resources import open_resources
from ocpi_hub.embedded.servers import running
from ocpi_hub.partners import register
from tests.world import ocpi
from tests.world.hub import settings_for
from tests.world.partner import Partner

CONNECTIONS, SECONDS, ROUNDS = 32, 3.0, 5
OF_BARE, OF_LIBRARY = 0.45, 4.0
JOURNAL_DAYS = 30  # as a hub has it by default
FEW, MANY, KEEPS = 1_000, 100_000, 0.9
MEGABYTES, SPREAD, LOAD_SECONDS = 250, 0.10, 30
PEER = Path("tests/peers/extrawest.py")
PEER_PYTHON = Path(".venv/peers/bin/python")
_numbers = itertools.count()


async def onboard(database_url: str, redis_url: str, hub_port: int, *, reader: bool = False) -> dict[str, str]:
    """Register a CPO, and an eMSP that is owed what the CPO tells. Gives the CPO's headers, or those of the reader."""
    settings = settings_for(database_url, redis_url, port=hub_port)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings))
        tokens = []
        for party in (("CPO", "NL", "ABC"), ("EMSP", "DE", "MSP")):
            partner = await stack.enter_async_context(Partner(party))
            async with resources.unit_of_work() as db:
                invited = await register.invite(db, resources, name=party[2])
            answer = await partner.register(f"{settings.api_url}/ocpi/versions", invited.credentials_token)
            assert answer.json()["status_code"] == 1000, answer.text
            tokens.append(partner.hub_token or "")
        who = "DE/MSP" if reader else "NL/ABC"
        return {"Authorization": ocpi.encode(tokens[reader]), **ocpi.routing("NL/HUB", who), **JSON}


async def load(url: str, headers: dict[str, str], *, seconds: float, objects: int = 1000) -> float:
    """PUT locations that each differ from the last, one after another on each connection. Gives PUTs a second."""
    before, _, rest = location().partition(b"Central Station")
    before, _, middle = before.partition(b"LOC1")
    done = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        began = perf_counter()

        async def one() -> None:
            nonlocal done
            while perf_counter() < began + seconds:
                number = next(_numbers)
                name = f"LOC{number % objects}"
                body = b"%bLOC%d%bStation %d%b" % (before, number % objects, middle, number, rest)
                async with session.put(f"{url}/NL/ABC/{name}", data=body, headers=headers) as answer:
                    said = await answer.read()
                    assert answer.status in (200, 201), (answer.status, said)
                    assert b'"status_code":1000' in said.replace(b" ", b""), said
                done += 1

        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
        return done / (perf_counter() - began)


@contextmanager
def library() -> Iterator[tuple[str, dict[str, str]] | None]:
    """The PyPI library as an eMSP; None where it is not installed (`make test` installs it)."""
    if not PEER_PYTHON.exists():
        yield None
        return
    port = _free_port()
    child = subprocess.Popen([PEER_PYTHON, PEER, "emsp", str(port), "DE/EXT"])
    try:
        asyncio.run(_let_in(port))
        headers = {"Authorization": ocpi.encode("bench"), **ocpi.routing("DE/EXT", "NL/ABC"), **JSON}
        yield f"http://127.0.0.1:{port}/ocpi/emsp/2.2.1/locations", headers
    finally:
        child.terminate()
        child.wait(10)


async def _let_in(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.post(f"http://127.0.0.1:{port}/lab/accept?token=bench") as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise RuntimeError("the library's platform does not start")


def rates(sides: dict[str, tuple[str, dict[str, str]]], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """PUTs a second of each side in each round; the sides take turns, so that what else runs meets them all."""
    for url, headers in sides.values():
        asyncio.run(load(url, headers, seconds=1.5))
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (url, headers) in sides.items():
            found[name].append(asyncio.run(load(url, headers, seconds=SECONDS)))
    return found


def ratio(one: list[float], other: list[float]) -> float:
    """The median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def memory(url: str, headers: dict[str, str], port: int) -> tuple[float, float, float]:
    """MB of the API process that listens on `port` under load: in the first third of it, in the last, and the most."""
    server = next(c.pid for c in psutil.net_connections() if c.status == "LISTEN" and c.laddr.port == port)
    process_, sizes = psutil.Process(server), list[float]()

    async def watched() -> None:
        loading = asyncio.create_task(load(url, headers, seconds=LOAD_SECONDS))
        while not loading.done():
            await asyncio.sleep(0.5)
            sizes.append(process_.memory_info().rss / 1e6)
        await loading

    asyncio.run(watched())
    third = len(sizes) // 3
    return statistics.mean(sizes[:third]), statistics.mean(sizes[-third:]), max(sizes)


def main() -> bool:
    """Print the table; whether the targets were met."""
    table = Table("what", "PUT/s", "ratio", "target", title=f"broadcast PUT, {len(location())} bytes, loopback")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        servers = stack.enter_context(running(folder / "data"))
        urls = {name: fresh(servers.database_url, name) for name in ("bare", "few", "many")}
        ports = {name: _free_port() for name in ("few", "many")}
        sides = {"bare": (f"http://127.0.0.1:{stack.enter_context(process(serve_bare, urls['bare']))}", JSON)}
        for name, port in ports.items():
            stack.enter_context(process(_hub, urls[name], servers.redis_url, port, JOURNAL_DAYS))
            headers = asyncio.run(onboard(urls[name], servers.redis_url, port))
            sides[name] = (f"http://127.0.0.1:{port}/ocpi/2.2.1/receiver/locations", headers)
        other = stack.enter_context(library())
        if other is not None:
            sides["library"] = other
        asyncio.run(fill(urls["few"], count=FEW))
        asyncio.run(fill(urls["many"], count=MANY))
        found = rates(sides)
        first, last, most = memory(*sides["few"], ports["few"])
    met = [_row(table, "bare side", found["bare"]), _row(table, f"hub, {FEW} kept", found["few"])]
    met.append(_row(table, "  against the bare side", None, ratio(found["few"], found["bare"]), OF_BARE))
    if other is None:
        table.add_row("extrawest_ocpi", "is not installed", "", "")
    else:
        _row(table, "extrawest_ocpi, from memory", found["library"])
        met.append(_row(table, "  hub against it", None, ratio(found["few"], found["library"]), OF_LIBRARY))
    _row(table, f"hub, {MANY} kept", found["many"])
    met.append(_row(table, f"  against {FEW} kept", None, ratio(found["many"], found["few"]), KEEPS))
    grown = last / first - 1
    limits = f"≤ {MEGABYTES} MB, ± {SPREAD:.0%}"
    table.add_row(f"API process, {LOAD_SECONDS} s of it", f"{most:.0f} MB", f"{grown:+.0%}", limits)
    Console().print(table)
    return all(met) and most <= MEGABYTES and abs(grown) <= SPREAD


def _row(table: Table, name: str, found: list[float] | None, value: float | None = None, least: float = 0) -> bool:
    rate = f"{statistics.median(found):.0f}" if found else ""
    table.add_row(name, rate, f"{value:.2f}" if value else "", f"≥ {least}" if least else "")
    return value is None or value >= least


if __name__ == "__main__":
    main()
