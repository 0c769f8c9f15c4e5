"""OCPP 2.0.1 in the domain's words and back: literal messages in, literal messages out."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.security_words import SecurityEvent
from bridge_ocpp.dialects.v201 import INBOUND, OUTBOUND
from bridge_ocpp.dialects.words import (
    Beat,
    Boot,
    ConnectorTold,
    Metered,
    Refused,
    Reply,
    ReservationTold,
    Stage,
    TokenShown,
    TransactionTold,
)
from bridge_ocpp.meter import Reading
from bridge_ocpp.port import (
    AuthStatus,
    CancelReservation,
    ChargingState,
    ConnectorStatus,
    IdToken,
    OutcomeStatus,
    ReserveNow,
    StartCharging,
    StopCharging,
    Transaction,
    UnlockConnector,
    Verdict,
)
from bridge_ocpp.schemas import Edition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = "2026-03-01T12:00:00Z"
SAID = Said(NOON, text=TEXT)
REGISTER = "Energy.Active.Import.Register"
EDITION = Edition("v201", "Request")


@pytest.mark.parametrize(
    ("action", "payload", "fact"),
    [
        (
            "BootNotification",
            {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1"}},
            Boot("V", "M", None, "1", "PowerUp"),
        ),
        ("Heartbeat", {}, Beat()),
        (
            "StatusNotification",
            {"evseId": 2, "connectorId": 3, "connectorStatus": "Occupied", "timestamp": TEXT},
            ConnectorTold(2, 3, ConnectorStatus.OCCUPIED, SAID),
        ),
        ("Authorize", {"idToken": {"idToken": "T", "type": "eMAID"}}, TokenShown(IdToken("T", "eMAID"))),
        (
            "ReservationStatusUpdate",
            {"reservationId": 4, "reservationUpdateStatus": "Expired"},
            ReservationTold(4, "Expired"),
        ),
        (
            "SecurityEventNotification",
            {"type": "FirmwareUpdated", "timestamp": TEXT},
            SecurityEvent("FirmwareUpdated", SAID),
        ),
        (
            "MeterValues",
            {
                "evseId": 0,
                "meterValue": [
                    {
                        "timestamp": TEXT,
                        "sampledValue": [
                            {"value": Decimal("1.5"), "unitOfMeasure": {"unit": "Wh", "multiplier": 3}},
                            {"value": 4, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW"}},
                        ],
                    }
                ],
            },
            Metered(
                0,
                0,
                (
                    Reading(SAID, REGISTER, Decimal(1500), "Wh"),
                    Reading(SAID, "Power.Active.Import", Decimal(4000), "W"),
                ),
            ),
        ),
    ],
)
def test_what_a_charger_tells(action: str, payload: dict[str, Any], fact: object) -> None:
    assert INBOUND[action].read(payload) == fact


EVENT: dict[str, Any] = {
    "eventType": "Started",
    "timestamp": TEXT,
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "TX-1", "chargingState": "EVConnected", "remoteStartId": 12},
    "evse": {"id": 2},
    "idToken": {"idToken": "T", "type": "ISO14443"},
    "reservationId": 3,
}


def told(payload: dict[str, Any]) -> TransactionTold:
    fact = INBOUND["TransactionEvent"].read(payload)
    assert isinstance(fact, TransactionTold)
    return fact


def test_a_start() -> None:
    assert told(EVENT) == TransactionTold(
        Stage.STARTED,
        SAID,
        told(EVENT).digest,
        ocpp_id="TX-1",
        seq_no=0,
        evse_id=2,
        connector_id=1,
        id_token=IdToken("T"),
        asks=True,
        charging_state=ChargingState.EV_CONNECTED,
        remote_start_id=12,
        reservation_id=3,
    )


def test_an_end_with_signed_values() -> None:
    proof = {"signedMeterData": "b2Nt", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "k"}
    end = told(
        {
            "eventType": "Ended",
            "timestamp": TEXT,
            "triggerReason": "StopAuthorized",
            "seqNo": 4,
            "offline": True,
            "transactionInfo": {"transactionId": "TX-1", "stoppedReason": "EVDisconnected"},
            "meterValue": [
                {
                    "timestamp": TEXT,
                    "sampledValue": [{"value": 9, "context": "Transaction.End", "signedMeterValue": proof}],
                }
            ],
        }
    )
    assert (end.stage, end.seq_no, end.offline, end.stop_reason, end.id_token) == (
        Stage.ENDED,
        4,
        True,
        "EVDisconnected",
        None,
    )
    assert end.readings == (Reading(SAID, REGISTER, Decimal(9), "Wh", context="Transaction.End", signed=proof),)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"offline": True}, True),
        ({"meterValue": []}, True),
        ({"seqNo": 1}, False),
        ({"eventType": "Updated"}, False),
        ({"timestamp": "2026-03-01T12:00:01Z"}, False),
    ],
)
def test_the_key_of_an_event(change: dict[str, Any], same: bool) -> None:
    assert (told(EVENT | change).digest == told(EVENT).digest) is same


def test_an_evse_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused):
        told(EVENT | {"evse": {"id": -1}})


@pytest.mark.parametrize(
    ("action", "reply", "payload"),
    [
        (
            "BootNotification",
            Reply(NOON, interval=300, boot_status="Pending"),
            {"status": "Pending", "currentTime": "2026-03-01T12:00:00.000Z", "interval": 300},
        ),
        ("Heartbeat", Reply(NOON), {"currentTime": "2026-03-01T12:00:00.000Z"}),
        ("TransactionEvent", Reply(NOON), {}),
        (
            "TransactionEvent",
            Reply(NOON, Verdict(AuthStatus.NO_CREDIT, message="Please top up")),
            {
                "idTokenInfo": {
                    "status": "NoCredit",
                    "personalMessage": {"format": "UTF8", "content": "Please top up"},
                }
            },
        ),
        (
            "Authorize",
            Reply(NOON, Verdict(AuthStatus.ACCEPTED, IdToken("G", "Central"), NOON)),
            {
                "idTokenInfo": {
                    "status": "Accepted",
                    "cacheExpiryDateTime": "2026-03-01T12:00:00.000Z",
                    "groupIdToken": {"idToken": "G", "type": "Central"},
                }
            },
        ),
        ("StatusNotification", Reply(NOON), {}),
        ("NotifyReport", Reply(NOON), {}),
        ("DataTransfer", Reply(NOON), {"status": "UnknownVendorId"}),
    ],
)
def test_what_is_answered(action: str, reply: Reply, payload: dict[str, Any]) -> None:
    assert INBOUND[action].answer(reply) == payload
    assert EDITION.response_sent(action).holds(payload)


@pytest.mark.parametrize("status", list(AuthStatus))
def test_every_verdict_has_its_word(status: AuthStatus) -> None:
    payload = INBOUND["Authorize"].answer(Reply(NOON, Verdict(status)))
    assert payload == {"idTokenInfo": {"status": status.value}}
    assert EDITION.response_sent("Authorize").holds(payload)


ABOUT = Transaction("id", "CP", "TX-1", 1, 1, None, NOON)
SAID_T = {"idToken": "T", "type": "Central"}


@pytest.mark.parametrize(
    ("command", "about", "action", "payload"),
    [
        (
            StartCharging(IdToken("T", "Central"), 5, evse_id=2, group=IdToken("G", "Central")),
            None,
            "RequestStartTransaction",
            {
                "remoteStartId": 5,
                "idToken": SAID_T,
                "evseId": 2,
                "groupIdToken": {"idToken": "G", "type": "Central"},
            },
        ),
        (StopCharging("id"), ABOUT, "RequestStopTransaction", {"transactionId": "TX-1"}),
        (UnlockConnector(2, 3), None, "UnlockConnector", {"evseId": 2, "connectorId": 3}),
        (
            ReserveNow(9, IdToken("T", "Central"), NOON),
            None,
            "ReserveNow",
            {"id": 9, "expiryDateTime": "2026-03-01T12:00:00.000Z", "idToken": SAID_T},
        ),
        (CancelReservation(9), None, "CancelReservation", {"reservationId": 9}),
    ],
)
def test_what_a_charger_is_asked(command: Any, about: Transaction | None, action: str, payload: dict[str, Any]) -> None:
    outbound = OUTBOUND[type(command)]
    assert (outbound.action, outbound.say(command, about)) == (action, payload)
    assert EDITION.request_sent(action).holds(payload)


@pytest.mark.parametrize(
    ("command", "payload", "status", "detail"),
    [
        (StartCharging, {"status": "Accepted"}, OutcomeStatus.ACCEPTED, "Accepted"),
        (
            StartCharging,
            {"status": "Rejected", "statusInfo": {"reasonCode": "NoCable", "additionalInfo": "plug in"}},
            OutcomeStatus.REJECTED,
            "NoCable: plug in",
        ),
        (UnlockConnector, {"status": "OngoingAuthorizedTransaction"}, OutcomeStatus.REJECTED, None),
        (UnlockConnector, {"status": "UnknownConnector"}, OutcomeStatus.REJECTED, None),
        (ReserveNow, {"status": "Unavailable"}, OutcomeStatus.UNAVAILABLE, None),
        (CancelReservation, {"status": "Rejected"}, OutcomeStatus.UNKNOWN_RESERVATION, None),
    ],
)
def test_how_asking_ends(command: type, payload: dict[str, Any], status: OutcomeStatus, detail: str | None) -> None:
    outcome = OUTBOUND[command].read(payload)
    assert (outcome.status, outcome.detail) == (status, detail or payload["status"])
