"""The work grows with periods times elements and no faster: function calls are counted, not seconds."""

import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import FrameType
from typing import Any

from ocpi_hub.pricing import audit, periods, prepare, price
from ocpi_hub.wire.types import format_datetime

from .build import Json, cdr, component, element, period, tariff, utc

START = utc("2026-01-05 00:00")


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, are called."""
    count = 0

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def grows_evenly(measure: Callable[[int], int], n: int) -> bool:
    """Whether going from 2n to 4n costs twice what going from n to 2n costs."""
    once, twice, four_times = measure(n), measure(2 * n), measure(4 * n)
    return abs((four_times - twice) - 2 * (twice - once)) <= 0.02 * four_times


def session(n: int) -> Json:
    """n periods of 20 seconds, a flat fee, energy and time."""
    starts = [format_datetime(START + timedelta(seconds=20 * i)) for i in range(n)]
    return cdr(
        *(period(start, ENERGY="0.1", TIME="0.0055", MAX_POWER=18) for start in starts),
        end=format_datetime(START + timedelta(seconds=20 * n)),
    )


def many_elements(n: int) -> Json:
    """Elements that must all be asked, because only the last one applies."""
    never = [element(component("ENERGY", 1, 500), component("TIME", 1, 60), max_power=3) for _ in range(n - 1)]
    return tariff(*never, element(component("ENERGY", 1), component("TIME", 1), component("FLAT", 1)))


def test_price_is_linear_in_periods() -> None:
    prepared = prepare(many_elements(6))
    assert grows_evenly(lambda n: calls(lambda: price(prepared, session(n), time_zone="UTC")), 100)


def test_price_is_linear_in_elements() -> None:
    document = session(50)
    assert grows_evenly(lambda n: calls(lambda: price(many_elements(n), document, time_zone="UTC")), 10)


def test_audit_is_linear_in_periods() -> None:
    prepared = prepare(many_elements(6))
    assert grows_evenly(lambda n: calls(lambda: audit(session(n), tariff=prepared, time_zone="UTC")), 100)


def test_cutting_is_linear_in_samples() -> None:
    one = prepare(tariff(element(component(), start_time="10:00", max_power=11), element(component(price=1))))

    def cut(n: int) -> int:
        samples = [(START + timedelta(seconds=60 * i), Decimal(180 * i)) for i in range(n)]
        end = START + timedelta(seconds=60 * n)
        return calls(lambda: periods(one, start=START, end=end, samples=samples, time_zone="Europe/Amsterdam"))

    assert grows_evenly(cut, 100)
