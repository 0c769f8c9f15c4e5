"""X32: a bridge that is killed right after it answered a start has the transaction, and so has the business side."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.bridge.chargers import raw, stamp
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import event, start

REPEATS = int(os.environ.get("OCPI_HUB_TEST_CRASHES", "3"))
"""The figure asks for 20: OCPI_HUB_TEST_CRASHES=20 pytest tests/bridge/test_crash.py"""


@asynccontextmanager
async def doomed(database_url: str, redis_url: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A bridge in a process of its own: its URL, and the process to kill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bridge.doomed",
        database_url,
        redis_url,
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        while not (line := (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()).startswith(
            "ws://"
        ):
            assert process.returncode is None
        yield line, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_x32_the_transaction_is_there_however_soon_the_bridge_dies(
    place: Place, database_url: str, redis_url: str
) -> None:
    await place.register("CP1")
    await place.register("CP2")
    for repeat in range(1, REPEATS + 1):
        async with (
            doomed(database_url, redis_url) as (url, process),
            raw(url, "CP1") as one,
            raw(url, "CP2", "ocpp2.0.1") as two,
        ):
            told = event("Started", 0, datetime.now(UTC), evse={"id": 1}, info={"transactionId": f"TX-{repeat}"})
            assert await two.call("TransactionEvent", told) == {}
            answer = await one.call("StartTransaction", start(timestamp=stamp(datetime.now(UTC))))
            process.kill()
        numbers = {transaction.ocpp_id for transaction in await place.transactions()}
        assert {str(answer["transactionId"]), f"TX-{repeat}"} <= numbers
        assert len(numbers) == 2 * repeat
        assert await place.heard("TransactionStarted") == 2 * repeat
