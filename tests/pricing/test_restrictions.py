"""The boundary of every restriction: just before, exactly at, just after."""

from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.pricing import price

from .build import Json, cdr, component, element, period, tariff

AMSTERDAM = "Europe/Amsterdam"


def matches(restrictions: Json, *before: Json, start: str, time_zone: str = AMSTERDAM, **volumes: Any) -> bool:
    """Whether an element with these restrictions prices the last of the periods."""
    one = tariff(element(component("TIME", 1), **restrictions))
    report = price(one, cdr(*before, period(start, TIME=1, **volumes)), time_zone=time_zone)
    return report.lines[-1].component is not None


@pytest.mark.parametrize(
    ("restrictions", "local", "expected"),
    [
        ({"start_time": "13:30"}, "13:29:59.999", False),
        ({"start_time": "13:30"}, "13:30:00", True),
        ({"start_time": "13:30"}, "23:59:59", True),
        ({"end_time": "19:45"}, "00:00:00", True),
        ({"end_time": "19:45"}, "19:44:59.999", True),
        ({"end_time": "19:45"}, "19:45:00", False),
        ({"start_time": "13:30", "end_time": "19:45"}, "13:30:00", True),
        ({"start_time": "13:30", "end_time": "19:45"}, "19:45:00", False),
        ({"start_time": "22:00", "end_time": "06:00"}, "21:59:59", False),
        ({"start_time": "22:00", "end_time": "06:00"}, "22:00:00", True),
        ({"start_time": "22:00", "end_time": "06:00"}, "00:00:00", True),
        ({"start_time": "22:00", "end_time": "06:00"}, "05:59:59", True),
        ({"start_time": "22:00", "end_time": "06:00"}, "06:00:00", False),
        ({"start_time": "22:00", "end_time": "00:00"}, "23:59:59", True),
        ({"start_time": "22:00", "end_time": "00:00"}, "00:00:00", False),
        ({"start_time": "00:00", "end_time": "06:00"}, "00:00:00", True),
        ({"start_time": "00:00", "end_time": "06:00"}, "06:00:00", False),
    ],
)
def test_time_of_day(restrictions: Json, local: str, expected: bool) -> None:
    """[start, end) every day; end before start wraps; 00:00 as an end is the end of the day."""
    assert matches(restrictions, start=f"2026-01-05T{local}Z", time_zone="UTC") is expected


def test_time_of_day_is_that_of_the_location() -> None:
    """Midnight in Amsterdam in January is 23:00 UTC of the day before; in New York it is 05:00."""
    assert matches({"start_time": "00:00", "end_time": "01:00"}, start="2026-01-04T23:00:00Z")
    assert not matches({"start_time": "00:00", "end_time": "01:00"}, start="2026-01-04T22:59:59Z")
    assert matches(
        {"start_time": "00:00", "end_time": "01:00"}, start="2026-01-05T05:00:00Z", time_zone="America/New_York"
    )


@pytest.mark.parametrize(
    ("restrictions", "start", "expected"),
    [
        ({"start_date": "2026-01-05"}, "2026-01-04T22:59:59Z", False),
        ({"start_date": "2026-01-05"}, "2026-01-04T23:00:00Z", True),
        ({"end_date": "2026-01-05"}, "2026-01-04T22:59:59Z", True),
        ({"end_date": "2026-01-05"}, "2026-01-04T23:00:00Z", False),
        ({"start_date": "2026-01-04", "end_date": "2026-01-05"}, "2026-01-04T12:00:00Z", True),
        ({"start_date": "2026-01-05", "end_date": "2026-01-05"}, "2026-01-05T12:00:00Z", False),
        ({"start_date": "2026-01-04", "start_time": "22:00"}, "2026-01-06T20:00:00Z", False),
        ({"start_date": "2026-01-04", "start_time": "22:00"}, "2026-01-06T21:00:00Z", True),
    ],
)
def test_dates(restrictions: Json, start: str, expected: bool) -> None:
    """Local dates, inclusive and exclusive; dates and times of day are asked apart."""
    assert matches(restrictions, start=start) is expected


DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


@pytest.mark.parametrize("index", range(7))
def test_day_of_week(index: int) -> None:
    """The local weekday: 5 January 2026 is a Monday, and it begins at 23:00 UTC of the day before."""
    first, last = f"2026-01-{4 + index:02}T23:00:00Z", f"2026-01-{5 + index:02}T22:59:59Z"
    others = [day for day in DAYS if day != DAYS[index]]
    for moment in (first, last):
        assert matches({"day_of_week": [DAYS[index]]}, start=moment)
        assert not matches({"day_of_week": others}, start=moment)


@pytest.mark.parametrize("nothing", [{"day_of_week": []}, {"day_of_week": None}, {"max_kwh": None, "start_time": None}])
def test_no_restriction(nothing: Json) -> None:
    """Empty, absent and null restrict nothing."""
    assert matches(nothing, start="2026-01-05T10:00:00Z")
    empty = tariff({"price_components": [component("TIME", 1)], "restrictions": {}})
    assert price(empty, cdr(period("2026-01-05T10:00:00Z", TIME=1)), time_zone="UTC").total_cost.excl_vat == 1


@pytest.mark.parametrize(
    ("restrictions", "consumed", "expected"),
    [
        ({"min_kwh": 20}, "19.9999", False),
        ({"min_kwh": 20}, "20", True),
        ({"max_kwh": 20}, "19.9999", True),
        ({"max_kwh": 20}, "20", False),
        ({"min_kwh": 10, "max_kwh": 20}, "10.0000", True),
        ({"min_kwh": 0}, None, True),
        ({"max_kwh": 0}, None, False),
    ],
)
def test_consumed_energy(restrictions: Json, consumed: str | None, expected: bool) -> None:
    """min_kwh inclusive, max_kwh exclusive, of the energy of the periods before; its own energy does not count."""
    before = [period("2026-01-05T10:00:00Z", ENERGY=consumed)] if consumed else []
    assert matches(restrictions, *before, start="2026-01-05T11:00:00Z", ENERGY=50) is expected


def test_consumed_energy_is_exact() -> None:
    """Ten times 0.1 kWh are 1 kWh: a binary float would say 0.9999999999999999."""
    before = [period(f"2026-01-05T10:{minute:02}:00Z", ENERGY=0.1) for minute in range(10)]
    assert matches({"min_kwh": 1}, *before, start="2026-01-05T11:00:00Z")


@pytest.mark.parametrize("unit", ["current", "power"])
@pytest.mark.parametrize(
    ("bounds", "least", "most", "expected"),
    [
        ({"min": 16}, "15.9999", "40", False),
        ({"min": 16}, "16", "40", True),
        ({"max": 16}, "1", "15.9999", True),
        ({"max": 16}, "1", "16", False),
        ({"min": 16, "max": 32}, "16", "31.9999", True),
        ({"min": 16, "max": 32}, "15", "31", False),
        ({"min": 16, "max": 32}, "16", "32", False),
        ({"max": 16}, "-5", "-1", True),
        ({"min": 0}, "-5", "-1", False),
    ],
)
def test_current_and_power(unit: str, bounds: Json, least: str, most: str, expected: bool) -> None:
    restrictions = {f"{bound}_{unit}": value for bound, value in bounds.items()}
    volumes = {f"MIN_{unit.upper()}": least, f"MAX_{unit.upper()}": most}
    assert matches(restrictions, start="2026-01-05T10:00:00Z", **volumes) is expected


def test_power_says_nothing_of_current() -> None:
    assert not matches({"max_current": 16}, start="2026-01-05T10:00:00Z", MAX_POWER=1, MIN_POWER=1)


@pytest.mark.parametrize(
    ("restrictions", "start", "expected"),
    [
        ({"min_duration": 1800}, "10:29:59.999", False),
        ({"min_duration": 1800}, "10:30:00", True),
        ({"max_duration": 1800}, "10:29:59.999", True),
        ({"max_duration": 1800}, "10:30:00", False),
        ({"min_duration": 0}, "10:00:00", True),
        ({"max_duration": 0}, "10:00:00", False),
    ],
)
def test_duration(restrictions: Json, start: str, expected: bool) -> None:
    """min_duration inclusive, max_duration exclusive, since the session began, charging and parking alike."""
    for volumes in ({"TIME": 1}, {"PARKING_TIME": 1}, {"ENERGY": 1}):
        before = [] if start == "10:00:00" else [period("2026-01-05T10:00:00Z", **volumes)]
        assert matches(restrictions, *before, start=f"2026-01-05T{start}Z") is expected


def test_duration_is_real_time_over_a_change_of_summer_time() -> None:
    """From 01:30 to 03:30 local time it is one hour in spring and three in autumn."""
    spring = period("2026-03-29T00:30:00Z", TIME=1)
    assert not matches({"min_duration": 3601}, spring, start="2026-03-29T01:30:00Z")
    autumn = period("2026-10-24T23:30:00Z", TIME=1)
    assert matches({"min_duration": 10800}, autumn, start="2026-10-25T02:30:00Z")


def test_restrictions_are_a_logical_and() -> None:
    both = {"start_time": "10:00", "min_kwh": 5}
    early, late = "2026-01-05T09:30:00Z", "2026-01-05T10:00:00Z"
    plenty = period("2026-01-05T08:00:00Z", ENERGY=6)
    assert matches(both, plenty, start=late, time_zone="UTC")
    assert not matches(both, plenty, start=early, time_zone="UTC")
    assert not matches(both, start=late, time_zone="UTC")


def test_reservation_elements_price_reserved_time_only() -> None:
    one = tariff(
        element(component("TIME", 5), component("FLAT", 2), reservation="RESERVATION"), element(component("TIME", 1))
    )
    session = cdr(period("2026-01-05T10:00:00Z", TIME=1))
    assert price(one, session, time_zone="UTC").total_cost.excl_vat == 1
    reserved = cdr(period("2026-01-05T10:00:00Z", RESERVATION_TIME=1), period("2026-01-05T11:00:00Z", TIME=1))
    report = price(one, reserved, time_zone="UTC")
    assert (report.total_reservation_cost.excl_vat, report.total_time_cost.excl_vat) == (7, 1)


def test_unrestricted_elements_never_price_reserved_time() -> None:
    one = tariff(element(component("TIME", 1), component("FLAT", 3)))
    report = price(one, cdr(period("2026-01-05T10:00:00Z", RESERVATION_TIME=1)), time_zone="UTC")
    assert report.total_cost.excl_vat == 0


def test_reservation_elements_have_other_restrictions_too() -> None:
    """Reserved time is priced by the element that applies when the period begins."""
    one = tariff(
        element(component("TIME", 5), reservation="RESERVATION", end_time="12:00"),
        element(component("TIME", 8), reservation="RESERVATION"),
    )
    periods = [period(f"2026-01-05T{hour}:00:00Z", RESERVATION_TIME=1) for hour in (11, 12)]
    report = price(one, cdr(*periods, period("2026-01-05T13:00:00Z", ENERGY=1)), time_zone="UTC")
    assert [line.price for line in report.lines if line.component] == [Decimal(5), Decimal(8)]
