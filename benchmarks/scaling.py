"""What a message costs when few and when many chargers are connected, and when few and many transactions are kept.

The same 32 chargers charge all the time (start, three meter values, stop), each waiting for its answer. What counts is
their rate beside that at an empty bridge of the same run: near 1 where nothing looks at what it need not.
"""

import asyncio
import itertools

from rich.console import Console
from rich.table import Table

from benchmarks.bridge import now
from benchmarks.central import FLEET
from benchmarks.fleet import METER, Central, Charger, bridge, come, go

CHARGING, SECONDS, KEPT = 32, 5.0, 100_000


async def _charge(charger: Charger, until: float) -> int:
    """Messages that were answered."""
    clock = asyncio.get_running_loop().time
    for count in itertools.count(0):
        if clock() >= until:
            return count * 5
        card = {"idTag": "04A1B2C3D4E5F6"}
        begun = await charger.ask("StartTransaction", {"connectorId": 1, "meterStart": 0, "timestamp": now()} | card)
        number = begun["transactionId"]
        for wh in (100, 200, 300):
            value = [{"timestamp": now(), "sampledValue": [METER | {"value": str(wh)}]}]
            await charger.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": value})
        await charger.ask("StopTransaction", {"transactionId": number, "meterStop": 300, "timestamp": now()})
    raise AssertionError("unreachable")


async def _rate(chargers: list[Charger], central: Central) -> tuple[float, float]:
    """Messages a second, and milliseconds of the bridge's processor time for each."""
    loop = asyncio.get_running_loop()
    before, begin = (await central.says())["cpu"], loop.time()
    said = sum(await asyncio.gather(*(_charge(charger, begin + SECONDS) for charger in chargers)))
    seconds, used = loop.time() - begin, (await central.says())["cpu"] - before
    return said / seconds, used / said * 1000


async def _measure() -> list[tuple[str, float, float]]:
    async with bridge() as (url, central):
        fleet = [Charger(number) for number in range(FLEET)]
        charging = fleet[:CHARGING]
        await come(charging, url, at_once=CHARGING)
        await _rate(charging, central)  # warm
        found = [(f"{CHARGING} connected, nothing kept", *await _rate(charging, central))]
        await central.says(keep=KEPT)
        found.append((f"{CHARGING} connected, {KEPT:,} transactions kept", *await _rate(charging, central)))
        await come(fleet[CHARGING:], url, at_once=100)
        await asyncio.sleep(3)
        found.append((f"{FLEET} connected, {KEPT:,} transactions kept", *await _rate(charging, central)))
        await go(fleet)
    return found


def main() -> bool:
    """Print the table; False when a target was missed."""
    found = asyncio.run(_measure())
    table = Table("with", "messages/s", "ms of processor time each", "beside the first (target ≥ 0.8)")
    for what, rate, cost in found:
        table.add_row(what, f"{rate:.0f}", f"{cost:.2f}", f"{rate / found[0][1]:.2f}")
    Console().print(table)
    return all(rate >= 0.8 * found[0][1] for _, rate, _ in found)


if __name__ == "__main__":
    main()
