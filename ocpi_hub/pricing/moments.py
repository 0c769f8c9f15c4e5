"""When the wall clock or the age of a session can change a price: the moments at which a charging period must end.

More moments than needed do no harm, one too few is money: changes of summer time are moments too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar

from .errors import PricingError
from .reading import as_moment, as_zone
from .restrictions import Dates, Duration, TimeOfDay, Weekdays
from .tariff import PreparedTariff

LONGEST = timedelta(days=400)
_DAY = 24 * 60
_PROBE = timedelta(hours=6)  # no zone changes its offset twice in this time
_SECOND = timedelta(seconds=1)

R = TypeVar("R")


def restrictions_of(tariff: PreparedTariff, kind: type[R]) -> list[R]:
    """All restrictions of one class, of all elements."""
    return [r for element in tariff.elements for r in element.restrictions if isinstance(r, kind)]


def cut_points(
    tariff: PreparedTariff, *, start: datetime, end: datetime, time_zone: str | tzinfo, origin: datetime | None = None
) -> list[datetime]:
    """The moments (UTC, in order) between `start` and `end` at which time of day, date, weekday or duration may matter.

    Durations run from `origin`, by default `start`. Raises PricingError for more than 400 days.
    """
    start, end, zone = as_moment(start), as_moment(end), as_zone(time_zone)
    if end - start > LONGEST:
        raise PricingError("end", f"is more than {LONGEST.days} days after the start")
    moments = set(_of_duration(tariff, as_moment(origin) if origin else start))
    minutes = _minutes(tariff)
    if minutes:
        moments.update(_of_the_clock(minutes, start, end=end, zone=zone))
        moments.update(_of_summer_time(start, end, zone=zone))
    return sorted(moment for moment in moments if start < moment < end)


def _of_duration(tariff: PreparedTariff, origin: datetime) -> Iterator[datetime]:
    for restriction in restrictions_of(tariff, Duration):
        for bound in (restriction.least, restriction.below):
            if bound is not None and bound <= 2 * LONGEST:
                yield origin + bound


def _minutes(tariff: PreparedTariff) -> set[int]:
    """The minutes of a local day at which something changes."""
    minutes = {minute % _DAY for r in restrictions_of(tariff, TimeOfDay) for minute in (r.start, r.end)}
    if any(isinstance(r, Dates | Weekdays) for element in tariff.elements for r in element.restrictions):
        minutes.add(0)
    return minutes


def _of_the_clock(minutes: set[int], start: datetime, *, end: datetime, zone: tzinfo) -> Iterator[datetime]:
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for minute in minutes:
            for fold in (0, 1):  # the hour that autumn repeats has every time of day twice
                wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, fold=fold, tzinfo=zone)
                yield wall.astimezone(UTC)
        day += timedelta(days=1)


def _of_summer_time(start: datetime, end: datetime, *, zone: tzinfo) -> Iterator[datetime]:
    """The instants at which the zone's offset changes, to the second."""
    before = start.replace(microsecond=0)
    while before < end:
        after = before + _PROBE
        if _offset(before, zone) != _offset(after, zone):
            low, high = before, after
            while high - low > _SECOND:
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0) if middle.replace(microsecond=0) > low else low + _SECOND
                low, high = (middle, high) if _offset(middle, zone) == _offset(before, zone) else (low, middle)
            yield high
        before = after


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
