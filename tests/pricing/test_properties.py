"""What must hold for every tariff and every session."""

import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ocpi_hub.pricing import CostReport, audit, periods, price
from ocpi_hub.wire.types import format_datetime, parse_datetime

from .build import Json, cdr, component, element, period, tariff, utc
from .strategies import cdrs, restrictions, tariffs

ZONE = "Europe/Amsterdam"
SUBTOTALS = ("fixed", "energy", "time", "parking", "reservation")
calm = settings(max_examples=100, deadline=None)


def bill(tariff_: Any, document: Json) -> CostReport:
    return price(tariff_, document, time_zone=ZONE)


@given(tariffs(limited=True), cdrs())
@calm
def test_the_cost_is_the_sum_of_its_lines(tariff_: Json, document: Json) -> None:
    """And of its subtotals, moved by the limits; numbers without an end are shown with 18 digits."""
    report = bill(tariff_, document)
    for part in ("excl_vat", "incl_vat"):
        lines = sum(getattr(line.cost, part) for line in report.lines)
        subtotals = sum(getattr(getattr(report, f"total_{name}_cost"), part) for name in SUBTOTALS)
        moved = sum(getattr(limit.change, part) for limit in report.limits)
        total = getattr(report.total_cost, part)
        assert abs(lines + moved - total) <= Decimal("1e-16")
        assert abs(subtotals + moved - total) <= Decimal("1e-16")


@given(tariffs(), cdrs())
@calm
def test_every_volume_is_on_a_line(tariff_: Json, document: Json) -> None:
    report = bill(tariff_, document)
    for name in ("ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"):
        given_ = sum(d["volume"] for p in document["charging_periods"] for d in p["dimensions"] if d["type"] == name)
        assert report.measured.get(name, 0) == given_


def halves(document: Json, index: int) -> Json:
    """The same CDR with one period made two: the second half of its volumes from the middle of its time on."""
    split = copy.deepcopy(document)
    whole = split["charging_periods"][index]
    following = split["charging_periods"][index + 1 :]
    start = parse_datetime(whole["start_date_time"])
    end = parse_datetime(following[0]["start_date_time"] if following else split["end_date_time"])
    later = copy.deepcopy(whole) | {"start_date_time": format_datetime(start + (end - start) / 2)}
    for half in (whole, later):
        for dimension in half["dimensions"]:
            if not dimension["type"].startswith(("MIN", "MAX")):
                dimension["volume"] = Decimal(dimension["volume"]) / 2
    split["charging_periods"].insert(index + 1, later)
    return split


def prices_used(report: CostReport) -> list[tuple[int, str, int | None]]:
    """Which element priced which dimension, period by period."""
    return [(line.period, line.kind, line.element) for line in report.lines if line.unit]


@given(tariffs(limited=True), cdrs(), st.data())
@calm
def test_splitting_a_period_where_nothing_changes_never_changes_the_total(
    tariff_: Json, document: Json, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(document["charging_periods"]) - 1))
    before, after = bill(tariff_, document), bill(tariff_, halves(document, index))
    second = [(period - 1, *rest) for period, *rest in prices_used(after) if period > index]
    first = [entry for entry in prices_used(after) if entry[0] <= index]
    assume(first == [entry for entry in prices_used(before) if entry[0] <= index])
    assume(second == [entry for entry in prices_used(before) if entry[0] >= index])
    fees = [[(line.kind, line.element) for line in report.lines if not line.unit] for report in (before, after)]
    assume(fees[0] == fees[1])
    assert after.total_cost == before.total_cost


@given(tariffs(limited=True), cdrs())
@calm
def test_the_total_is_within_the_limits(tariff_: Json, document: Json) -> None:
    total = bill(tariff_, document).total_cost
    for part in ("excl_vat", "incl_vat"):
        least, most = (tariff_.get(name, {}).get(part) for name in ("min_price", "max_price"))
        if most is not None:
            assert getattr(total, part) <= most
        if least is not None and (most is None or least <= most) and (part == "excl_vat" or all_given(tariff_)):
            assert getattr(total, part) >= least


def all_given(tariff_: Json) -> bool:
    """Without incl_vat in one limit, VAT follows the amount excl. VAT, and the other limit does not bound it alone."""
    return all("incl_vat" in tariff_[name] for name in ("min_price", "max_price") if name in tariff_)


NEVER = {"start_date": "2020-01-01", "end_date": "2020-01-02"}


@given(tariffs(), cdrs(), st.data())
@calm
def test_the_order_of_irrelevant_elements_does_not_matter(tariff_: Json, document: Json, data: st.DataObject) -> None:
    """Elements that never apply may stand anywhere."""
    expected = bill(tariff_, document)
    never = [element(component(kind, 99), **NEVER) for kind in ("FLAT", "ENERGY", "TIME", "PARKING_TIME")]
    elements = list(tariff_["elements"])
    for one in never:
        elements.insert(data.draw(st.integers(0, len(elements))), one)
    found = bill(tariff_ | {"elements": elements}, document)
    assert found.total_cost == expected.total_cost
    assert [line.cost for line in found.lines] == [line.cost for line in expected.lines]


@given(tariffs(), cdrs(), st.data())
@calm
def test_the_order_of_elements_of_different_dimensions_does_not_matter(
    tariff_: Json, document: Json, data: st.DataObject
) -> None:
    """Only the order within one dimension counts: elements with one component each may be sorted by dimension."""
    single = [
        element_ | {"price_components": [one]}
        for element_ in tariff_["elements"]
        for one in element_["price_components"]
    ]
    expected = bill(tariff_, document)
    order = data.draw(st.permutations(["FLAT", "ENERGY", "TIME", "PARKING_TIME"]))
    by_kind = sorted(single, key=lambda one: order.index(one["price_components"][0]["type"]))
    assert bill(tariff_ | {"elements": by_kind}, document).total_cost == expected.total_cost


@given(tariffs(limited=True), cdrs())
@calm
def test_numbers_of_any_kind_are_the_same_number(tariff_: Json, document: Json) -> None:
    """Decimal, text and float, where four decimals hold them, give the same cost to the last digit."""

    def as_(kind: Any, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: as_(kind, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [as_(kind, inner) for inner in value]
        return kind(value) if isinstance(value, Decimal) else value

    expected = bill(tariff_, document).total_cost
    for kind in (str, float):
        assert bill(as_(kind, tariff_), as_(kind, document)).total_cost == expected


START = utc("2026-03-29 00:00")  # one hour before Amsterdam's clocks go forward
per_minute = st.sampled_from(["FLAT", "ENERGY", "TIME", "PARKING_TIME"])


@given(
    st.lists(st.tuples(per_minute, st.integers(1, 9), restrictions()), min_size=1, max_size=5),
    st.integers(1, 240),
    st.integers(0, 240),
    st.sampled_from([3, 6, 15, 30]),
)
@calm
def test_our_own_periods_price_like_the_finest_cut(
    parts: list[tuple[str, int, Json]], charging: int, parking: int, power: int
) -> None:
    """Our few periods cost what one a minute costs. At these powers every kWh bound is met at a full minute."""
    one = tariff(*(element(component(kind, amount * 60, 0), **where) for kind, amount, where in parts))
    full, end = START + timedelta(minutes=charging), START + timedelta(minutes=charging + parking)
    wh = Decimal(power * 1000 * charging) / 60
    ours = periods(
        one, start=START, end=end, samples=[(START, Decimal(0)), (full, wh)], parked=[(full, True)], time_zone=ZONE
    )
    finest = []
    for minute in range(charging + parking):
        volumes: Json = {"ENERGY": Decimal(power) / 60} if minute < charging else {}
        volumes |= {"TIME" if minute < charging else "PARKING_TIME": Decimal(1) / 60}
        drawn = power if minute < charging else 0
        volumes |= {"MIN_POWER": drawn, "MAX_POWER": drawn}
        volumes = {name: round(Decimal(value), 18) for name, value in volumes.items()}
        finest.append(period(format_datetime(START + timedelta(minutes=minute)), **volumes))
    cut = bill(one, cdr(*ours))
    fine = bill(one, cdr(*finest))
    noise = sum(Decimal(amount * 60) for _, amount, _ in parts) * len(ours) * Decimal("0.0001")
    assert abs(cut.total_cost.excl_vat - fine.total_cost.excl_vat) <= noise
    assert len(ours) <= len(finest)


@given(tariffs(limited=True), st.integers(1, 300), st.integers(0, 300), st.sampled_from([0, 3, 6, 11, 50]))
@calm
def test_the_audit_finds_nothing_in_our_own_cdrs(tariff_: Json, charging: int, parking: int, power: int) -> None:
    """Cut, priced and totalled by the engine, a CDR is right in every respect that the audit knows.

    Except for what is wrong with the tariff: a limit may be lower with VAT than without here.
    """
    full, end = START + timedelta(minutes=charging), START + timedelta(minutes=charging + parking)
    wh = Decimal(power * 1000 * charging) / 60
    ours = periods(
        tariff_,
        start=START,
        end=end,
        samples=[(START, Decimal(7)), (full, wh + 7)],
        parked=[(full, True)],
        time_zone=ZONE,
    )
    document = cdr(*ours, end=format_datetime(end), tariffs=[tariff_])
    document |= bill(tariff_, document).totals()
    assert [finding for finding in audit(document, time_zone=ZONE).findings if finding.code != "vat_negative"] == []
