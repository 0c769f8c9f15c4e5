"""What a driver would pay: the same cutting and pricing as for a CDR."""

from decimal import Decimal

from ocpi_hub.pricing import estimate, prepare

from .build import component, element, example, tariff, utc

D = Decimal
ZONE = "Europe/Amsterdam"
NOON = utc("2026-01-05 11:00")


def test_energy_alone() -> None:
    report = estimate(example("tariff_9_025kwh_start"), kwh=20, minutes=90, start=NOON, time_zone=ZONE)
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (D("5.50"), D("6.10"))
    assert report.total_time == D("1.5")


def test_without_a_power_the_car_charges_all_the_time() -> None:
    report = estimate(example("tariff_13_simple_3hour_5parking"), kwh="10.5", minutes=150, start=NOON, time_zone=ZONE)
    assert report.total_cost.excl_vat == D("7.50")
    assert report.total_parking_cost.excl_vat == 0


def test_with_a_power_it_parks_when_it_is_full() -> None:
    """22 kWh at 11 kW are two hours; the third is parking."""
    report = estimate(
        example("tariff_13_simple_3hour_5parking"), kwh=22, minutes=180, start=NOON, time_zone=ZONE, power_kw=11
    )
    assert (report.total_time_cost.excl_vat, report.total_parking_cost.excl_vat) == (6, 5)


def test_just_enough_time() -> None:
    report = estimate(
        tariff(element(component(price=1))), kwh="7.4", minutes=60, start=NOON, time_zone=ZONE, power_kw=7.4
    )
    assert report.total_cost.excl_vat == D("7.4")
    assert report.total_parking_time == 0


def test_a_price_change_on_the_way() -> None:
    """From 16:30 to 17:30: half of the energy before five, half after."""
    by_time = tariff(element(component(price=1), end_time="17:00"), element(component(price=3)))
    report = estimate(by_time, kwh=10, minutes=60, start=utc("2026-01-05 15:30"), time_zone=ZONE)
    assert [line.cost.excl_vat for line in report.lines if line.kind == "ENERGY"] == [5, 15]


def test_power_decides_the_band() -> None:
    bands = example("tariffrestriction_example_max_power")
    for power, cost in ((11, "2.00"), (22, "3.50"), (50, "5.00")):
        report = estimate(bands, kwh=10, minutes=60, start=NOON, time_zone=ZONE, power_kw=power)
        assert report.total_cost.excl_vat == D(cost)


def test_a_current_is_asked_for_only_where_the_tariff_depends_on_it() -> None:
    complex_ = prepare(example("tariff_4_complex"))
    unknown = estimate(complex_, kwh=10, minutes=60, start=NOON, time_zone=ZONE)
    assert unknown.total_time_cost.excl_vat == 0
    known = estimate(complex_, kwh=10, minutes=60, start=NOON, time_zone=ZONE, current_a=48)
    assert known.total_time_cost.excl_vat == 2


def test_nothing_for_no_time() -> None:
    """Plugged in and out again: the flat fee, and nothing else."""
    report = estimate(example("tariff_10_025kwh_parking_start"), kwh=0, minutes=0, start=NOON, time_zone=ZONE)
    assert report.total_cost.excl_vat == D("0.50")


def test_parking_without_charging() -> None:
    report = estimate(
        example("tariff_10_025kwh_parking_start"), kwh=0, minutes=40, start=NOON, time_zone=ZONE, power_kw=11
    )
    assert report.total_cost.excl_vat == D("2.00")


def test_the_limits_hold() -> None:
    report = estimate(example("tariff_6_025kwh_start_max_price"), kwh=50, minutes=60, start=NOON, time_zone=ZONE)
    assert report.total_cost.incl_vat == D("11.00")
