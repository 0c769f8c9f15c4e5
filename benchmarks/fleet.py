"""Many chargers at one bridge process: how fast they come, what each costs, and what a storm and a flood do.

The bridge is a process of its own on an embedded PostgreSQL that syncs (`benchmarks.central bridge`); it says itself
what it uses and how long its loop stood still. X29: many drop and come back at once, then all of them. X30: one says
more than anybody should.
"""

import asyncio
import base64
import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from benchmarks.bridge import CARD, beside, now
from benchmarks.central import FLEET, PASSWORD

COMING, AT_ONCE = 500, 100
STORM = min(2000, FLEET)
QUEUED = 10
"""One charger in so many has a transaction to tell when it returns."""
FLOOD, FLOODS, WINDOW = 10_000, 5, 4.0
"""Messages a second of the one that floods; how often it does; seconds that are measured with and without it."""
_ids = itertools.count(1)
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
METER = {"value": "1000", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}


class Charger:
    """A charger of 1.6 that is asked nothing and knows when it was answered."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: ClientConnection | None = None
        self._turn = asyncio.Lock()

    async def come(self, url: str) -> None:
        """Connect and boot, again and again until it is done, as chargers do."""
        for attempt in itertools.count(1):
            try:
                await self._come(url)
                return
            except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError):
                await asyncio.sleep(min(attempt, 5))

    async def _come(self, url: str) -> None:
        basic = base64.b64encode(f"BENCH-{self.number}:{PASSWORD}".encode()).decode()
        self.socket = await connect(
            f"{url}/BENCH-{self.number}",
            subprotocols=["ocpp1.6"],
            additional_headers={"Authorization": f"Basic {basic}"},
            compression=None,
            ping_interval=None,
            open_timeout=120,
            proxy=None,
        )
        await self.call("BootNotification", BOOT)

    async def call(self, action: str, payload: dict) -> float:
        """Seconds until the answer."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        await self.ask(action, payload)
        return clock() - begin

    async def ask(self, action: str, payload: dict) -> dict:
        """The answer."""
        async with self._turn:
            await self.socket.send(json.dumps([2, str(next(_ids)), action, payload]))
            frame = json.loads(await self.socket.recv())
            while frame[0] == 2:
                await self.socket.send(json.dumps([4, frame[1], "NotSupported", "", {}]))
                frame = json.loads(await self.socket.recv())
        return frame[2]

    async def charged(self) -> None:
        """Tell a transaction that began and ended while nobody heard."""
        begun = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": now()}
        number = (await self.ask("StartTransaction", begun))["transactionId"]
        await self.ask("StopTransaction", {"transactionId": number, "meterStop": 300, "timestamp": now()})

    async def say(self, turn: int) -> float:
        if turn % 2:
            return await self.call("Heartbeat", {})
        value = [{"timestamp": now(), "sampledValue": [METER]}]
        return await self.call("MeterValues", {"connectorId": 1, "meterValue": value})


class Central:
    """The bridge process, which says what it uses when it is asked."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self.pid = process.pid

    async def says(self, keep: int | None = None) -> dict:
        """Resident bytes, seconds of processor time, and the p99 of the loop's lag in seconds since it was asked last.

        `keep`: so many transactions are kept first that are over.
        """
        self._process.stdin.write("\n" if keep is None else f"{keep}\n")
        self._process.stdin.flush()
        return json.loads(await asyncio.to_thread(self._process.stdout.readline))


@asynccontextmanager
async def bridge(fleet: int = FLEET) -> AsyncIterator[tuple[str, Central]]:
    """A bridge that so many chargers may come to; its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.central", "bridge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"BENCH_FLEET": str(fleet)},
    )
    try:
        yield (await asyncio.to_thread(process.stdout.readline)).strip(), Central(process)
    finally:
        process.stdin.close()
        process.wait(60)


async def come(chargers: list[Charger], url: str, *, at_once: int) -> float:
    """Chargers that connected and booted, a second."""
    gate, clock = asyncio.Semaphore(at_once), asyncio.get_running_loop().time

    async def one(charger: Charger) -> None:
        async with gate:
            await charger.come(url)

    begin = clock()
    await asyncio.gather(*(one(charger) for charger in chargers))
    return len(chargers) / (clock() - begin)


async def go(chargers: list[Charger]) -> None:
    """As when the network fails: without a word."""
    here = [charger.socket for charger in chargers if charger.socket is not None]
    for socket in here:
        socket.transport.abort()
    for socket in here:
        await socket.wait_closed()


async def at_rate(chargers: list[Charger], rate: int, seconds: float) -> list[float]:
    """Seconds to each answer, sorted, at so many messages a second over all."""
    loop, tasks = asyncio.get_running_loop(), []
    begin = loop.time()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
        charger = chargers[number % len(chargers)]
        tasks.append(asyncio.create_task(charger.say(number // len(chargers))))
    return sorted(await asyncio.gather(*tasks))


async def flood(charger: Charger, rate: int) -> None:
    """Say the same again and again without waiting for an answer."""
    socket, frame, number = charger.socket, '[2,"f%d","Heartbeat",{}]', 0
    with suppress(ConnectionClosed):
        while True:
            for _ in range(rate // 100):
                number += 1
                await socket.send(frame % number)
            await asyncio.sleep(0.01)


async def drain(charger: Charger) -> None:
    with suppress(ConnectionClosed):
        async for _ in charger.socket:
            pass


async def flooding_alone(url: str) -> None:
    """BENCH-0 as a process of its own, so that only the bridge is shared with the others."""
    charger = Charger(0)
    await charger.come(url)
    print("here", flush=True)
    await asyncio.gather(flood(charger, FLOOD), drain(charger))


@asynccontextmanager
async def flooded(url: str) -> AsyncIterator[None]:
    """While one charger floods, that is here since a second."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fleet", url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    try:
        await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(1)
        yield
    finally:
        process.kill()
        process.wait()


def at(found: list[float], share: float) -> float:
    return found[min(len(found) - 1, int(len(found) * share))]


async def back(chargers: list[Charger], url: str, central: Central) -> tuple[float, dict]:
    """All of them drop and return at once: seconds until the last has booted, and what the bridge says then.

    One in ten charged meanwhile, and tells it as soon as it has booted.
    """
    clock = asyncio.get_running_loop().time
    before = await central.says()
    begin = clock()
    await go(chargers)
    booted = await asyncio.gather(*(_back(charger, url) for charger in chargers))
    said = await central.says()
    said["transactions"] -= before["transactions"]
    return max(booted) - begin, said


async def _back(charger: Charger, url: str) -> float:
    """When it had booted."""
    await charger.come(url)
    booted = asyncio.get_running_loop().time()
    if not charger.number % QUEUED:
        await charger.charged()
    return booted


async def noise(chargers: list[Charger], url: str) -> tuple[float, float]:
    """X30: the median of p95 with a flood beside p95 without one before and after it; and that p95, in seconds.

    The windows take turns, so that whatever else happens on the machine meets both.
    """

    async def p95() -> float:
        return at(await at_rate(chargers, 100, WINDOW), 0.95)

    calm, ratios = [await p95()], []
    for _ in range(FLOODS):
        async with flooded(url):
            loud = await p95()
        await asyncio.sleep(1)
        calm.append(await p95())
        ratios.append(loud / statistics.mean(calm[-2:]))
    return statistics.median(ratios), statistics.median(calm)


async def _measure() -> list[tuple[str, str, str, bool]]:
    def progress(what: str) -> None:
        print(f"{what} …", file=sys.stderr, flush=True)

    progress(f"{COMING} at the echo")
    async with beside("echo") as url:
        some = [Charger(number) for number in range(COMING)]
        echo = await come(some, url, at_once=AT_ONCE)
        await go(some)
    async with bridge() as (url, central):
        before = (await central.says())["rss"]
        fleet = [Charger(number) for number in range(FLEET)]
        progress(f"{FLEET:,} at the bridge")
        coming = await come(fleet[:COMING], url, at_once=AT_ONCE)
        await come(fleet[COMING:], url, at_once=AT_ONCE)
        await asyncio.sleep(3)
        each = ((await central.says())["rss"] - before) / FLEET / 1024
        progress("500 messages a second")
        p99 = at(await at_rate(fleet, 500, 8.0), 0.99)
        progress(f"{STORM:,} drop and return")
        storm, then = await back(fleet[:STORM], url, central)
        progress(f"{storm:.1f} s; {then}")
        await asyncio.sleep(5)
        progress(f"all {FLEET:,} drop and return")
        whole, at_last = await back(fleet, url, central)
        progress(f"{whole:.1f} s; {at_last}")
        await asyncio.sleep(5)
        progress("one floods")
        await go(fleet[:1])
        ratio, calm = await noise(fleet[1:101], url)
        pause = (await central.says())["collected"]
        await go(fleet)
    told = then["transactions"], at_last["transactions"]
    return [
        ("connect and boot, beside the echo", f"{coming / echo:.2f}", "≥ 0.3", coming / echo >= 0.3),
        ("resident for each charger", f"{each:.0f} KiB", "≤ 45 KiB", each <= 45),
        (f"p99 of answers, {FLEET:,} connected, 500/s", f"{p99 * 1000:.0f} ms", "≤ 250 ms", p99 <= 0.25),
        (f"X29: {STORM:,} of them drop and return at once, all booted after", f"{storm:.0f} s", "≤ 60 s", storm <= 60),
        ("X29: the loop's lag meanwhile, p99", f"{then['lag'] * 1000:.0f} ms", "≤ 250 ms", then["lag"] <= 0.25),
        ("X29: transactions that waited in them, kept", *_of(told[0], STORM)),
        (f"all {FLEET:,} drop and return at once, all booted after", f"{whole:.0f} s", "≤ 60 s", whole <= 60),
        ("the loop's lag meanwhile, p99", f"{at_last['lag'] * 1000:.0f} ms", "≤ 250 ms", at_last["lag"] <= 0.25),
        ("transactions that waited in them, kept", *_of(told[1], FLEET)),
        (f"X30: p95 of others while one floods (without: {calm * 1000:.1f} ms)", f"{ratio:.2f} ×", "≤ 2 ×", ratio <= 2),
        ("longest garbage collection meanwhile", f"{pause * 1000:.0f} ms", "", True),
    ]


def _of(kept: int, chargers: int) -> tuple[str, str, bool]:
    waited = -(-chargers // QUEUED)
    return str(kept), str(waited), kept == waited


def main() -> bool:
    """Print the table; False when a target was missed."""
    found = asyncio.run(_measure())
    table = Table("what", "measured", "target", title=f"{FLEET:,} chargers at one bridge process")
    for what, measured, target, good in found:
        table.add_row(what, measured if good else f"[red]{measured}[/red]", target)
    Console().print(table)
    return all(good for *_, good in found)


if __name__ == "__main__":
    asyncio.run(flooding_alone(sys.argv[1])) if len(sys.argv) > 1 else main()
