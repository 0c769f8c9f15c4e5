"""Direct routing against a bare aiohttp reverse proxy in front of the same partner, in one run.

Five processes on loopback: the partner, the proxy, one API process of the hub, and the load (this one). The proxy
passes bytes on and knows nothing; the hub authenticates, checks whose object it is, and changes ids and headers. A
second hub, without a journal, says what the journal costs.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

from benchmarks.delivery import fresh
from ocpi_hub.app import run_api
from ocpi_hub.base.resources import open_resources
from ocpi_hub.embedded.servers import running
from ocpi_hub.partners import register
from tests.world import objects, ocpi
from tests.world.hub import settings_for
from tests.world.partner import Partner

CONNECTIONS, SECONDS, ROUNDS = 32, 3.0, 4
RATIO, ADDED = 0.4, 0.0015
PATH = "NL/ABC/LOC1"
ANSWER = b'{"status_code":1000,"timestamp":"2026-03-01T10:00:00Z"}'
JSON = {"Content-Type": "application/json"}
_spawn = multiprocessing.get_context("spawn")


def location() -> bytes:
    """A location of about 4 KB."""
    evses = [objects.evse(f"EVSE{n}", connectors=[objects.connector("1"), objects.connector("2")]) for n in range(8)]
    return json.dumps(objects.location("LOC1", owner=("NL", "ABC"), evses=evses)).encode()


def _partner(port: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, headers=JSON)

    _serve(answer, port)


def _proxy(port: Any, target: str) -> None:
    async def pass_on(request: web.Request) -> web.Response:
        session = request.app["session"]
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        body = await request.read()
        async with session.request(request.method, target + request.path_qs, data=body, headers=headers) as answer:
            kept = {"Content-Type": answer.headers["Content-Type"]}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def opened(app: web.Application) -> None:
        app["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    _serve(pass_on, port, opened)


def _serve(handler: Any, port: Any, opened: Any = None) -> None:
    async def run() -> None:
        app = web.Application(client_max_size=1 << 26)
        if opened is not None:
            app.on_startup.append(opened)
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    from uvicorn.loops.auto import auto_loop_factory

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner_:
        runner_.run(run())


def _hub(port: Any, database_url: str, redis_url: str, number: int, journal_days: int) -> None:
    """An API process. What it logs costs what it costs, and goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    settings = settings_for(database_url, redis_url, port=number, log_level="INFO", journal_days=journal_days)
    run_api(settings, lambda: port.put(number))


@contextmanager
def process(target: Callable[..., None], *args: Any) -> Iterator[int]:
    """Run a server as a process of its own; gives its port."""
    port = _spawn.Queue()
    child = _spawn.Process(target=target, args=(port, *args), daemon=True)
    child.start()
    try:
        yield port.get(timeout=30)
    finally:
        child.terminate()
        child.join(10)


async def onboard(database_url: str, redis_url: str, hub_port: int, partner_port: int) -> dict[str, str]:
    """Register a CPO and an eMSP whose locations live at the bare partner. Gives the CPO's headers."""
    async with AsyncExitStack() as stack:
        token, _ = await registered(stack, database_url, redis_url, hub_port, partner_port)
        return {"Authorization": ocpi.encode(token), **ocpi.routing("DE/MSP", "NL/ABC"), **JSON}


async def registered(
    stack: AsyncExitStack, database_url: str, redis_url: str, hub_port: int, partner_port: int
) -> tuple[str, str]:
    """What the CPO and the eMSP present to the hub; both answer it as long as the stack is open."""
    settings = settings_for(database_url, redis_url, port=hub_port)
    resources = await stack.enter_async_context(open_resources(settings))
    partners = []
    for party in (("CPO", "NL", "ABC"), ("EMSP", "DE", "MSP")):
        partner = await stack.enter_async_context(Partner(party))
        if party[0] == "EMSP":
            for endpoint in partner.endpoints:
                if endpoint["identifier"] != "credentials":
                    endpoint["url"] = f"http://127.0.0.1:{partner_port}/{endpoint['identifier']}"
        async with resources.unit_of_work() as db:
            invited = await register.invite(db, resources, name=party[2])
        answer = await partner.register(f"{settings.api_url}/ocpi/versions", invited.credentials_token)
        assert answer.json()["status_code"] == 1000, answer.text
        partners.append(partner)
    cpo, emsp = partners
    return cpo.hub_token or "", emsp.hub_token or ""


async def load(url: str, headers: dict[str, str], *, connections: int, seconds: float) -> list[float]:
    """PUT the location over so many connections. Gives the seconds that each took."""
    body, took = location(), list[float]()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        until = perf_counter() + seconds

        async def one(number: int) -> None:
            for turn in range(10**9):
                began = perf_counter()
                if began > until:
                    return
                ids = {"X-Request-ID": f"{number}-{turn}", "X-Correlation-ID": f"{number}-{turn}"}
                async with session.put(url, data=body, headers=headers | ids) as answer:
                    said = await answer.read()
                    assert (answer.status, said) == (200, ANSWER), said
                took.append(perf_counter() - began)

        await asyncio.gather(*(one(number) for number in range(connections)))
    return took


async def measure(urls: dict[str, str], headers: dict[str, str]) -> dict[str, dict[str, float]]:
    """Requests a second at 32 connections, and the median seconds at one, of each side; the sides take turns."""
    found: dict[str, dict[str, list[float]]] = {name: {"rate": [], "p50": []} for name in urls}
    for url in urls.values():
        await load(url, headers, connections=CONNECTIONS, seconds=1)
    for _ in range(ROUNDS):
        for name, url in urls.items():
            many = await load(url, headers, connections=CONNECTIONS, seconds=SECONDS)
            found[name]["rate"].append(len(many) / SECONDS)
            alone = await load(url, headers, connections=1, seconds=SECONDS / 2)
            found[name]["p50"].append(statistics.median(alone))
    return {name: {key: statistics.median(values) for key, values in one.items()} for name, one in found.items()}


def main() -> bool:
    """Print the table; whether the targets were met."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ocpi-hub-bench-")))
        folder.chmod(0o755)
        servers = stack.enter_context(running(folder / "data"))
        database_url = fresh(servers.database_url, "routing")
        partner = stack.enter_context(process(_partner))
        proxy = stack.enter_context(process(_proxy, f"http://127.0.0.1:{partner}"))
        hub = stack.enter_context(process(_hub, database_url, servers.redis_url, _free_port(), 30))
        silent = stack.enter_context(process(_hub, database_url, servers.redis_url, _free_port(), 0))
        headers = asyncio.run(onboard(database_url, servers.redis_url, hub, partner))
        urls = {
            "partner alone": f"http://127.0.0.1:{partner}/locations/{PATH}",
            "bare proxy": f"http://127.0.0.1:{proxy}/locations/{PATH}",
            "hub": f"http://127.0.0.1:{hub}/ocpi/2.2.1/receiver/locations/{PATH}",
            "hub without a journal": f"http://127.0.0.1:{silent}/ocpi/2.2.1/receiver/locations/{PATH}",
        }
        found = asyncio.run(measure(urls, headers))
    table = Table("through", "PUT/s at 32", "p50 ms at 1", title=f"direct routing, {len(location())} bytes, loopback")
    for name, one in found.items():
        table.add_row(name, f"{one['rate']:.0f}", f"{1000 * one['p50']:.2f}")
    ratio = found["hub"]["rate"] / found["bare proxy"]["rate"]
    added = found["hub"]["p50"] - found["bare proxy"]["p50"]
    table.add_row("hub against proxy", f"{ratio:.2f} (≥ {RATIO})", f"+{1000 * added:.2f} (≤ {1000 * ADDED:.1f})")
    journal = found["hub"]["rate"] / found["hub without a journal"]["rate"]
    table.add_row("hub against hub without a journal", f"{journal:.2f}", "")
    Console().print(table)
    return ratio >= RATIO and added <= ADDED


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
