"""Charging profiles and schedules in the words of OCPP 2.0.1, and as JSON for the relay and for rows.

Limits are A per phase or W in all, as Decimal with one decimal; durations are seconds; times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class RateUnit(StrEnum):
    """A per phase, or W in all."""

    A = "A"
    W = "W"


class Purpose(StrEnum):
    """What a profile limits (OCPP 2.0.1 ChargingProfilePurposeEnumType). 1.6 calls the second ChargePointMaxProfile."""

    EXTERNAL = "ChargingStationExternalConstraints"
    STATION = "ChargingStationMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TRANSACTION = "TxProfile"


class Kind(StrEnum):
    """From when a schedule counts (OCPP 2.0.1 ChargingProfileKindEnumType)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """How often a recurring schedule begins again."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` seconds into the schedule on, `limit` holds. `phases`: on how many, where it is said."""

    start: int
    limit: Decimal
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Limits over time; without a `duration` the last one holds for ever. `minimum` is the least the car can use."""

    unit: RateUnit
    periods: tuple[Period, ...]
    start_at: datetime | None = None
    duration: int | None = None
    minimum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """A profile as chargers keep them. `transaction_id` is ours (`Transaction.id`), for a TxProfile."""

    id: int
    purpose: Purpose
    kind: Kind
    stack_level: int
    schedule: Schedule
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None


# --- as JSON ---------------------------------------------------------------------


def write_schedule(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON; what is not said is left out."""
    periods = [_said({"start": p.start, "limit": p.limit, "phases": p.phases}) for p in schedule.periods]
    return _said(
        {
            "unit": schedule.unit.value,
            "start_at": _time(schedule.start_at),
            "duration": schedule.duration,
            "minimum": schedule.minimum,
            "periods": periods,
        }
    )


def read_schedule(said: Mapping[str, Any]) -> Schedule:
    """The schedule again. Raises KeyError, TypeError or ValueError for what is none."""
    periods = (Period(int(p["start"]), Decimal(str(p["limit"])), p.get("phases")) for p in said["periods"])
    minimum = said.get("minimum")
    return Schedule(
        RateUnit(said["unit"]),
        tuple(periods),
        _moment(said.get("start_at")),
        said.get("duration"),
        None if minimum is None else Decimal(str(minimum)),
    )


def write_profile(profile: ChargingProfile) -> dict[str, Any]:
    """A profile as JSON; what is not said is left out."""
    return _said(
        {
            "id": profile.id,
            "purpose": profile.purpose.value,
            "kind": profile.kind.value,
            "stack_level": profile.stack_level,
            "recurrency": profile.recurrency.value if profile.recurrency else None,
            "valid_from": _time(profile.valid_from),
            "valid_to": _time(profile.valid_to),
            "transaction_id": profile.transaction_id,
            "schedule": write_schedule(profile.schedule),
        }
    )


def read_profile(said: Mapping[str, Any]) -> ChargingProfile:
    """The profile again. Raises KeyError, TypeError or ValueError for what is none."""
    return ChargingProfile(
        int(said["id"]),
        Purpose(said["purpose"]),
        Kind(said["kind"]),
        int(said["stack_level"]),
        read_schedule(said["schedule"]),
        Recurrency(said["recurrency"]) if said.get("recurrency") else None,
        _moment(said.get("valid_from")),
        _moment(said.get("valid_to")),
        said.get("transaction_id"),
    )


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
