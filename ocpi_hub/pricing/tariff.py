"""A tariff prepared for pricing: its price components sorted by what they price, in the order of the document.

Read from a document once (tariff_reading.prepare) and kept by the caller. Selection lives here: the first that holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from .restrictions import Reservation, Restriction, State


class Kind(StrEnum):
    """What a line of a bill is for. Reserved time and the reservation fee are priced apart from the session."""

    FLAT = "FLAT"
    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    RESERVATION_FLAT = "RESERVATION_FLAT"
    RESERVATION_TIME = "RESERVATION_TIME"


TIMES = (Kind.TIME, Kind.PARKING_TIME, Kind.RESERVATION_TIME)
FLATS = (Kind.FLAT, Kind.RESERVATION_FLAT)


_RESERVED = {
    Reservation.RESERVATION: "prices reservations",
    Reservation.RESERVATION_EXPIRES: "prices reservations that expired",
}


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A Tariff Element without its prices: where it stands and when it applies."""

    index: int
    restrictions: tuple[Restriction, ...]
    reservation: Reservation | None

    def holds(self, state: State) -> bool:
        return all(restriction.holds(state) for restriction in self.restrictions)

    def why(self, state: State) -> str:
        """The sentence for an element that holds."""
        reasons = [f"{r.seen(state)} is {r.wanted()}" for r in self.restrictions]
        if self.reservation is not None:
            reasons.insert(0, _RESERVED[self.reservation])
        return "; ".join(reasons) or "always applies"

    def why_not(self, state: State) -> str:
        """The sentence for an element that does not hold: the first condition that fails; empty when all hold."""
        for r in self.restrictions:
            if not r.holds(state):
                return f"{r.seen(state)} is not {r.wanted()}"
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A Price Component: `price` per kWh, hour or session, excl. VAT; `step_size` in Wh or s; `vat` in percent."""

    kind: Kind
    price: Decimal
    step_size: int
    vat: Decimal | None
    vat_factor: Decimal
    element: Element


Candidates = tuple[Component, ...]
"""All components of one kind in the order in which they are asked."""


def first(candidates: Candidates, state: State) -> Component | None:
    """The component that prices this moment: the first whose element's restrictions all hold, or none."""
    for component in candidates:
        for restriction in component.element.restrictions:
            if not restriction.holds(state):
                break
        else:
            return component
    return None


@dataclass(frozen=True, slots=True)
class Limit:
    """min_price or max_price. Without `incl_vat`, VAT is scaled with the amount."""

    excl_vat: Decimal
    incl_vat: Decimal | None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedTariff:
    """A tariff as the engine reads it: the candidates of each kind, those of an expired reservation apart.

    `valid_from` / `valid_to` are start_date_time and end_date_time (`[from, to)`, UTC).
    """

    id: str
    currency: str
    type: str | None
    elements: tuple[Element, ...]
    flat: Candidates
    energy: Candidates
    time: Candidates
    parking: Candidates
    reservation_flat: Candidates
    reservation_time: Candidates
    expired_flat: Candidates
    expired_time: Candidates
    min_price: Limit | None = None
    max_price: Limit | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    content: tuple[object, ...] = field(default=(), repr=False)

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether the tariff may be used for a session that starts at this moment."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )

    def says_the_same_as(self, other: "PreparedTariff") -> bool:
        """Whether both price every session alike: same currency, elements in the same order, same limits."""
        return self.content == other.content


def choose(tariffs: Iterable[PreparedTariff], *, at: datetime, of_type: str = "REGULAR") -> PreparedTariff | None:
    """Of the tariffs of a connector, the one for a session that starts at `at` (UTC): valid then, and of the type.

    `of_type` is REGULAR, AD_HOC_PAYMENT or PROFILE_…; a tariff without a type is for all sessions (mod_tariffs,
    Tariff.type) and is taken where none of the type is valid. Of several, the first.
    """
    valid = [tariff for tariff in tariffs if tariff.is_valid_at(at)]
    for wanted in (of_type, None):
        for tariff in valid:
            if tariff.type == wanted:
                return tariff
    return None
