"""Operators and chargers change the same charger at once: rows are locked in one order, so there is no deadlock."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from tests.journeys.conftest import World
from tests.journeys.points import Point16

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


@pytest.mark.parametrize(
    ("verb", "body"),
    [("DELETE", None), ("PATCH", {"password": "another-password", "tariff_ids": [], "location": {"name": "Dam"}})],
)
async def test_an_operator_waits_for_what_a_charger_says(world: World, verb: str, body: object) -> None:
    await world.plug_in(Point16)
    async with world.hub.resources.unit_of_work() as db:  # as the bridge does: its own row, then ours
        await db.execute(text("SET LOCAL lock_timeout = '2s'"))
        await db.execute(text("SELECT 1 FROM ocpp_charger WHERE key = 'box-1' FOR UPDATE"))
        operator: asyncio.Task[httpx.Response] = asyncio.create_task(world.hub.admin(verb, "/chargers/BOX-1", body))
        async with asyncio.timeout(5):
            while not operator.done() and not await db.scalar(text(WAITING)):
                await asyncio.sleep(0.01)
        assert not operator.done()
        await db.execute(text("SELECT 1 FROM charger_placement WHERE key = 'box-1' FOR UPDATE"))
        await db.execute(text("SELECT 1 FROM location WHERE key = 'loc1' FOR UPDATE"))
    assert (await operator).status_code in (200, 204)
