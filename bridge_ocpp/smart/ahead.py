"""Shares over time: what a car is told that said when it leaves, and whether what it means to do fits. Pure.

No period of a schedule is above the share that is reserved for the car now: no rise is promised (docs/decisions/0033).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bridge_ocpp.port import ChargingProfile, Period, RateUnit, Schedule
from bridge_ocpp.smart.profiles import Circumstances, composite

SLACK = timedelta(minutes=1)
"""For so long after the departure a car still has its share: before that is over it is told anew, if it can be."""
FOR_EVER = timedelta(days=1)
"""How long a last period counts when it is weighed what is lost."""
ROUNDING = Decimal("0.1")
OTHER_UNIT = Decimal("1.1")
"""A in W at 10 % over the nominal voltage (EN 50160): a plan in the other unit is not too high because of that."""


def until(schedule: Schedule, *, least: Decimal, leaves: datetime | None, most: int | None) -> Schedule:
    """The schedule with no more than `least` (in its unit) once the car was to be gone, in at most `most` periods.

    `schedule` begins at its `start_at`. Where there is no room for what comes after the departure without taking from
    what comes before, it is left out.
    """
    assert schedule.start_at is not None
    short = _shortened(schedule.periods, most)
    if leaves is None or leaves <= schedule.start_at:
        return replace(schedule, periods=tuple(short))
    after = int((leaves + SLACK - schedule.start_at).total_seconds())
    before = [period for period in schedule.periods if period.start < after]
    last = min(least, before[-1].limit, *(period.limit for period in schedule.periods if period.start >= after))
    room = None if most is None else most - 1
    falling = _joined([*_shortened(before, room), Period(after, last, before[-1].phases)])
    enough = most is None or len(falling) <= most
    found = falling if enough and _brings(falling, after) >= _brings(short, after) else short
    return replace(schedule, periods=tuple(found))


def _brings(periods: Sequence[Period], seconds: int) -> Decimal:
    """What the periods bring until a second, in their unit times seconds."""
    ends = [*(period.start for period in periods[1:]), seconds]
    return sum(
        (p.limit * max(min(end, seconds) - p.start, 0) for p, end in zip(periods, ends, strict=True)), Decimal(0)
    )


def _joined(periods: Sequence[Period]) -> list[Period]:
    """Neighbours that are alike are one."""
    found: list[Period] = []
    for period in periods:
        if not found or (found[-1].limit, found[-1].phases) != (period.limit, period.phases):
            found.append(period)
    return found


def _shortened(periods: Sequence[Period], most: int | None) -> list[Period]:
    """At most so many periods, none of them above what it was: of two that become one the lower limit holds, and those
    two are chosen that lose the least by it."""
    found = _joined(periods)
    while most is not None and len(found) > max(most, 1):
        index = min(range(len(found) - 1), key=lambda at: _loss(found, at))
        lower = min(found[index].limit, found[index + 1].limit)
        found[index : index + 2] = [replace(found[index], limit=lower)]
        found = _joined(found)
    return found


def _loss(periods: Sequence[Period], index: int) -> Decimal:
    """What is lost when this period and the next become one, in their unit times seconds."""
    one, other = periods[index], periods[index + 1]
    end = periods[index + 2].start if index + 2 < len(periods) else other.start + int(FOR_EVER.total_seconds())
    higher = other.start - one.start if one.limit > other.limit else end - other.start
    return abs(one.limit - other.limit) * higher


def fits(plan: Schedule, profiles: Sequence[ChargingProfile], about: Circumstances) -> bool:
    """Whether a car that charges by its plan stays within the limits of these profiles, at each moment (K15.FR.11).

    `about.unit` is the plan's. A plan that is in the other unit than a profile may be 10 % above it: how many W an
    ampere is, nobody but the meter knows.
    """
    assert plan.start_at is not None
    last = max((period.start for period in plan.periods), default=0)
    length = plan.duration if plan.duration is not None else last + 1
    limits = composite(profiles, plan.start_at, max(length, 1), about)
    moments = sorted({*(second for second, _ in limits), *(p.start for p in plan.periods if p.start < max(length, 1))})
    mixed = any(profile.schedule.unit is not about.unit for profile in profiles)
    for moment in moments:
        planned = max((p for p in plan.periods if p.start <= moment), key=lambda p: p.start, default=None)
        limit = max(((second, limit) for second, limit in limits if second <= moment), key=lambda at: at[0])[1]
        if (
            planned is not None
            and limit is not None
            and planned.limit > limit * (OTHER_UNIT if mixed else 1) + ROUNDING
        ):
            return False
    return True


def constant(limit: Decimal, unit: RateUnit, start: datetime | None = None) -> Schedule:
    """One limit for ever."""
    return Schedule(unit, (Period(0, limit),), start)
