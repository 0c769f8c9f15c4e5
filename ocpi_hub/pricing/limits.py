"""min_price and max_price: amounts excl. and incl. VAT are limited each on its own (mod_tariffs, Tariff Object, NOTEs).

Only total_cost is limited; the subtotals stay what they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .lines import Owed, to_price
from .money import EXACT, HOUR, Price, divide
from .tariff import Limit, PreparedTariff


@dataclass(frozen=True, slots=True)
class Limited:
    """What min_price or max_price (`name`) of a tariff added to the sum of the lines; negative where it took away."""

    name: str
    tariff_id: str
    change: Price


def limit(total: Owed, tariffs: Iterable[PreparedTariff]) -> tuple[Owed, tuple[Limited, ...]]:
    """Apply the limits of all tariffs that priced the session: first every minimum, then every maximum."""
    limits = [("min_price", tariff.id, tariff.min_price) for tariff in tariffs if tariff.min_price]
    limits += [("max_price", tariff.id, tariff.max_price) for tariff in tariffs if tariff.max_price]
    applied = []
    for name, tariff_id, bound in limits:
        moved = _clamp(total, bound, upwards=name == "min_price")
        if moved != total:
            change = to_price((EXACT.subtract(moved[0], total[0]), EXACT.subtract(moved[1], total[1])))
            applied.append(Limited(name, tariff_id, change))
            total = moved
    return total, tuple(applied)


def _clamp(total: Owed, bound: Limit, *, upwards: bool) -> Owed:
    pick = max if upwards else min
    excl, incl = total
    bound_excl = EXACT.multiply(bound.excl_vat, HOUR)
    if bound.incl_vat is not None:
        return pick(excl, bound_excl), pick(incl, EXACT.multiply(bound.incl_vat, HOUR))
    limited = pick(excl, bound_excl)
    if limited == excl:
        return total
    return limited, divide(EXACT.multiply(incl, limited), excl) if excl else limited
