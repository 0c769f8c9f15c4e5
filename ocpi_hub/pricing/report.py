"""The result of pricing: a CostReport with the CDR's own names, exact until somebody rounds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any

from ocpi_hub.wire.types import format_datetime

from .cdr import Usage
from .limits import Limited
from .lines import NOTHING, Line, Owed, add, to_price
from .money import EXACT, WIRE, ZERO, Price, Rounding
from .steps import Step
from .tariff import Kind

_SUBTOTALS = {
    "total_fixed_cost": (Kind.FLAT,),
    "total_energy_cost": (Kind.ENERGY,),
    "total_time_cost": (Kind.TIME,),
    "total_parking_cost": (Kind.PARKING_TIME,),
    "total_reservation_cost": (Kind.RESERVATION_FLAT, Kind.RESERVATION_TIME),
}


@dataclass(frozen=True, eq=False)
class CostReport:
    """The cost of a session, in `currency`. The totals are the CDR's own; all amounts are exact.

    `total_cost` is the sum of the lines, moved by min_price and max_price where these apply (`limits`). The
    subtotals are never moved. `expired` says that a reservation was not followed by a session.
    """

    currency: str
    time_zone: tzinfo
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]
    limits: tuple[Limited, ...]
    total_cost: Price
    subtotals: dict[Kind, Owed]
    usage: Usage
    expired: bool

    def _subtotal(self, name: str) -> Price:
        owed = NOTHING
        for kind in _SUBTOTALS[name]:
            owed = add(owed, self.subtotals.get(kind, NOTHING))
        return to_price(owed)

    @cached_property
    def total_fixed_cost(self) -> Price:
        """The flat fee of the session."""
        return self._subtotal("total_fixed_cost")

    @cached_property
    def total_energy_cost(self) -> Price:
        return self._subtotal("total_energy_cost")

    @cached_property
    def total_time_cost(self) -> Price:
        """Charging time only: parking and reservation have their own totals."""
        return self._subtotal("total_time_cost")

    @cached_property
    def total_parking_cost(self) -> Price:
        return self._subtotal("total_parking_cost")

    @cached_property
    def total_reservation_cost(self) -> Price:
        """Reserved time and the flat fee of the reservation."""
        return self._subtotal("total_reservation_cost")

    @property
    def total_energy(self) -> Decimal:
        """kWh, measured."""
        return self.usage.total("energy") or ZERO

    @property
    def total_time(self) -> Decimal | None:
        """Hours from start to end, charging or not; None while the session runs."""
        return self.usage.hours

    @property
    def total_parking_time(self) -> Decimal:
        """Hours, measured: not what step_size made of it."""
        return self.usage.total("parking") or ZERO

    @cached_property
    def measured(self) -> dict[str, Decimal]:
        """Per dimension what the periods hold, in kWh and h."""
        return _sums((line.kind, line.measured) for line in self.lines if line.unit)

    @cached_property
    def billed(self) -> dict[str, Decimal]:
        """Per dimension what is billed, in kWh and h, after step_size; without what no element prices."""
        return _sums((line.kind, line.billed) for line in self.lines if line.unit and line.component)

    def totals(self, rounding: Rounding = WIRE) -> dict[str, Any]:
        """The total_… fields of a CDR (mod_cdrs, CDR Object), rounded; costs that have no line are left out."""
        totals: dict[str, Any] = {"total_cost": self.total_cost.as_document(rounding)}
        for name, kinds in _SUBTOTALS.items():
            if any(kind in self.subtotals for kind in kinds):
                totals[name] = self._subtotal(name).as_document(rounding)
        totals["total_energy"] = WIRE(self.total_energy)
        if self.total_time is not None:
            totals["total_time"] = WIRE(self.total_time)
        if self.total_parking_time:
            totals["total_parking_time"] = WIRE(self.total_parking_time)
        return totals

    def as_document(self, rounding: Rounding = WIRE) -> dict[str, Any]:
        """All of it for wire.json.dumps: the CDR's totals, the quantities, and every line with its reasons."""
        return {
            "currency": self.currency,
            "time_zone": str(self.time_zone),
            **self.totals(rounding),
            "measured": {kind: WIRE(amount) for kind, amount in self.measured.items()},
            "billed": {kind: WIRE(amount) for kind, amount in self.billed.items()},
            "lines": [_line(line, rounding) for line in self.lines],
            "steps": [
                {"dimension": step.kind, "step_size": step.step_size, "used": step.used, "billed": step.billed}
                for step in self.steps
            ],
            "limits": [
                {"name": limit.name, "tariff_id": limit.tariff_id, "change": limit.change.as_document(rounding)}
                for limit in self.limits
            ],
        }


def _sums(pairs: Any) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for kind, amount in pairs:
        sums[kind.value] = EXACT.add(sums.get(kind.value, ZERO), amount)
    return sums


def _line(line: Line, rounding: Rounding) -> dict[str, Any]:
    return {
        "period": line.period,
        "start_date_time": format_datetime(line.start),
        "dimension": line.kind,
        "measured": WIRE(line.measured),
        "billed": WIRE(line.billed),
        "unit": line.unit or None,
        "tariff_id": line.tariff_id,
        "element": line.element,
        "step_size": line.step_size,
        "price": line.price,
        "vat": line.vat,
        "cost": line.cost.as_document(rounding),
        "won": line.won,
        "lost": [{"element": lost.element, "because": lost.because} for lost in line.lost],
    }


def sum_of(lines: Sequence[Line]) -> dict[Kind, Owed]:
    """What the priced lines owe, by kind."""
    sums: dict[Kind, Owed] = {}
    for line in lines:
        if line.component is not None:
            sums[line.kind] = add(sums.get(line.kind, NOTHING), line.owed())
    return sums
