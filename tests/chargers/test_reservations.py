"""A reservation is a Session: RESERVATION, then ACTIVE with the same id, or COMPLETED when nobody came."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import IdToken, Outcome, OutcomeStatus, TransactionEnded, TransactionStarted
from ocpi_hub.chargers import commands, jobs
from ocpi_hub.chargers.mapping import id_token_of
from ocpi_hub.chargers.tables import PartnerCommand, SessionLink
from ocpi_hub.objects.kinds import SESSIONS
from ocpi_hub.objects.tables import KeptCdr, KeptSession
from ocpi_hub.wire import json
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.sessions import Session
from tests.chargers.house import CARD, CPO, EMSP, START, House, register, state, transaction
from tests.world import objects

APP = "bdf21bce-fc97-11e8-8eb2-f2801f1b9fd1"
KEY = id_token_of(APP)
HOUR = timedelta(hours=1)
PRICED = [
    {
        "price_components": [{"type": "TIME", "price": 5, "step_size": 60}],
        "restrictions": {"reservation": "RESERVATION"},
    },
    {
        "price_components": [{"type": "FLAT", "price": 4, "step_size": 1}],
        "restrictions": {"reservation": "RESERVATION_EXPIRES"},
    },
    {"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]},
]


@pytest.fixture
async def placed(house: House) -> House:
    await house.add_partner()
    await house.add_tariff(elements=PRICED)
    await house.add_charger(evses=[{"uid": "EVSE1"}, {"uid": "EVSE2", "connectors": [{}, {}]}])
    await house.settle()
    return house


async def command(house: House, kind: str, **body: Any) -> None:
    """Send a command about the reservation R-1, and let the charger answer it."""
    body = {"response_url": "https://msp.example.com/r/1", "reservation_id": "R-1"} | body
    asked = commands.Asked(
        type=CommandType(kind), body=body, platform_id="MSP", from_party=EMSP, to_party=CPO, correlation_id="c"
    )
    async with house.resources.unit_of_work() as db:
        response = await commands.accept(house.resources, asked, db)
    assert response.result == "ACCEPTED"
    await jobs.execute(house.resources, max(row.id or 0 for row in await house.rows(PartnerCommand)))


async def reserve(house: House, **body: Any) -> None:
    plain = {
        "token": objects.token(APP, type="APP_USER"),
        "expiry_date": "2026-03-02T12:00:00Z",
        "location_id": "LOC1",
        "evse_uid": "EVSE1",
        "authorization_reference": "REF-R",
    }
    await command(house, "RESERVE_NOW", **(plain | body))


async def number(house: House) -> int:
    first, *_ = await house.rows(PartnerCommand, PartnerCommand.id)
    return int(first.reservation_number or 0)


async def the_session(house: House) -> Any:
    [kept] = await house.rows(KeptSession)
    document = json.loads(kept.document)
    Session.model_validate(document)
    return document


async def the_cdr(house: House) -> Any:
    [kept] = await house.rows(KeptCdr)
    document = json.loads(kept.document)
    CDR.model_validate(document)
    return document


async def test_an_accepted_reservation_is_a_session(placed: House) -> None:
    await reserve(placed)
    session = await the_session(placed)
    assert (session["status"], session["start_date_time"], session["kwh"]) == ("RESERVATION", "2026-03-02T10:00:00Z", 0)
    assert (session["evse_uid"], session["connector_id"]) == ("EVSE1", "1")
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-R")
    assert session["cdr_token"]["uid"] == APP
    assert "total_cost" not in session
    owed = await placed.owed()
    assert f"de/msp:sessions/nl/cpo/{session['id']}" in owed
    [row] = await placed.rows(PartnerCommand)
    assert row.session_id == session["id"]


async def test_without_an_evse_its_place_is_not_available_yet(placed: House) -> None:
    await reserve(placed, evse_uid=None)
    session = await the_session(placed)
    assert (session["location_id"], session["evse_uid"], session["connector_id"]) == ("LOC1", "#NA", "#NA")


async def test_a_refused_reservation_is_no_session(placed: House) -> None:
    placed.bridge.outcome = Outcome(OutcomeStatus.OCCUPIED)
    await reserve(placed)
    assert await placed.rows(KeptSession) == []


async def test_a_prolonged_reservation_is_the_same_session(placed: House) -> None:
    await reserve(placed)
    before = await the_session(placed)
    placed.tick(minutes=10)
    await reserve(placed, expiry_date="2026-03-02T13:00:00Z", authorization_reference="REF-S")
    assert (await the_session(placed))["id"] == before["id"]
    [link] = await placed.rows(SessionLink)
    assert (link.reserved_until, link.authorization_reference) == (START + 3 * HOUR, "REF-S")


@pytest.mark.parametrize("evse_uid", ["EVSE2", None])
async def test_a_reservation_that_is_used_becomes_the_charging_session(placed: House, evse_uid: str | None) -> None:
    await reserve(placed, evse_uid=evse_uid)
    reserved = await the_session(placed)
    placed.tick(minutes=30)
    found = transaction(KEY, evse_id=2, connector_id=2, reservation_id=await number(placed), started_at=placed.now)
    await placed.hear(TransactionStarted("BOX-1", placed.now, found))
    session = await the_session(placed)
    assert (session["id"], session["status"]) == (reserved["id"], "ACTIVE")
    assert session["start_date_time"] == "2026-03-02T10:30:00Z"
    assert (session["evse_uid"], session["connector_id"]) == ("EVSE2", "2")
    assert [period["dimensions"][0]["type"] for period in session["charging_periods"]] == ["RESERVATION_TIME", "ENERGY"]
    over = transaction(
        KEY,
        evse_id=2,
        connector_id=2,
        reservation_id=await number(placed),
        started_at=placed.now,
        ended_at=placed.now + HOUR,
        energy_wh=Decimal(4000),
    )
    placed.tick(hours=1)
    samples, states = (register(90, 4000),), (state(30, "Charging"),)
    await placed.hear(TransactionEnded("BOX-1", placed.now, over, samples, states))
    cdr = await the_cdr(placed)
    assert (cdr["start_date_time"], cdr["end_date_time"]) == ("2026-03-02T10:00:00Z", "2026-03-02T11:30:00Z")
    assert cdr["charging_periods"][0] == {
        "start_date_time": "2026-03-02T10:00:00Z",
        "dimensions": [{"type": "RESERVATION_TIME", "volume": Decimal("0.5")}],
        "tariff_id": "TARIFF1",
    }
    # half an hour at 5.00 and 4 kWh at 0.25
    assert cdr["total_cost"]["excl_vat"] == Decimal("3.5")
    assert cdr["total_reservation_cost"]["excl_vat"] == Decimal("2.5")
    assert (cdr["session_id"], cdr["authorization_reference"]) == (reserved["id"], "REF-R")
    assert (await the_session(placed))["status"] == "COMPLETED"


async def test_a_reservation_that_nobody_uses_ends_and_costs_what_the_tariff_says(placed: House) -> None:
    await reserve(placed)
    placed.tick(hours=2)
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, await number(placed), "Expired"))
    session, cdr = await the_session(placed), await the_cdr(placed)
    assert (session["status"], session["end_date_time"]) == ("COMPLETED", "2026-03-02T12:00:00Z")
    # RESERVATION_EXPIRES 4.00 once, and two hours at 5.00 that it does not price itself
    assert cdr["total_cost"]["excl_vat"] == session["total_cost"]["excl_vat"] == 14
    assert (cdr["total_energy"], cdr["cdr_location"]["evse_uid"]) == (0, "EVSE1")
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, await number(placed), "Expired"))
    assert len(await placed.rows(KeptCdr)) == 1


async def test_the_sweep_ends_what_a_charger_says_nothing_of(placed: House) -> None:
    await reserve(placed, evse_uid=None)
    placed.tick(hours=2, seconds=59)
    await jobs.sweep(placed.resources)
    assert (await the_session(placed))["status"] == "RESERVATION"
    placed.tick(seconds=2)
    await jobs.sweep(placed.resources)
    await jobs.sweep(placed.resources)
    session, cdr = await the_session(placed), await the_cdr(placed)
    assert (session["status"], session["end_date_time"]) == ("COMPLETED", "2026-03-02T12:00:00Z")
    assert cdr["cdr_location"]["evse_uid"] == cdr["cdr_location"]["evse_id"] == "#NA"


@pytest.mark.parametrize("minutes", [0, 10])
async def test_a_reservation_that_costs_nothing_has_no_cdr(house: House, minutes: int) -> None:
    await house.add_partner()
    await house.add_tariff()
    await house.add_charger()
    await reserve(house)
    house.tick(minutes=minutes)
    await command(house, "CANCEL_RESERVATION")
    assert (await the_session(house))["status"] == "COMPLETED"
    assert await house.rows(KeptCdr) == []


async def test_a_cancelled_reservation_costs_until_then(placed: House) -> None:
    await reserve(placed)
    placed.tick(minutes=30)
    await command(placed, "CANCEL_RESERVATION")
    assert (await the_session(placed))["end_date_time"] == "2026-03-02T10:30:00Z"
    assert (await the_cdr(placed))["total_cost"]["excl_vat"] == Decimal("6.5")


async def test_another_token_does_not_use_up_a_reservation(placed: House) -> None:
    await placed.add_token()
    await reserve(placed)
    stray = transaction(reservation_id=await number(placed))
    await placed.hear(TransactionStarted("BOX-1", placed.now, stray))
    sessions = [json.loads(row.document) for row in await placed.rows(KeptSession)]
    assert {(one["status"], one["cdr_token"]["uid"]) for one in sessions} == {("RESERVATION", APP), ("ACTIVE", CARD)}


async def test_another_token_of_the_group_uses_a_reservation_and_pays_for_itself(placed: House) -> None:
    await placed.add_token()
    reserved = objects.token(APP, owner=("DE", "MSP"), type="APP_USER", group_id="FAMILY")
    await reserve(placed, token=reserved)
    one = transaction(reservation_id=await number(placed), evse_id=2, group=IdToken("family"))
    await placed.hear(TransactionStarted("BOX-1", placed.now, one))
    session = await the_session(placed)
    assert (session["status"], session["cdr_token"]["uid"]) == ("ACTIVE", CARD)


async def test_a_driver_who_is_faster_than_the_chargers_answer_has_one_session(placed: House) -> None:
    async def at_once(charger_id: str, asked: port.Command, *, within: timedelta) -> Outcome:
        assert isinstance(asked, port.ReserveNow)
        found = transaction(KEY, reservation_id=asked.reservation_id)
        await placed.hear(TransactionStarted("BOX-1", placed.now, found))
        return Outcome(OutcomeStatus.ACCEPTED)

    placed.bridge.ask = at_once  # type: ignore[method-assign]
    await reserve(placed)
    assert (await the_session(placed))["status"] == "ACTIVE"


async def test_a_reserved_session_cannot_be_stopped_only_cancelled(placed: House) -> None:
    await reserve(placed)
    session = await the_session(placed)
    body = {"response_url": "https://msp.example.com/r/1", "session_id": session["id"]}
    asked = commands.Asked(
        type=CommandType.STOP_SESSION,
        body=body,
        platform_id="MSP",
        from_party=EMSP,
        to_party=CPO,
        correlation_id="c",
    )
    async with placed.resources.unit_of_work() as db:
        response = await commands.accept(placed.resources, asked, db)
    assert response.result == "REJECTED"
    assert await placed.document(SESSIONS, session["id"]) == session
    assert (await placed.authorize(IdToken(KEY).value)).accepted
