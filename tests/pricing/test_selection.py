"""Which element prices what, and what the report says about it."""

from decimal import Decimal
from typing import Any

from ocpi_hub.pricing import CostReport, Rounding, choose, prepare, price
from ocpi_hub.wire import json as wire_json

from .build import cdr, component, element, period, tariff, utc

D = Decimal


def bill(tariff_: Any, *periods: Any, **fields: Any) -> CostReport:
    return price(tariff_, cdr(*periods, **fields), time_zone="Europe/Amsterdam")


MORNING = period("2026-01-05T09:00:00Z", ENERGY=10, TIME=1)


def test_each_dimension_has_its_own_first_element() -> None:
    """An element without a dimension does not stand in the way of a later one that has it."""
    report = bill(
        tariff(
            element(component("FLAT", 1)),
            element(component("TIME", 2), start_time="20:00"),
            element(component("TIME", 3), component("FLAT", 9)),
            element(component("ENERGY", "0.5"), component("TIME", 9)),
        ),
        MORNING,
    )
    assert [(line.kind, line.element, line.price) for line in report.lines] == [
        ("FLAT", 0, 1),
        ("ENERGY", 3, D("0.5")),
        ("TIME", 2, 3),
    ]


def test_no_element_no_cost() -> None:
    report = bill(tariff(element(component("ENERGY", 1), start_time="20:00")), MORNING)
    assert report.total_cost.excl_vat == 0
    assert [(line.kind, line.element, line.billed, line.won) for line in report.lines] == [
        ("ENERGY", None, 0, "no element of the tariff with this dimension applies"),
        ("TIME", None, 0, "no element of the tariff prices this dimension"),
    ]


def test_measured_and_billed() -> None:
    """Per dimension: all that the periods hold, and what of it has a price. Fees have no quantity."""
    one = tariff(element(component("FLAT", 1), component("ENERGY", 1, 3000)))
    report = bill(one, MORNING)
    assert report.measured == {"ENERGY": 10, "TIME": 1}
    assert report.billed == {"ENERGY": 12}


def test_flat_fee_without_energy() -> None:
    """The flat fee is due for any session, also one that never got a kWh."""
    assert (
        bill(tariff(element(component("FLAT", 1))), period("2026-01-05T09:00:00Z", ENERGY=0)).total_cost.excl_vat == 1
    )


def test_a_dimension_that_is_absent_is_not_made_up_from_the_clock() -> None:
    one = tariff(element(component("TIME", 60), component("PARKING_TIME", 60)))
    assert bill(one, period("2026-01-05T09:00:00Z", ENERGY=10), end="2026-01-05T10:00:00Z").total_cost.excl_vat == 0


def test_vat_absent_and_zero() -> None:
    """No VAT and 0 % cost the same; the line keeps the difference."""
    none, zero = (bill(tariff(element(component(price=1, **vat))), MORNING) for vat in ({}, {"vat": 0}))
    assert none.total_cost == zero.total_cost
    assert (none.lines[0].vat, zero.lines[0].vat) == (None, 0)


def test_limits_act_on_each_amount_alone() -> None:
    """With VAT the limit may be reached earlier or later than without."""
    one = tariff(element(component(price=1, vat=50)), max_price={"excl_vat": 12, "incl_vat": 14})
    report = bill(one, MORNING)
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (10, 14)
    assert (report.limits[0].name, report.limits[0].change.incl_vat) == ("max_price", -1)
    one = tariff(element(component(price=1, vat=50)), min_price={"excl_vat": 12, "incl_vat": 14})
    report = bill(one, MORNING)
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (12, 15)
    assert report.total_energy_cost.excl_vat == 10


def test_why_one_won_and_the_others_lost() -> None:
    report = bill(
        tariff(
            element(component(price=1), start_time="17:00"),
            element(component(price=2), day_of_week=["SATURDAY"]),
            element(component(price=3), start_date="2026-02-01"),
            element(component(price=4), min_kwh=5, max_kwh=20),
            element(component(price=5), min_duration=3600),
            element(component(price=6), max_current=32),
            element(component(price=7), min_power=11),
            element(component(price=8), max_power=11, end_date="2027-01-01"),
            element(component(price=9)),
        ),
        period("2026-01-05T09:00:30Z", ENERGY=1, MIN_POWER=3, MAX_POWER="7.4"),
    )
    line = report.lines[0]
    assert line.won == "2026-01-05 is before 2027-01-01; 3 to 7.4 kW is below 11 kW"
    assert [(lost.element, lost.because) for lost in line.lost] == [
        (0, "10:00:30 is not in 17:00-24:00"),
        (1, "MONDAY is not one of SATURDAY"),
        (2, "2026-01-05 is not from 2026-02-01 on"),
        (3, "0 kWh so far is not at least 5 kWh and below 20 kWh"),
        (4, "0 s since the start is not at least 3600 s"),
        (5, "an unknown current is not below 32 A"),
        (6, "3 to 7.4 kW is not at least 11 kW"),
        (8, "element 7 comes first"),
    ]


def test_the_report_as_json() -> None:
    report = bill(
        tariff(element(component(price="0.25", step_size=500, vat=21), end_time="12:00"), element(component(price=1))),
        period("2026-01-05T09:00:00Z", ENERGY="1.2"),
        end="2026-01-05T09:30:00Z",
    )
    assert wire_json.loads(wire_json.dumps(report.as_document())) == {
        "currency": "EUR",
        "time_zone": "Europe/Amsterdam",
        "total_cost": {"excl_vat": D("0.375"), "incl_vat": D("0.4538")},
        "total_energy_cost": {"excl_vat": D("0.375"), "incl_vat": D("0.4538")},
        "total_energy": D("1.2"),
        "total_time": D("0.5"),
        "measured": {"ENERGY": D("1.2")},
        "billed": {"ENERGY": D("1.5")},
        "lines": [
            {
                "period": 0,
                "start_date_time": "2026-01-05T09:00:00Z",
                "dimension": "ENERGY",
                "measured": D("1.2"),
                "billed": D("1.5"),
                "unit": "kWh",
                "tariff_id": "T1",
                "element": 0,
                "step_size": 500,
                "price": D("0.25"),
                "vat": 21,
                "cost": {"excl_vat": D("0.375"), "incl_vat": D("0.4538")},
                "won": "10:00 is in 00:00-12:00",
                "lost": [{"element": 1, "because": "element 0 comes first"}],
            }
        ],
        "steps": [{"dimension": "ENERGY", "step_size": 500, "used": 1200, "billed": 1500}],
        "limits": [],
    }


def test_rounding_is_half_away_from_zero_and_only_at_the_edge() -> None:
    report = bill(tariff(element(component(price="0.0125"))), period("2026-01-05T09:00:00Z", ENERGY=10))
    assert report.total_cost.excl_vat == D("0.125")
    assert report.total_cost.rounded(Rounding(2)).excl_vat == D("0.13")
    assert Rounding(2)(D("-0.125")) == D("-0.13")
    assert str(Rounding(2)(D("-0.001"))) == "0.00"
    assert [Rounding.of(currency).digits for currency in ("EUR", "jpy", "KWD", "XXX")] == [2, 0, 3, 2]


def test_total_time_is_from_start_to_end() -> None:
    """In hours, to the fraction of a second; not known while the session runs."""
    one = tariff(element(component()))
    report = bill(one, MORNING | {"start_date_time": "2026-01-05T09:00:00.250Z"}, end="2026-01-05T10:30:01.500Z")
    assert report.total_time == D("1.500347222222222222")
    assert bill(one, MORNING).total_time is None


def test_a_third_of_a_euro_adds_up_again() -> None:
    """20 minutes at 1.00 have no last digit; three of them are one euro."""
    one = tariff(element(component("TIME", 1, 1200)))
    assert bill(one, period("2026-01-05T09:00:00Z", TIME="0.1")).total_cost.excl_vat == D("0.333333333333333333")
    thirds = [period(f"2026-01-05T09:{minute}:00Z", TIME="0.3333") for minute in ("00", "20", "40")]
    assert bill(one, *thirds).total_cost.excl_vat == 1


def test_choose_the_tariff_of_a_connector() -> None:
    """Valid at the start of the session, of the type asked for, else one without a type."""
    old = prepare(tariff(element(component()), id="old", type="REGULAR", end_date_time="2026-01-01T00:00:00Z"))
    new = prepare(tariff(element(component()), id="new", type="REGULAR", start_date_time="2026-01-01T00:00:00Z"))
    any_type = prepare(tariff(element(component()), id="any"))
    card = prepare(tariff(element(component()), id="card", type="AD_HOC_PAYMENT"))
    tariffs = [card, any_type, old, new]

    def chosen(at: str, of_type: str = "REGULAR") -> str | None:
        found = choose(tariffs, at=utc(at), of_type=of_type)
        return found.id if found else None

    assert chosen("2025-12-31 23:59:59") == "old"
    assert chosen("2026-01-01 00:00:00") == "new"
    assert chosen("2026-01-01 00:00:00", "AD_HOC_PAYMENT") == "card"
    assert chosen("2026-01-01 00:00:00", "PROFILE_GREEN") == "any"
    assert choose([card], at=utc("2026-01-01 00:00:00")) is None
