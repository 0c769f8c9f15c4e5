"""Charging profiles of OCPI in the words of the bridge, and back: what is asked of a charger, what it answered."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from bridge_ocpp.port import (
    Command,
    GetComposite,
    LimitTransaction,
    Outcome,
    OutcomeStatus,
    Period,
    RateUnit,
    Schedule,
    read_schedule,
)
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.chargingprofiles import ChargingProfile
from ocpi_hub.wire.types import format_datetime


class Wish(StrEnum):
    """What a partner wants of a session's profile; in rows beside the CommandTypes."""

    SET = "SET_CHARGING_PROFILE"
    GET = "GET_ACTIVE_CHARGING_PROFILE"
    CLEAR = "CLEAR_CHARGING_PROFILE"


WISHES = tuple(wish.value for wish in Wish)
LONGEST = 7 * 24 * 3600
"""What a charger is asked to look ahead, in seconds."""


def charger_command(row: PartnerCommand) -> Command:
    """What the bridge is asked for a row."""
    if row.type == Wish.GET:
        return GetComposite(int(row.evse_id or 1), min(int(row.duration or 0), LONGEST))
    schedule = _schedule(wire_json.loads(row.profile)) if row.profile is not None else None
    return LimitTransaction(str(row.transaction_id), schedule)


def _schedule(document: Mapping[str, Any]) -> Schedule:
    profile = ChargingProfile.model_validate(document)
    return Schedule(
        RateUnit(profile.charging_rate_unit.value),
        tuple(Period(period.start_period, period.limit) for period in profile.charging_profile_period),
        profile.start_date_time,
        profile.duration,
        profile.min_charging_rate,
    )


def result(row: PartnerCommand, outcome: Outcome) -> dict[str, Any]:
    """What is posted to the response_url. There is no result for a charger that did not answer but REJECTED."""
    if outcome.accepted and row.type == Wish.GET:
        active = active_profile(outcome.payload or {}, least=int(row.duration or 0))
        return {"result": "REJECTED"} if active is None else {"result": "ACCEPTED", "profile": active}
    if outcome.accepted:
        return {"result": "ACCEPTED"}
    return {"result": "UNKNOWN" if outcome.status is OutcomeStatus.UNKNOWN_PROFILE else "REJECTED"}


def active_profile(payload: Mapping[str, Any], *, least: int) -> dict[str, Any] | None:
    """An ActiveChargingProfile from what a charger reckons with; None where it does not say from when on."""
    schedule = read_schedule(payload)
    if schedule.start_at is None:
        return None
    profile = {
        "start_date_time": format_datetime(schedule.start_at),
        "duration": least if schedule.duration is None else schedule.duration,
        "charging_rate_unit": schedule.unit.value,
        "charging_profile_period": [
            {"start_period": period.start, "limit": period.limit.quantize(Decimal("0.1"), ROUND_FLOOR)}
            for period in schedule.periods
        ],
    }
    return {"start_date_time": format_datetime(schedule.start_at), "charging_profile": profile}
