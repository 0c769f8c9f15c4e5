"""Where the specification is silent: every decision of docs/tariffs.md, under the name that it has there."""

from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.pricing import CdrError, CostReport, TariffError, audit, price

from .build import Json, cdr, codes, component, element, period, tariff

D = Decimal
MONDAY = "2026-01-05"  # the day of most tests; Amsterdam is one hour ahead of UTC


def at(local: str) -> str:
    """A local time of that Monday in Amsterdam, as OCPI writes it."""
    hours, _, minutes = local.partition(":")
    return f"{MONDAY}T{int(hours) - 1:02}:{minutes}:00Z"


def bill(tariff_: Any, *periods: Json) -> CostReport:
    return price(tariff_, cdr(*periods), time_zone="Europe/Amsterdam")


def cost(tariff_: Any, *periods: Json) -> Decimal:
    return bill(tariff_, *periods).total_cost.excl_vat


ONE_KWH = period(at("10:00"), ENERGY=1)


# --- restrictions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["08:00", "10:00", "23:59"])
def test_equal_times(clock: str) -> None:
    """start_time = end_time is the whole day: a typing error must not make charging free."""
    assert (
        cost(tariff(element(component(price=1), start_time="09:00", end_time="09:00")), period(at(clock), ENERGY=1))
        == 1
    )


@pytest.mark.parametrize("restriction", [{"end_time": "00:00"}, {"start_time": "00:00", "end_time": "00:00"}])
def test_end_of_day(restriction: Json) -> None:
    """end_time 00:00 is the end of the day also where start_time is absent or 00:00: always true."""
    assert cost(tariff(element(component(price=1), **restriction)), period(at("23:30"), ENERGY=1)) == 1


def test_literal_weekday() -> None:
    """Time of day and weekday are asked apart: at 02:00 on Saturday it is not FRIDAY, although the night began then."""
    night = tariff(
        element(component(price=1), start_time="22:00", end_time="06:00", day_of_week=["FRIDAY"]),
        element(component(price=2)),
    )
    assert cost(night, period("2026-01-09T22:00:00Z", ENERGY=1)) == 1  # Friday 23:00 in Amsterdam
    assert cost(night, period("2026-01-10T01:00:00Z", ENERGY=1)) == 2  # Saturday 02:00


def test_wall_clock() -> None:
    """The hour that autumn repeats matches twice, the hour that spring leaves out never."""
    early = tariff(element(component(price=1), start_time="02:00", end_time="03:00"))
    repeated = [period(f"2026-10-25T{hour:02}:30:00Z", ENERGY=1) for hour in (0, 1)]
    assert cost(early, *repeated) == 2
    around_the_gap = [period(f"2026-03-29T{hour:02}:30:00Z", ENERGY=1) for hour in (0, 1)]
    assert cost(early, *around_the_gap) == 0


BANDS = tariff(element(component(price=1), max_power=16), element(component(price=2), min_power=16))


def test_electrical() -> None:
    """MIN_POWER is asked against min_power and MAX_POWER against max_power: a period of both bands matches neither."""
    assert cost(BANDS, period(at("10:00"), ENERGY=1, MIN_POWER=3, MAX_POWER=15)) == 1
    assert cost(BANDS, period(at("10:00"), ENERGY=1, MIN_POWER=16, MAX_POWER=40)) == 2
    assert cost(BANDS, period(at("10:00"), ENERGY=1, MIN_POWER=3, MAX_POWER=40)) == 0


def test_electrical_takes_the_other_where_only_that_is_given() -> None:
    assert cost(BANDS, period(at("10:00"), ENERGY=1, MIN_POWER=3)) == 1
    assert cost(BANDS, period(at("10:00"), ENERGY=1, MAX_POWER=40)) == 2


def test_unknown_electrical() -> None:
    """A restriction on a current or power that the CDR does not give does not match."""
    assert cost(BANDS, ONE_KWH) == 0
    assert cost(tariff(element(component(price=1), max_current=32), element(component(price=3))), ONE_KWH) == 3


def test_duration_origin() -> None:
    """Durations run from the start of the first charging period, not from the CDR's start_date_time."""
    free_first = tariff(element(component(price=0), max_duration=1800), element(component(price=1)))
    early = cdr(period(at("10:00"), ENERGY=1), period(at("10:30"), ENERGY=1), start_date_time=at("10:20"))
    assert price(free_first, early, time_zone="Europe/Amsterdam").total_cost.excl_vat == 1


def test_reservation_duration() -> None:
    """Reserved time before the session does not count: the free half hour begins with the charging."""
    free_first = tariff(element(component(price=0), max_duration=1800), element(component(price=1)))
    reserved = period(at("09:00"), RESERVATION_TIME=1)
    assert cost(free_first, reserved, period(at("10:00"), ENERGY=1), period(at("10:30"), ENERGY=1)) == 1


def test_whole_period() -> None:
    """A period that goes on past a price change is priced whole, as it began; the audit says so."""
    by_time = tariff(element(component(price=1), end_time="17:00"), element(component(price=2)))
    document = cdr(period(at("16:30"), ENERGY=10), end=at("17:30"), total_cost={"excl_vat": 10})
    assert price(by_time, document, time_zone="Europe/Amsterdam").total_cost.excl_vat == 10
    found = audit(document, tariff=by_time, time_zone="Europe/Amsterdam")
    assert ("period_spans_price_change", "charging_periods[0]") in codes(found.findings)


def test_two_components() -> None:
    """Of two components of one type in one element, the first listed prices."""
    assert cost(tariff(element(component(price=1), component(price=5))), ONE_KWH) == 1


# --- step_size -------------------------------------------------------------------------------------------------


def test_parking_before_charging() -> None:
    """Where parking was priced, only parking is rounded up, also if charging came after it (mod_cdrs, step_size)."""
    both = tariff(element(component("TIME", 6, 600), component("PARKING_TIME", 6, 600)))
    report = bill(both, period(at("10:00"), PARKING_TIME="0.05"), period(at("10:03"), TIME="0.05"))
    assert report.billed["TIME"] == D("0.05")
    assert [step.billed for step in report.steps] == [600]
    assert report.total_cost.excl_vat == D("1.3")


def test_zero_volume() -> None:
    """A volume of 0 is not use: PARKING_TIME 0 does not keep TIME from being rounded up, ENERGY 0 is never the last."""
    both = tariff(element(component("TIME", 6, 600), component("PARKING_TIME", 6, 600)))
    report = bill(both, period(at("10:00"), TIME="0.05"), period(at("10:03"), PARKING_TIME=0))
    assert (report.steps[0].kind, report.steps[0].billed) == ("TIME", 600)
    by_time = tariff(
        element(component(price=1, step_size=1000), end_time="17:00"), element(component(price=1, step_size=100))
    )
    assert cost(by_time, period(at("16:00"), ENERGY="1.5"), period(at("17:00"), ENERGY=0)) == 2


def test_step_zero() -> None:
    """step_size 0 is no block: what was used is billed."""
    assert cost(tariff(element(component(price=1, step_size=0))), period(at("10:00"), ENERGY="0.12345")) == D("0.12345")


@pytest.mark.parametrize(
    ("volumes", "minutes"),
    [
        (["0.6667"], 40),  # 40 minutes and 0.12 s
        (["0.66671"], 40),  # 0.156 s
        (["0.6668"], 50),  # 0.48 s are more than one volume's last digit
        (["0.3334", "0.3333"], 40),
        (["0.3334", "0.3334"], 50),  # 0.48 s are more than two volumes' last digits
        (["0.0833"] * 8, 40),
        (["0.05"] * 12, 40),  # 36 minutes: no binary float makes 0.6000000000000001 h of it
        (["0.0556"] * 12, 40),  # 0.6672 h are 1.92 s too much, and twelve volumes may be off by 2.16 s
    ],
)
def test_hours_noise(volumes: list[str], minutes: int) -> None:
    """A volume has four decimals of an hour: a total within 0.18 s a period above a multiple is that multiple."""
    blocks = tariff(element(component("TIME", 60, 600)))
    periods = [period(f"{MONDAY}T{9 + i // 6:02}:{i % 6}0:00Z", TIME=volume) for i, volume in enumerate(volumes)]
    assert cost(blocks, *periods) == minutes


@pytest.mark.parametrize(("volume", "billed"), [("0.25005", 900), ("0.250051", 1800)])
def test_hours_noise_to_the_last_digit(volume: str, billed: int) -> None:
    """0.25005 h are 900.18 s."""
    blocks = tariff(element(component("TIME", 3600, 900)))
    assert cost(blocks, period(at("10:00"), TIME=volume)) == billed


def test_hours_noise_is_at_most_half_a_block() -> None:
    """Where blocks are shorter than the noise, the nearest multiple is billed."""
    seconds = tariff(element(component("TIME", 3600, 1)))
    report = bill(seconds, *(period(at(f"10:{i:02}"), TIME="0.01659") for i in range(10)))
    assert report.steps[0].used == D("597.24")
    assert report.total_cost.excl_vat == 597
    report = bill(seconds, *(period(at(f"10:{i:02}"), TIME="0.01661") for i in range(10)))
    assert report.steps[0].used == D("597.96")
    assert report.total_cost.excl_vat == 598


def test_hours_noise_never_makes_a_line_negative() -> None:
    """What is rounded away from a short last period is taken from the one before."""
    blocks = tariff(element(component("TIME", 3600, 600), end_time="17:00"), element(component("TIME", 7200, 600)))
    report = bill(blocks, period(at("16:50"), TIME="0.16674"), period(at("17:00"), TIME="0.00002"))
    assert [line.used + line.surplus for line in report.lines] == [600, 0]
    assert report.total_cost.excl_vat == 600


def test_reservation_step() -> None:
    """Reserved time is rounded up on its own, apart from charging time."""
    both = tariff(element(component("TIME", 6, 600), reservation="RESERVATION"), element(component("TIME", 12, 600)))
    report = bill(both, period(at("10:00"), RESERVATION_TIME="0.05"), period(at("10:03"), TIME="0.05"))
    assert [(step.kind, step.billed) for step in report.steps] == [("TIME", 600), ("RESERVATION_TIME", 600)]
    assert report.total_cost.excl_vat == 3


# --- flat fees and reservations --------------------------------------------------------------------------------


def test_first_flat() -> None:
    """A session has one flat fee: the first that is active. Another one, active later, is not added."""
    two_fees = tariff(
        element(component("FLAT", 1), end_time="17:00"), element(component("FLAT", 5), start_time="17:00")
    )
    assert cost(two_fees, period(at("16:00"), ENERGY=1), period(at("17:00"), ENERGY=1)) == 1
    assert cost(two_fees, period(at("17:00"), ENERGY=1), period(at("17:30"), ENERGY=1)) == 5


def test_expired() -> None:
    """A CDR of nothing but RESERVATION_TIME is an expired reservation: no start fee, RESERVATION_EXPIRES first.

    Where that has no price for a dimension, RESERVATION supplies it.
    """
    both = tariff(
        element(component("FLAT", "0.50")),
        element(component("TIME", 2), reservation="RESERVATION"),
        element(component("FLAT", 4), reservation="RESERVATION_EXPIRES"),
    )
    report = bill(both, period(at("10:00"), RESERVATION_TIME="0.5"), period(at("10:30"), RESERVATION_TIME="0.5"))
    assert report.expired
    assert report.total_cost.excl_vat == report.total_reservation_cost.excl_vat == 6
    used = bill(both, period(at("10:00"), RESERVATION_TIME=1), period(at("11:00"), ENERGY=0))
    assert not used.expired
    assert used.total_cost.excl_vat == D("2.5")


def test_expired_flat() -> None:
    """A flat fee in both: the one of RESERVATION_EXPIRES is due, not the sum, wherever it stands."""
    both = tariff(
        element(component("FLAT", 1), reservation="RESERVATION"),
        element(component("FLAT", 4), reservation="RESERVATION_EXPIRES"),
    )
    assert cost(both, period(at("10:00"), RESERVATION_TIME=1)) == 4
    assert cost(both, period(at("10:00"), RESERVATION_TIME=1), period(at("11:00"), ENERGY=1)) == 1


def test_reservation_kinds() -> None:
    """An element for reservations with a price for energy or parking is refused: it cannot mean anything."""
    with pytest.raises(TariffError) as refused:
        price(tariff(element(component(), reservation="RESERVATION")), cdr(ONE_KWH), time_zone="UTC")
    assert refused.value.field == "elements[0].price_components[0].type"


# --- limits ----------------------------------------------------------------------------------------------------


def test_limit_without_incl() -> None:
    """A limit without incl_vat scales VAT with the amount: 21 % of 5.00 makes 6.05."""
    one = component(price=1, vat=21)
    least = tariff(element(one), min_price={"excl_vat": 5})
    report = bill(least, period(at("10:00"), ENERGY=2))
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (5, D("6.05"))
    most = tariff(element(one), max_price={"excl_vat": 5})
    report = bill(most, period(at("10:00"), ENERGY=20))
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (5, D("6.05"))


def test_limit_without_incl_of_nothing() -> None:
    """Nothing has no VAT to scale: then the limit is both amounts."""
    report = bill(tariff(element(component(price=0, vat=21)), min_price={"excl_vat": 5}), ONE_KWH)
    assert (report.total_cost.excl_vat, report.total_cost.incl_vat) == (5, 5)


def test_limits_and_reservation() -> None:
    """min_price and max_price limit total_cost, which holds the cost of a reservation, also of an expired one."""
    both = tariff(
        element(component("TIME", 10), reservation="RESERVATION"),
        element(component(price=1)),
        max_price={"excl_vat": 8},
    )
    report = bill(both, period(at("10:00"), RESERVATION_TIME=1), period(at("11:00"), ENERGY=1))
    assert report.total_cost.excl_vat == 8
    assert report.total_reservation_cost.excl_vat == 10
    assert cost(both, period(at("10:00"), RESERVATION_TIME=1)) == 8


def test_min_over_max() -> None:
    """Where min_price is above max_price, the driver pays no more than max_price."""
    odd = tariff(element(component(price=1)), min_price={"excl_vat": 9}, max_price={"excl_vat": 4})
    assert cost(odd, ONE_KWH) == 4


# --- CDRs ------------------------------------------------------------------------------------------------------


def test_no_tariff_id() -> None:
    """A period without a tariff_id is priced all the same; with several tariffs, by the one before it."""
    one, two = tariff(element(component(price=1))), tariff(element(component(price=2)), id="T2")
    assert cost(one, ONE_KWH) == 1
    assert cost(one, period(at("10:00"), tariff_id="OTHER", ENERGY=1)) == 1
    several = [
        period(at("10:00"), ENERGY=1),
        period(at("11:00"), tariff_id="t2", ENERGY=1),
        period(at("12:00"), ENERGY=1),
    ]
    assert cost([one, two], *several) == 5


def test_several_tariffs() -> None:
    """Each period has its own tariff; step_size, flat fee and limits stay those of the one session.

    step_size acts once, by the last component; the first flat fee is due; every limit of a tariff that was used holds.
    """
    cheap = tariff(element(component(price=1, step_size=1000), component("FLAT", 3)), min_price={"excl_vat": 7})
    fast = tariff(element(component(price=2, step_size=100), component("FLAT", 5)), id="T2")
    report = bill(
        [cheap, fast],
        period(at("10:00"), tariff_id="T1", ENERGY="0.52"),
        period(at("11:00"), tariff_id="T2", ENERGY="0.5"),
    )
    assert [(line.kind, line.billed) for line in report.lines] == [
        ("FLAT", 1),
        ("ENERGY", D("0.52")),
        ("ENERGY", D("0.58")),
    ]
    assert report.total_fixed_cost.excl_vat == 3
    assert report.total_energy_cost.excl_vat == D("1.68")
    assert report.total_cost.excl_vat == 7


def test_validity_dates() -> None:
    """With a tariff at hand its validity dates are not asked again; the audit tells when it was not valid."""
    old = tariff(element(component(price=1)), end_date_time="2020-01-01T00:00:00Z")
    document = cdr(ONE_KWH, end=at("11:00"), total_cost={"excl_vat": 1})
    assert price(old, document, time_zone="Europe/Amsterdam").total_cost.excl_vat == 1
    assert ("tariff_not_valid", "start_date_time") in codes(audit(document, tariff=old, time_zone="UTC").findings)


def test_negative_energy() -> None:
    """Energy fed back has no price in OCPI 2.2.1: a negative ENERGY is refused, never credited."""
    with pytest.raises(CdrError) as refused:
        cost(tariff(element(component())), period(at("10:00"), ENERGY=-1))
    assert refused.value.field == "charging_periods[0].dimensions[0].volume"


def test_one_value_per_dimension() -> None:
    """A dimension given twice in a period is refused: nobody knows whether it is meant as a sum."""
    twice = period(at("10:00"), ENERGY=1)
    twice["dimensions"] += [{"type": "ENERGY", "volume": 2}]
    with pytest.raises(CdrError) as refused:
        cost(tariff(element(component())), twice)
    assert refused.value.field == "charging_periods[0].dimensions[1].type"


def test_volumes_not_timestamps() -> None:
    """Volumes are priced as they stand, even where the timestamps say otherwise; the audit tells."""
    document = cdr(period(at("10:00"), TIME=2), end=at("11:00"), total_cost={"excl_vat": 2})
    hourly = tariff(element(component("TIME", 1)))
    assert price(hourly, document, time_zone="UTC").total_cost.excl_vat == 2
    assert ("time_exceeds_period", "charging_periods[0].dimensions") in codes(
        audit(document, tariff=hourly, time_zone="UTC").findings
    )


def test_session_flat() -> None:
    """Every flat fee of a session is in total_fixed_cost, that of a reservation in total_reservation_cost."""
    fees = tariff(
        element(component("FLAT", 2), reservation="RESERVATION"),
        element(component("PARKING_TIME", 1), component("FLAT", 3)),
    )
    report = bill(fees, period(at("10:00"), RESERVATION_TIME=1), period(at("11:00"), PARKING_TIME=1))
    assert report.total_fixed_cost.excl_vat == 3
    assert report.total_parking_cost.excl_vat == 1
    assert report.total_reservation_cost.excl_vat == 2
