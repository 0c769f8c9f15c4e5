"""Checks of one CDR's money: its costs against its periods and tariff, its tariffs, its currency, its credit.

Each check yields findings. What cannot be read raises CdrError, which audit() makes a finding of.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from .cdr import Usage
from .comparison import COSTS, Difference, cost_differences
from .errors import CdrError
from .findings import Finding, Severity
from .money import ZERO, currency_digits, shown
from .reading import Fields
from .report import CostReport
from .tariff import PreparedTariff

_HALF = Decimal("0.5")
_TOTAL = "total_cost.excl_vat"


def check_costs(report: CostReport) -> Iterator[Finding]:
    """Every stated cost that is not what the tariff gives for the periods."""
    for difference in cost_differences(report):
        small = _could_be_line_rounding(difference, report)
        yield Finding(
            "cost_differs",
            difference.field,
            f"says {shown(difference.stated)} {report.currency}, the tariff gives {shown(difference.computed)}"
            + (": rounding every line could explain it" if small else ""),
            severity=Severity.WARNING if small else Severity.ERROR,
            numbers=difference.numbers(),
        )


def check_sums(fields: Fields) -> Iterator[Finding]:
    """The stated total against the stated parts, and amounts that make no sense. Limits of a tariff move the total."""
    total = _amounts(fields, COSTS[0])
    if total is None:
        yield Finding("cost_missing", COSTS[0], "is missing")
        return
    credit = fields.values.get("credit") is True
    if total[0] < 0 and not credit:
        yield Finding(
            "cost_negative", _TOTAL, "is negative, and this is not a Credit CDR", numbers={"stated": total[0]}
        )
    if total[1] is not None and abs(total[1]) < abs(total[0]):
        yield Finding(
            "vat_negative",
            "total_cost.incl_vat",
            "is less with VAT than without",
            numbers={"excl_vat": total[0], "incl_vat": total[1]},
        )
    parts = [part for name in COSTS[1:] if (part := _amounts(fields, name)) is not None]
    limited = any(
        isinstance(one, dict) and (one.get("min_price") or one.get("max_price")) for one in fields.items("tariffs")
    )
    if not parts or limited:
        return
    stated, summed = abs(total[0]), sum((excl for excl, _ in parts), ZERO)
    allowed = (len(parts) + 1) * _HALF.scaleb(-currency_digits(fields.text("currency") or "EUR"))
    if summed - stated > allowed:  # parts may be left out, so they may be less than the total, never more
        yield Finding(
            "sum_differs",
            _TOTAL,
            f"is {shown(stated)}, but the parts that the CDR names add up to {shown(summed)}",
            severity=Severity.WARNING,
            numbers={"stated": stated, "computed": summed, "difference": stated - summed},
        )


def check_currency(usage: Usage, tariffs: Sequence[PreparedTariff]) -> Iterator[Finding]:
    """The currency of the CDR against that of its tariffs."""
    currency = Fields(usage.document, CdrError).text("currency")
    if currency is None:
        yield Finding("currency_missing", "currency", "is missing")
        return
    for tariff in tariffs:
        if tariff.currency != currency.upper():
            yield Finding(
                "currency_differs",
                "currency",
                f"is {currency}, but tariff {tariff.id} is in {tariff.currency}",
                numbers={"stated": currency, "tariff": tariff.currency},
            )


def check_tariffs(
    usage: Usage, tariffs: Sequence[PreparedTariff], *, own: Sequence[PreparedTariff]
) -> Iterator[Finding]:
    """Whether the tariffs were valid when the session began, and say what the CDR's own copies (`own`) say."""
    start = usage.start or usage.periods[0].start
    for tariff in tariffs:
        if not tariff.is_valid_at(start):
            yield Finding(
                "tariff_not_valid",
                "start_date_time",
                f"tariff {tariff.id} was not valid when the session began",
                severity=Severity.WARNING,
                numbers={"start": start, "valid_from": tariff.valid_from, "valid_to": tariff.valid_to},
            )
        for index, copy in enumerate(own):
            if copy.id.casefold() == tariff.id.casefold() and not copy.says_the_same_as(tariff):
                yield Finding(
                    "tariff_differs",
                    f"tariffs[{index}]",
                    f"is not what tariff {tariff.id} says as it is known here",
                    severity=Severity.WARNING,
                )
    by_own = len(own) > 1 and tariffs[0] is own[0]
    if by_own and not any(period.tariff_id for period in usage.periods):
        yield Finding(
            "tariff_ambiguous",
            "charging_periods[0].tariff_id",
            f"is missing, and the CDR has {len(own)} tariffs: priced by the first",
            severity=Severity.WARNING,
        )


def check_credit(fields: Fields) -> Iterator[Finding]:
    """A Credit CDR names what it credits, and has a negative total (mod_cdrs, Credit CDRs)."""
    credit, reference = fields.values.get("credit"), fields.text("credit_reference_id")
    if credit is True and reference is None:
        yield Finding("credit_without_reference", "credit_reference_id", "is missing in a Credit CDR")
    if reference is not None and credit is not True:
        yield Finding("credit_not_marked", "credit", f"is not true, but credit_reference_id names {reference}")
    total = _amounts(fields, COSTS[0])
    if credit is True and total is not None and total[0] > 0:
        yield Finding("credit_not_negative", _TOTAL, "is positive in a Credit CDR", numbers={"stated": total[0]})


def _amounts(fields: Fields, name: str) -> tuple[Decimal, Decimal | None] | None:
    if not fields.has(name):
        return None
    price = fields.inner(name)
    return price.required_number("excl_vat"), price.number("incl_vat")


def _could_be_line_rounding(difference: Difference, report: CostReport) -> bool:
    lines = sum(1 for line in report.lines if line.component is not None)
    return abs(difference.amount) <= difference.tolerance + lines * _HALF.scaleb(-currency_digits(report.currency))
