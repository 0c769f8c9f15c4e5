"""estimate(): what a driver would pay for n kWh in m minutes, by the same cutting and pricing as every CDR of ours."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from .cutting import periods
from .errors import PricingError
from .money import ZERO
from .pricer import price
from .reading import Document, Unreadable, as_moment, as_number
from .report import CostReport
from .tariff import PreparedTariff
from .tariff_reading import prepare

Quantity = Decimal | int | float | str

_MINUTES = Decimal(60)
_NEARLY = Decimal("0.999999")  # what 28 digits of a quotient may miss


def estimate(
    tariff: Document | PreparedTariff,
    *,
    kwh: Quantity,
    minutes: Quantity,
    start: datetime,
    time_zone: str | tzinfo,
    power_kw: Quantity | None = None,
    current_a: Quantity | None = None,
) -> CostReport:
    """The cost of charging `kwh` while connected for `minutes` from `start` (UTC).

    With `power_kw` the car charges at that power until it has its energy and is parked for the rest; without, it
    charges evenly all the time. `current_a` (sum over the phases) is asked for only by tariffs with current
    restrictions, which do not apply where it is not known. Raises PricingError naming the argument, also when the
    energy cannot be delivered in that time at that power.
    """
    energy, duration = _read("kwh", kwh), _read("minutes", minutes)
    begin = as_moment(start)
    if energy and not duration:
        raise PricingError("minutes", f"{energy:f} kWh need more than 0 minutes")
    power = _read("power_kw", power_kw) if power_kw is not None else energy * _MINUTES / (duration or _MINUTES)
    if power * duration < energy * _MINUTES * _NEARLY:
        raise PricingError("power_kw", f"{power:f} kW cannot deliver {energy:f} kWh in {duration:f} minutes")
    charging = min(energy / power * _MINUTES, duration) if energy else ZERO if power_kw is not None else duration
    full, end = begin + _span(charging), begin + _span(duration)

    def until_full(value: Decimal) -> list[tuple[datetime, Decimal]]:
        return [(begin, value), (full, value), (full, ZERO)] if full < end else [(begin, value)]

    prepared = tariff if isinstance(tariff, PreparedTariff) else prepare(tariff)
    charging_periods = periods(
        prepared,
        start=begin,
        end=end,
        samples=[(begin, ZERO), (full, energy * 1000)],
        parked=[(full, True)] if full < end else [],
        currents=until_full(_read("current_a", current_a)) if current_a is not None else [],
        powers=until_full(power),
        time_zone=time_zone,
    )
    session = {"start_date_time": begin, "end_date_time": end, "charging_periods": charging_periods}
    return price(prepared, session, time_zone=time_zone)


def _read(name: str, value: Quantity) -> Decimal:
    try:
        number = as_number(value)
    except Unreadable as reason:
        raise PricingError(name, str(reason)) from None
    if number < 0:
        raise PricingError(name, "must not be negative")
    return number


def _span(minutes: Decimal) -> timedelta:
    return timedelta(milliseconds=int(minutes * 60_000))
