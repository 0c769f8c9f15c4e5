"""How urgent a car is: from what its driver prefers and what the car itself says. Pure.

A weight says how the current above everybody's minimum is shared; it never touches a minimum, a turn or a limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bridge_ocpp.smart.tables import WishRow

LEAST, NEUTRAL, MOST = Decimal("0.5"), Decimal(1), Decimal(3)
FAST = Decimal(2)
"""A driver who asks for speed and says no time counts twice."""
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wished for a car: `energy_wh` from its start until `departure_at`; `most` and `least` are what it can
    use, in A per phase, on `phases`. A car that said when it leaves and what it needs is told its share as a schedule
    `until` then, of at most `most_periods`."""

    departure_at: datetime | None = None
    energy_wh: Decimal | None = None
    fast: bool = False
    most: Decimal | None = None
    least: Decimal | None = None
    phases: int | None = None
    until: datetime | None = None
    most_periods: int | None = None


def together(rows: Iterable[WishRow], *, voltage: int, phases: int) -> Wanted:
    """One wish out of the driver's and the car's: the driver's word counts, what he leaves open the car says."""
    said = {row.source: row for row in rows}
    ordered = [said[source] for source in ("driver", "car") if source in said]
    departure = next((row.departure_at for row in ordered if row.departure_at is not None), None)
    energy = next((row.energy_wh for row in ordered if row.energy_wh is not None), None)
    fast, car = any(row.fast for row in ordered), said.get("car")
    if car is None:
        return Wanted(departure, energy, fast)
    loaded = min(car.phases or phases, phases)
    planned = car.departure_at is not None and car.energy_wh is not None and not car.dynamic
    return Wanted(
        departure,
        energy,
        fast,
        most=_least_of(car.maximum_a, car.maximum_w, volts=voltage * loaded),
        least=_least_of(car.minimum_a, car.minimum_w, volts=voltage * loaded),
        phases=loaded,
        until=departure if planned else None,
        most_periods=car.most_periods,
    )


def weight(wanted: Wanted, *, charged_wh: Decimal, full_power_w: Decimal, now: datetime) -> Decimal:
    """From 0.5 for a car that has all the time it needs to 3 for one that must charge without a break.

    What is missing is compared with what full power would bring until the departure; a car that needs a fifth of it
    counts like one that says nothing. One that has what it asked for, gives way; after the departure nothing is known.
    """
    least = FAST if wanted.fast else LEAST
    if wanted.departure_at is None or wanted.energy_wh is None:
        return FAST if wanted.fast else NEUTRAL
    hours = Decimal((wanted.departure_at - now).total_seconds()) / 3600
    missing = wanted.energy_wh - charged_wh
    if missing <= 0:
        return LEAST
    if hours <= 0 or full_power_w <= 0:
        return FAST if wanted.fast else NEUTRAL
    needed = min(missing / (full_power_w * hours), Decimal(1))
    return max(least, LEAST + (MOST - LEAST) * needed).quantize(_TENTH)


def in_time(wanted: Wanted, *, charged_wh: Decimal, power_w: Decimal, now: datetime) -> bool | None:
    """Whether what is missing comes until the departure, if nothing changes; None where nothing of it is known."""
    if wanted.departure_at is None or wanted.energy_wh is None or wanted.departure_at <= now:
        return None
    hours = Decimal((wanted.departure_at - now).total_seconds()) / 3600
    return wanted.energy_wh - charged_wh <= power_w * hours


def _least_of(amperes: Decimal | None, watts: Decimal | None, *, volts: int) -> Decimal | None:
    """A per phase, said in A or in W or both."""
    limits = (amperes, None if watts is None else watts / volts)
    return min((limit for limit in limits if limit is not None), default=None)
