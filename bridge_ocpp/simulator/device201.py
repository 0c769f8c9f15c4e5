"""How a simulated device answers in OCPP 2.x, from a state of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge_ocpp.simulator.device import Device, Payload, Variable
from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import stamp

PER_REPORT = 8
"""Variables in one part of a report."""


def get(charger: Driven, payload: Payload) -> Payload:
    """GetVariables."""
    return {"getVariableResult": [_got(charger.device, wanted) for wanted in payload["getVariableData"]]}


def change(charger: Driven, payload: Payload) -> Payload:
    """SetVariables."""
    return {"setVariableResult": [_set(charger, wanted) for wanted in payload["setVariableData"]]}


def base_report(charger: Driven, payload: Payload) -> Payload:
    """GetBaseReport."""
    if payload["reportBase"] == "SummaryInventory":
        return {"status": "NotSupported"}
    charger.soon(_report(charger, payload["requestId"], charger.device.variables))
    return {"status": "Accepted"}


def report(charger: Driven, payload: Payload) -> Payload:
    """GetReport."""
    wanted = {one["component"]["name"].casefold() for one in payload.get("componentVariable") or ()}
    chosen = [one for one in charger.device.variables if not wanted or one.component.casefold() in wanted]
    if not chosen:
        return {"status": "EmptyResultSet"}
    charger.soon(_report(charger, payload["requestId"], chosen))
    return {"status": "Accepted"}


def network_profile(charger: Driven, payload: Payload) -> Payload:
    """SetNetworkProfile."""
    charger.device.profiles[payload["configurationSlot"]] = payload["connectionData"]
    return {"status": "Accepted"}


def reset(charger: Driven, payload: Payload) -> Payload:
    """Reset of the whole charger; its EVSEs have no computer of their own."""
    if payload.get("evseId") is not None:
        return {"status": "Rejected"}
    if payload["type"] == "OnIdle" and charger.charging():
        charger.restart_when_idle = True
        return {"status": "Scheduled"}
    charger.soon(charger.restart("ImmediateReset"))
    return {"status": "Accepted"}


def availability(charger: Driven, payload: Payload) -> Payload:
    """ChangeAvailability."""
    number = (payload.get("evse") or {}).get("id")
    return {"status": charger.change_availability(number, operative=payload["operationalStatus"] == "Operative")}


def trigger(charger: Driven, payload: Payload) -> Payload:
    """TriggerMessage."""
    number = (payload.get("evse") or {}).get("id")
    if number is not None and number not in charger.evses:
        return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
    return {"status": "Accepted" if charger.trigger(payload["requestedMessage"], number) else "NotImplemented"}


def list_version(charger: Driven, _payload: Payload) -> Payload:
    """GetLocalListVersion."""
    return {"versionNumber": charger.device.list_version}


def take_list(charger: Driven, payload: Payload) -> Payload:
    """SendLocalList."""
    entries = [
        (one["idToken"]["idToken"], one.get("idTokenInfo")) for one in payload.get("localAuthorizationList") or ()
    ]
    full = payload["updateType"] == "Full"
    return {"status": charger.device.take_list(payload["versionNumber"], entries, full=full)}


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


def _set(charger: Driven, wanted: Payload) -> Payload:
    named, found, status = _find(charger.device, wanted)
    value = wanted["attributeValue"]
    if found is not None:
        status = charger.safe.take_password(value) if found.secret else charger.device.set(found, value)
    return {"attributeStatus": status, **named}


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
