"""From what is known of a site to what its chargers are asked next. Pure: no clock, no I/O. Currents are A per phase.

Each outlet has a bound: the most that may be drawn there until less is confirmed. The sum of the bounds decides what
may be raised, never what was merely asked for: that is how the limit holds between two changes of profiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import Enum, auto

from bridge_ocpp.smart.allocate import STEP, ZERO, Car, allocate
from bridge_ocpp.smart.sites import Lane

WORTH_A_MESSAGE = Decimal("0.5")
"""Smaller changes are not worth a message, except where the limit asks for them."""


class Wish(Enum):
    """What stands at an outlet."""

    NONE = auto()
    FULL = auto()
    CHARGE = auto()


@dataclass(frozen=True, slots=True)
class Outlet:
    """An EVSE, or a charger that can only be limited as a whole.

    `share` is the most that its car may draw by what it was told for it, `default` what a car that was just plugged in
    may draw (None: not known, so `maximum`), `start` what that shall be. `sure`: the share is confirmed; `busy`: an
    answer may still come; `obeys`: it can be asked. `idle` is what an outlet without a car is set to, where that can
    be told it. `drawing` was measured under the share that it has now. `spare` are lanes that its car was measured not
    to load: there it counts only with what a newcomer may draw. `most` is all that its car can use, where it said so.
    """

    key: str
    lanes: frozenset[Lane]
    wish: Wish
    minimum: Decimal
    maximum: Decimal
    share: Decimal
    default: Decimal | None
    start: Decimal = ZERO
    sure: bool = True
    busy: bool = False
    obeys: bool = True
    idle: Decimal | None = None
    drawing: Decimal | None = None
    waited: Decimal = ZERO
    weight: Decimal = Decimal(1)
    spare: frozenset[Lane] = frozenset()
    most: Decimal | None = None
    assumed: bool = False

    @property
    def bound(self) -> Decimal:
        """The most that may be drawn here now, whatever happens."""
        return max(self.share, self.maximum if self.default is None else self.default)

    def bound_at(self, share: Decimal) -> Decimal:
        """What the bound would be with another share."""
        return max(share, self.maximum if self.default is None else self.default)

    def counts(self, lane: Lane) -> Decimal:
        """The most that may be drawn here now from that lane."""
        if lane in self.lanes:
            return self.bound
        return (self.maximum if self.default is None else self.default) if lane in self.spare else ZERO


@dataclass(frozen=True, slots=True)
class Order:
    """Tell this outlet `to`."""

    key: str
    to: Decimal


def targets(limits: Mapping[Lane, Decimal], outlets: Sequence[Outlet]) -> dict[str, Decimal]:
    """What each outlet that obeys shall have; those with nothing to be told are left out."""
    left = dict(limits)
    for outlet in outlets:
        _take(left, outlet, _kept(outlet))
        for lane in outlet.spare:
            left[lane] -= outlet.start if outlet.obeys else outlet.counts(lane)
    wanting = [outlet for outlet in outlets if outlet.obeys and outlet.wish is Wish.CHARGE]
    found = _shared(left, wanting)
    for outlet in wanting:
        _take(left, outlet, max(found[outlet.key] - outlet.start, ZERO))
    full = [outlet for outlet in outlets if outlet.obeys and outlet.wish is Wish.FULL]
    found |= _shared(left, full, least=True)
    return found | {o.key: o.idle for o in outlets if o.obeys and o.wish is Wish.NONE and o.idle is not None}


def orders(limits: Mapping[Lane, Decimal], outlets: Sequence[Outlet]) -> list[Order]:
    """What to tell the outlets now: first what is lowered; what is raised only as far as the bounds leave room."""
    wanted = targets(limits, outlets)
    load = {lane: sum((outlet.counts(lane) for outlet in outlets), ZERO) for lane in limits}
    tight = any(load[lane] > limit for lane, limit in limits.items())
    asked = [outlet for outlet in outlets if outlet.key in wanted and outlet.obeys and not outlet.busy]
    found = []
    for outlet in asked:
        down = outlet.share - wanted[outlet.key]
        stops = wanted[outlet.key] < outlet.minimum
        if down > 0 and (down >= WORTH_A_MESSAGE or tight or stops or not outlet.sure):
            lower = _beside(outlet, wanted[outlet.key], limits, load) if outlet.assumed else wanted[outlet.key]
            found.append(Order(outlet.key, lower))
    waiting = bool(found) or any(outlet.busy for outlet in outlets)
    lowered = {order.key for order in found}
    for outlet in sorted(asked, key=lambda o: (wanted[o.key] - o.share, o.key)):
        if outlet.key in lowered:
            continue
        to = _raised(outlet, wanted[outlet.key], limits, load, partly=not waiting)
        if to is not None:
            for lane in outlet.lanes:
                load[lane] += max(outlet.bound_at(to) - outlet.bound, ZERO)
            found.append(Order(outlet.key, to))
    return found


def _beside(outlet: Outlet, target: Decimal, limits: Mapping[Lane, Decimal], load: Mapping[Lane, Decimal]) -> Decimal:
    """As much of the target as there is beside what all others may draw now; below the minimum nothing."""
    room = min((limits[lane] - load[lane] + outlet.bound for lane in outlet.lanes), default=ZERO)
    if room >= target:
        return target
    return room.quantize(STEP, ROUND_FLOOR) if room >= outlet.minimum else ZERO


def _raised(
    outlet: Outlet, target: Decimal, limits: Mapping[Lane, Decimal], load: Mapping[Lane, Decimal], *, partly: bool
) -> Decimal | None:
    """How far the outlet may be raised now; None: not at all, or it is not worth a message.

    As long as it is not known what newcomers may draw there, that comes first.
    """
    if outlet.default is None or (target <= outlet.share and outlet.sure):
        return None
    room = min((limits[lane] - load[lane] for lane in outlet.lanes), default=ZERO)
    fits = outlet.bound_at(target) - outlet.bound <= max(room, ZERO)
    if not fits and partly and room > 0:
        target = min(target, (outlet.bound + room).quantize(STEP, ROUND_FLOOR))
        fits = target >= outlet.minimum
    if not fits:
        return None
    starts, worth = outlet.share < outlet.minimum, target - outlet.share >= WORTH_A_MESSAGE
    return target if not outlet.sure or starts or worth else None


def _shared(left: Mapping[Lane, Decimal], outlets: Sequence[Outlet], *, least: bool = False) -> dict[str, Decimal]:
    """Fair shares of what is left beside the `start` of every outlet; `least`: nobody more than the minimum."""
    cars = [
        Car(
            outlet.key,
            outlet.lanes,
            outlet.minimum - outlet.start,
            (outlet.minimum if least else _useful(outlet)) - outlet.start,
            allotted=max(outlet.share - outlet.start, ZERO),
            drawing=None if outlet.drawing is None else max(outlet.drawing - outlet.start, ZERO),
            waited=outlet.waited,
            weight=outlet.weight,
        )
        for outlet in outlets
        if outlet.maximum >= outlet.minimum
    ]
    shares = allocate(left, cars)
    return {
        outlet.key: outlet.start + shares.get(outlet.key, ZERO)
        if shares.get(outlet.key, ZERO) > 0 or outlet.start >= outlet.minimum
        else ZERO
        for outlet in outlets
    }


def _kept(outlet: Outlet) -> Decimal:
    """What an outlet needs before anything is shared."""
    if not outlet.obeys:
        return outlet.bound
    return outlet.idle if outlet.wish is Wish.NONE and outlet.idle is not None else outlet.start


def _useful(outlet: Outlet) -> Decimal:
    """The most that an outlet can be given; a car that says it takes less than the minimum is not believed."""
    return outlet.maximum if outlet.most is None else max(min(outlet.maximum, outlet.most), outlet.minimum)


def _take(left: dict[Lane, Decimal], outlet: Outlet, amperes: Decimal) -> None:
    for lane in outlet.lanes:
        left[lane] -= amperes
