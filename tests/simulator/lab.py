"""What the tests of the simulated charger share: chargers at a real hub, and what the hub knows of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from bridge_ocpp.simulator import SimulatedCharger
from ocpi_hub.bridge import bridge_of
from tests.world.chargers import running
from tests.world.hub import Hub

CARD = "04A1B2C3D4E5F6"


@asynccontextmanager
async def at_the_hub(hub: Hub, protocol: str, **made: Any) -> AsyncIterator[SimulatedCharger]:
    """A charger BOX-1 that is connected, and a card that may charge."""
    async with bridge_of(hub.resources).run() as bridge:
        added = (await hub.admin("POST", "/chargers", {"id": "BOX-1"})).json()
        await hub.admin("PUT", f"/tokens/{CARD}", {})
        given: dict[str, Any] = {"power_w": Decimal(3_600_000), "sample_every": 0.1} | made
        box = SimulatedCharger(bridge.url, "BOX-1", password=added["password"], protocol=protocol, **given)
        box.workshop.pace = 0.0
        async with running(box):
            yield box


async def transactions(hub: Hub, **which: str) -> list[dict[str, Any]]:
    query = "&".join(f"{key}={value}" for key, value in which.items())
    found: list[dict[str, Any]] = (await hub.admin("GET", f"/transactions?{query}")).json()
    return found


async def call(hub: Hub, action: str, payload: Any) -> Any:
    """Any call by the admin REST: the charger's answer, or its error. One that restarts is waited for."""

    async def asked() -> Any:
        answer = await hub.admin("POST", "/chargers/BOX-1/calls", {"action": action, "payload": payload})
        return None if answer.status_code == 409 else answer

    answer = await until(asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found.get("result", found.get("error"))


async def kept(hub: Hub, table: str, topic: str) -> list[dict[str, Any]]:
    """The documents of the bridge about a topic, oldest first: what has no door of its own."""
    when = "received_at" if table == "ocpp_notice" else "told_at"
    async with hub.resources.unit_of_work() as db:
        rows = await db.execute(
            text(f"SELECT document FROM {table} WHERE topic = :topic ORDER BY {when}"),
            {"topic": topic},
        )
        return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in rows]


async def until(true: Any) -> Any:
    """Wait until something is true, sync or async; what it is then."""
    async with asyncio.timeout(30):
        while True:
            found = true()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.02)
