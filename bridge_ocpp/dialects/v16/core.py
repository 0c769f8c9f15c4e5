"""The core of OCPP 1.6: boot, status, tokens, transactions, meter values, reservations. Pure tables, no decisions.

Each connector is an EVSE with one connector; connector 0 is the charger as a whole.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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
from bridge_ocpp.dialects.v16.charging import written
from bridge_ocpp.dialects.words import (
    Boot,
    ConnectorTold,
    Inbound,
    Metered,
    Outbound,
    Payload,
    Reply,
    Stage,
    TokenShown,
    TransactionTold,
    digest,
    nothing,
    outcome,
)
from bridge_ocpp.meter import Reading
from bridge_ocpp.port import (
    AuthStatus,
    CancelReservation,
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

LONGEST_ID_TAG = 20

# --- from the charger ------------------------------------------------------------------------------------------


def _boot(payload: Payload) -> Boot:
    return Boot(
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware_version=payload.get("firmwareVersion"),
    )


def _status(payload: Payload) -> ConnectorTold:
    connector = place(payload["connectorId"])
    error = payload.get("errorCode") or "NoError"
    details = (payload.get("info"), payload.get("vendorErrorCode"))
    return ConnectorTold(
        evse_id=connector,
        connector_id=1 if connector else 0,
        status=ConnectorStatus(payload["status"]),
        said=read_time(payload.get("timestamp")),
        error_code=None if error == "NoError" else error,
        info=" · ".join(text for text in details if text) or None,
    )


def _token(payload: Payload) -> TokenShown:
    return TokenShown(IdToken(payload["idTag"]))


def _start(payload: Payload) -> TransactionTold:
    connector, said = place(payload["connectorId"]), read_time(payload.get("timestamp"))
    begin = Reading(said, meter.REGISTER, _wh(payload["meterStart"]), "Wh", context=meter.BEGIN)
    return TransactionTold(
        Stage.STARTED,
        said,
        digest(connector, payload["idTag"].casefold(), _moment(said), str(begin.value)),
        evse_id=connector,
        connector_id=1,
        id_token=IdToken(payload["idTag"]),
        asks=True,
        readings=(begin,),
        reservation_id=whole(payload.get("reservationId")),
    )


def _start_answer(reply: Reply) -> Payload:
    return {"transactionId": int(reply.ocpp_id or 0), "idTagInfo": id_tag_info(reply.verdict)}


def _token_answer(reply: Reply) -> Payload:
    return {"idTagInfo": id_tag_info(reply.verdict)}


def _stop(payload: Payload) -> TransactionTold:
    said = read_time(payload.get("timestamp"))
    end = Reading(said, meter.REGISTER, _wh(payload["meterStop"]), "Wh", context=meter.END)
    notes: set[str] = set()
    return TransactionTold(
        Stage.ENDED,
        said,
        digest(payload),
        ocpp_id=str(int(payload["transactionId"])),
        id_token=IdToken(payload["idTag"]) if payload.get("idTag") else None,
        readings=(*_readings(payload.get("transactionData") or (), notes), end),
        stop_reason=payload.get("reason") or "Local",
        notes=tuple(sorted(notes)),
    )


def _stop_answer(reply: Reply) -> Payload:
    """What is known of the token that stopped it: nothing, where it was stopped without one or by another one."""
    return {} if reply.verdict is None else {"idTagInfo": id_tag_info(reply.verdict)}


def _meter_values(payload: Payload) -> Metered:
    connector = place(payload["connectorId"])
    transaction = payload.get("transactionId")
    notes: set[str] = set()
    return Metered(
        evse_id=connector,
        connector_id=1 if connector else 0,
        readings=tuple(_readings(payload["meterValue"], notes)),
        ocpp_id=None if transaction is None else str(int(transaction)),
        notes=tuple(sorted(notes)),
    )


def _readings(meter_values: Iterable[Payload], notes: set[str]) -> Iterable[Reading]:
    """The readings in order; what is odd about values goes into `notes`."""
    for meter_value in meter_values:
        said = read_time(meter_value.get("timestamp"))
        yield from _with_signatures([_reading(said, sample, notes) for sample in meter_value["sampledValue"]])


def _reading(said: Said, sample: Payload, notes: set[str]) -> Reading | Mapping[str, Any] | None:
    """A reading, or a signed value as a mapping, or None for a value that is no number."""
    measurand = sample.get("measurand", meter.REGISTER)
    if sample.get("format") == "SignedData" and sample.get("value"):
        return {"said": said, "measurand": measurand, **sample}
    number = meter.read_number(sample.get("value"))
    if number is None:
        notes.add("a meter value that is no number")
        return None
    if "," in sample["value"]:
        notes.add("a meter value with a comma")
    value, unit = meter.normalise(number, sample.get("unit"), measurand)
    context, location = sample.get("context", "Sample.Periodic"), sample.get("location", "Outlet")
    return Reading(said, measurand, value, unit, sample.get("phase"), context, location)


def _with_signatures(found: list[Reading | Mapping[str, Any] | None]) -> Iterable[Reading]:
    """Each signed value rides on the plain reading of the same thing; alone it stands as a reading named Signed."""
    readings = [item for item in found if isinstance(item, Reading)]
    for item in (item for item in found if isinstance(item, Mapping)):
        signed, context = {"signedMeterData": item["value"]}, item.get("context", "Sample.Periodic")
        for index, reading in enumerate(readings):
            if reading.signed is None and (reading.measurand, reading.context) == (item["measurand"], context):
                readings[index] = replace(reading, signed=signed)
                break
        else:
            readings.append(meter.signed_alone(item["said"], context=context, signed=signed))
    return readings


def _wh(value: Any) -> Decimal:
    return meter.read_number(value) or Decimal(0)


def _moment(said: Said) -> str:
    return said.at.isoformat() if said.at else said.text


_STATUS_16 = {
    AuthStatus.ACCEPTED: "Accepted",
    AuthStatus.BLOCKED: "Blocked",
    AuthStatus.NO_CREDIT: "Blocked",
    AuthStatus.EXPIRED: "Expired",
    AuthStatus.CONCURRENT_TX: "ConcurrentTx",
}


def id_tag_info(verdict: Verdict | None) -> dict[str, Any]:
    """IdTagInfo: what a charger is told of a token, in 1.6's four refusals."""
    if verdict is None:
        return {"status": "Invalid"}
    if verdict.master:  # 1.6 knows no card that only stops: to it, this one does not charge
        return {"status": "Blocked"}
    info: dict[str, Any] = {"status": _STATUS_16.get(verdict.status, "Invalid")}
    if verdict.expires_at is not None:
        info["expiryDate"] = write_time(verdict.expires_at)
    # A longer group id does not fit into 1.6, and half an id would be another group.
    if verdict.group is not None and 0 < len(verdict.group.value) <= LONGEST_ID_TAG:
        info["parentIdTag"] = verdict.group.value
    return info


INBOUND: Mapping[str, Inbound] = {
    "BootNotification": Inbound(_boot, boot_answer),
    "Heartbeat": HEARTBEAT,
    "StatusNotification": Inbound(_status, nothing),
    "Authorize": Inbound(_token, _token_answer),
    "StartTransaction": Inbound(_start, _start_answer),
    "MeterValues": Inbound(_meter_values, nothing),
    "StopTransaction": Inbound(_stop, _stop_answer),
    "DataTransfer": DATA_TRANSFER,
}

# --- to the charger ------------------------------------------------------------------------------------------------


def _remote_start(command: StartCharging, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"idTag": command.id_token.value}
    if command.evse_id is not None:
        payload["connectorId"] = command.evse_id
    if command.charging_profile is not None:
        payload["chargingProfile"] = written(command.charging_profile, None)
    return payload


def _remote_stop(_: StopCharging, about: Transaction | None) -> Payload:
    return {"transactionId": int(about.ocpp_id) if about else 0}


def _unlock(command: UnlockConnector, _: Transaction | None) -> Payload:
    return {"connectorId": command.evse_id}


def _reserve(command: ReserveNow, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {
        "connectorId": command.evse_id or 0,
        "expiryDate": write_time(command.expires_at),
        "idTag": command.id_token.value,
        "reservationId": command.reservation_id,
    }
    if command.group is not None and len(command.group.value) <= LONGEST_ID_TAG:
        payload["parentIdTag"] = command.group.value
    return payload


OUTBOUND: Mapping[type, Outbound] = {
    StartCharging: Outbound("RemoteStartTransaction", _remote_start, outcome(TAKEN)),
    StopCharging: Outbound("RemoteStopTransaction", _remote_stop, outcome(TAKEN)),
    UnlockConnector: Outbound(
        "UnlockConnector", _unlock, outcome({**UNLOCKED, "NotSupported": OutcomeStatus.NOT_SUPPORTED})
    ),
    ReserveNow: Outbound("ReserveNow", _reserve, outcome(RESERVED)),
    CancelReservation: CANCEL_RESERVATION,
}

# --- what an operator's own call says, in the same words -----------------------------------------------------


def _reserve_meant(payload: Payload) -> Command:
    until = read_time(payload["expiryDate"]).at
    if until is None:
        raise ValueError("expiryDate")
    token = IdToken(payload["idTag"])
    return ReserveNow(int(payload["reservationId"]), token, until, int(payload["connectorId"]) or None)


MEANT: Mapping[str, Callable[[Payload], Command]] = {
    "ReserveNow": _reserve_meant,
    "CancelReservation": cancel_meant,
}
