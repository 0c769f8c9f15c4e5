"""Charging periods of our own chargers: cut where the price changes, and nowhere else."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from ocpi_hub.pricing import cut_points, periods, prepare, price, reservation_periods

from .build import Json, cdr, component, element, example, tariff, utc

D = Decimal
ZONE = "Europe/Amsterdam"
Volumes = dict[str, Decimal]


def cut(
    tariff_: Any, start: str, end: str, *, kwh: Any = 0, time_zone: str = ZONE, **measured: Any
) -> list[tuple[str, Volumes]]:
    """(start, volumes) of each period; `kwh` flow evenly from start to end unless `samples` are given."""
    begin, until = utc(start), utc(end)
    samples = measured.pop("samples", [(begin, D(0)), (until, D(kwh) * 1000)])
    return shown(periods(tariff_, start=begin, end=until, samples=samples, time_zone=time_zone, **measured))


def shown(documents: list[Json]) -> list[tuple[str, Volumes]]:
    return [
        (document["start_date_time"][11:-1], {d["type"]: d["volume"] for d in document["dimensions"]})
        for document in documents
    ]


def test_one_price_is_one_period() -> None:
    one = tariff(element(component(price=1), component("TIME", 1)))
    documents = periods(one, start=utc("2026-01-05 10:00"), end=utc("2026-01-05 10:40"), samples=[], time_zone=ZONE)
    assert documents == [
        {
            "start_date_time": "2026-01-05T10:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": D("0.0000")}, {"type": "TIME", "volume": D("0.6667")}],
            "tariff_id": "T1",
        }
    ]


def test_no_tariff_cuts_only_where_parking_begins_and_ends() -> None:
    parked = [(utc("2026-01-05 10:30"), True), (utc("2026-01-05 10:45"), False), (utc("2026-01-05 12:00"), True)]
    assert cut(None, "2026-01-05 10:00", "2026-01-05 11:00", kwh=6, parked=parked) == [
        ("10:00:00", {"ENERGY": D("3.0000"), "TIME": D("0.5000")}),
        ("10:30:00", {"ENERGY": D("1.5000"), "PARKING_TIME": D("0.2500")}),
        ("10:45:00", {"ENERGY": D("1.5000"), "TIME": D("0.2500")}),
    ]


def test_a_price_change_at_five_is_interpolated_by_its_time() -> None:
    """mod_cdrs: the energy until 17:00 belongs to the period that ends at 17:00."""
    by_time = tariff(element(component(price=1), end_time="17:00"), element(component(price=2)))
    samples = [
        (utc("2026-01-05 15:00"), D(1000)),
        (utc("2026-01-05 15:50"), D(5000)),
        (utc("2026-01-05 16:20"), D(8000)),
    ]
    assert cut(by_time, "2026-01-05 15:00", "2026-01-05 16:20", samples=samples) == [
        ("15:00:00", {"ENERGY": D("5.0000"), "TIME": D("1.0000")}),
        ("16:00:00", {"ENERGY": D("2.0000"), "TIME": D("0.3333")}),
    ]


def test_moments_at_which_nothing_changes_are_no_cuts() -> None:
    """A night price and a weekday that never matter to the dimension in use, and midnight."""
    one = tariff(
        element(component("PARKING_TIME", 5), start_time="22:00", end_time="06:00"),
        element(component(price=1)),
        element(component(price=2), day_of_week=["TUESDAY"]),
    )
    assert len(cut(one, "2026-01-05 20:00", "2026-01-06 08:00", kwh=30)) == 1


def test_weekdays_and_dates_change_at_local_midnight() -> None:
    by_day = tariff(element(component(price=1), day_of_week=["MONDAY"]), element(component(price=2)))
    assert [start for start, _ in cut(by_day, "2026-01-05 20:00", "2026-01-06 08:00", kwh=12)] == [
        "20:00:00",
        "23:00:00",
    ]
    by_date = tariff(element(component(price=1), end_date="2026-01-06"), element(component(price=2)))
    assert cut(by_date, "2026-01-05 20:00", "2026-01-06 08:00", kwh=12)[0] == (
        "20:00:00",
        {"ENERGY": D("3.0000"), "TIME": D("3.0000")},
    )


def test_a_kwh_bound_is_met_exactly() -> None:
    """The period that begins at 20 kWh begins with 20.0000 kWh before it, although the meter says 19 and 22."""
    by_energy = tariff(element(component(price=1), max_kwh=20), element(component(price=2)))
    samples = [
        (utc("2026-01-05 10:00"), D(100)),
        (utc("2026-01-05 11:00"), D(19100)),
        (utc("2026-01-05 11:07"), D(22100)),
        (utc("2026-01-05 12:00"), D(30100)),
    ]
    found = cut(by_energy, "2026-01-05 10:00", "2026-01-05 12:00", samples=samples)
    assert found == [
        ("10:00:00", {"ENERGY": D("20.0000"), "TIME": D("1.0389")}),
        ("11:02:20", {"ENERGY": D("10.0000"), "TIME": D("0.9611")}),
    ]


@pytest.mark.parametrize("bounds", [{"min_kwh": 0}, {"max_kwh": 6}, {"max_kwh": 100}, {"min_kwh": 6}, {"max_kwh": -1}])
def test_kwh_bounds_that_are_never_passed(bounds: Json) -> None:
    """Nothing changes at 0, at the very end, and beyond."""
    one = tariff(element(component(price=1), **bounds), element(component(price=2)))
    assert len(cut(one, "2026-01-05 10:00", "2026-01-05 11:00", kwh=6)) == 1


def test_several_kwh_bounds_inside_one_jump_of_the_meter() -> None:
    """Two readings at one moment: every bound between them is met, in periods of no length."""
    by_energy = tariff(
        element(component(price=1), max_kwh=2), element(component(price=2), max_kwh=5), element(component(price=3))
    )
    moment = utc("2026-01-05 10:30")
    samples = [
        (utc("2026-01-05 10:00"), D(0)),
        (moment, D(1000)),
        (moment, D(7000)),
        (utc("2026-01-05 11:00"), D(8000)),
    ]
    found = cut(by_energy, "2026-01-05 10:00", "2026-01-05 11:00", samples=samples)
    assert found == [
        ("10:00:00", {"ENERGY": D("2.0000"), "TIME": D("0.5000")}),
        ("10:30:00", {"ENERGY": D("3.0000"), "TIME": D("0.0000")}),
        ("10:30:00", {"ENERGY": D("3.0000"), "TIME": D("0.5000")}),
    ]


def test_durations_run_on_while_parked() -> None:
    free_first = tariff(element(component("PARKING_TIME", 0), max_duration=3600), element(component("PARKING_TIME", 6)))
    found = cut(free_first, "2026-01-05 10:00", "2026-01-05 11:30", kwh=0, parked=[(utc("2026-01-05 10:20"), True)])
    assert [start for start, _ in found] == ["10:00:00", "10:20:00", "11:00:00"]


BANDS = tariff(
    element(component(price="0.20"), max_power=16),
    element(component(price="0.35"), max_power=32),
    element(component(price="0.50")),
)


def test_power_bands_from_the_meter() -> None:
    """The mean power between two readings: 6, 48 and 4 kW, as in the specification's example."""
    samples = [
        (utc("2026-01-05 10:00"), D(0)),
        (utc("2026-01-05 10:10"), D(1000)),
        (utc("2026-01-05 11:00"), D(41000)),
        (utc("2026-01-05 11:07:30"), D(41500)),
    ]
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 11:07:30", samples=samples)
    assert [(start, volumes["ENERGY"], volumes["MIN_POWER"], volumes["MAX_POWER"]) for start, volumes in found] == [
        ("10:00:00", 1, 6, 6),
        ("10:10:00", 40, 48, 48),
        ("11:00:00", D("0.5"), 4, 4),
    ]


def test_power_bands_from_measured_power_are_interpolated() -> None:
    """From 10 to 40 kW in half an hour, 16 kW is passed after six minutes and 32 kW after 22.

    The lower band never says that it reached the upper one: its MAX_POWER stays one digit below.
    """
    start, end = utc("2026-01-05 10:00"), utc("2026-01-05 10:30")
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", kwh=12, powers=[(start, D(10)), (end, D(40))])
    assert [(at, volumes["MIN_POWER"], volumes["MAX_POWER"]) for at, volumes in found] == [
        ("10:00:00", 10, D("15.9999")),
        ("10:06:00", 16, D("31.9999")),
        ("10:22:00", 32, 40),
    ]


def test_mean_power_on_a_bound_is_on_the_bound() -> None:
    """11 kW for a minute are 183.333… Wh, which no reading holds: it is 11 kW all the same."""
    one = tariff(element(component(price=1), min_power=11), element(component(price=2)))
    samples = [(utc("2026-01-05 10:00"), D(0)), (utc("2026-01-05 10:01"), D(11000) / 60)]
    found = cut(one, "2026-01-05 10:00", "2026-01-05 10:01", samples=samples)
    assert [(volumes["MIN_POWER"], volumes["MAX_POWER"]) for _, volumes in found] == [(11, 11)]


def test_power_falling_through_a_bound() -> None:
    start, end = utc("2026-01-05 10:00"), utc("2026-01-05 10:30")
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", kwh=12, powers=[(start, D(40)), (end, D(10))])
    assert [(at, volumes["MIN_POWER"], volumes["MAX_POWER"]) for at, volumes in found] == [
        ("10:00:00", 32, 40),
        ("10:08:00", 16, D("31.9999")),
        ("10:24:00", 10, D("15.9999")),
    ]


def test_power_that_falls_within_a_millisecond() -> None:
    """Between two milliseconds it passes 32 kW; neither period says more than its band holds."""
    start = utc("2026-01-05 10:00")
    powers = [(start, D(40)), (start + timedelta(seconds=1), D(10))]
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", kwh=12, powers=powers)
    assert [(at, volumes["MIN_POWER"], volumes["MAX_POWER"]) for at, volumes in found] == [
        ("10:00:00", 32, 40),
        ("10:00:00.267", 16, D("31.9900")),
        ("10:00:00.800", 10, D("15.9999")),
    ]


def test_no_reading_is_no_power() -> None:
    """Before the first reading and after the last the register stands still: 0 kW."""
    samples = [(utc("2026-01-05 10:10"), D(0)), (utc("2026-01-05 10:20"), D(8000))]
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", samples=samples)
    assert [(at, volumes["MAX_POWER"]) for at, volumes in found] == [("10:00:00", 0), ("10:10:00", 48), ("10:20:00", 0)]


def test_power_holds_from_the_start_and_to_the_end() -> None:
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", kwh=12, powers=[(utc("2026-01-05 10:10"), D(20))])
    assert [(at, volumes["MIN_POWER"], volumes["MAX_POWER"]) for at, volumes in found] == [("10:00:00", 20, 20)]


def test_power_within_one_band_is_one_period() -> None:
    powers = [(utc(f"2026-01-05 10:{minute:02}"), D(17 + minute % 5)) for minute in range(30)]
    found = cut(BANDS, "2026-01-05 10:00", "2026-01-05 10:30", kwh=9, powers=powers)
    assert [(at, volumes["MIN_POWER"], volumes["MAX_POWER"]) for at, volumes in found] == [("10:00:00", 17, 21)]


def test_current_matters_only_where_it_is_measured() -> None:
    by_current = tariff(element(component("TIME", 1), max_current=32), element(component("TIME", 2), min_current=32))
    start, middle = utc("2026-01-05 10:00"), utc("2026-01-05 10:30")
    currents = [(start, D(16)), (middle, D(16)), (middle, D(48))]
    found = cut(by_current, "2026-01-05 10:00", "2026-01-05 11:00", currents=currents)
    assert [(at, volumes["MIN_CURRENT"], volumes["MAX_CURRENT"]) for at, volumes in found] == [
        ("10:00:00", 16, 16),
        ("10:30:00", 48, 48),
    ]
    assert [volumes for _, volumes in cut(by_current, "2026-01-05 10:00", "2026-01-05 11:00")] == [
        {"ENERGY": D("0.0000"), "TIME": D("1.0000")}
    ]


@pytest.mark.parametrize(
    ("begin", "starts"),
    [
        ("2026-03-29 00:30", ["00:30:00"]),  # 01:30, and after 01:59 comes 03:00: there is no 02:xx
        ("2026-10-24 23:30", ["23:30:00", "00:00:00", "02:00:00"]),  # 01:30, then 02:xx twice without a break
        ("2026-06-14 23:30", ["23:30:00", "00:00:00", "01:00:00"]),
    ],
)
def test_changes_of_summer_time(begin: str, starts: list[str]) -> None:
    """A price from 02:00 to 03:00, local time."""
    night = tariff(element(component(price=9), start_time="02:00", end_time="03:00"), element(component(price=1)))
    end = utc(begin) + timedelta(hours=4)
    assert [start for start, _ in cut(night, begin, f"{end:%Y-%m-%d %H:%M}", kwh=10)] == starts


def test_half_of_the_repeated_hour() -> None:
    """From 02:00 to 02:30: in autumn that half hour comes twice, an hour apart."""
    night = tariff(element(component(price=9), start_time="02:00", end_time="02:30"), element(component(price=1)))
    found = cut(night, "2026-10-24 23:00", "2026-10-25 03:00", kwh=8)
    assert [(start, volumes["ENERGY"]) for start, volumes in found] == [
        ("23:00:00", 2),
        ("00:00:00", 1),
        ("00:30:00", 1),
        ("01:00:00", 1),
        ("01:30:00", 3),
    ]


@pytest.mark.parametrize(
    ("begin", "end", "starts"),
    [
        # From 02:30 on; the clock goes back at 03:00, and 02:30 comes once more.
        ("2026-10-24 23:00", "2026-10-25 03:00", ["23:00:00", "00:30:00", "01:00:00", "01:30:00", "02:30:00"]),
        # There is no 02:30; after 01:59:59 it is 03:00.
        ("2026-03-29 00:00", "2026-03-29 03:00", ["00:00:00", "01:00:00", "01:30:00"]),
    ],
)
def test_the_change_itself_is_a_moment(begin: str, end: str, starts: list[str]) -> None:
    """A price from 02:30 to 03:30 begins or ends where the clock jumps, and no time of day says so."""
    night = tariff(element(component(price=9), start_time="02:30", end_time="03:30"), element(component(price=1)))
    assert [start for start, _ in cut(night, begin, end, kwh=10)] == starts


def test_reserved_time_before_the_session() -> None:
    """The reservation has its own periods, cut by its own prices."""
    one = tariff(
        element(component("TIME", 5), reservation="RESERVATION", end_time="12:00"),
        element(component("TIME", 8), reservation="RESERVATION"),
        element(component(price=1)),
    )
    found = cut(one, "2026-01-05 11:15", "2026-01-05 12:00", kwh=3, reserved_from=utc("2026-01-05 10:45"))
    assert found == [
        ("10:45:00", {"RESERVATION_TIME": D("0.2500")}),
        ("11:00:00", {"RESERVATION_TIME": D("0.2500")}),
        ("11:15:00", {"ENERGY": D("3.0000"), "TIME": D("0.7500")}),
    ]


def test_a_reservation_too_short_for_a_volume() -> None:
    """A tenth of a second is 0.0000 h: no time was reserved."""
    reserved_from = utc("2026-01-05 11:14:59.900")
    found = cut(tariff(element(component())), "2026-01-05 11:15", "2026-01-05 12:00", reserved_from=reserved_from)
    assert [start for start, _ in found] == ["11:15:00"]


def test_an_expired_reservation() -> None:
    """Its periods follow the prices of an expired reservation: example 18 of the specification."""
    one = example("tariff_18_reservation_with_expire_time")
    documents = reservation_periods(
        one, start=utc("2026-01-05 10:00"), end=utc("2026-01-05 11:30"), time_zone=ZONE, expired=True
    )
    assert shown(documents) == [("10:00:00", {"RESERVATION_TIME": D("1.5000")})]
    assert price(one, cdr(*documents), time_zone=ZONE).total_cost.incl_vat == D("10.80")


def test_a_session_of_no_length() -> None:
    one = tariff(element(component("FLAT", 1)))
    found = cut(one, "2026-01-05 10:00", "2026-01-05 10:00")
    assert found == [("10:00:00", {"ENERGY": D("0.0000"), "TIME": D("0.0000")})]


def test_the_register_stands_still_where_it_was_not_read() -> None:
    """The first reading comes late and the last one early; what was before the start is not of this session."""
    samples = [(utc("2026-01-05 09:00"), D(0)), (utc("2026-01-05 11:00"), D(8000))]
    assert cut(None, "2026-01-05 10:00", "2026-01-05 12:00", samples=samples)[0][1]["ENERGY"] == 4
    samples = [(utc("2026-01-05 10:30"), D(500)), (utc("2026-01-05 11:00"), D(2500))]
    assert cut(None, "2026-01-05 10:00", "2026-01-05 12:00", samples=samples)[0][1]["ENERGY"] == 2


def test_volumes_add_up_to_what_the_meter_says() -> None:
    """Cut at odd moments, the energy of all periods is the meter's to the last digit."""
    minutes = [f"11:{minute:02}" for minute in range(60)]
    by_minute = tariff(
        *(
            element(component(price=1 + index % 2), start_time=start, end_time=end)
            for index, (start, end) in enumerate(pairwise(minutes))
        )
    )
    found = cut(by_minute, "2026-01-05 09:59:13", "2026-01-05 10:58:47", kwh="7.7777")
    assert len(found) == 60
    assert sum(volumes["ENERGY"] for _, volumes in found) == D("7.7777")


def test_the_running_session_costs_at_its_end_what_its_cdr_costs() -> None:
    """The same function until now, and until the end; the last number of the session is that of the CDR."""
    one = example("tariff_4_complex")
    start, full, end = utc("2026-01-05 08:30"), utc("2026-01-05 11:15"), utc("2026-01-05 11:57")
    samples = [(start + timedelta(minutes=minute), D(minute * 180)) for minute in range(0, 166, 5)]
    costs = []
    for minute in [*range(10, 205, 10), 207]:
        now = start + timedelta(minutes=minute)
        heard = [sample for sample in samples if sample[0] <= now]
        documents = periods(
            one,
            start=start,
            end=now,
            samples=heard,
            currents=[(start, D(16))],
            parked=[(full, True)] if now >= full else [],
            time_zone=ZONE,
        )
        costs.append(
            price(one, {"start_date_time": start, "charging_periods": documents}, time_zone=ZONE).total_cost.excl_vat
        )
    assert costs == sorted(costs)
    assert end == now
    assert costs[-1] == D("9.00")


def test_cut_points() -> None:
    one = prepare(tariff(element(component(), start_time="17:00", end_time="20:00", max_duration=7200)))
    found = cut_points(one, start=utc("2026-01-05 15:30"), end=utc("2026-01-06 18:00"), time_zone=ZONE)
    assert [f"{moment:%d %H:%M}" for moment in found] == ["05 16:00", "05 17:30", "05 19:00", "06 16:00"]
    between = cut_points(one, start=utc("2026-01-05 16:00"), end=utc("2026-01-05 19:00"), time_zone=ZONE)
    assert [f"{moment:%d %H:%M}" for moment in between] == ["05 18:00"]


# --- one tariff after another --------------------------------------------------------------------------------------


def follow(first: Any, *later: tuple[str, Any], kwh: Any = 12) -> list[Json]:
    """The periods of two hours from 10:00, with other tariffs from these times on."""
    begin, until = utc("2026-01-05 10:00"), utc("2026-01-05 12:00")
    changes = [(utc(f"2026-01-05 {at}"), one) for at, one in later]
    samples = [(begin, D(0)), (until, D(kwh) * 1000)]
    return periods(first, later=changes, start=begin, end=until, samples=samples, time_zone=ZONE)


def told(documents: list[Json]) -> list[tuple[str, Any, Decimal]]:
    return [
        (start, document.get("tariff_id"), volumes["ENERGY"])
        for document, (start, volumes) in zip(documents, shown(documents), strict=True)
    ]


def test_another_tariff_cuts_where_it_begins() -> None:
    one, two = tariff(element(component(price=1))), tariff(element(component(price=1)), id="T2")
    assert told(follow(one, ("10:30", two), ("11:30", one))) == [
        ("10:00:00", "T1", D("3.0000")),
        ("10:30:00", "T2", D("6.0000")),
        ("11:30:00", "T1", D("3.0000")),
    ]
    assert told(follow(None, ("10:30", two))) == [("10:00:00", None, D("3.0000")), ("10:30:00", "T2", D("9.0000"))]


def test_each_tariff_cuts_only_while_it_prices() -> None:
    """Bounds of energy and duration count from the start of the session, whichever tariff has them."""
    one = tariff(element(component(price=1), max_kwh=9), element(component(price=2)))
    two = tariff(element(component(price=3), max_duration=5400), element(component(price=4)), id="T2")
    documents = follow(one, ("10:45", two))
    assert told(documents) == [
        ("10:00:00", "T1", D("4.5000")),
        ("10:45:00", "T2", D("4.5000")),
        ("11:30:00", "T2", D("3.0000")),
    ]
    document = cdr(*documents, start="2026-01-05T10:00:00Z", end="2026-01-05T12:00:00Z")
    report = price([one, two], document, time_zone=ZONE)
    assert report.total_cost.excl_vat == D("4.5") + D("4.5") * 3 + D(3) * 4


def test_tariffs_that_never_come_into_force_change_nothing() -> None:
    one, two = tariff(element(component(price=1))), tariff(element(component(price=9), max_kwh=2), id="T2")
    assert follow(one, ("12:00", two)) == follow(one)
    assert {document["tariff_id"] for document in follow(two, ("09:00", one))} == {"T1"}


@pytest.mark.parametrize("at", ["10:00", "10:17", "11:59"])
def test_the_same_prices_under_another_name_cost_the_same(at: str) -> None:
    one = tariff(element(component(price=1, step_size=500), max_kwh=7), element(component(price=2, step_size=500)))
    two = one | {"id": "T2"}
    whole, parted = (cdr(*follow(one, *later), start="2026-01-05T10:00:00Z", end="2026-01-05T12:00:00Z")
                     for later in ((), ((at, two),)))  # fmt: skip
    assert price([one, two], parted, time_zone=ZONE).total_cost == price(one, whole, time_zone=ZONE).total_cost
