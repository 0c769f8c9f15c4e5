"""How a simulated device answers in OCPP 1.6, from a state of its own."""

from __future__ import annotations

from bridge_ocpp.simulator.device import Payload, Variable
from bridge_ocpp.simulator.driving import Driven


def get(charger: Driven, payload: Payload) -> Payload:
    """GetConfiguration."""
    device = charger.device
    keys = payload.get("key") or [variable.key for variable in device.variables if variable.key]
    found = [(key, device.key(key)) for key in keys]
    return {
        "configurationKey": [_key(variable) for _, variable in found if variable is not None],
        "unknownKey": [key for key, variable in found if variable is None],
    }


def change(charger: Driven, payload: Payload) -> Payload:
    """ChangeConfiguration."""
    variable = charger.device.key(payload["key"])
    if variable is None:
        return {"status": "NotSupported"}
    if variable.secret:
        return {"status": charger.safe.take_password(payload["value"])}
    return {"status": charger.device.set(variable, payload["value"])}


def reset(charger: Driven, payload: Payload) -> Payload:
    """Reset."""
    charger.soon(charger.restart(payload["type"] + "Reset"))
    return {"status": "Accepted"}


def availability(charger: Driven, payload: Payload) -> Payload:
    """ChangeAvailability."""
    number = payload["connectorId"] or None
    return {"status": charger.change_availability(number, operative=payload["type"] == "Operative")}


def trigger(charger: Driven, payload: Payload) -> Payload:
    """TriggerMessage."""
    return _triggered(charger, payload["requestedMessage"], payload.get("connectorId"))


def extended_trigger(charger: Driven, payload: Payload) -> Payload:
    """ExtendedTriggerMessage of the security whitepaper: of firmware, it means the one with signed images."""
    message = payload["requestedMessage"]
    signed = "SignedFirmwareStatusNotification" if message == "FirmwareStatusNotification" else message
    return _triggered(charger, signed, payload.get("connectorId"))


def _triggered(charger: Driven, message: str, connector: int | None) -> Payload:
    if connector is not None and connector not in (0, *charger.evses):
        return {"status": "Rejected"}
    return {"status": "Accepted" if charger.trigger(message, connector) else "NotImplemented"}


def list_version(charger: Driven, _payload: Payload) -> Payload:
    """GetLocalListVersion."""
    return {"listVersion": charger.device.list_version}


def take_list(charger: Driven, payload: Payload) -> Payload:
    """SendLocalList."""
    entries = [(one["idTag"], one.get("idTagInfo")) for one in payload.get("localAuthorizationList") or ()]
    full = payload["updateType"] == "Full"
    return {"status": charger.device.take_list(payload["listVersion"], entries, full=full)}


def _key(variable: Variable) -> Payload:
    if variable.key == "LocalAuthListMaxLength":  # in 1.6 the room, in 2.x the entries
        return {"key": variable.key, "readonly": True, "value": str(variable.most)}
    said: Payload = {"key": variable.key, "readonly": variable.readonly}
    if not variable.secret:
        said["value"] = variable.value
    return said
