"""How a simulated device answers in OCPP 2.x, from a state of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge_ocpp.simulator.device import Device, Payload, Variable
from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import stamp

PER_REPORT = 8
"""Variables in one part of a report."""


async def answer(charger: Driven, action: str, payload: Payload) -> Payload | None:
    """The answer, or None for an action that is not about the device."""
    device = charger.device
    if action == "GetVariables":
        return {"getVariableResult": [_got(device, wanted) for wanted in payload["getVariableData"]]}
    if action == "SetVariables":
        return {"setVariableResult": [_set(device, wanted) for wanted in payload["setVariableData"]]}
    if action == "GetBaseReport":
        if payload["reportBase"] == "SummaryInventory":
            return {"status": "NotSupported"}
        charger.soon(_report(charger, payload["requestId"], device.variables))
        return {"status": "Accepted"}
    if action == "GetReport":
        wanted = {one["component"]["name"].casefold() for one in payload.get("componentVariable") or ()}
        chosen = [one for one in device.variables if not wanted or one.component.casefold() in wanted]
        if not chosen:
            return {"status": "EmptyResultSet"}
        charger.soon(_report(charger, payload["requestId"], chosen))
        return {"status": "Accepted"}
    if action == "SetNetworkProfile":
        device.profiles[payload["configurationSlot"]] = payload["connectionData"]
        return {"status": "Accepted"}
    return await _whole(charger, action, payload)


async def _whole(charger: Driven, action: str, payload: Payload) -> Payload | None:
    device = charger.device
    if action == "Reset":
        if payload.get("evseId") is not None:
            return {"status": "Rejected"}
        if payload["type"] == "OnIdle" and charger.charging():
            charger.restart_when_idle = True
            return {"status": "Scheduled"}
        charger.soon(charger.restart("ImmediateReset"))
        return {"status": "Accepted"}
    if action == "ChangeAvailability":
        number = (payload.get("evse") or {}).get("id")
        return {"status": charger.change_availability(number, operative=payload["operationalStatus"] == "Operative")}
    if action == "ClearCache":
        device.remembered.clear()
        return {"status": "Accepted"}
    if action == "TriggerMessage":
        return {"status": "Accepted" if charger.trigger(payload["requestedMessage"]) else "NotImplemented"}
    if action == "GetLocalListVersion":
        return {"versionNumber": device.list_version}
    if action == "SendLocalList":
        entries = [
            (one["idToken"]["idToken"], one.get("idTokenInfo")) for one in payload.get("localAuthorizationList") or ()
        ]
        full = payload["updateType"] == "Full"
        return {"status": device.take_list(payload["versionNumber"], entries, full=full)}
    return None


def _find(device: Device, wanted: Payload) -> tuple[Payload, Variable | None, str]:
    """The names again, the variable if there is one, and the status of asking for it."""
    component, variable = wanted["component"], wanted["variable"]
    named = {"component": component, "variable": variable}
    found = device.named(component["name"], variable["name"], variable.get("instance", ""))
    if found is None:
        there = any(one.component.casefold() == component["name"].casefold() for one in device.variables)
        return named, None, "UnknownVariable" if there else "UnknownComponent"
    if wanted.get("attributeType", "Actual") != "Actual":
        return {**named, "attributeType": wanted["attributeType"]}, None, "NotSupportedAttributeType"
    return named, found, "Accepted"


def _got(device: Device, wanted: Payload) -> Payload:
    named, found, status = _find(device, wanted)
    if found is None:
        return {"attributeStatus": status, **named}
    if found.secret:
        return {"attributeStatus": "Rejected", **named}
    return {"attributeStatus": status, "attributeValue": found.value, **named}


def _set(device: Device, wanted: Payload) -> Payload:
    named, found, status = _find(device, wanted)
    return {"attributeStatus": status if found is None else device.set(found, wanted["attributeValue"]), **named}


async def _report(charger: Driven, request_id: int, variables: list[Variable]) -> None:
    parts = [variables[start : start + PER_REPORT] for start in range(0, len(variables), PER_REPORT)]
    for number, part in enumerate(parts):
        payload = {
            "requestId": request_id,
            "generatedAt": stamp(datetime.now(UTC)),
            "seqNo": number,
            "tbc": number < len(parts) - 1,
            "reportData": [_reported(variable) for variable in part],
        }
        await charger.say("NotifyReport", payload)


def _reported(variable: Variable) -> Payload:
    named: Payload = {"name": variable.name}
    if variable.instance:
        named["instance"] = variable.instance
    kind: Payload = {"dataType": variable.kind, "supportsMonitoring": False}
    if variable.unit:
        kind["unit"] = variable.unit
    if variable.values:
        kind["valuesList"] = variable.values
    actual: Payload = {"type": "Actual", "mutability": "ReadOnly" if variable.readonly else "ReadWrite"}
    if variable.secret:
        actual["mutability"] = "WriteOnly"
    else:
        actual["value"] = variable.value
    attributes = [actual]
    if variable.name == "Entries" and variable.most is not None:
        attributes.append({"type": "MaxSet", "value": str(variable.most), "mutability": "ReadOnly"})
    return {
        "component": {"name": variable.component},
        "variable": named,
        "variableAttribute": attributes,
        "variableCharacteristics": kind,
    }
