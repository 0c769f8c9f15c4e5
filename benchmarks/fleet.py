"""Many chargers at one bridge process: how fast they come, what each costs, and what a storm and a flood do.

The bridge is a process of its own on an embedded PostgreSQL that syncs (`benchmarks.central bridge`); it says itself
what it uses and how long its loop stood still. X29: all drop and come back at once. X30: one says more than anybody
should.
"""

import asyncio
import base64
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from benchmarks.bridge import beside, now
from benchmarks.central import FLEET, PASSWORD

COMING, AT_ONCE = 500, 100
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

    async def say(self, turn: int) -> float:
        if turn % 2:
            return await self.call("Heartbeat", {})
        value = [{"timestamp": now(), "sampledValue": [METER]}]
        return await self.call("MeterValues", {"connectorId": 1, "meterValue": value})


class Central:
    """The bridge process, which says what it uses when it is asked."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    async def says(self, keep: int | None = None) -> dict:
        """Resident bytes, seconds of processor time, and the p99 of the loop's lag in seconds since it was asked last.

        `keep`: so many transactions are kept first that are over.
        """
        self._process.stdin.write("\n" if keep is None else f"{keep}\n")
        self._process.stdin.flush()
        return json.loads(await asyncio.to_thread(self._process.stdout.readline))


@asynccontextmanager
async def bridge() -> AsyncIterator[tuple[str, Central]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.central", "bridge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
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
    for charger in chargers:
        if charger.socket is not None:
            charger.socket.transport.abort()
            with suppress(ConnectionClosed):
                await charger.socket.wait_closed()


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
    await asyncio.gather(flood(charger, 10_000), drain(charger))


def at(found: list[float], share: float) -> float:
    return found[min(len(found) - 1, int(len(found) * share))]


async def _measure() -> list[tuple[str, str, str, bool]]:
    async with beside("echo") as url:
        some = [Charger(number) for number in range(COMING)]
        echo = await come(some, url, at_once=AT_ONCE)
        await go(some)
    async with bridge() as (url, central):
        before = (await central.says())["rss"]
        fleet = [Charger(number) for number in range(FLEET)]
        coming = await come(fleet[:COMING], url, at_once=AT_ONCE)
        await come(fleet[COMING:], url, at_once=AT_ONCE)
        await asyncio.sleep(3)
        each = ((await central.says())["rss"] - before) / FLEET / 1024
        p99 = at(await at_rate(fleet, 500, 8.0), 0.99)
        await go(fleet)
        await central.says()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await come(fleet, url, at_once=FLEET)
        storm, lag = loop.time() - begin, (await central.says())["lag"]
        calm = at(await at_rate(fleet[1:101], 100, 5.0), 0.95)
        await go(fleet[:1])
        flooding = subprocess.Popen([sys.executable, "-m", "benchmarks.fleet", url], cwd=Path(__file__).parent.parent)
        await asyncio.sleep(3)
        loud = at(await at_rate(fleet[1:101], 100, 5.0), 0.95)
        flooding.kill()
        flooding.wait()
        await go(fleet)
    return [
        ("connect and boot, beside the echo", f"{coming / echo:.2f}", "≥ 0.3", coming / echo >= 0.3),
        ("resident for each charger", f"{each:.0f} KiB", "≤ 45 KiB", each <= 45),
        (f"p99 of answers, {FLEET} connected, 500/s", f"{p99 * 1000:.0f} ms", "≤ 250 ms", p99 <= 0.25),
        (f"X29: {FLEET} at once, all booted after", f"{storm:.0f} s", "≤ 60 s", storm <= 60),
        ("X29: the loop's lag meanwhile, p99", f"{lag * 1000:.0f} ms", "≤ 250 ms", lag <= 0.25),
        ("X30: p95 of others while one floods", f"{loud / calm:.2f} ×", "≤ 2 ×", loud <= 2 * calm),
    ]


def main() -> bool:
    """Print the table; False when a target was missed."""
    found = asyncio.run(_measure())
    table = Table("what", "measured", "target", title=f"{FLEET} chargers at one bridge process")
    for what, measured, target, good in found:
        table.add_row(what, measured if good else f"[red]{measured}[/red]", target)
    Console().print(table)
    return all(good for *_, good in found)


if __name__ == "__main__":
    asyncio.run(flooding_alone(sys.argv[1])) if len(sys.argv) > 1 else main()
