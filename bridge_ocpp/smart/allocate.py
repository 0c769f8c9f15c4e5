"""Fair shares of a site's current among the cars plugged in, per phase of each circuit. Pure: no clock, no I/O.

Currents are A per phase as Decimal. The safe order of changing from one allotment to the next is in plan.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

ZERO = Decimal(0)
STEP = Decimal("0.1")
"""Charging profiles carry one decimal (OCPP SmartCharging, `limit`)."""


_EXACT = Decimal("1E-12")
"""Dividing by weights leaves 9.99… where 10 is meant; what is nearer than this is meant."""


@dataclass(frozen=True, slots=True)
class Car:
    """A car at an EVSE that would like to charge.

    `phases` are those that it loads: 1, 2, 3, or each of them with its circuit; `minimum` is the least current that it
    can charge with, below which it must pause; `maximum` the most that cable, charger and car allow. `drawing` is the
    current that it was measured to draw while it was allotted `allotted`: a car that leaves current lying is asked for
    no more than it draws and a little. `waited` orders who is served first when not all can be: the greater first.
    Above the minimum, a car of `weight` 2 is given twice as much as one of 1.
    """

    key: str
    phases: frozenset[Any]
    minimum: Decimal
    maximum: Decimal
    allotted: Decimal = ZERO
    drawing: Decimal | None = None
    waited: Decimal = ZERO
    weight: Decimal = Decimal(1)


HEADROOM = Decimal(2)
"""What a car that draws less than its share is left beside what it draws, in A."""
NEAR = Decimal(1)
"""A car that draws its share but for this uses all of it: it may want more."""


def ceiling(car: Car) -> Decimal:
    """The most that is of use to the car now."""
    if car.drawing is None or car.allotted < car.minimum or car.drawing + NEAR > car.allotted:
        return car.maximum
    return min(car.maximum, max(car.minimum, car.drawing + HEADROOM))


def allocate(limits: Mapping[Any, Decimal], cars: Sequence[Car]) -> dict[str, Decimal]:
    """The current for each car in A per phase; 0 pauses it. `limits` is what each phase of the site has for cars.

    Max-min fair by weight: nobody can be given more without taking from somebody who has no more for its weight. When
    not every car can have its minimum, those that waited longest are served and the others pause until their turn.
    """
    served = _served(limits, cars)
    shares = {car.key: car.minimum for car in served}
    left = {phase: limit - _load(served, shares, phase) for phase, limit in limits.items()}
    open_cars = {car.key: car for car in served if ceiling(car) > car.minimum}
    while open_cars:
        step = min(
            min((ceiling(car) - shares[car.key]) / car.weight for car in open_cars.values()),
            min(left[phase] / w for phase in limits if (w := _weights(open_cars.values(), phase))),
        )
        for car in open_cars.values():
            shares[car.key] += step * car.weight
        for phase in limits:
            left[phase] -= step * _weights(open_cars.values(), phase)
        full = {phase for phase in limits if left[phase] <= STEP / 100}
        open_cars = {
            key: car
            for key, car in open_cars.items()
            if ceiling(car) - shares[key] > STEP / 100 and not car.phases & full
        }
    floored = {key: max(share.quantize(_EXACT).quantize(STEP, ROUND_FLOOR), ZERO) for key, share in shares.items()}
    return {car.key: _whole(car, floored.get(car.key, ZERO)) for car in cars}


def _whole(car: Car, share: Decimal) -> Decimal:
    """A share that rounding took below the minimum is the minimum again: it was reserved in full."""
    return ZERO if share == ZERO else max(share, car.minimum)


def _served(limits: Mapping[Any, Decimal], cars: Sequence[Car]) -> list[Car]:
    """The cars that can have their minimum at the same time, by how long they waited."""
    left = dict(limits)
    served = []
    for car in sorted(cars, key=lambda car: (-car.waited, car.key)):
        able = car.maximum >= car.minimum and car.phases and all(phase in left for phase in car.phases)
        if able and all(left[phase] >= car.minimum for phase in car.phases):
            served.append(car)
            for phase in car.phases:
                left[phase] -= car.minimum
    return served


def _load(cars: Sequence[Car], shares: Mapping[str, Decimal], phase: Any) -> Decimal:
    return sum((shares[car.key] for car in cars if phase in car.phases), ZERO)


def _weights(cars: Iterable[Car], phase: Any) -> Decimal:
    return sum((car.weight for car in cars if phase in car.phases), ZERO)
