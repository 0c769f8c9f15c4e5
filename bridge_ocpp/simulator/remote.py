"""What the central system asks of a charger about charges and reservations, in every version; and makers' own data."""

from __future__ import annotations

from datetime import datetime

from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import Payload


def start16(charger: Driven, payload: Payload) -> Payload:
    """RemoteStartTransaction."""
    token = payload["idTag"]
    evse = charger.free_evse(payload.get("connectorId"), token)
    if evse is None:
        return {"status": "Rejected"}
    charger.soon(charger.charge_begins(evse.number, token, profile=payload.get("chargingProfile")))
    return {"status": "Accepted"}


def stop(charger: Driven, payload: Payload) -> Payload:
    """RemoteStopTransaction, RequestStopTransaction."""
    return {"status": charger.stop(payload["transactionId"])}


def unlock16(charger: Driven, payload: Payload) -> Payload:
    """UnlockConnector of 1.6."""
    if payload["connectorId"] not in charger.evses:
        return {"status": "NotSupported"}
    charger.soon(charger.unlocked(payload["connectorId"]))
    return {"status": "Unlocked"}


def start201(charger: Driven, payload: Payload) -> Payload:
    """RequestStartTransaction."""
    token, group = payload["idToken"], (payload.get("groupIdToken") or {}).get("idToken")
    evse = charger.free_evse(payload.get("evseId"), token["idToken"], group)
    if evse is None:
        return {"status": "Rejected"}
    charger.soon(
        charger.charge_begins(
            evse.number,
            token["idToken"],
            shown_as=token["type"],
            remote_start_id=payload["remoteStartId"],
            profile=payload.get("chargingProfile"),
            group=group,
        )
    )
    return {"status": "Accepted"}


def unlock201(charger: Driven, payload: Payload) -> Payload:
    """UnlockConnector of 2.x."""
    if payload["evseId"] not in charger.evses or payload["connectorId"] != 1:
        return {"status": "UnknownConnector"}
    charger.soon(charger.unlocked(payload["evseId"]))
    return {"status": "Unlocked"}


def transaction_status(charger: Driven, payload: Payload) -> Payload:
    """GetTransactionStatus: whether it still runs, and whether something of it waits to be told (E14)."""
    number = payload.get("transactionId")
    waits = {"messagesInQueue": charger.outbox.waits_about(number)}
    return waits if number is None else waits | {"ongoingIndicator": charger.charge_named(number) is not None}


def reserve16(charger: Driven, payload: Payload) -> Payload:
    """ReserveNow of 1.6."""
    expires = datetime.fromisoformat(payload["expiryDate"])
    where, number = payload["connectorId"] or None, payload["reservationId"]
    group = payload.get("parentIdTag")
    return {"status": charger.reservations.reserve(where, number, payload["idTag"], expires=expires, group=group)}


def reserve201(charger: Driven, payload: Payload) -> Payload:
    """ReserveNow of 2.x."""
    expires, token = datetime.fromisoformat(payload["expiryDateTime"]), payload["idToken"]["idToken"]
    where, group = payload.get("evseId"), (payload.get("groupIdToken") or {}).get("idToken")
    return {"status": charger.reservations.reserve(where, payload["id"], token, expires=expires, group=group)}


def release(charger: Driven, payload: Payload) -> Payload:
    """CancelReservation."""
    return {"status": "Accepted" if charger.reservations.release(payload["reservationId"]) else "Rejected"}


def clear_cache(charger: Driven, _payload: Payload) -> Payload:
    """ClearCache."""
    charger.device.remembered.clear()
    return {"status": "Accepted"}


def data(charger: Driven, payload: Payload) -> Payload:
    """DataTransfer: this maker has one message, `echo`, which comes back."""
    if payload["vendorId"] != charger.vendor:
        return {"status": "UnknownVendorId"}
    if payload.get("messageId") != "echo":
        return {"status": "UnknownMessageId"}
    return {"status": "Accepted"} | ({"data": payload["data"]} if "data" in payload else {})
