"""How a simulated device answers in OCPP 1.6, from a state of its own."""

from __future__ import annotations

from bridge_ocpp.simulator.device import Payload, Variable
from bridge_ocpp.simulator.driving import Driven


async def answer(charger: Driven, action: str, payload: Payload) -> Payload | None:
    """The answer, or None for an action that is not about the device."""
    device = charger.device
    if action == "GetConfiguration":
        keys = payload.get("key") or [variable.key for variable in device.variables if variable.key]
        found = [(key, device.key(key)) for key in keys]
        return {
            "configurationKey": [_key(variable) for _, variable in found if variable is not None],
            "unknownKey": [key for key, variable in found if variable is None],
        }
    if action == "ChangeConfiguration":
        variable = device.key(payload["key"])
        return {"status": "NotSupported" if variable is None else device.set(variable, payload["value"])}
    if action == "Reset":
        charger.soon(charger.restart(payload["type"] + "Reset"))
        return {"status": "Accepted"}
    if action == "ChangeAvailability":
        number = payload["connectorId"] or None
        return {"status": charger.change_availability(number, operative=payload["type"] == "Operative")}
    if action == "ClearCache":
        device.remembered.clear()
        return {"status": "Accepted"}
    if action == "TriggerMessage":
        return {"status": "Accepted" if charger.trigger(payload["requestedMessage"]) else "NotImplemented"}
    if action == "GetLocalListVersion":
        return {"listVersion": device.list_version}
    if action == "SendLocalList":
        entries = [(one["idTag"], one.get("idTagInfo")) for one in payload.get("localAuthorizationList") or ()]
        full = payload["updateType"] == "Full"
        return {"status": device.take_list(payload["listVersion"], entries, full=full)}
    return None


def _key(variable: Variable) -> Payload:
    if variable.key == "LocalAuthListMaxLength":  # in 1.6 the room, in 2.x the entries
        return {"key": variable.key, "readonly": True, "value": str(variable.most)}
    said: Payload = {"key": variable.key, "readonly": variable.readonly}
    if not variable.secret:
        said["value"] = variable.value
    return said
