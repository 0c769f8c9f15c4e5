"""One line of a bill: what one period owes for one dimension, at which price, and why at this price.

A line keeps what it needs to explain itself; sentences are made when somebody asks, not while pricing.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .money import EXACT, FREE, HOUR, ZERO, Price, divide
from .restrictions import State
from .tariff import FLATS, Candidates, Component, Kind

Owed = tuple[Decimal, Decimal]
"""An exact amount excl. and incl. VAT, in 3600ths of the currency's unit: so seconds need no division."""

NOTHING: Owed = (ZERO, ZERO)
_WH_PER_S = Decimal("3.6")  # a Wh is 1/1000 of a priced unit and a second 1/3600: 3.6 times as much
_WH = Decimal(1000)


def add(a: Owed, b: Owed) -> Owed:
    return EXACT.add(a[0], b[0]), EXACT.add(a[1], b[1])


def to_price(owed: Owed) -> Price:
    """An exact amount as a Price in the currency's unit."""
    return Price(divide(owed[0], HOUR), divide(owed[1], HOUR)) if owed[0] or owed[1] else FREE


@dataclass(frozen=True, slots=True)
class Lost:
    """An element that has a price for the dimension but did not win, and the sentence why."""

    element: int
    because: str


@dataclass(slots=True, eq=False)
class Line:
    """What one period owes for one dimension.

    `measured` is in kWh, h or pieces; `surplus`, in Wh or s, is what step_size added (or noise took away).
    `component` is None where nothing prices the dimension at this moment: then it costs nothing.
    """

    kind: Kind
    period: int
    start: datetime
    measured: Decimal
    component: Component | None
    candidates: Candidates
    state: State
    tariff_id: str
    surplus: Decimal = ZERO

    @property
    def unit(self) -> str:
        """kWh or h; empty for a flat fee."""
        return "" if self.kind in FLATS else "kWh" if self.kind is Kind.ENERGY else "h"

    @property
    def used(self) -> Decimal:
        """What was measured, in the unit of step_size: Wh or s."""
        return EXACT.multiply(self.measured, _WH if self.kind is Kind.ENERGY else HOUR)

    @property
    def billed(self) -> Decimal:
        """What is billed, in kWh, h or pieces; nothing where there is no price."""
        if self.component is None:
            return ZERO
        if not self.surplus:
            return self.measured
        return EXACT.add(self.measured, divide(self.surplus, _WH if self.kind is Kind.ENERGY else HOUR))

    @property
    def price(self) -> Decimal | None:
        """Per kWh, per hour or for the fee, excl. VAT."""
        return self.component.price if self.component else None

    @property
    def vat(self) -> Decimal | None:
        """The VAT percentage; None where no VAT applies, which is not the same as 0 %."""
        return self.component.vat if self.component else None

    @property
    def step_size(self) -> int | None:
        """The step of the component, in Wh or s; it acts once for a session (steps.py)."""
        return self.component.step_size if self.component and self.unit else None

    @property
    def element(self) -> int | None:
        """Which of the tariff's elements won, counted from 0."""
        return self.component.element.index if self.component else None

    def owed(self) -> Owed:
        """The exact amount."""
        component = self.component
        if component is None:
            return NOTHING
        quantity = EXACT.multiply(self.measured, HOUR)
        if self.surplus:
            weight = _WH_PER_S if self.kind is Kind.ENERGY else 1
            quantity = EXACT.add(quantity, EXACT.multiply(self.surplus, weight))
        excl = EXACT.multiply(quantity, component.price)
        return excl, EXACT.multiply(excl, component.vat_factor)

    @property
    def cost(self) -> Price:
        return to_price(self.owed())

    @property
    def won(self) -> str:
        """Why the winning element won, or why there is no cost."""
        if self.component is not None:
            return self.component.element.why(self.state)
        return (
            "no element of the tariff with this dimension applies"
            if self.candidates
            else ("no element of the tariff prices this dimension")
        )

    @property
    def lost(self) -> tuple[Lost, ...]:
        """The other elements with a price for this dimension, in the order asked, each with its reason."""
        others = []
        for component in self.candidates:
            if component is not self.component:
                reason = component.element.why_not(self.state) or f"element {self.element} comes first"
                others.append(Lost(component.element.index, reason))
        return tuple(others)
