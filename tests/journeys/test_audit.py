"""A CDR of our own charger is audited like everybody's, with the Session and the Location at hand: nothing is wrong."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.journeys.conftest import World
from tests.journeys.points import Point16
from tests.journeys.test_j4_charge import CARD, give_card


async def test_the_cdr_of_a_charge_is_audited_clean(world: World) -> None:
    await give_card(world)
    box = await world.plug_in(Point16)
    clock, start = world.hub.clock, world.hub.clock()
    began = await box.begin(CARD, start, meter=100_000)
    await box.status("Charging")
    clock.advance(2700)
    await box.meter(began.transaction_id, start + timedelta(minutes=45), 112_345)
    await box.status("SuspendedEV", at=start + timedelta(minutes=45))
    clock.advance(900)
    await box.end(began.transaction_id, start + timedelta(hours=1), meter=112_345, id_tag=CARD)
    [heard] = await world.emsp.hears("cdrs", "POST")
    cdr = heard.json
    [audit] = await audits(world)
    assert (audit["cdr_id"], audit["decision"], audit["worst"], audit["findings"]) == (cdr["id"], "passed", None, [])
    assert audit["repriced"]["total_cost"] == cdr["total_cost"] == {"excl_vat": 7.5553, "incl_vat": 9.1419}
    shown = (await world.hub.admin("GET", f"/cdrs/{cdr['id']}/audit")).json()
    lines = shown["report"]["lines"]
    assert {line["dimension"] for line in lines if line["price"] is not None} == {"FLAT", "ENERGY", "PARKING_TIME"}


async def audits(world: World) -> Any:
    """The audits on record, once there is one: its job runs after the charger's transaction."""
    async with asyncio.timeout(10):
        while not (found := (await world.hub.admin("GET", "/audits")).json()):
            await asyncio.sleep(0.01)
    return found
