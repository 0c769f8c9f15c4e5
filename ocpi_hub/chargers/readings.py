"""What a charger measured, as pricing wants it: register readings, parking, power and current over time.

Pure. Where energy flowed between two meter values is decided here; where a price changes is pricing's business.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from bridge_ocpp.port import ChargingState, Sample, StateChange

REGISTER = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
BEGIN = "Transaction.Begin"
ZERO = Decimal(0)

Readings = list[tuple[datetime, Decimal]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a session in one state. `parking`: the vehicle requests no power; `flowing`: energy may flow."""

    start: datetime
    end: datetime
    parking: bool
    flowing: bool


def stretches(start: datetime, end: datetime, states: Iterable[StateChange]) -> list[Stretch]:
    """The time from start to end, cut at the changes of state; one stretch at least.

    PARKING_TIME is time "during which the vehicle is not requesting power" (mod_cdrs, CdrDimensionType): SuspendedEV,
    and after charging also the car that stays plugged or the place that stays taken. A charger that holds back
    (SuspendedEVSE) makes nobody park, nor does the wait before the first energy. Without a word from the charger the
    time is charging time.
    """
    changes: dict[datetime, ChargingState] = {}
    for change in sorted(states, key=lambda change: change.at):
        if change.at < end:
            changes[max(change.at, start)] = change.state
    found: list[Stretch] = []
    state: ChargingState | None = None
    charged = False
    for begin, stop in pairwise([*sorted({start, *changes}), end]):
        state = changes.get(begin, state)
        flowing = state in (None, ChargingState.CHARGING)
        charged = charged or flowing
        found.append(Stretch(begin, stop, parking=_parks(state, charged), flowing=flowing))
    return found


def _parks(state: ChargingState | None, charged: bool) -> bool:
    idle = state in (ChargingState.EV_CONNECTED, ChargingState.IDLE)
    return state is ChargingState.SUSPENDED_EV or (charged and idle)


def parking(parts: Sequence[Stretch]) -> list[tuple[datetime, bool]]:
    """From each moment on, whether the vehicle is parked: only the changes."""
    turns = [after for before, after in pairwise(parts) if before.parking != after.parking]
    return [(part.start, part.parking) for part in (parts[0], *turns)]


def register(parts: Sequence[Stretch], *, energy_wh: Decimal, samples: Iterable[Sample]) -> Readings:
    """Energy in Wh since the start of the session, at its meter values and at every change of state.

    Between two meter values energy is spread evenly over the time in which it could flow, or over all of the time
    where it could in none. It begins with 0 and ends with `energy_wh`; values that run backwards or beyond are held.
    """
    start, end = parts[0].start, parts[-1].end
    points = {start: ZERO} | _held(samples, energy_wh, start=start, end=end) | {end: energy_wh}
    times = sorted(points)
    for part in parts[1:]:
        if part.start not in points:
            index = bisect_left(times, part.start)
            before, after = times[index - 1], times[index]
            share = _share(parts, before, part.start, after)
            points[part.start] = points[before] + (points[after] - points[before]) * share
    return sorted(points.items())


def _held(samples: Iterable[Sample], energy_wh: Decimal, *, start: datetime, end: datetime) -> dict[datetime, Decimal]:
    """The meter values inside the session, from 0 at its start; where none was taken then, the last is the total."""
    values = _registers(samples)
    if not values:
        return {}
    begins = [sample.value for sample in values if sample.context == BEGIN]
    zero, highest = begins[0] if begins else values[-1].value - energy_wh, ZERO
    points = {}
    for sample in values:
        highest = min(max(highest, sample.value - zero), energy_wh)
        if start < sample.at < end:
            points[sample.at] = highest
    return points


def _registers(samples: Iterable[Sample]) -> list[Sample]:
    """The readings of the running total in order of time, all from one place: the outlet, if it has any."""
    found = sorted((s for s in samples if s.measurand == REGISTER and s.phase is None), key=lambda sample: sample.at)
    outlet = [sample for sample in found if sample.location == "Outlet"]
    return outlet or [sample for sample in found if sample.location == found[0].location]


def _share(parts: Sequence[Stretch], before: datetime, moment: datetime, after: datetime) -> Decimal:
    flowing = _flowing(parts, before, after)
    if flowing:
        return _ratio(_flowing(parts, before, moment), flowing)
    return _ratio(moment - before, after - before)


def _flowing(parts: Sequence[Stretch], begin: datetime, stop: datetime) -> timedelta:
    spans = ((max(part.start, begin), min(part.end, stop)) for part in parts if part.flowing)
    return sum((until - since for since, until in spans if until > since), timedelta())


def _ratio(part: timedelta, whole: timedelta) -> Decimal:
    tick = timedelta(microseconds=1)
    return Decimal(part // tick) / Decimal(whole // tick)


def powers(samples: Iterable[Sample]) -> Readings:
    """Active power in kW at each moment it was measured."""
    return [(at, watts / 1000) for at, watts in _summed(samples, POWER)]


def currents(samples: Iterable[Sample]) -> Readings:
    """Current in A, summed over the phases, at each moment it was measured."""
    return _summed(samples, CURRENT)


def _summed(samples: Iterable[Sample], measurand: str) -> Readings:
    """The value of a measurand over time: the total where the charger gives one, else the sum of its phases."""
    totals: dict[datetime, Decimal] = {}
    phases: dict[datetime, Decimal] = {}
    for sample in samples:
        if sample.measurand == measurand and sample.phase is None:
            totals[sample.at] = sample.value
        elif sample.measurand == measurand and sample.phase in ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N"):
            phases[sample.at] = phases.get(sample.at, ZERO) + sample.value
    return sorted((phases | totals).items())
