"""J2, the middle of it: a command is taken up or declined, the charger is asked once, and the result is owed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col

from bridge_ocpp import port
from bridge_ocpp.port import IdToken, Outcome, OutcomeStatus, TransactionEnded, TransactionStarted
from ocpi_hub.chargers import commands, jobs
from ocpi_hub.chargers.mapping import id_token_of
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.wire import json
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.errors import InvalidParameters, OcpiError, UnknownLocation
from ocpi_hub.wire.headers import PartyId
from tests.chargers.house import CARD, CPO, EMSP, START, House, transaction
from tests.world import objects

URL = "https://msp.example.com/ocpi/commands/START_SESSION/7"
APP = "bdf21bce-fc97-11e8-8eb2-f2801f1b9fd1"
OTHER = PartyId("FR", "TWO")


@pytest.fixture
async def placed(house: House) -> House:
    """Two chargers at one location; the first has two EVSEs. Everything is online, nothing is owed."""
    await house.add_partner()
    await house.add_tariff()
    await house.add_charger(evses=[{"uid": "EVSE1", "connectors": [{}, {"id": "B"}]}, {"uid": "EVSE2"}])
    await house.add_charger("BOX-2", evses=[{"uid": "EVSE3"}], location={"id": "LOC1"})
    await house.settle()
    house.bells.clear()
    return house


async def command(house: House, kind: str, *, sender: PartyId = EMSP, to: PartyId | None = CPO, **body: Any) -> Any:
    """Send a command and give the CommandResponse."""
    asked = commands.Asked(
        type=CommandType(kind),
        body={"response_url": URL, **body},
        platform_id="MSP",
        from_party=sender,
        to_party=to,
        correlation_id="corr-7",
    )
    async with house.resources.unit_of_work() as db:
        response = await commands.accept(house.resources, asked, db)
    return response.document()


async def start_session(house: House, **body: Any) -> Any:
    token = objects.token(APP, type="APP_USER", whitelist="NEVER")
    plain = {"token": token, "location_id": "LOC1", "evse_uid": "EVSE1", "authorization_reference": "REF-1"}
    return await command(house, "START_SESSION", **(plain | body))


async def work(house: House) -> None:
    """Run the jobs whose bells rang."""
    bells, house.bells[:] = list(house.bells), []
    for name, ids in bells:
        if name == "chargers.execute":
            await jobs.execute(house.resources, *ids)


async def rows(house: House) -> list[PartnerCommand]:
    return list(await house.rows(PartnerCommand, col(PartnerCommand.id)))


async def results(house: House) -> list[tuple[str | None, Any]]:
    return [(row.url, json.loads(row.body or "null")) for row in await house.rows(Owed, col(Owed.id)) if row.url]


# --- START_SESSION ------------------------------------------------------------------------------------------------


async def test_start_session_is_accepted_asked_once_and_answered(placed: House) -> None:
    assert await start_session(placed) == {"result": "ACCEPTED", "timeout": 40}
    [row] = await rows(placed)
    assert placed.bells == [("chargers.execute", (row.id,))]
    await work(placed)
    await jobs.execute(placed.resources, row.id)  # a bell may ring twice
    [(charger_id, asked, within)] = placed.bridge.asked
    assert charger_id == "BOX-1"
    assert asked == port.StartCharging(IdToken(id_token_of(APP), "Central"), remote_start_id=row.id, evse_id=1)
    assert within == timedelta(seconds=30)
    assert await results(placed) == [(URL, {"result": "ACCEPTED"})]
    [debt] = await placed.rows(Owed)
    assert (debt.verb, debt.platform_id, debt.correlation_id) == ("POST", "MSP", "corr-7")
    assert (debt.from_party, debt.to_party) == ("NL/CPO", "DE/MSP")
    assert debt.expires_at == placed.now + timedelta(minutes=10)
    assert ("delivery.drain", ("MSP",)) in placed.bells


@pytest.mark.parametrize(
    ("body", "evse_id", "connector_id"),
    [({}, 1, None), ({"connector_id": "b"}, 1, 2), ({"evse_uid": "evse2"}, 2, None)],
)
async def test_the_named_evse_and_connector_are_the_chargers_numbers(
    placed: House, body: dict[str, Any], evse_id: int, connector_id: int | None
) -> None:
    await start_session(placed, **body)
    await work(placed)
    [(_, asked, _)] = placed.bridge.asked
    assert isinstance(asked, port.StartCharging)
    assert (asked.evse_id, asked.connector_id) == (evse_id, connector_id)


async def test_a_card_is_known_to_the_charger_by_its_uid(placed: House) -> None:
    await start_session(placed, token=objects.token())
    await work(placed)
    [(_, asked, _)] = placed.bridge.asked
    assert isinstance(asked, port.StartCharging)
    assert asked.id_token == IdToken(CARD, "ISO14443")


async def test_without_an_evse_a_single_charger_chooses_and_several_cannot(house: House) -> None:
    await house.add_partner()
    await house.add_charger(evses=[{}, {}])
    assert (await start_session(house, evse_uid=None))["result"] == "ACCEPTED"
    await work(house)
    assert isinstance(house.bridge.asked[0][1], port.StartCharging)
    assert house.bridge.asked[0][1].evse_id is None
    await house.add_charger("BOX-2", evses=[{}], location={"id": "LOC1"})
    declined = await start_session(house, evse_uid=None)
    assert (declined["result"], declined["message"][0]["language"]) == ("NOT_SUPPORTED", "en")


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ({"location_id": "LOC9"}, UnknownLocation, "LOC9"),
        ({"evse_uid": "EVSE9"}, InvalidParameters, "EVSE9"),
        ({"connector_id": "9"}, InvalidParameters, "connector_id"),
        ({"connector_id": "1", "evse_uid": None}, InvalidParameters, "evse_uid"),
        ({"token": objects.token(owner=("FR", "TWO"))}, InvalidParameters, "FR/TWO"),
        ({"token": {"uid": "X"}}, InvalidParameters, r"token\.country_code"),
        ({"response_url": "ftp://x/y"}, InvalidParameters, "response_url"),
        ({"response_url": "https://u:p@x/y"}, InvalidParameters, "response_url"),
        ({"response_url": "http://169.254.169.254/latest"}, InvalidParameters, "response_url"),
        ({"response_url": "https://[::1]/x"}, InvalidParameters, "response_url"),
        ({"response_url": "http://8.8.8.8/x"}, InvalidParameters, "response_url"),  # a token in the clear
        ({"response_url": None}, InvalidParameters, "response_url"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    placed: House, body: dict[str, Any], error: type[OcpiError], says: str
) -> None:
    with pytest.raises(error, match=says):
        await start_session(placed, **body)
    assert await rows(placed) == []
    assert placed.bells == []


async def test_a_partner_on_loopback_is_answered_where_the_operator_allows_it(placed: House) -> None:
    assert (await start_session(placed, response_url="http://127.0.0.1:9999/x"))["result"] == "ACCEPTED"


async def test_an_offline_charger_is_declined_at_once(placed: House) -> None:
    await placed.hear(port.ChargerOnline("BOX-1", placed.now, online=False))
    response = await start_session(placed)
    assert (response["result"], response["message"][0]["text"]) == ("REJECTED", "The charger is offline")
    assert await rows(placed) == []


async def test_locations_of_several_operators_are_told_apart(placed: House) -> None:
    await placed.add_charger("BOX-3", party=PartyId("BE", "OPR"), evses=[{"uid": "EVSE1"}])
    with pytest.raises(InvalidParameters, match="several parties"):
        await start_session(placed, to=None)
    assert (await start_session(placed, to=PartyId("BE", "OPR")))["result"] == "ACCEPTED"
    assert (await rows(placed))[0].charger_id == "BOX-3"
    with pytest.raises(UnknownLocation):
        await start_session(placed, to=PartyId("DE", "NIX"))


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (OutcomeStatus.REJECTED, "REJECTED"),
        (OutcomeStatus.OCCUPIED, "EVSE_OCCUPIED"),
        (OutcomeStatus.OFFLINE, "EVSE_INOPERATIVE"),
        (OutcomeStatus.NOT_SUPPORTED, "NOT_SUPPORTED"),
        (OutcomeStatus.TIMEOUT, "TIMEOUT"),
    ],
)
async def test_the_chargers_answer_is_the_result(placed: House, status: OutcomeStatus, result: str) -> None:
    placed.bridge.outcome = Outcome(status, "because\nof  this")
    await start_session(placed)
    await work(placed)
    message = [{"language": "en", "text": "because of this"}]
    assert await results(placed) == [(URL, {"result": result, "message": message})]


# --- never silence ------------------------------------------------------------------------------------------------


async def test_a_lost_bell_rings_again(placed: House) -> None:
    await start_session(placed)
    placed.bells.clear()
    placed.tick(seconds=2)
    await jobs.sweep(placed.resources)
    await work(placed)
    assert await results(placed) == [(URL, {"result": "ACCEPTED"})]
    await jobs.sweep(placed.resources)
    assert len(placed.bridge.asked) == 1


async def test_bells_that_ring_at_once_ask_once(placed: House) -> None:
    await start_session(placed)
    [row] = await rows(placed)
    await asyncio.gather(*(jobs.execute(placed.resources, row.id) for _ in range(5)), jobs.sweep(placed.resources))
    assert len(placed.bridge.asked) == 1
    assert len(await results(placed)) == 1


async def test_a_worker_that_died_while_asking_ends_in_a_timeout(placed: House) -> None:
    await start_session(placed)

    async def die(*_: Any, **__: Any) -> Outcome:
        raise RuntimeError("the worker is gone")

    placed.bridge.ask = die  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await work(placed)
    await jobs.sweep(placed.resources)
    assert await results(placed) == []
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    await jobs.sweep(placed.resources)
    [(url, result)] = await results(placed)
    assert (url, result["result"]) == (URL, "TIMEOUT")
    assert (await rows(placed))[0].state == "ANSWERED"


async def test_a_command_that_nobody_took_up_ends_in_a_timeout_and_is_not_asked_any_more(placed: House) -> None:
    await start_session(placed)
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    await work(placed)
    assert placed.bridge.asked == []
    assert [result["result"] for _, result in await results(placed)] == ["TIMEOUT"]


async def test_an_answer_after_the_timeout_is_noted_and_not_told(placed: House) -> None:
    await start_session(placed)

    async def slowly(*_: Any, **__: Any) -> Outcome:
        placed.tick(seconds=40)
        await jobs.sweep(placed.resources)
        return Outcome(OutcomeStatus.ACCEPTED)

    placed.bridge.ask = slowly  # type: ignore[method-assign]
    await work(placed)
    [row] = await rows(placed)
    assert (row.outcome, row.late_outcome) == ("TIMEOUT", "ACCEPTED")
    assert [result["result"] for _, result in await results(placed)] == ["TIMEOUT"]


async def test_a_start_after_the_timeout_is_still_the_commands(placed: House) -> None:
    await start_session(placed)
    placed.tick(seconds=36)
    await jobs.sweep(placed.resources)
    [row] = await rows(placed)
    placed.tick(hours=2)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP), remote_start_id=row.id)))
    link, session = await placed.link(), await placed.session()
    assert link.command_id == row.id
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    assert session["cdr_token"]["uid"] == APP
    assert (await rows(placed))[0].session_id == link.session_id


# --- the token of a command (M3) ------------------------------------------------------------------------------------


async def test_the_token_of_a_command_is_authorized_without_asking(placed: House) -> None:
    await start_session(placed)
    assert (await placed.authorize(id_token_of(APP))).accepted
    assert (await placed.authorize(id_token_of(APP).lower(), evse_id=2)).accepted
    assert not (await placed.authorize(id_token_of(APP), charger_id="BOX-2")).accepted
    placed.tick(minutes=15)
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_card_is_not_asked_about_within_fifteen_minutes_of_its_command(placed: House) -> None:
    await placed.add_token(whitelist="NEVER")
    await start_session(placed, token=objects.token(whitelist="NEVER"))
    placed.tick(minutes=14)
    assert (await placed.authorize()).accepted
    placed.tick(minutes=2)
    assert not (await placed.authorize()).accepted  # asked, and nobody answers


async def test_an_app_token_stays_authorized_while_its_session_runs(placed: House) -> None:
    await start_session(placed)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP))))
    placed.tick(hours=3)
    assert (await placed.authorize(id_token_of(APP))).accepted
    ended = transaction(id_token_of(APP), ended_at=placed.now)
    await placed.hear(TransactionEnded("BOX-1", placed.now, ended))
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_session_without_a_remote_start_id_is_found_by_its_token(placed: House) -> None:
    await start_session(placed)
    placed.tick(minutes=1)
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction(id_token_of(APP).lower())))
    session = await placed.session()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    assert session["cdr_token"] == {
        "country_code": "DE",
        "party_id": "MSP",
        "uid": APP,
        "type": "APP_USER",
        "contract_id": "DE-MSP-C12345678-5",
    }


async def test_a_remote_start_id_of_another_charger_means_nothing(placed: House) -> None:
    await start_session(placed)
    [row] = await rows(placed)
    stray = transaction("CAFE", charger_id="BOX-2", remote_start_id=row.id)
    await placed.hear(TransactionStarted("BOX-2", placed.now, stray))
    assert (await placed.link()).payer == "nobody"


# --- STOP_SESSION -----------------------------------------------------------------------------------------------------


async def running(house: House) -> str:
    await house.add_token()
    await house.hear(TransactionStarted("BOX-1", house.now, transaction()))
    await house.settle()
    return str((await house.link()).session_id)


async def test_stop_session_stops_its_transaction(placed: House) -> None:
    session_id = await running(placed)
    assert (await command(placed, "STOP_SESSION", session_id=session_id.upper()))["result"] == "ACCEPTED"
    await work(placed)
    assert [asked for _, asked, _ in placed.bridge.asked] == [port.StopCharging("T1")]
    assert await results(placed) == [(URL, {"result": "ACCEPTED"})]


async def test_stop_session_is_only_for_the_one_whose_customer_it_is(placed: House) -> None:
    session_id = await running(placed)
    assert (await command(placed, "STOP_SESSION", sender=OTHER, session_id=session_id))["result"] == "REJECTED"
    for to in (CPO, None):
        unknown = await command(placed, "STOP_SESSION", to=to, session_id="nothing")
        assert unknown["result"] == "UNKNOWN_SESSION"
    elsewhere = await command(placed, "STOP_SESSION", to=PartyId("BE", "OPR"), session_id=session_id)
    assert elsewhere["result"] == "UNKNOWN_SESSION"
    await placed.hear(TransactionEnded("BOX-1", placed.now, transaction(ended_at=placed.now)))
    assert (await command(placed, "STOP_SESSION", session_id=session_id))["result"] == "REJECTED"
    assert placed.bridge.asked == []


async def test_a_session_of_an_own_card_is_no_partners_to_stop(placed: House) -> None:
    await placed.add_card("0FF1CE")
    await placed.hear(TransactionStarted("BOX-1", placed.now, transaction("0FF1CE")))
    session_id = str((await placed.link()).session_id)
    assert (await command(placed, "STOP_SESSION", sender=CPO, session_id=session_id))["result"] == "REJECTED"


# --- UNLOCK_CONNECTOR -------------------------------------------------------------------------------------------------


async def test_unlock_is_for_the_emsp_of_the_last_session_there(placed: House) -> None:
    where = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": "B"}
    assert (await command(placed, "UNLOCK_CONNECTOR", **where))["result"] == "REJECTED"
    await running(placed)
    assert (await command(placed, "UNLOCK_CONNECTOR", sender=OTHER, **where))["result"] == "REJECTED"
    assert (await command(placed, "UNLOCK_CONNECTOR", **where))["result"] == "ACCEPTED"
    await work(placed)
    assert [asked for _, asked, _ in placed.bridge.asked] == [port.UnlockConnector(1, 2)]


# --- reservations ---------------------------------------------------------------------------------------------------


async def reserve(house: House, *, sender: PartyId = EMSP, **body: Any) -> Any:
    owner = (sender.country_code, sender.party_id)
    plain = {
        "token": objects.token(APP, owner=owner, type="APP_USER"),
        "expiry_date": "2026-03-02T12:00:00Z",
        "reservation_id": "R-1",
        "location_id": "LOC1",
        "evse_uid": "EVSE2",
        "authorization_reference": "REF-R",
    }
    return await command(house, "RESERVE_NOW", sender=sender, **(plain | body))


async def test_a_reservation_has_a_number_of_ours_and_its_update_keeps_it(placed: House) -> None:
    assert (await reserve(placed))["result"] == "ACCEPTED"
    assert (await reserve(placed, reservation_id="r-1", expiry_date="2026-03-02T13:00:00Z"))["result"] == "ACCEPTED"
    assert (await reserve(placed, sender=OTHER))["result"] == "ACCEPTED"
    await work(placed)
    first, second, foreign = (asked for _, asked, _ in placed.bridge.asked)
    assert isinstance(first, port.ReserveNow)
    assert isinstance(second, port.ReserveNow)
    assert isinstance(foreign, port.ReserveNow)
    assert first.reservation_id == second.reservation_id != foreign.reservation_id
    assert (first.evse_id, first.expires_at) == (2, START + timedelta(hours=2))
    assert second.expires_at == START + timedelta(hours=3)
    assert first.id_token == IdToken(id_token_of(APP), "Central")


async def test_only_ones_own_reservation_can_be_cancelled(placed: House) -> None:
    await reserve(placed)
    await work(placed)
    assert (await command(placed, "CANCEL_RESERVATION", sender=OTHER, reservation_id="R-1"))["result"] == "REJECTED"
    assert (await command(placed, "CANCEL_RESERVATION", reservation_id="R-9"))["result"] == "REJECTED"
    assert (await command(placed, "CANCEL_RESERVATION", reservation_id="r-1"))["result"] == "ACCEPTED"
    await work(placed)
    reserved, cancelled = (asked for _, asked, _ in placed.bridge.asked)
    assert isinstance(reserved, port.ReserveNow)
    assert cancelled == port.CancelReservation(reserved.reservation_id)


async def test_a_reservation_in_the_past_is_refused(placed: House) -> None:
    with pytest.raises(InvalidParameters, match="expiry_date"):
        await reserve(placed, expiry_date="2026-03-02T10:00:00Z")


async def test_a_reserved_app_token_is_authorized_until_the_reservation_ends(placed: House) -> None:
    await reserve(placed)
    placed.tick(minutes=119)
    assert (await placed.authorize(id_token_of(APP))).accepted
    placed.tick(minutes=1)
    assert not (await placed.authorize(id_token_of(APP))).accepted


async def test_a_session_that_uses_a_reservation_is_its_partners(placed: House) -> None:
    await reserve(placed)
    [row] = await rows(placed)
    found = transaction(id_token_of(APP), evse_id=2, reservation_id=row.reservation_number)
    await placed.hear(TransactionStarted("BOX-1", placed.now, found))
    session = await placed.session()
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-R")


async def test_a_reservation_that_the_charger_gives_up_is_told_to_the_same_url(placed: House) -> None:
    await reserve(placed)
    await work(placed)
    await placed.settle()
    [row] = await rows(placed)
    assert row.reservation_number is not None
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, row.reservation_number, "Removed"))
    [(url, result)] = await results(placed)
    assert (url, result["result"]) == (URL, "CANCELED_RESERVATION")
    placed.tick(minutes=15)
    assert not (await placed.authorize(id_token_of(APP))).accepted


@pytest.mark.parametrize("status", ["Expired", "Removed"])
async def test_a_reservation_that_ends_as_agreed_is_told_to_nobody(placed: House, status: str) -> None:
    await reserve(placed)
    await work(placed)
    [row] = await rows(placed)
    assert row.reservation_number is not None
    if status == "Removed":
        await command(placed, "CANCEL_RESERVATION", reservation_id="R-1")
    await placed.settle()
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, row.reservation_number, status))
    await placed.hear(port.ReservationChanged("BOX-1", placed.now, 12345, status))
    assert await results(placed) == []
