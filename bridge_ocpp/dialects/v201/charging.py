"""Smart charging in OCPP 2.0.1 (block K): profiles set, asked for, reported and cleared; limits of others; what cars
want. Pure tables."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge_ocpp.dialects import needs
from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.charging import (
    CLEARED,
    LimitTold,
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
    "ReportChargingProfiles": Inbound(_reported, nothing),
    **needs.table(never="Rejected"),
}

# --- to the charger --------------------------------------------------------------------------------------------

_SET = outcome(TAKEN)
_TOO_EARLY = "invalidmessageseq"


def written(profile: ChargingProfile, about: Transaction | None) -> dict[str, Any]:
    """A ChargingProfileType."""
    said = said_profile(profile, id_name="id", purposes={})
    transaction = transaction_of(profile, about)
    if transaction is not None:
        said["transactionId"] = transaction
    return said | {"chargingSchedule": [{"id": profile.id, **said_schedule(profile.schedule)}]}


def _set(command: SetProfile, about: Transaction | None) -> Payload:
    return {"evseId": command.evse_id, "chargingProfile": written(command.charging_profile, about)}


def _set_heard(payload: Payload) -> Outcome:
    """A charger takes no profile for a car before that has said what it needs (K15.FR.17): that is no refusal."""
    said = _SET(payload)
    reason = str((payload.get("statusInfo") or {}).get("reasonCode", ""))
    early = said.status is OutcomeStatus.REJECTED and reason.casefold() == _TOO_EARLY
    return replace(said, status=OutcomeStatus.TOO_EARLY) if early else said


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
    SetProfile: Outbound("SetChargingProfile", _set, _set_heard),
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
