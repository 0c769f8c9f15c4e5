"""Which limit holds when: stack levels, validity, recurrency and purposes of charging profiles. Pure.

OCPP 1.6, 3.13 ("Smart Charging") and 2.0.1, K ("Combining Charging Profile Purposes"): of one purpose the highest stack
level that has a limit at that moment counts, a TxProfile takes the place of a TxDefaultProfile, and what is left of
each purpose holds together: the least of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

from bridge_ocpp.port import ChargingProfile, Kind, Period, Purpose, RateUnit, Recurrency, Schedule

STEP = Decimal("0.1")
"""Limits carry one decimal."""
_AGAIN = {Recurrency.DAILY: timedelta(days=1), Recurrency.WEEKLY: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an EVSE's limits depend on beside its profiles.

    `charging_since` is the start of the transaction (None: there is none), `voltage` V and `phases` turn A into W and
    back; `most` is what the EVSE can do at all, in `unit`.
    """

    unit: RateUnit = RateUnit.A
    charging_since: datetime | None = None
    voltage: int = 230
    phases: int = 3
    most: Decimal | None = None


def limit_at(profiles: Iterable[ChargingProfile], at: datetime, about: Circumstances) -> Decimal | None:
    """The limit that holds at a moment, in `about.unit`; None: none does."""
    by_purpose: dict[Purpose, tuple[int, Decimal]] = {}
    for profile in profiles:
        limit = _limit_of(profile, at, about)
        known = by_purpose.get(profile.purpose)
        if limit is not None and (known is None or profile.stack_level > known[0]):
            by_purpose[profile.purpose] = (profile.stack_level, limit)
    if Purpose.TRANSACTION in by_purpose:
        by_purpose.pop(Purpose.DEFAULT, None)
    limits = [limit for _, limit in by_purpose.values()] + ([] if about.most is None else [about.most])
    return min(limits, default=None)


def composite(
    profiles: Sequence[ChargingProfile], at: datetime, duration: int, about: Circumstances
) -> tuple[tuple[int, Decimal | None], ...]:
    """What holds from `at` on for `duration` seconds: (second, limit) wherever the limit changes, second 0 first."""
    end = at + timedelta(seconds=duration)
    found: list[tuple[int, Decimal | None]] = []
    for moment in _moments(profiles, at, end, about):
        limit = limit_at(profiles, moment, about)
        if not found or found[-1][1] != limit:
            found.append((_seconds(moment - at), limit))
    return tuple(found)


def ceiling_inside(
    ceiling: Schedule, share: Decimal, *, at: datetime, about: Circumstances, kind: Kind = Kind.ABSOLUTE
) -> Schedule:
    """A share (in `about.unit`) that is never above a ceiling, as a schedule from `at` on."""
    above = ChargingProfile(1, Purpose.TRANSACTION, kind, 0, ceiling)
    length = max((period.start for period in ceiling.periods), default=0) + (ceiling.duration or 0)
    start = _start(above, at, about) or at
    duration = max(1, _seconds(start - at) + length + 1)
    steps = composite([above], at, duration, about)
    limits = [(start, share if limit is None else min(share, limit)) for start, limit in steps]
    periods = [Period(*limits[0])]
    periods += [Period(*later) for earlier, later in pairwise(limits) if later[1] != earlier[1]]
    return Schedule(about.unit, tuple(periods), start_at=at, minimum=ceiling.minimum)


def converted(limit: Decimal, unit: RateUnit, to: RateUnit, *, voltage: int, phases: int) -> Decimal:
    """A limit in the other unit, rounded down to one decimal: what follows is never above what was said."""
    if unit is to:
        return limit
    factor = Decimal(voltage * phases)
    return (limit * factor if to is RateUnit.W else limit / factor).quantize(STEP, ROUND_FLOOR)


def _limit_of(profile: ChargingProfile, at: datetime, about: Circumstances) -> Decimal | None:
    """The profile's own limit at a moment, in `about.unit`; None where it has none then."""
    if (profile.valid_from and at < profile.valid_from) or (profile.valid_to and at >= profile.valid_to):
        return None
    if profile.purpose is Purpose.TRANSACTION and about.charging_since is None:
        return None
    start, schedule = _start(profile, at, about), profile.schedule
    if start is None or at < start:
        return None
    elapsed = (at - start).total_seconds()
    if schedule.duration is not None and elapsed >= schedule.duration:
        return None
    period = max((p for p in schedule.periods if p.start <= elapsed), key=lambda p: p.start, default=None)
    if period is None:
        return None
    phases = period.phases or about.phases
    return converted(period.limit, schedule.unit, about.unit, voltage=about.voltage, phases=phases)


def _start(profile: ChargingProfile, at: datetime, about: Circumstances) -> datetime | None:
    """When the schedule that may hold at `at` began; None: it has not."""
    if profile.kind is Kind.RELATIVE:
        return about.charging_since or at
    start = profile.schedule.start_at or profile.valid_from or about.charging_since or at
    if profile.kind is Kind.RECURRING and profile.recurrency is not None and at >= start:
        again = _AGAIN[profile.recurrency]
        return start + ((at - start) // again) * again
    return start


def _moments(profiles: Sequence[ChargingProfile], at: datetime, end: datetime, about: Circumstances) -> list[datetime]:
    """Every moment from `at` until before `end` at which some profile may change its mind, in order."""
    found = {at}
    for profile in profiles:
        found.update(moment for moment in (profile.valid_from, profile.valid_to) if moment is not None)
        steps = [period.start for period in profile.schedule.periods]
        steps += [0] if profile.schedule.duration is None else [0, profile.schedule.duration]
        for start in _starts(profile, at, end, about):
            found.update(start + timedelta(seconds=step) for step in steps)
    return sorted(moment for moment in found if at <= moment < end)


def _starts(profile: ChargingProfile, at: datetime, end: datetime, about: Circumstances) -> Iterable[datetime]:
    start = _start(profile, at, about)
    if start is None:
        return
    yield start
    if profile.kind is Kind.RECURRING and profile.recurrency is not None:
        while (start := start + _AGAIN[profile.recurrency]) < end:
            yield start


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
