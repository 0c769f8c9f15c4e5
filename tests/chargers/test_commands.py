"""J2, the middle of it: a command is taken up or declined, the charger is asked once, and the result is owed."""

from datetime import timedelta
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import IdToken, Outcome, OutcomeStatus, TransactionEnded, TransactionStarted
from ocpi_hub.chargers import jobs
from ocpi_hub.chargers.mapping import id_token_of
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.wire.errors import InvalidParameters, OcpiError, UnknownLocation
from ocpi_hub.wire.headers import PartyId
from tests.chargers.commanding import APP, OTHER, URL, command, results, rows, running, start_session, work
from tests.chargers.house import CARD, CPO, House, transaction
from tests.world import objects

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
        ({"response_url": "https://elsewhere.example.com/x"}, InvalidParameters, "none of your own hosts"),
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
    assert (await start_session(placed, response_url="http://127.0.0.1:9/x"))["result"] == "ACCEPTED"


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


# --- STOP_SESSION -----------------------------------------------------------------------------------------------------


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
