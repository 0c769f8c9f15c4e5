"""Hypothesis strategies for tariffs and CDRs that are valid, and as strange as the specification allows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ocpi_hub.wire.types import format_datetime

from .build import Json, cdr, component, element, period, tariff, utc

START = utc("2026-03-28 22:15")  # the night in which Amsterdam's clocks go forward

prices = st.decimals(0, 9, places=4)
vats = st.sampled_from([None, 0, Decimal("5.2"), 10, 21])
steps = st.sampled_from([0, 1, 60, 300, 500, 900])
times_of_day = st.sampled_from(["00:00", "00:30", "01:00", "02:30", "06:00", "17:00", "23:00"])
_RESTRICTIONS: dict[str, st.SearchStrategy[Any]] = {
    "start_time": times_of_day,
    "end_time": times_of_day,
    "start_date": st.sampled_from(["2026-03-28", "2026-03-29"]),
    "end_date": st.sampled_from(["2026-03-29", "2026-03-30"]),
    "day_of_week": st.lists(st.sampled_from(["SATURDAY", "SUNDAY", "MONDAY"]), unique=True),
    "min_kwh": st.sampled_from([1, 5]),
    "max_kwh": st.sampled_from([1, Decimal("7.5")]),
    "min_power": st.sampled_from([6, 11]),
    "max_power": st.sampled_from([6, 22]),
    "min_duration": st.sampled_from([600, 3600]),
    "max_duration": st.sampled_from([3600, 7200]),
}


@st.composite
def restrictions(draw: st.DrawFn) -> Json:
    """None to three restrictions: more of them hardly ever hold together."""
    names = draw(st.lists(st.sampled_from(sorted(_RESTRICTIONS)), max_size=3, unique=True))
    return {name: draw(_RESTRICTIONS[name]) for name in names}


@st.composite
def components(draw: st.DrawFn, kinds: tuple[str, ...] = ("FLAT", "ENERGY", "TIME", "PARKING_TIME")) -> Json:
    vat = draw(vats)
    return component(draw(st.sampled_from(kinds)), draw(prices), draw(steps), **({} if vat is None else {"vat": vat}))


@st.composite
def elements(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["RESERVATION", "RESERVATION_EXPIRES"]))
        if draw(st.integers(0, 3)) == 0:
            return element(draw(components(("FLAT", "TIME"))), reservation=kind)
    return element(*draw(st.lists(components(), min_size=1, max_size=3)), **draw(restrictions()))


def limits() -> st.SearchStrategy[Json]:
    amount = st.decimals(0, 40, places=2)
    bound = st.fixed_dictionaries({"excl_vat": amount}, optional={"incl_vat": amount})
    return st.fixed_dictionaries({}, optional={"min_price": bound, "max_price": bound})


@st.composite
def tariffs(draw: st.DrawFn, *, limited: bool = False) -> Json:
    extra: Json = draw(limits()) if limited else {}
    return tariff(*draw(st.lists(elements(), min_size=1, max_size=6)), **extra)


@st.composite
def volumes(draw: st.DrawFn, kinds: tuple[str, ...] = ("ENERGY", "TIME", "PARKING_TIME")) -> Json:
    """Hours are whole multiples of 18 seconds: their halves are whole multiples of 9, far from any rounding noise."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3, unique=True))
    found: dict[str, Any] = {}
    for name in chosen:
        found[name] = (
            draw(st.decimals(0, 9, places=4)) if name == "ENERGY" else Decimal(draw(st.integers(0, 400))) / 200
        )
    if draw(st.booleans()):
        low = draw(st.sampled_from([3, 6, 11]))
        found |= {"MIN_POWER": low, "MAX_POWER": low + draw(st.sampled_from([0, 2, 12]))}
    return found


@st.composite
def cdrs(draw: st.DrawFn) -> Json:
    moment, periods = START, []
    for reserved in draw(st.lists(st.integers(0, 7), min_size=1, max_size=6)):
        kinds = ("RESERVATION_TIME",) if reserved == 0 and not periods else ("ENERGY", "TIME", "PARKING_TIME")
        periods.append(period(format_datetime(moment), **draw(volumes(kinds))))
        moment += timedelta(minutes=draw(st.integers(0, 180)))
    return cdr(*periods, end=format_datetime(moment))
