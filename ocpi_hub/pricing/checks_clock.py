"""Checks of one CDR's times: known, in order, in the past, and long enough for what they are said to hold."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from .cdr import Period, Usage, seconds_of
from .findings import Finding, Severity
from .money import HOUR, WIRE, ZERO, shown

_GRACE = Decimal(2)  # seconds: volumes have four decimals of an hour
_AHEAD = timedelta(minutes=15)
_LONG = timedelta(days=30)


def check_clock(usage: Usage, *, now: datetime | None) -> Iterator[Finding]:
    """Start and end of the session. `now` (UTC) is needed to know the future."""
    for name, moment in (("start_date_time", usage.start), ("end_date_time", usage.end)):
        if moment is None:
            yield Finding("time_unknown", name, "is not given", severity=Severity.WARNING)
        elif now is not None and moment > now + _AHEAD:
            yield Finding("time_in_future", name, "is in the future", numbers={"stated": moment, "now": now})
    begins = usage.periods[0].start
    if usage.start is not None and abs(seconds_of(begins - usage.start)) > _GRACE:
        early = begins < usage.start
        yield Finding(
            "period_before_start" if early else "gap_at_start",
            "charging_periods[0].start_date_time",
            f"is {'before' if early else 'after'} start_date_time",
            severity=Severity.WARNING,
            numbers={"stated": begins, "start": usage.start},
        )
    if usage.start and usage.end and usage.end - usage.start > _LONG:
        yield Finding(
            "duration_implausible",
            "end_date_time",
            f"is more than {_LONG.days} days after the start",
            severity=Severity.WARNING,
            numbers={"hours": WIRE(usage.hours or ZERO)},
        )


def check_periods(usage: Usage) -> Iterator[Finding]:
    """Every period on its own: room for its hours, and ranges the right way round."""
    for period in usage.periods:
        end = usage.end_of(period.index)
        if end is not None:
            yield from _check_room(period, seconds_of(end - period.start))
        for low, high, name in (
            (period.min_power, period.max_power, "POWER"),
            (period.min_current, period.max_current, "CURRENT"),
        ):
            if low is not None and high is not None and low > high:
                yield Finding(
                    "range_inverted",
                    f"charging_periods[{period.index}].dimensions",
                    f"has MIN_{name} {low:f} above MAX_{name} {high:f}",
                    severity=Severity.WARNING,
                    numbers={"min": low, "max": high},
                )


def _check_room(period: Period, seconds: Decimal) -> Iterator[Finding]:
    hours = (period.time or ZERO) + (period.parking or ZERO) + (period.reserved or ZERO)
    if hours * HOUR > seconds + _GRACE:
        length = WIRE(seconds / HOUR)
        yield Finding(
            "time_exceeds_period",
            f"charging_periods[{period.index}].dimensions",
            f"has {shown(hours)} h in a period of {shown(length)} h",
            numbers={"stated": hours, "computed": length},
        )
