"""Checks of what one CDR says was used: its totals against its periods, its energy against power times time.

No tariff is needed here, and no number is corrected.
"""

from collections.abc import Iterator
from decimal import Decimal

from .cdr import Period, Usage, seconds_of
from .comparison import quantity_differences
from .findings import Finding, Severity
from .money import HOUR, WIRE, ZERO, shown

_CODES = {"total_energy": "energy_differs", "total_time": "time_differs", "total_parking_time": "parking_time_differs"}

_MOST_KW = {
    kind: Decimal(kw) for kind, kw in (("AC_1_PHASE", 25), ("AC_2_PHASE", 50), ("AC_3_PHASE", 100), ("DC", 4000))
}
"""More than any connector of its kind carries (kW)."""
_VOLTS = {"AC_1_PHASE": 277, "AC_2_PHASE": 277, "AC_2_PHASE_SPLIT": 277, "AC_3_PHASE": 277}
_MOST_VOLTS = 1500
_GRACE = Decimal("1.05")  # meters and clocks are not that exact
_GRACE_KWH = Decimal("0.05")


def check_quantities(usage: Usage) -> Iterator[Finding]:
    """Stated totals of energy and time against the periods, and dimensions that do not belong into a CDR."""
    for difference in quantity_differences(usage):
        yield Finding(
            _CODES[difference.field],
            difference.field,
            f"says {shown(difference.stated)}, the CDR itself gives {shown(difference.computed)}",
            numbers=difference.numbers(),
        )
    if usage.total("energy") is None and usage.document.get("total_energy"):
        yield Finding(
            "energy_not_in_periods",
            "total_energy",
            "cannot be checked: no charging period has ENERGY",
            severity=Severity.INFO,
        )
    for period in usage.periods:
        for name in period.session_only:
            yield Finding(
                "session_only_dimension",
                f"charging_periods[{period.index}].dimensions",
                f"has {name}, which is for Sessions only",
                severity=Severity.WARNING,
            )


def check_power(usage: Usage, *, power_type: str | None, max_power_kw: Decimal | None) -> Iterator[Finding]:
    """Energy against power times time: the period's own figures first, then what its connector can deliver."""
    for period in usage.periods:
        end = usage.end_of(period.index)
        if not period.energy or end is None:
            continue
        hours = seconds_of(end - period.start) / HOUR
        for name, power in _ceilings(period, power_type=power_type, max_power_kw=max_power_kw):
            if power is not None and period.energy > power * hours * _GRACE + _GRACE_KWH:
                yield _too_much(period, hours=hours, power=power, name=name)
                break
        floor = (period.min_power or 0) * (period.time or 0)
        if floor > period.energy * _GRACE + _GRACE_KWH:
            yield Finding(
                "energy_below_power",
                f"charging_periods[{period.index}].dimensions",
                f"has {shown(period.energy)} kWh, less than MIN_POWER gives in its charging time",
                severity=Severity.WARNING,
                numbers={"energy": period.energy, "min_power": period.min_power, "hours": period.time},
            )


def _ceilings(
    period: Period, *, power_type: str | None, max_power_kw: Decimal | None
) -> Iterator[tuple[str, Decimal | None]]:
    """What limits the power of a period (kW), the period's own words first."""
    yield "MAX_POWER", period.max_power
    if period.max_current is not None:
        yield "MAX_CURRENT", period.max_current * _VOLTS.get(power_type or "", _MOST_VOLTS) / 1000
    yield "its connector", max_power_kw
    yield "any connector of its kind", _MOST_KW.get(power_type or "")


def _too_much(period: Period, *, hours: Decimal, power: Decimal, name: str) -> Finding:
    return Finding(
        "energy_exceeds_power",
        f"charging_periods[{period.index}].dimensions",
        f"has {shown(period.energy or ZERO)} kWh in {shown(hours)} h, more than {name} allows at {shown(power)} kW",
        numbers={"energy": period.energy, "hours": WIRE(hours), "power": WIRE(power)},
    )
