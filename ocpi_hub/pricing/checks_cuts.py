"""The check for periods that span a price change: mod_cdrs wants a new period there, and we price them whole.

Periods are never divided here: the CPO measured, and nobody else knows what happened in between.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from .cdr import seconds_of
from .findings import Finding, Severity
from .lines import Line
from .moments import LONGEST, cut_points, restrictions_of
from .money import shown
from .report import CostReport
from .restrictions import Consumed, State
from .tariff import PreparedTariff, first


def check_cuts(report: CostReport, tariffs: Sequence[PreparedTariff]) -> Iterator[Finding]:
    """The first price change inside each period that should have ended there."""
    usage = report.usage
    starts, end = [period.start for period in usage.periods], usage.end
    if end is None or end - starts[0] > LONGEST:
        return
    inside = _moments_by_period(report, tariffs, starts=starts, end=end)
    bounds = {b for t in tariffs for r in restrictions_of(t, Consumed) for b in (r.least, r.below) if b is not None}
    found: set[int] = set()
    for line in report.lines:
        if not line.unit or line.period in found:
            continue
        for state in _states(line, report, moments=inside.get(line.period, ()), bounds=bounds):
            if first(line.candidates, state) is not line.component:
                found.add(line.period)
                yield Finding(
                    "period_spans_price_change",
                    f"charging_periods[{line.period}]",
                    f"goes on past {state.local:%H:%M}, {shown(state.kwh)} kWh, where {line.kind} changes price",
                    severity=Severity.WARNING,
                    numbers={"moment": state.local, "kwh": state.kwh},
                )
                break


def _moments_by_period(
    report: CostReport, tariffs: Sequence[PreparedTariff], *, starts: list[datetime], end: datetime
) -> dict[int, list[datetime]]:
    origin = starts[report.usage.begin or 0]
    inside: dict[int, list[datetime]] = {}
    for tariff in tariffs:
        for moment in cut_points(tariff, start=starts[0], end=end, time_zone=report.time_zone, origin=origin):
            inside.setdefault(bisect_right(starts, moment) - 1, []).append(moment)
    return inside


def _states(
    line: Line, report: CostReport, *, moments: Iterable[datetime], bounds: Iterable[Decimal]
) -> Iterator[State]:
    """How things stood at the moments and kWh bounds inside a period, taking energy as flowing evenly."""
    period, state = report.usage.periods[line.period], line.state
    end = report.usage.end_of(line.period) or period.start
    length, energy = end - period.start, period.energy or Decimal(0)
    for moment in moments:
        if period.start < moment < end:
            share = seconds_of(moment - period.start) / seconds_of(length)
            yield replace(
                state,
                local=moment.astimezone(report.time_zone),
                kwh=state.kwh + energy * share,
                elapsed=state.elapsed + (moment - period.start),
            )
    for bound in bounds:
        if state.kwh < bound < state.kwh + energy:
            at = period.start + length * float((bound - state.kwh) / energy)
            yield replace(
                state, local=at.astimezone(report.time_zone), kwh=bound, elapsed=state.elapsed + (at - period.start)
            )
