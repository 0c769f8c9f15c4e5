"""OCPP 1.6 in the domain's words and back: literal messages in, literal messages out."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.device_words import Unsayable
from bridge_ocpp.dialects.upkeep import FirmwareTold
from bridge_ocpp.dialects.v16 import INBOUND, OUTBOUND
from bridge_ocpp.dialects.v16.devices import invites
from bridge_ocpp.dialects.words import (
    Beat,
    Boot,
    ConnectorTold,
    Metered,
    Refused,
    Reply,
    Stage,
    TokenShown,
    TransactionTold,
    Transfer,
)
from bridge_ocpp.meter import Reading
from bridge_ocpp.port import (
    AuthStatus,
    CancelReservation,
    ConnectorStatus,
    IdToken,
    OutcomeStatus,
    ReserveNow,
    StartCharging,
    StopCharging,
    Transaction,
    Trigger,
    UnlockConnector,
    Verdict,
)
from bridge_ocpp.schemas import Edition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = "2026-03-01T12:00:00Z"
SAID = Said(NOON, text=TEXT)
REGISTER = "Energy.Active.Import.Register"
ACCEPTED = Verdict(AuthStatus.ACCEPTED)
EDITION = Edition("v16", "")


@pytest.mark.parametrize(
    ("action", "payload", "fact"),
    [
        (
            "BootNotification",
            {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S", "firmwareVersion": "1"},
            Boot("V", "M", "S", "1"),
        ),
        ("Heartbeat", {}, Beat()),
        (
            "StatusNotification",
            {"connectorId": 2, "errorCode": "NoError", "status": "SuspendedEVSE", "timestamp": TEXT},
            ConnectorTold(2, 1, ConnectorStatus.SUSPENDED_EVSE, SAID),
        ),
        (
            "StatusNotification",
            {
                "connectorId": 0,
                "errorCode": "InternalError",
                "status": "Faulted",
                "info": "hot",
                "vendorErrorCode": "E7",
            },
            ConnectorTold(0, 0, ConnectorStatus.FAULTED, Said(None), "InternalError", "hot · E7"),
        ),
        ("Authorize", {"idTag": "TAG"}, TokenShown(IdToken("TAG"))),
        ("DataTransfer", {"vendorId": "com.example"}, Transfer("com.example")),
        (
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": 7,
                "meterValue": [
                    {
                        "timestamp": TEXT,
                        "sampledValue": [
                            {"value": "1.5", "unit": "kWh"},
                            {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                            {"value": "broken", "measurand": "Voltage"},
                        ],
                    }
                ],
            },
            Metered(
                1,
                1,
                (
                    Reading(SAID, REGISTER, Decimal(1500), "Wh"),
                    Reading(SAID, "Current.Import", Decimal(16), "A", phase="L1"),
                ),
                ocpp_id="7",
                notes=("a meter value that is no number",),
            ),
        ),
        (
            "FirmwareStatusNotification",
            {"status": "Downloading"},
            FirmwareTold("Downloading"),
        ),
    ],
)
def test_what_a_charger_tells(action: str, payload: dict[str, Any], fact: object) -> None:
    assert INBOUND[action].read(payload) == fact


START = {"connectorId": 1, "idTag": "Tag", "meterStart": 100, "timestamp": TEXT, "reservationId": 9}


def told(action: str, payload: dict[str, Any]) -> TransactionTold:
    fact = INBOUND[action].read(payload)
    assert isinstance(fact, TransactionTold)
    return fact


def test_a_start_waits_for_its_name_and_carries_its_meter() -> None:
    start = told("StartTransaction", START)
    assert (start.stage, start.ocpp_id, start.seq_no, start.evse_id, start.connector_id) == (
        Stage.STARTED,
        None,
        None,
        1,
        1,
    )
    assert (start.id_token, start.asks, start.reservation_id) == (IdToken("Tag"), True, 9)
    assert start.readings == (Reading(SAID, REGISTER, Decimal(100), "Wh", context="Transaction.Begin"),)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"idTag": "TAG"}, True),
        ({"timestamp": "2026-03-01T13:00:00+01:00"}, True),
        ({"vendor": 1}, True),
        ({"meterStart": 101}, False),
        ({"connectorId": 2}, False),
        ({"idTag": "other"}, False),
        ({"timestamp": "2026-03-01T12:00:01Z"}, False),
    ],
)
def test_the_key_of_a_start_is_its_content(change: dict[str, Any], same: bool) -> None:
    assert (told("StartTransaction", START | change).digest == told("StartTransaction", START).digest) is same


def test_a_stop_carries_its_samples_and_its_meter() -> None:
    stop = told(
        "StopTransaction",
        {
            "transactionId": 7,
            "meterStop": 2100,
            "timestamp": TEXT,
            "reason": "EVDisconnected",
            "transactionData": [{"timestamp": TEXT, "sampledValue": [{"value": "2000", "context": "Sample.Clock"}]}],
        },
    )
    assert (stop.stage, stop.ocpp_id, stop.stop_reason, stop.asks) == (Stage.ENDED, "7", "EVDisconnected", False)
    assert stop.readings == (
        Reading(SAID, REGISTER, Decimal(2000), "Wh", context="Sample.Clock"),
        Reading(SAID, REGISTER, Decimal(2100), "Wh", context="Transaction.End"),
    )


def signed(*samples: dict[str, Any]) -> tuple[Reading, ...]:
    fact = INBOUND["MeterValues"].read(
        {"connectorId": 1, "meterValue": [{"timestamp": TEXT, "sampledValue": list(samples)}]}
    )
    assert isinstance(fact, Metered)
    return fact.readings


def test_a_signed_value_rides_on_the_plain_one_beside_it() -> None:
    plain = {"value": "5", "context": "Transaction.Begin"}
    proof = {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.Begin"}
    assert signed(plain, proof) == (
        Reading(
            SAID,
            REGISTER,
            Decimal(5),
            "Wh",
            context="Transaction.Begin",
            signed={"signedMeterData": "OCMF|{}|{}"},
        ),
    )


def test_a_signed_value_alone_is_kept_and_counts_nothing() -> None:
    (reading,) = signed({"value": "OCMF|{}|{}", "format": "SignedData"})
    assert (reading.measurand, reading.value, reading.signed) == (
        "Signed",
        Decimal(0),
        {"signedMeterData": "OCMF|{}|{}"},
    )


@pytest.mark.parametrize("connector", [-1, 2**15])
def test_a_connector_that_cannot_be_is_refused(connector: int) -> None:
    with pytest.raises(Refused):
        INBOUND["StatusNotification"].read({"connectorId": connector, "errorCode": "NoError", "status": "Available"})


@pytest.mark.parametrize(
    ("action", "reply", "payload"),
    [
        (
            "BootNotification",
            Reply(NOON, interval=300),
            {"status": "Accepted", "currentTime": "2026-03-01T12:00:00.000Z", "interval": 300},
        ),
        ("Heartbeat", Reply(NOON), {"currentTime": "2026-03-01T12:00:00.000Z"}),
        ("StatusNotification", Reply(NOON), {}),
        ("Authorize", Reply(NOON, ACCEPTED), {"idTagInfo": {"status": "Accepted"}}),
        (
            "Authorize",
            Reply(NOON, Verdict(AuthStatus.ACCEPTED, IdToken("GROUP"), NOON)),
            {"idTagInfo": {"status": "Accepted", "expiryDate": "2026-03-01T12:00:00.000Z", "parentIdTag": "GROUP"}},
        ),
        (
            "Authorize",
            Reply(NOON, Verdict(AuthStatus.ACCEPTED, IdToken("x" * 21))),
            {"idTagInfo": {"status": "Accepted"}},
        ),
        ("StartTransaction", Reply(NOON, ACCEPTED, "7"), {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}),
        ("StopTransaction", Reply(NOON), {}),
        ("DataTransfer", Reply(NOON), {"status": "UnknownVendorId"}),
        ("SecurityEventNotification", Reply(NOON), {}),
    ],
)
def test_what_is_answered(action: str, reply: Reply, payload: dict[str, Any]) -> None:
    assert INBOUND[action].answer(reply) == payload
    assert EDITION.response_sent(action).holds(payload)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (AuthStatus.ACCEPTED, "Accepted"),
        (AuthStatus.BLOCKED, "Blocked"),
        (AuthStatus.EXPIRED, "Expired"),
        (AuthStatus.CONCURRENT_TX, "ConcurrentTx"),
        (AuthStatus.NO_CREDIT, "Blocked"),
        (AuthStatus.INVALID, "Invalid"),
        (AuthStatus.UNKNOWN, "Invalid"),
        (AuthStatus.NOT_AT_THIS_TIME, "Invalid"),
    ],
)
def test_verdicts_in_the_words_of_1_6(status: AuthStatus, word: str) -> None:
    assert INBOUND["Authorize"].answer(Reply(NOON, Verdict(status))) == {"idTagInfo": {"status": word}}


ABOUT = Transaction("id", "CP", "7", 1, 1, None, NOON)


@pytest.mark.parametrize(
    ("command", "about", "action", "payload"),
    [
        (StartCharging(IdToken("T"), 5), None, "RemoteStartTransaction", {"idTag": "T"}),
        (StartCharging(IdToken("T"), 5, evse_id=2), None, "RemoteStartTransaction", {"idTag": "T", "connectorId": 2}),
        (StopCharging("id"), ABOUT, "RemoteStopTransaction", {"transactionId": 7}),
        (UnlockConnector(2), None, "UnlockConnector", {"connectorId": 2}),
        (
            ReserveNow(9, IdToken("T"), NOON, evse_id=1, group=IdToken("G")),
            None,
            "ReserveNow",
            {
                "connectorId": 1,
                "expiryDate": "2026-03-01T12:00:00.000Z",
                "idTag": "T",
                "reservationId": 9,
                "parentIdTag": "G",
            },
        ),
        (
            ReserveNow(9, IdToken("T"), NOON),
            None,
            "ReserveNow",
            {"connectorId": 0, "expiryDate": "2026-03-01T12:00:00.000Z", "idTag": "T", "reservationId": 9},
        ),
        (CancelReservation(9), None, "CancelReservation", {"reservationId": 9}),
        (
            Trigger("FirmwareStatusNotification"),
            None,
            "TriggerMessage",
            {"requestedMessage": "FirmwareStatusNotification"},
        ),
        (
            Trigger("SignedFirmwareStatusNotification"),
            None,
            "ExtendedTriggerMessage",
            {"requestedMessage": "FirmwareStatusNotification"},
        ),
        (
            Trigger("SignChargePointCertificate"),
            None,
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
        ),
        (
            Trigger("LogStatusNotification"),
            None,
            "ExtendedTriggerMessage",
            {"requestedMessage": "LogStatusNotification"},
        ),
    ],
)
def test_what_a_charger_is_asked(command: Any, about: Transaction | None, action: str, payload: dict[str, Any]) -> None:
    outbound = OUTBOUND[type(command)]
    assert (outbound.action_of(command), outbound.say(command, about)) == (action, payload)
    assert EDITION.request_sent(action).holds(payload)


@pytest.mark.parametrize(
    ("command", "word", "status"),
    [
        (StartCharging, "Accepted", OutcomeStatus.ACCEPTED),
        (StartCharging, "Rejected", OutcomeStatus.REJECTED),
        (StopCharging, "Rejected", OutcomeStatus.REJECTED),
        (UnlockConnector, "Unlocked", OutcomeStatus.ACCEPTED),
        (UnlockConnector, "UnlockFailed", OutcomeStatus.FAILED),
        (UnlockConnector, "NotSupported", OutcomeStatus.NOT_SUPPORTED),
        (ReserveNow, "Occupied", OutcomeStatus.OCCUPIED),
        (ReserveNow, "Faulted", OutcomeStatus.FAULTED),
        (ReserveNow, "Unavailable", OutcomeStatus.UNAVAILABLE),
        (CancelReservation, "Rejected", OutcomeStatus.UNKNOWN_RESERVATION),
        (CancelReservation, "Perhaps", OutcomeStatus.FAILED),
    ],
)
def test_how_asking_ends(command: type, word: str, status: OutcomeStatus) -> None:
    outcome = OUTBOUND[command].read({"status": word})
    assert (outcome.status, outcome.detail, outcome.payload) == (status, word, {"status": word})


@pytest.mark.parametrize(
    ("action", "message", "invited"),
    [
        ("TriggerMessage", "FirmwareStatusNotification", "FirmwareStatusNotification"),
        ("ExtendedTriggerMessage", "FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("ExtendedTriggerMessage", "SignChargePointCertificate", "SignCertificate"),
        ("ExtendedTriggerMessage", "LogStatusNotification", "LogStatusNotification"),
    ],
)
def test_what_a_pending_charger_may_say_after_a_trigger(action: str, message: str, invited: str) -> None:
    assert invites(action, {"requestedMessage": message}) == {invited}


def test_a_message_that_nobody_can_ask_for_is_named_with_those_that_one_can() -> None:
    with pytest.raises(Unsayable, match=r"no Dance; it does for BootNotification, .*SignChargePointCertificate"):
        OUTBOUND[Trigger].say(Trigger("Dance"), None)
