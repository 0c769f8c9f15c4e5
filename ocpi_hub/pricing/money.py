"""Money, exact: how amounts are computed without rounding, and how they are rounded once, at the edge.

Only hours and VAT percentages ever need a division; it is put off until an amount is shown.
"""

from dataclasses import dataclass
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

EXACT = Context(
    prec=400, rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow], flags=[]
)
"""Arithmetic that raises rather than rounds. Documents hold at most 35 digits a number, so 400 are never reached."""

HOUR = Decimal(3600)
ZERO = Decimal(0)
_UNENDING = Decimal("1e-18")  # the last digit shown of a number that never ends, such as a third of a euro

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_NO_DIGITS.split(), 0) | dict.fromkeys(_THREE_DIGITS.split(), 3) | {"CLF": 4, "UYW": 4}


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """The quotient: exact where its digits end, else to 18 decimals."""
    context = Context(prec=200, rounding=ROUND_HALF_UP)
    quotient = context.divide(dividend, divisor)
    return quotient.quantize(_UNENDING, context=context) if context.flags[Inexact] else quotient


def currency_digits(currency: str) -> int:
    """The digits after the point of a currency (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD; 2 where unknown."""
    return _DIGITS.get(currency.upper(), 2)


@dataclass(frozen=True, slots=True)
class Rounding:
    """How amounts are rounded when they leave: to `digits` after the point, half away from zero.

    OCPI says nothing about rounding (mod_tariffs, Tariff Object, NOTE): law, contract and currency do.
    """

    digits: int = 4

    @classmethod
    def of(cls, currency: str) -> "Rounding":
        """To the digits of a currency, as on an invoice."""
        return cls(currency_digits(currency))

    def __call__(self, amount: Decimal) -> Decimal:
        rounded = amount.quantize(Decimal(1).scaleb(-self.digits), rounding=ROUND_HALF_UP, context=Context(prec=200))
        return rounded if rounded else abs(rounded)  # -0.00 is no amount of money


WIRE = Rounding(4)
"""The four decimals of an OCPI `number` (types.asciidoc)."""


def shown(number: Decimal) -> str:
    """A number for people: up to four decimals, without zeros at the end."""
    return f"{WIRE(number).normalize():f}"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount without and with VAT, as OCPI's Price; not rounded unless `rounded` was called."""

    excl_vat: Decimal
    incl_vat: Decimal

    def rounded(self, rounding: Rounding = WIRE) -> "Price":
        return Price(rounding(self.excl_vat), rounding(self.incl_vat))

    def as_document(self, rounding: Rounding = WIRE) -> dict[str, Decimal]:
        return {"excl_vat": rounding(self.excl_vat), "incl_vat": rounding(self.incl_vat)}


FREE = Price(ZERO, ZERO)
