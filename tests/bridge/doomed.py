"""A bridge in a process of its own, to be killed: `python -m tests.bridge.doomed DATABASE_URL REDIS_URL`."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import redis.asyncio

from bridge_ocpp.bridge import Bridge
from bridge_ocpp.config import BridgeConfig
from ocpi_hub.base.database import open_engine, session_maker, unit_of_work
from tests.bridge.conftest import PEPPER, BusinessSide


async def main(database_url: str, redis_url: str) -> None:
    sessions = session_maker(open_engine(database_url))

    async def ring(_bells: list[Any]) -> None:
        return None

    bridge = Bridge(
        BridgeConfig(host="127.0.0.1", port=0, secret=PEPPER),
        unit_of_work=lambda: unit_of_work(sessions, ring),
        redis=redis.asyncio.from_url(redis_url),
        hub=BusinessSide(),
        now=lambda: datetime.now(UTC),
    )
    async with bridge.run():
        print(bridge.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
