"""Every worked example of mod_cdrs.asciidoc of OCPI 2.2.1, literally."""

from decimal import Decimal

from ocpi_hub.pricing import Rounding, audit, differences, price

from .build import cdr, codes, component, element, example, period, tariff

D = Decimal
CENTS = Rounding(2)
ZONE = "Europe/Amsterdam"


def test_example_of_a_cdr() -> None:
    """1.973 h in blocks of five minutes are two hours: 4.00 / 4.40, as it says itself."""
    document = example("cdr_example")
    report = price(document["tariffs"][0], document, time_zone="Europe/Brussels")
    assert report.billed == {"TIME": D(2)}
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (D("4.00"), D("4.40"))
    assert (report.total_time_cost.excl_vat, report.total_time_cost.incl_vat) == (D("4.00"), D("4.40"))
    assert differences(report) == []


def test_example_of_a_cdr_under_audit() -> None:
    """Nothing is wrong with it, but its energy cannot be checked: no period has any."""
    found = audit(example("cdr_example"), time_zone="Europe/Brussels")
    assert codes(found.findings) == [("energy_not_in_periods", "total_energy")]


def test_charging_and_parking_in_steps_of_five_minutes() -> None:
    """21 minutes of charging stay 21, 7 minutes of parking become 10."""
    both = tariff(element(component("TIME", 6, 300), component("PARKING_TIME", 6, 300)))
    report = price(
        both,
        cdr(period("2019-01-07T10:00:00Z", TIME="0.35"), period("2019-01-07T10:21:00Z", PARKING_TIME="0.1167")),
        time_zone=ZONE,
    )
    assert report.lines[0].billed == D("0.35")
    assert [(step.kind, step.billed) for step in report.steps] == [("PARKING_TIME", 600)]
    assert report.total_cost.excl_vat == D("3.1")


def test_energy_across_17_00() -> None:
    """4.3 kWh and 1.1 kWh are 5.4, rounded up to 5.5: 1.2 kWh at the later price, not 1.5."""
    by_time = tariff(
        element(component("ENERGY", "0.20", 500), end_time="17:00"),
        element(component("ENERGY", "0.27", 500), start_time="17:00"),
    )
    report = price(
        by_time,
        cdr(period("2019-01-07T15:00:00Z", ENERGY="4.3"), period("2019-01-07T16:00:00Z", ENERGY="1.1")),
        time_zone=ZONE,
    )
    assert [line.billed for line in report.lines] == [D("4.3"), D("1.2")]
    assert report.total_cost.excl_vat == D("4.3") * D("0.20") + D("1.2") * D("0.27")


def test_time_across_17_00() -> None:
    """6 and 22 minutes are 28, rounded up to 30: 24 minutes after 17:00, not 30."""
    by_time = tariff(
        element(component("TIME", 5, 600), end_time="17:00"),
        element(component("TIME", 7, 600), start_time="17:00"),
    )
    report = price(
        by_time,
        cdr(period("2019-01-07T15:54:00Z", TIME="0.1"), period("2019-01-07T16:00:00Z", TIME="0.3667")),
        time_zone=ZONE,
    )
    assert report.billed["TIME"] == D("0.5")
    assert report.lines[1].billed == D("0.4")
    assert report.total_cost.excl_vat == D("0.5") + D("2.8")


def test_time_and_parking_time_with_the_same_step() -> None:
    """21 minutes of charging and 16 of parking: only the parking is rounded up, to 20, in all 41 minutes."""
    both = tariff(element(component("TIME", 1, 600), component("PARKING_TIME", 2, 600)))
    report = price(
        both,
        cdr(period("2019-01-07T10:00:00Z", TIME="0.35"), period("2019-01-07T10:21:00Z", PARKING_TIME="0.2667")),
        time_zone=ZONE,
    )
    minutes = report.billed["TIME"] * 60 + report.steps[0].billed / 60
    assert minutes == 41
    assert report.total_cost.rounded(CENTS).excl_vat == D("1.02")


def test_a_period_ends_where_the_next_one_starts() -> None:
    """mod_cdrs, ChargingPeriod: the last one ends when the session ends; the state of each is that of its start."""
    by_time = tariff(
        element(component("ENERGY", "0.20"), end_time="17:00"), element(component("ENERGY", "0.27"), start_time="17:00")
    )
    periods = [period("2019-01-07T15:59:59Z", ENERGY=1), period("2019-01-07T16:00:00Z", ENERGY=1)]
    report = price(by_time, cdr(*periods, end="2019-01-07T18:00:00Z"), time_zone=ZONE)
    assert [line.price for line in report.lines] == [D("0.20"), D("0.27")]
    assert report.totals()["total_time"] == D("2.0003")


def test_total_reservation_cost_of_the_session_that_followed() -> None:
    """mod_cdrs: total_fixed_cost is without the fixed components of parking and reservation."""
    report = price(
        example("tariff_16_reservation_2_euro_fee_5_euro_per_hour"),
        cdr(period("2019-01-07T10:00:00Z", RESERVATION_TIME="0.25"), period("2019-01-07T10:15:00Z", ENERGY=20)),
        time_zone=ZONE,
    )
    assert report.totals() == {
        "total_cost": {"excl_vat": D("8.7500"), "incl_vat": D("10.0000")},
        "total_fixed_cost": {"excl_vat": D("0.5000"), "incl_vat": D("0.6000")},
        "total_energy_cost": {"excl_vat": D("5.0000"), "incl_vat": D("5.5000")},
        "total_reservation_cost": {"excl_vat": D("3.2500"), "incl_vat": D("3.9000")},
        "total_energy": D("20.0000"),
    }
