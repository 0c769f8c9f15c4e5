"""Smart charging in OCPP 2.0.1 (block K): profiles set, asked for, reported and cleared; limits of others; what cars
want. Pure tables."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bridge_ocpp.clock import read_time
from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.charging import (
    CLEARED,
    LimitTold,
    NeedsTold,
    PlanTold,
    ProfilesReported,
    composite,
    read_said_profile,
    read_said_profiles,
    read_said_schedule,
    said_profile,
    said_schedule,
    transaction_of,
)
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.meter import read_number
from bridge_ocpp.port import (
    ChargingProfile,
    ClearProfiles,
    Command,
    GetComposite,
    GetProfiles,
    Outcome,
    OutcomeStatus,
    Purpose,
    SetProfile,
    Transaction,
)

PURPOSES = {purpose.value: purpose for purpose in Purpose}

# --- from the charger ------------------------------------------------------------------------------------------


def _limit(payload: Payload) -> LimitTold:
    about = payload["chargingLimit"]
    return LimitTold(
        str(about["chargingLimitSource"]),
        int(payload.get("evseId") or 0),
        tuple(read_said_schedule(said) for said in payload.get("chargingSchedule") or ()),
        grid_critical=bool(about.get("isGridCritical")),
    )


def _limit_cleared(payload: Payload) -> LimitTold:
    return LimitTold(str(payload["chargingLimitSource"]), int(payload.get("evseId") or 0), cleared=True)


def _needs(payload: Payload) -> NeedsTold:
    needs = payload["chargingNeeds"]
    ac, dc = needs.get("acChargingParameters") or {}, needs.get("dcChargingParameters") or {}
    both_ways = needs.get("v2xChargingParameters") or {}  # from 2.1 on
    energy = ac.get("energyAmount", dc.get("energyAmount", both_ways.get("evTargetEnergyRequest")))
    power = dc.get("evMaxPower", both_ways.get("maxChargePower"))
    if power is None and "evMaxCurrent" in dc and "evMaxVoltage" in dc:
        power = _positive(dc["evMaxCurrent"] * dc["evMaxVoltage"])
    return NeedsTold(
        int(payload["evseId"]),
        payload,
        read_time(needs.get("departureTime")).at,
        _positive(energy),
        _positive(ac.get("evMaxCurrent")),
        _positive(power),
    )


def _positive(value: Any) -> Decimal | None:
    """A number above 0; a car that names none, or nothing, limits nothing."""
    number = read_number(value)
    return number if number is not None and number > 0 else None


def _plan(payload: Payload) -> PlanTold:
    schedule = read_said_schedule(payload["chargingSchedule"], start=payload["timeBase"])
    return PlanTold(int(payload["evseId"]), schedule, payload)


def _reported(payload: Payload) -> ProfilesReported:
    return ProfilesReported(
        int(payload["requestId"]),
        str(payload["chargingLimitSource"]),
        int(payload["evseId"]),
        read_said_profiles(payload["chargingProfile"], id_name="id", purposes=PURPOSES),
        more=bool(payload.get("tbc")),
    )


INBOUND: Mapping[str, Inbound] = {
    "NotifyChargingLimit": Inbound(_limit, nothing),
    "ClearedChargingLimit": Inbound(_limit_cleared, nothing),
    # Accepted would promise a schedule made for this car; Processing promises none and lets it charge (K15).
    "NotifyEVChargingNeeds": Inbound(_needs, lambda _: {"status": "Processing"}),
    "NotifyEVChargingSchedule": Inbound(_plan, lambda _: {"status": "Accepted"}),
    "ReportChargingProfiles": Inbound(_reported, nothing),
}

# --- to the charger --------------------------------------------------------------------------------------------


def written(profile: ChargingProfile, about: Transaction | None) -> dict[str, Any]:
    """A ChargingProfileType."""
    said = said_profile(profile, id_name="id", purposes={})
    transaction = transaction_of(profile, about)
    if transaction is not None:
        said["transactionId"] = transaction
    return said | {"chargingSchedule": [{"id": profile.id, **said_schedule(profile.schedule)}]}


def _set(command: SetProfile, about: Transaction | None) -> Payload:
    return {"evseId": command.evse_id, "chargingProfile": written(command.charging_profile, about)}


def _clear(command: ClearProfiles, _: Transaction | None) -> Payload:
    if command.profile_id is not None:
        return {"chargingProfileId": command.profile_id}
    criteria: dict[str, Any] = {}
    if command.evse_id is not None:
        criteria["evseId"] = command.evse_id
    if command.purpose is not None:
        criteria["chargingProfilePurpose"] = command.purpose.value
    if command.stack_level is not None:
        criteria["stackLevel"] = command.stack_level
    return {"chargingProfileCriteria": criteria} if criteria else {}


def _composite(command: GetComposite, _: Transaction | None) -> Payload:
    unit = {} if command.unit is None else {"chargingRateUnit": command.unit.value}
    return {"evseId": command.evse_id, "duration": command.duration} | unit


def _composite_heard(payload: Payload) -> Outcome:
    said = payload.get("schedule")
    return composite(read_said_schedule(said, start=said["scheduleStart"]) if said else None, payload)


def _profiles(command: GetProfiles, _: Transaction | None) -> Payload:
    evse = {} if command.evse_id is None else {"evseId": command.evse_id}
    return {"requestId": command.request_id, "chargingProfile": {}} | evse


_REPORTING = {"Accepted": OutcomeStatus.ACCEPTED, "NoProfiles": OutcomeStatus.UNKNOWN_PROFILE}

OUTBOUND: Mapping[type, Outbound] = {
    SetProfile: Outbound("SetChargingProfile", _set, outcome(TAKEN)),
    ClearProfiles: Outbound("ClearChargingProfile", _clear, outcome(CLEARED)),
    GetComposite: Outbound("GetCompositeSchedule", _composite, _composite_heard),
    GetProfiles: Outbound("GetChargingProfiles", _profiles, outcome(_REPORTING)),
}

# --- what an operator's own call says, in the same words -------------------------------------------------------


def _set_meant(payload: Payload) -> Command:
    profile = read_said_profile(payload["chargingProfile"], id_name="id", purposes=PURPOSES)
    return SetProfile(int(payload["evseId"]), profile)


def _clear_meant(payload: Payload) -> Command:
    criteria = payload.get("chargingProfileCriteria") or {}
    purpose = criteria.get("chargingProfilePurpose")
    return ClearProfiles(
        payload.get("chargingProfileId"),
        criteria.get("evseId"),
        PURPOSES[purpose] if purpose else None,
        criteria.get("stackLevel"),
    )


MEANT: Mapping[str, Callable[[Payload], Command]] = {
    "SetChargingProfile": _set_meant,
    "ClearChargingProfile": _clear_meant,
}
