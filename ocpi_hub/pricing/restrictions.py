"""When a Tariff Element applies: every restriction of TariffRestrictions, its boundary and its sentence.

Each is asked about one State, the moment a charging period starts; all of an element's must hold (logical AND).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

Pair = tuple[Decimal | None, Decimal | None]
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(slots=True, eq=False)
class State:
    """What restrictions look at. `local` is the Location's wall clock; `kwh` was consumed before this moment.

    `elapsed` runs from the start of the session. Currents in A (sum over the phases) and powers in kW; None is
    unknown.
    """

    local: datetime
    kwh: Decimal
    elapsed: timedelta
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None


class Restriction(Protocol):
    """One condition, and its sentence: what is `seen` "is", or "is not", what is `wanted`."""

    def holds(self, state: State) -> bool: ...
    def seen(self, state: State) -> str: ...
    def wanted(self) -> str: ...


class Reservation(StrEnum):
    """ReservationRestrictionType: the element prices reserved time only."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """start_time / end_time: `[start, end)` of every local day, in minutes; end before start wraps over midnight."""

    start: int
    end: int

    def holds(self, state: State) -> bool:
        minute = state.local.hour * 60 + state.local.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def seen(self, state: State) -> str:
        return f"{state.local:%H:%M:%S}" if state.local.second else f"{state.local:%H:%M}"

    def wanted(self) -> str:
        return f"in {_clock(self.start)}-{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Dates:
    """start_date (inclusive) / end_date (exclusive), local dates."""

    start: date | None
    end: date | None

    def holds(self, state: State) -> bool:
        today = state.local.date()
        return (self.start is None or self.start <= today) and (self.end is None or today < self.end)

    def seen(self, state: State) -> str:
        return state.local.date().isoformat()

    def wanted(self) -> str:
        if self.start is None:
            return f"before {self.end}"
        return f"from {self.start} on" + ("" if self.end is None else f" and before {self.end}")


@dataclass(frozen=True, slots=True)
class Weekdays:
    """day_of_week: the local weekday of the moment, 0 is Monday."""

    days: frozenset[int]

    def holds(self, state: State) -> bool:
        return state.local.weekday() in self.days

    def seen(self, state: State) -> str:
        return WEEKDAYS[state.local.weekday()]

    def wanted(self) -> str:
        return "one of " + ", ".join(WEEKDAYS[day] for day in sorted(self.days))


@dataclass(frozen=True, slots=True)
class Consumed:
    """min_kwh (inclusive) / max_kwh (exclusive): the energy consumed before this moment."""

    least: Decimal | None
    below: Decimal | None

    def holds(self, state: State) -> bool:
        return (self.least is None or state.kwh >= self.least) and (self.below is None or state.kwh < self.below)

    def seen(self, state: State) -> str:
        return f"{_plain(state.kwh)} kWh so far"

    def wanted(self) -> str:
        return _span(self.least, self.below, unit=" kWh")


@dataclass(frozen=True, slots=True)
class Duration:
    """min_duration (inclusive) / max_duration (exclusive), from the start of the session, parking included."""

    least: timedelta | None
    below: timedelta | None

    def holds(self, state: State) -> bool:
        return (self.least is None or state.elapsed >= self.least) and (
            self.below is None or state.elapsed < self.below
        )

    def seen(self, state: State) -> str:
        return f"{state.elapsed.total_seconds():.10g} s since the start"

    def wanted(self) -> str:
        return _span(_seconds(self.least), _seconds(self.below), unit=" s")


@dataclass(frozen=True, slots=True)
class Current:
    """min_current (inclusive) / max_current (exclusive) of this moment: MIN against min, MAX against max."""

    least: Decimal | None
    below: Decimal | None

    def holds(self, state: State) -> bool:
        return _within((self.least, self.below), (state.min_current, state.max_current))

    def seen(self, state: State) -> str:
        return _measured(state.min_current, state.max_current, unit="A", word="current")

    def wanted(self) -> str:
        return _span(self.least, self.below, unit=" A")


@dataclass(frozen=True, slots=True)
class Power:
    """min_power (inclusive) / max_power (exclusive) of this moment: MIN against min, MAX against max."""

    least: Decimal | None
    below: Decimal | None

    def holds(self, state: State) -> bool:
        return _within((self.least, self.below), (state.min_power, state.max_power))

    def seen(self, state: State) -> str:
        return _measured(state.min_power, state.max_power, unit="kW", word="power")

    def wanted(self) -> str:
        return _span(self.least, self.below, unit=" kW")


def _within(bounds: Pair, measured: Pair) -> bool:
    """Whether [least, below) holds the range measured; the other end stands in for one that is not given."""
    (least, below), (lowest, highest) = bounds, measured
    low = lowest if lowest is not None else highest
    high = highest if highest is not None else lowest
    if low is None or high is None:
        return False  # not measured: nothing shows that the condition is met
    return (least is None or low >= least) and (below is None or high < below)


def _measured(lowest: Decimal | None, highest: Decimal | None, *, unit: str, word: str) -> str:
    known = sorted({value for value in (lowest, highest) if value is not None})
    return " to ".join(_plain(value) for value in known) + f" {unit}" if known else f"an unknown {word}"


def _span(least: object, below: object, *, unit: str) -> str:
    if least is None:
        return f"below {_plain(below)}{unit}"
    return f"at least {_plain(least)}{unit}" + ("" if below is None else f" and below {_plain(below)}{unit}")


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _plain(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
