"""Facts of smart charging, and how a profile is read and written: what the versions have in common. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge_ocpp.clock import read_time, write_time
from bridge_ocpp.dialects.alike import whole
from bridge_ocpp.dialects.words import Fact, Payload
from bridge_ocpp.meter import read_number
from bridge_ocpp.port import (
    ChargingProfile,
    Kind,
    Outcome,
    OutcomeStatus,
    Period,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
    Transaction,
    write_schedule,
)


@dataclass(frozen=True, slots=True)
class LimitTold(Fact):
    """Somebody else limits the charger, or does so no more (`schedules` empty and `cleared`). EVSE 0 is all of it."""

    source: str
    evse_id: int
    schedules: tuple[Schedule, ...] = ()
    cleared: bool = False
    grid_critical: bool = False


@dataclass(frozen=True, slots=True)
class ProfilesReported(Fact):
    """Profiles that the charger keeps at an EVSE; `more` reports of the same request follow.

    Their `transaction_id` is the charger's own.
    """

    request_id: int
    source: str
    evse_id: int
    profiles: tuple[ChargingProfile, ...] = field(default=())
    more: bool = False


# --- reading -------------------------------------------------------------------------------------------------


def read_said_schedule(said: Payload, *, start: str | None = None) -> Schedule:
    """A ChargingSchedule of any version; `start` where the message says it elsewhere."""
    periods = sorted(
        (
            Period(int(p["startPeriod"]), _number(p["limit"]), whole(p.get("numberPhases")))
            for p in said["chargingSchedulePeriod"]
            if p.get("limit") is not None  # 2.1 lets a period of another operation mode have none
        ),
        key=lambda period: period.start,
    )
    return Schedule(
        RateUnit(said["chargingRateUnit"]),
        tuple(periods),
        read_time(start or said.get("startSchedule")).at,
        whole(said.get("duration")),
        _number(said["minChargingRate"]) if said.get("minChargingRate") is not None else None,
    )


def read_said_profile(said: Payload, *, id_name: str, purposes: Mapping[str, Purpose]) -> ChargingProfile:
    """A ChargingProfile of any version. Where it offers a car several schedules, the first one."""
    schedule = said["chargingSchedule"]
    transaction = said.get("transactionId")
    recurrency = said.get("recurrencyKind")
    return ChargingProfile(
        int(said[id_name]),
        purposes[said["chargingProfilePurpose"]],
        Kind(said["chargingProfileKind"]),
        int(said["stackLevel"]),
        read_said_schedule(schedule[0] if isinstance(schedule, list) else schedule),
        Recurrency(recurrency) if recurrency else None,
        read_time(said.get("validFrom")).at,
        read_time(said.get("validTo")).at,
        None if transaction is None else str(transaction),
    )


def read_said_profiles(
    said: Iterable[Payload], *, id_name: str, purposes: Mapping[str, Purpose]
) -> tuple[ChargingProfile, ...]:
    """Those that can be said in our words; a later version has purposes and kinds of its own."""
    kinds = {kind.value for kind in Kind}
    return tuple(
        read_said_profile(one, id_name=id_name, purposes=purposes)
        for one in said
        if one["chargingProfilePurpose"] in purposes and one["chargingProfileKind"] in kinds
    )


def composite(schedule: Schedule | None, payload: Payload) -> Outcome:
    """The outcome of asking for a composite schedule: the schedule in the domain's words as its payload."""
    if payload.get("status") != "Accepted":
        return Outcome(OutcomeStatus.REJECTED, str(payload.get("status", "")), payload)
    if schedule is None or not schedule.periods:
        return Outcome(OutcomeStatus.FAILED, "the charger gave no schedule", payload)
    return Outcome(OutcomeStatus.ACCEPTED, payload=write_schedule(schedule))


CLEARED = {"Accepted": OutcomeStatus.ACCEPTED, "Unknown": OutcomeStatus.UNKNOWN_PROFILE}
"""What a charger says to ClearChargingProfile."""


# --- writing -------------------------------------------------------------------------------------------------


def said_schedule(schedule: Schedule) -> dict[str, Any]:
    """A ChargingSchedule as every version has it."""
    said: dict[str, Any] = {
        "chargingRateUnit": schedule.unit.value,
        "chargingSchedulePeriod": [
            {"startPeriod": p.start, "limit": p.limit} | ({} if p.phases is None else {"numberPhases": p.phases})
            for p in schedule.periods
        ],
    }
    if schedule.start_at is not None:
        said["startSchedule"] = write_time(schedule.start_at)
    if schedule.duration is not None:
        said["duration"] = schedule.duration
    if schedule.minimum is not None:
        said["minChargingRate"] = schedule.minimum
    return said


def said_profile(profile: ChargingProfile, *, id_name: str, purposes: Mapping[Purpose, str]) -> dict[str, Any]:
    """A ChargingProfile without its schedule and its transaction. A purpose that a version lacks stays: it will be
    found to break the schema."""
    said: dict[str, Any] = {
        id_name: profile.id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": purposes.get(profile.purpose, profile.purpose.value),
        "chargingProfileKind": profile.kind.value,
    }
    if profile.recurrency is not None:
        said["recurrencyKind"] = profile.recurrency.value
    if profile.valid_from is not None:
        said["validFrom"] = write_time(profile.valid_from)
    if profile.valid_to is not None:
        said["validTo"] = write_time(profile.valid_to)
    return said


def transaction_of(profile: ChargingProfile, about: Transaction | None) -> str | None:
    """What the charger calls the profile's transaction; None where it has none (in a remote start it begins later)."""
    return about.ocpp_id if about is not None and profile.transaction_id is not None else None


def _number(value: Any) -> Decimal:
    return read_number(value) or Decimal(0)
