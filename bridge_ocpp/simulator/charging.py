"""What a simulated charger answers to smart charging calls, in 1.6 and in 2.0.1, and how it obeys."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import Payload, stamp
from bridge_ocpp.simulator.stack import scheduled

ACTIONS = ("SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule", "GetChargingProfiles")


def answer16(charger: Driven, action: str, payload: Payload) -> Payload | None:
    """The answer in 1.6, or None for what this charger does not know."""
    if not charger.smart or action not in ACTIONS[:3]:
        return None
    if action == "SetChargingProfile":
        said = payload["csChargingProfiles"]
        if charger.refuses(said["chargingProfilePurpose"]):
            return {"status": "Rejected"}
        return _set(charger, int(payload["connectorId"]), said, key="chargingProfileId")
    if action == "ClearChargingProfile":
        cleared = charger.stack.clear(
            id=payload.get("id"),
            evse=payload.get("connectorId"),
            purpose=payload.get("chargingProfilePurpose"),
            level=payload.get("stackLevel"),
        )
        return _cleared(charger, cleared)
    evse = charger.evses.get(int(payload["connectorId"]) or 1)
    if evse is None:
        return {"status": "Rejected"}
    now = datetime.now(UTC)
    unit = payload.get("chargingRateUnit", "A")
    composite = charger.stack.composite(evse, now, int(payload["duration"]), unit=unit)
    return {"status": "Accepted", "connectorId": payload["connectorId"], **scheduled(composite, now)}


def answer201(charger: Driven, action: str, payload: Payload) -> Payload | None:
    """The answer in 2.0.1, or None for what this charger does not know."""
    if not charger.smart or action not in ACTIONS:
        return None
    if action == "SetChargingProfile":
        said = payload["chargingProfile"]
        if charger.refuses(said["chargingProfilePurpose"]):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedPurpose"}}
        return _set(charger, int(payload["evseId"]), said, key="id")
    if action == "ClearChargingProfile":
        criteria = payload.get("chargingProfileCriteria") or {}
        cleared = charger.stack.clear(
            id=payload.get("chargingProfileId"),
            evse=criteria.get("evseId"),
            purpose=criteria.get("chargingProfilePurpose"),
            level=criteria.get("stackLevel"),
        )
        return _cleared(charger, cleared)
    if action == "GetChargingProfiles":
        return _report(charger, payload)
    evse = charger.evses.get(int(payload["evseId"]) or 1)
    if evse is None:
        return {"status": "Rejected"}
    now = datetime.now(UTC)
    unit = payload.get("chargingRateUnit", "A")
    composite = charger.stack.composite(evse, now, int(payload["duration"]), unit=unit)
    return {"status": "Accepted", "schedule": {"evseId": payload["evseId"], "scheduleStart": stamp(now), **composite}}


def _set(charger: Driven, evse: int, said: Payload, *, key: str) -> Payload:
    known = evse == 0 or evse in charger.evses
    transaction = said.get("transactionId")
    if transaction is not None and charger.charge_named(transaction) is None:
        return {"status": "Rejected"}
    charger.meter_now()
    if not known or not charger.stack.put(evse, said, key=key):
        return {"status": "Rejected"}
    charger.soon(charger.obey())
    return {"status": "Accepted"}


def _cleared(charger: Driven, cleared: bool) -> Payload:
    charger.soon(charger.obey())
    return {"status": "Accepted" if cleared else "Unknown"}


def _report(charger: Driven, payload: Payload) -> Payload:
    wanted = payload.get("evseId")
    found = [one for one in charger.stack.kept if wanted in (None, one.evse)]
    for index, one in enumerate(found, start=1):
        report = {
            "requestId": payload["requestId"],
            "chargingLimitSource": "CSO",
            "evseId": one.evse,
            "chargingProfile": [one.said],
            "tbc": index < len(found),
        }
        charger.soon(charger.say("ReportChargingProfiles", report))
    return {"status": "Accepted" if found else "NoProfiles"}
