"""J4: a driver charges with a card of an eMSP, and the CDR arrives there with its kWh and its cost to the cent."""

from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.sessions import Session
from tests.journeys.conftest import World
from tests.journeys.points import Point16, Point201
from tests.world import objects

CARD = "04A1B2C3D4E5F6"


async def give_card(world: World, whitelist: str = "NEVER", **info: Any) -> None:
    """The eMSP tells the hub of a card, and answers for it when asked."""
    token = objects.token(CARD, whitelist=whitelist)
    told = await world.emsp.put("tokens", f"DE/MSP/{CARD}", token, to=world.hub.party)
    assert told.json()["status_code"] == 1000, told.text
    world.emsp.authorizes[CARD] = {"allowed": "ALLOWED", "token": token, "authorization_reference": "AUTH-9", **info}


def check(world: World, session: Any, cdr: Any) -> None:
    """12.345 kWh in 45 minutes and 15 minutes of parking: 0.50 + 12.345 x 0.45 + 0.25 h x 6.00."""
    assert (session["status"], session["kwh"]) == ("COMPLETED", 12.345)
    assert (cdr["total_energy"], cdr["total_time"], cdr["total_parking_time"]) == (12.345, 1, 0.25)
    assert cdr["total_cost"] == {"excl_vat": 7.5553, "incl_vat": 9.1419}
    assert round(cdr["total_cost"]["excl_vat"], 2) == 7.56
    assert cdr["total_energy_cost"]["excl_vat"] == 5.5553
    assert cdr["total_parking_cost"]["excl_vat"] == 1.5
    assert session["total_cost"] == cdr["total_cost"]
    assert session["charging_periods"] == cdr["charging_periods"]
    assert (cdr["auth_method"], cdr["authorization_reference"]) == ("AUTH_REQUEST", "AUTH-9")
    assert cdr["cdr_token"] == objects.cdr_token(CARD)
    assert cdr["cdr_location"]["evse_uid"] == "EVSE1"
    assert cdr["tariffs"][0]["id"] == "FAST"
    CDR.model_validate(cdr)
    Session.model_validate(session)


async def test_a_charge_at_a_16_charger(world: World) -> None:
    await give_card(world)
    box = await world.plug_in(Point16)
    clock = world.hub.clock
    assert await box.authorize(CARD.lower()) == "Accepted"
    assert len(world.emsp.told("tokens", "POST")) == 1
    start = clock()
    began = await box.begin(CARD, start, meter=100_000)
    assert began.id_tag_info["status"] == "Accepted"
    await box.status("Charging")
    active = await world.hears("sessions", "PUT", status="ACTIVE")
    assert active["kwh"] == 0
    clock.advance(1800)
    await box.meter(began.transaction_id, start + timedelta(minutes=30), 108_000)
    running = await world.hears("sessions", "PUT", kwh=8)
    assert running["total_cost"]["excl_vat"] == pytest.approx(0.5 + 8 * 0.45)
    clock.advance(900)
    await box.meter(began.transaction_id, start + timedelta(minutes=45), 112_345)
    await box.status("SuspendedEV", at=start + timedelta(minutes=45))
    clock.advance(900)
    await box.end(began.transaction_id, start + timedelta(hours=1), meter=112_345, id_tag=CARD)
    cdr = await world.hears("cdrs", "POST", session_id=active["id"])
    check(world, await world.hears("sessions", "PUT", status="COMPLETED"), cdr)
    found = (await world.hub.admin("GET", "/transactions")).json()
    assert [(one["session_id"], one["cdr_id"]) for one in found] == [(active["id"], cdr["id"])]


async def test_a_charge_at_a_201_station(world: World) -> None:
    await give_card(world)
    box = await world.plug_in(Point201)
    clock, start = world.hub.clock, world.hub.clock()
    token = {"id_token": CARD, "type": "ISO14443"}
    tx = {"transaction_id": "tx-1"}
    where = {"evse": {"id": 1, "connector_id": 1}}
    answer = await box.event("Started", start, tx | {"charging_state": "Charging"}, wh=0, id_token=token, **where)
    assert answer.id_token_info["status"] == "Accepted"
    active = await world.hears("sessions", "PUT", status="ACTIVE")
    clock.advance(2700)
    suspended = tx | {"charging_state": "SuspendedEV"}
    at = start + timedelta(minutes=45)
    await box.event("Updated", at, suspended, wh=12_345, trigger_reason="ChargingStateChanged")
    clock.advance(900)
    ended = tx | {"charging_state": "Idle", "stopped_reason": "Local"}
    await box.event("Ended", start + timedelta(hours=1), ended, wh=12_345, trigger_reason="StopAuthorized")
    cdr = await world.hears("cdrs", "POST", session_id=active["id"])
    check(world, await world.hears("sessions", "PUT", status="COMPLETED"), cdr)


@pytest.mark.parametrize(
    ("allowed", "word"), [("BLOCKED", "Blocked"), ("EXPIRED", "Expired"), ("NO_CREDIT", "Blocked")]
)
async def test_a_refused_card_charges_nobody(world: World, allowed: str, word: str) -> None:
    await give_card(world, allowed=allowed)
    box = await world.plug_in(Point16)
    assert await box.authorize(CARD) == word
    began = await box.begin(CARD, world.hub.clock(), meter=0)
    assert began.id_tag_info["status"] == word
    world.hub.clock.advance(10)
    await box.end(began.transaction_id, world.hub.clock(), meter=0)
    await box.status("Available")
    await world.hears("locations", "PUT")
    assert world.emsp.told("sessions") == world.emsp.told("cdrs") == []
