"""Where the totals that a CDR states differ from what its own periods and tariff give.

A difference is more than rounding can explain; the CPO's number is only ever looked at, never changed.
"""

from dataclasses import dataclass
from decimal import Decimal

from .cdr import Usage
from .errors import CdrError
from .lines import Line
from .money import WIRE, ZERO, Price, currency_digits
from .reading import Fields
from .report import CostReport
from .tariff import FLATS

COSTS = (
    "total_cost",
    "total_fixed_cost",
    "total_energy_cost",
    "total_time_cost",
    "total_parking_cost",
    "total_reservation_cost",
)
_HALF = Decimal("0.5")
_DIGIT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a CDR, such as `total_cost.excl_vat`, with the number in it and the number it should hold."""

    field: str
    stated: Decimal
    computed: Decimal
    tolerance: Decimal

    @property
    def amount(self) -> Decimal:
        return self.stated - self.computed

    def numbers(self) -> dict[str, Decimal]:
        """What is stated, what it should be, and how much lies between, to four decimals."""
        return {"stated": self.stated, "computed": WIRE(self.computed), "difference": WIRE(self.amount)}


def differences(report: CostReport) -> list[Difference]:
    """Every total of the CDR that `report` was made from that differs from it. Raises CdrError for bad totals."""
    return cost_differences(report) + quantity_differences(report.usage)


def cost_differences(report: CostReport) -> list[Difference]:
    """The costs that differ. A CDR may round each to the currency's digits or keep up to four; either is equal."""
    fields = Fields(report.usage.document, CdrError)
    sign = -1 if fields.values.get("credit") is True else 1  # in a Credit CDR only total_cost is negative
    digits, noise = currency_digits(report.currency), _noise(report.lines)
    found = []
    for name in COSTS:
        if not fields.has(name):
            continue
        stated = fields.inner(name)
        computed: Price = getattr(report, name)
        excl, incl = stated.required_number("excl_vat"), stated.number("incl_vat")
        for part, number, expected in (("excl_vat", excl, computed.excl_vat), ("incl_vat", incl, computed.incl_vat)):
            if number is not None:
                expected = expected * sign if name == "total_cost" else expected
                tolerance = _cost_tolerance(number, digits=digits, noise=noise)
                found.append(Difference(f"{name}.{part}", number, expected, tolerance))
    return [one for one in found if abs(one.amount) > one.tolerance]


def _cost_tolerance(stated: Decimal, *, digits: int, noise: Decimal) -> Decimal:
    """Half of the last digit that the CPO kept, and what its volumes' last digits can do, together less than a cent."""
    return _HALF.scaleb(-min(max(decimals(stated), digits), 4)) + min(noise, Decimal("0.4").scaleb(-digits))


def _noise(lines: tuple[Line, ...]) -> Decimal:
    """What the fourth decimal of every volume can change: a CPO bills 10 minutes and writes 0.1667 h."""
    noise = ZERO
    for line in lines:
        if line.component is not None and line.kind not in FLATS:
            noise += abs(line.component.price) * line.component.vat_factor
    return noise * _DIGIT / 2


def quantity_differences(usage: Usage) -> list[Difference]:
    """total_energy, total_time and total_parking_time that differ from the periods and the times of the CDR.

    What the periods do not tell is not compared: no energy in them, no times in them.
    """
    fields = Fields(usage.document, CdrError)
    timed = any(period.time is not None or period.parking is not None for period in usage.periods)
    expected = {
        "total_energy": usage.total("energy"),
        "total_time": usage.hours,
        "total_parking_time": (usage.total("parking") or ZERO) if timed else None,
    }
    found = []
    for name, computed in expected.items():
        stated = fields.number(name)
        if stated is not None and computed is not None:
            if name == "total_time" and usage.total("reserved"):
                without = computed - (usage.total("reserved") or ZERO)
                computed = min((computed, without), key=lambda hours: abs(hours - stated))
            tolerance = _HALF.scaleb(-min(max(decimals(stated), 2), 4)) + _DIGIT * (3 + len(usage.periods)) / 2
            found.append(Difference(name, stated, computed, tolerance))
    return [one for one in found if abs(one.amount) > one.tolerance]


def decimals(number: Decimal) -> int:
    """How many digits after the point are more than zeros."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
