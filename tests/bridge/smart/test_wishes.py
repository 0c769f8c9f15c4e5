"""What a driver or a car wishes, as a weight."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_ocpp.smart.tables import WishRow
from bridge_ocpp.smart.wishes import LEAST, MOST, Wanted, in_time, together, weight

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def of(hours=None, kwh=None, *, fast=False, charged=0, power=11_000):
    departure = None if hours is None else NOON + timedelta(hours=hours)
    wanted = Wanted(departure, None if kwh is None else D(kwh) * 1000, fast)
    return weight(wanted, charged_wh=D(charged) * 1000, full_power_w=D(power), now=NOON)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "1"),
        ({"fast": True}, "2"),
        ({"hours": 2}, "1"),  # a time alone says nothing of what is needed
        ({"kwh": 20}, "1"),
        ({"hours": 2, "kwh": 22}, "3"),
        ({"hours": 10, "kwh": 22}, "1"),
        ({"hours": 4, "kwh": 22}, "1.8"),
        ({"hours": 4, "kwh": 22, "charged": 11}, "1.1"),
        ({"hours": 100, "kwh": 11}, "0.5"),
        ({"hours": 100, "kwh": 11, "fast": True}, "2"),
        ({"hours": 1, "kwh": 99}, "3"),  # cannot be done: all that is fair
        ({"hours": 2, "kwh": 11, "charged": 11}, "0.5"),
        ({"hours": 2, "kwh": 0}, "0.5"),
        ({"hours": -1, "kwh": 11}, "1"),
        ({"hours": -1, "kwh": 11, "fast": True}, "2"),
        ({"hours": 1, "kwh": 11, "power": 0}, "1"),
    ],
)
def test_weights(said, expected):
    assert of(**said) == D(expected)


@given(st.none() | st.floats(-50, 50), st.none() | st.integers(0, 500), st.booleans(), st.integers(0, 100))
def test_nobody_weighs_nothing_or_everything(hours, kwh, fast, charged):
    assert LEAST <= of(hours, kwh, fast=fast, charged=charged) <= MOST


def row(source, **said):
    return WishRow(transaction_id="T", charger_key="b1", source=source, told_at=NOON, **said)


def test_the_drivers_word_counts_before_the_cars():
    car = row("car", departure_at=NOON, energy_wh=D(5), maximum_a=D(20))
    driver = row("driver", energy_wh=D(7), fast=True)
    assert together([car, driver], voltage=230, phases=3) == Wanted(NOON, D(7), True, D(20), phases=3, until=NOON)
    assert together([], voltage=230, phases=3) == Wanted()


def test_watts_of_a_car_are_amperes_of_its_charger():
    assert together([row("car", maximum_w=D(6900))], voltage=230, phases=3).most == D(10)
    assert together([row("car", maximum_w=D(6900), maximum_a=D(8))], voltage=230, phases=3).most == D(8)
    assert together([row("car", maximum_w=D(3680), minimum_w=D(1380), phases=1)], voltage=230, phases=3) == Wanted(
        most=D(16), least=D(6), phases=1
    )
    assert together([row("car", phases=3, minimum_a=D(8))], voltage=230, phases=1) == Wanted(least=D(8), phases=1)


@pytest.mark.parametrize(
    ("car", "driver", "until"),
    [
        ({"departure_at": NOON, "energy_wh": D(5)}, {}, NOON),
        (
            {"departure_at": NOON, "energy_wh": D(5)},
            {"departure_at": NOON + timedelta(hours=1)},
            NOON + timedelta(hours=1),
        ),
        ({"departure_at": NOON}, {}, None),
        ({"energy_wh": D(5)}, {"departure_at": NOON}, None),
        ({"departure_at": NOON, "energy_wh": D(5), "dynamic": True}, {}, None),
    ],
)
def test_a_car_that_says_when_it_leaves_and_what_it_needs_is_told_a_schedule(car, driver, until):
    """One that follows a limit at every moment (DynamicControl) is told the limit."""
    rows = [row("car", most_periods=3, **car), row("driver", **driver)]
    wanted = together(rows, voltage=230, phases=3)
    assert (wanted.until, wanted.most_periods) == (until, 3)


@pytest.mark.parametrize(
    ("hours", "kwh", "charged", "power", "expected"),
    [
        (2, 22, 0, 11_000, True),
        (2, 22, 0, 10_999, False),
        (2, 22, 11, 5_500, True),
        (2, 22, 30, 0, True),
        (0, 22, 0, 11_000, None),
        (None, 22, 0, 11_000, None),
        (2, None, 0, 11_000, None),
    ],
)
def test_whether_a_car_has_what_it_needs_in_time(hours, kwh, charged, power, expected):
    departure = None if hours is None else NOON + timedelta(hours=hours)
    wanted = Wanted(departure, None if kwh is None else D(kwh) * 1000)
    assert in_time(wanted, charged_wh=D(charged) * 1000, power_w=D(power), now=NOON) is expected
