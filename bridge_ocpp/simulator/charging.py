"""What a simulated charger answers to smart charging calls, in 1.6 and in 2.0.1, and how it obeys."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import Payload, stamp
from bridge_ocpp.simulator.stack import Kept, scheduled


def set16(charger: Driven, payload: Payload) -> Payload:
    """SetChargingProfile of 1.6."""
    said = payload["csChargingProfiles"]
    if charger.refuses(said["chargingProfilePurpose"]):
        return {"status": "Rejected"}
    return _set(charger, int(payload["connectorId"]), said, key="chargingProfileId")


def set201(charger: Driven, payload: Payload) -> Payload:
    """SetChargingProfile of 2.x."""
    said = payload["chargingProfile"]
    if charger.refuses(said["chargingProfilePurpose"]):
        return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedPurpose"}}
    return _set(charger, int(payload["evseId"]), said, key="id")


def clear16(charger: Driven, payload: Payload) -> Payload:
    """ClearChargingProfile of 1.6."""
    return _clear(charger, payload.get("id"), payload, evse="connectorId")


def clear201(charger: Driven, payload: Payload) -> Payload:
    """ClearChargingProfile of 2.x."""
    return _clear(
        charger, payload.get("chargingProfileId"), payload.get("chargingProfileCriteria") or {}, evse="evseId"
    )


def composite16(charger: Driven, payload: Payload) -> Payload:
    """GetCompositeSchedule of 1.6."""
    number, now = int(payload["connectorId"]), datetime.now(UTC)
    found = _composite(charger, number, payload, now)
    if found is None:
        return {"status": "Rejected"}
    return {"status": "Accepted", "connectorId": number, **scheduled(found, now)}


def composite201(charger: Driven, payload: Payload) -> Payload:
    """GetCompositeSchedule of 2.x."""
    number, now = int(payload["evseId"]), datetime.now(UTC)
    found = _composite(charger, number, payload, now)
    if found is None:
        return {"status": "Rejected"}
    return {"status": "Accepted", "schedule": {"evseId": number, "scheduleStart": stamp(now), **found}}


def report(charger: Driven, payload: Payload) -> Payload:
    """GetChargingProfiles of 2.x; those that this charger or its building made are of another source."""
    wanted, about = payload.get("evseId"), payload.get("chargingProfile") or {}
    found = [one for one in charger.stack.kept if wanted in (None, one.evse) and _fits(one, about)]
    for index, one in enumerate(found, start=1):
        told = {
            "requestId": payload["requestId"],
            "chargingLimitSource": charger.limits.source_of(one) or "CSO",
            "evseId": one.evse,
            "chargingProfile": [one.said],
            "tbc": index < len(found),
        }
        charger.soon(_say(charger, told))
    return {"status": "Accepted" if found else "NoProfiles"}


async def _say(charger: Driven, told: Payload) -> None:
    await charger.say("ReportChargingProfiles", told)


def _fits(one: Kept, about: Payload) -> bool:
    """Whether a profile is among those asked for (ChargingProfileCriterionType)."""
    ids = about.get("chargingProfileId")
    return (
        (not ids or one.id in ids)
        and about.get("chargingProfilePurpose") in (None, one.purpose)
        and about.get("stackLevel") in (None, one.level)
    )


def _composite(charger: Driven, number: int, payload: Payload, now: datetime) -> Payload | None:
    evse = charger.evses.get(number or 1)
    if evse is None:
        return None
    unit = payload.get("chargingRateUnit", "A")
    return charger.stack.composite(evse, now, int(payload["duration"]), unit=unit)


def _set(charger: Driven, evse: int, said: Payload, *, key: str) -> Payload:
    known = evse == 0 or evse in charger.evses
    transaction = said.get("transactionId")
    if transaction is not None and charger.charge_named(transaction) is None:
        return {"status": "Rejected"}
    charger.meter_now()
    kept = charger.stack.put(evse, said, key=key) if known else None
    if kept is None:
        return {"status": "Rejected"}
    charger.soon(_follow(charger, kept))
    return {"status": "Accepted"}


async def _follow(charger: Driven, kept: Kept) -> None:
    """The car that it is for chooses and says how it will charge; then all draw what they may."""
    if kept.purpose == "TxProfile":
        await charger.needs.schedule_came(charger.evses[kept.evse], kept)
    charger.meter_now()
    await charger.obey()
    charger.soon(charger.dynamic.pull(kept))


def _clear(charger: Driven, id: int | None, criteria: Payload, *, evse: str) -> Payload:
    charger.meter_now()
    cleared = charger.stack.clear(
        id=id,
        evse=criteria.get(evse),
        purpose=criteria.get("chargingProfilePurpose"),
        level=criteria.get("stackLevel"),
    )
    charger.soon(charger.obey())
    return {"status": "Accepted" if cleared else "Unknown"}
