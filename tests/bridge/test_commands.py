"""What chargers are asked, from another process, and how that ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import (
    CancelReservation,
    Command,
    IdToken,
    Outcome,
    OutcomeStatus,
    RawCall,
    ReserveNow,
    StartCharging,
    StopCharging,
    UnlockConnector,
)
from tests.bridge.chargers import RawCharger, raw, stamp
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import charge_of_2_0_1, start
from tests.world.waiting import until


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def asked(place: Place, charger: RawCharger, command: Command, answer: Any) -> tuple[str, Any, Outcome]:
    """Ask, let the charger answer with a payload or with a whole frame (`{id}` stands for the message id)."""
    asking = asyncio.create_task(place.ask("CP1", command))
    _, message_id, action, payload = await charger.asked()
    await charger.say([3, message_id, answer] if isinstance(answer, dict) else [answer[0], message_id, *answer[1:]])
    return action, payload, await asking


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("command", "action", "payload", "answer", "status"),
    [
        (
            StartCharging(IdToken("T"), 5, evse_id=1),
            "RemoteStartTransaction",
            {"idTag": "T", "connectorId": 1},
            "Accepted",
            OutcomeStatus.ACCEPTED,
        ),
        (
            UnlockConnector(1),
            "UnlockConnector",
            {"connectorId": 1},
            "UnlockFailed",
            OutcomeStatus.FAILED,
        ),
        (
            ReserveNow(7, IdToken("T"), NOON, evse_id=1),
            "ReserveNow",
            {"connectorId": 1, "expiryDate": "2026-03-01T12:00:00.000Z", "idTag": "T", "reservationId": 7},
            "Occupied",
            OutcomeStatus.OCCUPIED,
        ),
        (
            CancelReservation(7),
            "CancelReservation",
            {"reservationId": 7},
            "Rejected",
            OutcomeStatus.UNKNOWN_RESERVATION,
        ),
    ],
)
async def test_commands_become_messages_of_1_6(
    here: Place, command: Command, action: str, payload: Any, answer: str, status: OutcomeStatus
) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        said, heard, outcome = await asked(here, charger, command, {"status": answer})
    assert (said, heard) == (action, payload)
    assert outcome == Outcome(status, answer, {"status": answer})


async def test_a_transaction_of_1_6_is_stopped_by_its_number(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        (transaction,) = await here.transactions()
        stop = StopCharging(transaction.id)
        said, heard, outcome = await asked(here, charger, stop, {"status": "Accepted"})
    assert (said, heard, outcome.accepted) == ("RemoteStopTransaction", {"transactionId": number}, True)


async def test_a_transaction_of_2_0_1_is_stopped_by_its_id(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", charge_of_2_0_1()[0])
        (transaction,) = await here.transactions()
        said, heard, _ = await asked(here, charger, StopCharging(transaction.id), {"status": "Accepted"})
        assert (said, heard) == ("RequestStopTransaction", {"transactionId": "TX-1"})
        for payload in charge_of_2_0_1()[1:]:
            await charger.call("TransactionEvent", payload)
        assert (await here.ask("CP1", StopCharging(transaction.id))).status is OutcomeStatus.UNKNOWN_TRANSACTION
        assert (await here.ask("CP1", StopCharging("nonsense"))).status is OutcomeStatus.UNKNOWN_TRANSACTION


async def test_a_remote_start_of_2_0_1_comes_back_in_its_transaction(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await here.seated("CP1")
        command = StartCharging(IdToken("T", "Central"), 77, evse_id=1)
        said, heard, _ = await asked(here, charger, command, {"status": "Accepted"})
        assert (said, heard["remoteStartId"]) == ("RequestStartTransaction", 77)
        first = charge_of_2_0_1()[0]
        first["transactionInfo"]["remoteStartId"] = 77
        await charger.call("TransactionEvent", first)
    (transaction,) = await here.transactions()
    assert transaction.remote_start_id == 77


# --- which start of 1.6 a remote start becomes ------------------------------------------------------------------------


async def remote_start(
    place: Place, charger: RawCharger, number: int, *, status: str = "Accepted", **where: int
) -> None:
    await asked(place, charger, StartCharging(IdToken("TAG"), number, **where), {"status": status})


def begin(**changes: Any) -> dict[str, Any]:
    return start(timestamp=stamp(datetime.now(UTC))) | changes


async def test_the_next_start_with_that_token_at_that_connector_is_the_remote_one(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await remote_start(here, charger, 77, evse_id=1)
        await charger.call("StartTransaction", begin(connectorId=2))
        await charger.call("StartTransaction", begin(idTag="OTHER"))
        await charger.call("StartTransaction", begin(idTag="tag", meterStart=1))
        await charger.call("StartTransaction", begin(meterStart=2))
    found = [event.transaction.remote_start_id for event in here.told(port.TransactionStarted)]
    assert found == [None, None, 77, None]


async def test_two_remote_starts_anywhere_are_matched_in_their_order(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await remote_start(here, charger, 1)
        await remote_start(here, charger, 2)
        await charger.call("StartTransaction", begin(connectorId=2))
        await charger.call("StartTransaction", begin(connectorId=1))
    assert [event.transaction.remote_start_id for event in here.told(port.TransactionStarted)] == [1, 2]


async def test_a_remote_start_that_was_refused_or_is_old_matches_nothing(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await remote_start(here, charger, 77, status="Rejected")
        await charger.call("StartTransaction", begin())
        await remote_start(here, charger, 78)
        here.clock.shift += timedelta(minutes=11)
        await charger.call("StartTransaction", start(timestamp=stamp(here.clock())))
    assert [event.transaction.remote_start_id for event in here.told(port.TransactionStarted)] == [None, None]


async def test_a_start_before_the_answer_to_the_remote_start_is_matched(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", StartCharging(IdToken("TAG"), 77)))
        _, message_id, *_ = await charger.asked()
        await charger.call("StartTransaction", begin())
        await charger.say([3, message_id, {"status": "Accepted"}])
        assert (await asking).accepted
    assert [event.transaction.remote_start_id for event in here.told(port.TransactionStarted)] == [77]


# --- any call to any charger ----------------------------------------------------------------------------------


async def test_a_raw_call_is_sent_as_it_is_with_its_keys_in_order(here: Place) -> None:
    payload = {
        "connectorId": 1,
        "csChargingProfiles": {
            "stackLevel": 0,
            "chargingProfileId": 1,
            "chargingProfileKind": "Relative",
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 21.4}],
            },
        },
    }
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        call = RawCall("SetChargingProfile", payload)
        answer = {"status": "Accepted", "vendor": {"b": 1, "a": 2}}
        said, heard, outcome = await asked(here, charger, call, answer)
    assert (said, heard) == ("SetChargingProfile", payload)
    assert list(heard["csChargingProfiles"]) == list(payload["csChargingProfiles"])  # type: ignore[call-overload]
    assert outcome == Outcome(OutcomeStatus.ACCEPTED, payload=answer)
    assert outcome.payload is not None
    assert list(outcome.payload["vendor"]) == ["b", "a"]


async def test_a_payload_that_breaks_the_schema_is_not_sent(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        outcome = await here.ask("CP1", RawCall("Reset", {"type": "Gentle", "extra": 1}))
        assert outcome.status is OutcomeStatus.INVALID
        assert "type" in outcome.detail
        assert outcome.payload is None
        unknown = await here.ask("CP1", RawCall("SetVariables", {}))
        assert (unknown.status, unknown.detail) == (OutcomeStatus.NOT_SUPPORTED, "ocpp1.6 has no SetVariables")
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert charger.calls.empty()


async def test_a_callerror_is_an_answer(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        error = [4, "InternalError", "no memory", {"free": 0}]
        _, _, outcome = await asked(here, charger, RawCall("ClearCache", {}), error)
        assert (outcome.status, outcome.payload) == (OutcomeStatus.FAILED, None)
        assert outcome.error == {"code": "InternalError", "description": "no memory", "details": {"free": 0}}
        _, _, outcome = await asked(here, charger, UnlockConnector(1), [4, "NotSupported", "", {}])
        assert (outcome.status, outcome.detail) == (OutcomeStatus.NOT_SUPPORTED, "NotSupported")


async def test_an_answer_that_is_no_ocpp_fails_the_command_and_not_the_connection(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        _, _, outcome = await asked(here, charger, UnlockConnector(1), [3, "text"])
        assert outcome.status is OutcomeStatus.FAILED
        _, _, outcome = await asked(here, charger, UnlockConnector(1), {"status": "Perhaps"})
        assert outcome.status is OutcomeStatus.FAILED
        assert outcome.payload == {"status": "Perhaps"}
        _, _, outcome = await asked(here, charger, UnlockConnector(1), {"status": "unlocked"})
        assert outcome.status is OutcomeStatus.ACCEPTED
        await here.has_quirks(
            "CP1",
            "UnlockConnector answer status: a word in another spelling",
            "frame: the payload of a CALLRESULT is an object",
        )


async def test_a_token_that_1_6_cannot_carry_is_no_command(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        outcome = await here.ask("CP1", StartCharging(IdToken("x" * 21), 1))
        assert outcome.status is OutcomeStatus.INVALID
        assert "idTag" in outcome.detail
        assert charger.calls.empty()


# --- time -----------------------------------------------------------------------------------------------------


async def test_one_call_at_a_time(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = [asyncio.create_task(here.ask("CP1", UnlockConnector(number))) for number in (1, 2, 3)]
        for _ in range(3):
            _, message_id, _, _ = await charger.asked()
            await asyncio.sleep(0.05)
            assert charger.calls.empty()
            await charger.say([3, message_id, {"status": "Unlocked"}])
        assert all(outcome.accepted for outcome in await asyncio.gather(*asking))


async def test_no_answer_in_time_is_a_timeout_and_a_late_one_harms_nobody(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        outcome = await here.ask("CP1", UnlockConnector(1), within=0.2)
        assert outcome.status is OutcomeStatus.TIMEOUT
        _, late, *_ = await charger.asked()
        asking = asyncio.create_task(here.ask("CP1", UnlockConnector(2)))
        _, message_id, *_ = await charger.asked()
        await charger.say([3, late, {"status": "UnlockFailed"}])
        await charger.say([3, message_id, {"status": "Unlocked"}])
        assert (await asking).accepted


async def test_a_socket_that_closes_while_a_charger_is_asked_is_offline_at_once(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", UnlockConnector(1), within=30))
        await charger.asked()
    async with asyncio.timeout(2):
        assert (await asking).status is OutcomeStatus.OFFLINE
    await until(lambda: not here.bridge.connections)
