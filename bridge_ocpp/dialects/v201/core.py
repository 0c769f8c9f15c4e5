"""The core of OCPP 2.0.1: boot, status, tokens, transactions, meter values, reservations. Pure tables, no decisions.

What a later version adds is written as this and more: `INBOUND | {…}`.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from bridge_ocpp import meter
from bridge_ocpp.clock import Said, read_time, write_time
from bridge_ocpp.dialects.alike import (
    CANCEL_RESERVATION,
    DATA_TRANSFER,
    HEARTBEAT,
    RESERVED,
    TAKEN,
    UNLOCKED,
    boot_answer,
    cancel_meant,
    place,
    whole,
)
from bridge_ocpp.dialects.car_words import named
from bridge_ocpp.dialects.v201.charging import written
from bridge_ocpp.dialects.words import (
    Boot,
    ConnectorTold,
    Inbound,
    Metered,
    Outbound,
    Payload,
    Reply,
    ReservationTold,
    Stage,
    TokenShown,
    TransactionTold,
    digest,
    nothing,
    outcome,
)
from bridge_ocpp.meter import Reading
from bridge_ocpp.port import (
    CancelReservation,
    ChargingState,
    Command,
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

LONGEST_MESSAGE = 512

# --- from the charger ------------------------------------------------------------------------------------------


def _boot(payload: Payload) -> Boot:
    station = payload["chargingStation"]
    return Boot(
        vendor=station["vendorName"],
        model=station["model"],
        serial_number=station.get("serialNumber"),
        firmware_version=station.get("firmwareVersion"),
        reason=payload.get("reason"),
    )


def _status(payload: Payload) -> ConnectorTold:
    return ConnectorTold(
        evse_id=place(payload["evseId"]),
        connector_id=place(payload["connectorId"]),
        status=ConnectorStatus(payload["connectorStatus"]),
        said=read_time(payload.get("timestamp")),
    )


def _token(payload: Payload) -> TokenShown:
    contract = payload.get("iso15118CertificateHashData") or ()
    named_so = tuple(named(each, (each["responderURL"],)) for each in contract)
    return TokenShown(_id_token(payload["idToken"]), named_so, payload.get("certificate"))


def _token_answer(reply: Reply) -> Payload:
    """`certificateStatus` only where a car showed its contract (2.0.1, C07)."""
    answer: dict[str, Any] = {"idTokenInfo": id_token_info(reply.verdict)}
    return answer if reply.content is None else answer | {"certificateStatus": reply.content}


def _id_token(said: Payload) -> IdToken:
    return IdToken(said["idToken"], said["type"])


def id_token_info(verdict: Verdict | None) -> dict[str, Any]:
    """IdTokenInfoType."""
    if verdict is None:
        return {"status": "Unknown"}
    info: dict[str, Any] = {"status": verdict.status.value}
    if verdict.expires_at is not None:
        info["cacheExpiryDateTime"] = write_time(verdict.expires_at)
    if verdict.group is not None:
        info["groupIdToken"] = {"idToken": verdict.group.value, "type": verdict.group.type}
    if verdict.message:
        info["personalMessage"] = {"format": "UTF8", "content": verdict.message[:LONGEST_MESSAGE]}
    return info


_STATES = frozenset(ChargingState)


def _transaction(payload: Payload) -> TransactionTold:
    about, evse = payload["transactionInfo"], payload.get("evse") or {}
    token, state = payload.get("idToken"), about.get("chargingState")
    stage = Stage(payload["eventType"])
    return TransactionTold(
        stage,
        read_time(payload.get("timestamp")),
        # Sent again, it may say `offline` where it did not before, or number a value differently: it is the same.
        digest(stage, payload["seqNo"], payload.get("timestamp")),
        ocpp_id=about["transactionId"],
        seq_no=int(payload["seqNo"]),
        evse_id=place(evse["id"]) if evse else None,
        connector_id=place(evse.get("connectorId", 1)) if evse else None,
        id_token=_id_token(token) if token else None,
        asks=token is not None,
        readings=tuple(_readings(payload.get("meterValue") or ())),
        charging_state=ChargingState(state) if state in _STATES else None,
        stop_reason=about.get("stoppedReason", "Local") if stage is Stage.ENDED else None,
        remote_start_id=whole(about.get("remoteStartId")),
        reservation_id=whole(payload.get("reservationId")),
        # Not said is not known: chargers forget the flag on what they queued.
        offline=payload.get("offline"),
    )


def _transaction_answer(reply: Reply) -> Payload:
    """`totalCost` only once the transaction is over (2.0.1, I05)."""
    cost = {} if reply.total_cost is None else {"totalCost": reply.total_cost}
    return cost if reply.verdict is None else {**cost, "idTokenInfo": id_token_info(reply.verdict)}


def _meter_values(payload: Payload) -> Metered:
    evse = place(payload["evseId"])
    return Metered(evse_id=evse, connector_id=1 if evse else 0, readings=tuple(_readings(payload["meterValue"])))


def _readings(meter_values: Iterable[Payload]) -> Iterable[Reading]:
    for meter_value in meter_values:
        said = read_time(meter_value.get("timestamp"))
        for sample in meter_value["sampledValue"]:
            reading = _reading(said, sample)
            if reading is not None:
                yield reading


def _reading(said: Said, sample: Payload) -> Reading | None:
    number = meter.read_number(sample.get("value"))
    if number is None:
        return None
    measurand = sample.get("measurand", meter.REGISTER)
    unit = sample.get("unitOfMeasure") or {}
    multiplier = int(unit.get("multiplier", 0))
    if abs(multiplier) <= 12:
        number *= Decimal(10) ** multiplier
    value, name = meter.normalise(number, unit.get("unit"), measurand)
    return Reading(
        said,
        measurand,
        value,
        name,
        sample.get("phase"),
        sample.get("context", "Sample.Periodic"),
        sample.get("location", "Outlet"),
        sample.get("signedMeterValue"),
    )


def _reservation(payload: Payload) -> ReservationTold:
    return ReservationTold(int(payload["reservationId"]), payload["reservationUpdateStatus"])


INBOUND: Mapping[str, Inbound] = {
    "BootNotification": Inbound(_boot, boot_answer),
    "Heartbeat": HEARTBEAT,
    "StatusNotification": Inbound(_status, nothing),
    "Authorize": Inbound(_token, _token_answer),
    "TransactionEvent": Inbound(_transaction, _transaction_answer),
    "MeterValues": Inbound(_meter_values, nothing),
    "ReservationStatusUpdate": Inbound(_reservation, nothing),
    "DataTransfer": DATA_TRANSFER,
}

# --- to the charger ------------------------------------------------------------------------------------------------


def said_token(token: IdToken) -> dict[str, Any]:
    """IdTokenType."""
    return {"idToken": token.value, "type": token.type}


def _request_start(command: StartCharging, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {
        "remoteStartId": command.remote_start_id,
        "idToken": said_token(command.id_token),
    }
    if command.evse_id is not None:
        payload["evseId"] = command.evse_id
    if command.group is not None:
        payload["groupIdToken"] = said_token(command.group)
    if command.charging_profile is not None:
        payload["chargingProfile"] = written(command.charging_profile, None)
    return payload


def _request_stop(_: StopCharging, about: Transaction | None) -> Payload:
    return {"transactionId": about.ocpp_id if about else ""}


def _unlock(command: UnlockConnector, _: Transaction | None) -> Payload:
    return {"evseId": command.evse_id, "connectorId": command.connector_id}


def _reserve(command: ReserveNow, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {
        "id": command.reservation_id,
        "expiryDateTime": write_time(command.expires_at),
        "idToken": said_token(command.id_token),
    }
    if command.evse_id is not None:
        payload["evseId"] = command.evse_id
    if command.group is not None:
        payload["groupIdToken"] = said_token(command.group)
    return payload


OUTBOUND: Mapping[type, Outbound] = {
    StartCharging: Outbound("RequestStartTransaction", _request_start, outcome(TAKEN)),
    StopCharging: Outbound("RequestStopTransaction", _request_stop, outcome(TAKEN)),
    UnlockConnector: Outbound(
        "UnlockConnector",
        _unlock,
        outcome(
            {
                **UNLOCKED,
                "OngoingAuthorizedTransaction": OutcomeStatus.REJECTED,
                "UnknownConnector": OutcomeStatus.REJECTED,
            }
        ),
    ),
    ReserveNow: Outbound("ReserveNow", _reserve, outcome(RESERVED)),
    CancelReservation: CANCEL_RESERVATION,
}

# --- what an operator's own call says, in the same words -----------------------------------------------------


def _reserve_meant(payload: Payload) -> Command:
    until = read_time(payload["expiryDateTime"]).at
    if until is None:
        raise ValueError("expiryDateTime")
    return ReserveNow(int(payload["id"]), _id_token(payload["idToken"]), until, payload.get("evseId"))


MEANT: Mapping[str, Callable[[Payload], Command]] = {
    "ReserveNow": _reserve_meant,
    "CancelReservation": cancel_meant,
}
