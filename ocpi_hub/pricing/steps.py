"""step_size: rounding up what was used, once for a session and not once a period (mod_cdrs, step_size).

It acts on the total of a budget with the step of the last component that priced it; the last lines bear the surplus.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from .lines import Line
from .money import EXACT, ZERO
from .tariff import TIMES, Kind

NOISE = Decimal("0.18")
"""Seconds: half of the last digit of an OCPI number in hours. 40 minutes travel as 0.6667 h, which is 2400.12 s."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rounding: `used` became `billed`, in Wh or s, by blocks of `step_size`, borne from line `line` backwards."""

    kind: Kind
    step_size: int
    used: Decimal
    billed: Decimal


def round_up_session(lines: Sequence[Line]) -> tuple[Step, ...]:
    """Round up a session: energy; parking, or charging time where no parking was priced; reserved time on its own."""
    priced: dict[Kind, list[Line]] = {}
    for line in lines:
        if line.component is not None:
            priced.setdefault(line.kind, []).append(line)
    time = Kind.PARKING_TIME if Kind.PARKING_TIME in priced else Kind.TIME
    budgets = (Kind.ENERGY, time, Kind.RESERVATION_TIME)
    return tuple(step for step in (_round_up(priced[kind]) for kind in budgets if kind in priced) if step is not None)


def _round_up(lines: Sequence[Line]) -> Step | None:
    """Round up the total of these priced lines of one kind (in order of time); None where nothing changes."""
    last = lines[-1]
    step = last.step_size or 0
    used = reduce(EXACT.add, (line.used for line in lines))
    rest = used % step if step else ZERO
    if not rest:
        return None
    surplus = step - rest
    if last.kind in TIMES and rest <= min(NOISE * len(lines), Decimal(step) / 2):
        surplus = -rest
    _bear(lines, surplus)
    return Step(last.kind, step, used, used + surplus)


def _bear(lines: Sequence[Line], surplus: Decimal) -> None:
    """Give the surplus to the last line; what noise takes away is never more than a line has."""
    for line in reversed(lines):
        share = max(surplus, -line.used)
        line.surplus = share
        surplus -= share
        if not surplus:
            return
