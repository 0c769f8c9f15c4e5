"""Bad input is an error that names the field, never a number."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpi_hub.pricing import (
    CdrError,
    PricingError,
    TariffError,
    TimeZoneError,
    audit,
    estimate,
    periods,
    prepare,
    price,
)

from .build import Json, cdr, component, element, period, tariff, utc

GOOD = tariff(element(component()))
CDR = cdr(period("2026-01-05T10:00:00Z", ENERGY=1), end="2026-01-05T11:00:00Z")
NAN, INF = float("nan"), float("inf")


def restricted(**restrictions: Any) -> Json:
    return tariff(element(component()), element(component(), **restrictions))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "id"),
        (tariff(), "elements"),
        (tariff(element(component()), elements=None), "elements"),
        (tariff(element(component()), elements="none"), "elements"),
        (tariff("free"), "elements[0]"),  # type: ignore[arg-type]
        (tariff(element()), "elements[0].price_components"),
        (tariff(element(component()), id=7), "id"),
        (tariff(element(component()), currency=None), "currency"),
        (tariff(element(component()), currency="EURO"), "currency"),
        (tariff(element(component("POWER"))), "elements[0].price_components[0].type"),
        (tariff(element(component(["ENERGY"]))), "elements[0].price_components[0].type"),
        (tariff(element({"price": 1, "step_size": 1})), "elements[0].price_components[0].type"),
        (tariff(element(component(price=None))), "elements[0].price_components[0].price"),
        (tariff(element(component(price="much"))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=True))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=NAN))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=INF))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=Decimal("NaN")))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=10**15))), "elements[0].price_components[0].price"),
        (tariff(element(component(price=Decimal("1e-21")))), "elements[0].price_components[0].price"),
        (tariff(element(component(step_size=None))), "elements[0].price_components[0].step_size"),
        (tariff(element(component(step_size=-1))), "elements[0].price_components[0].step_size"),
        (tariff(element(component(step_size="0.5"))), "elements[0].price_components[0].step_size"),
        (tariff(element(component(vat=-1))), "elements[0].price_components[0].vat"),
        (tariff(element(component()), min_price=5), "min_price"),
        (tariff(element(component()), min_price={}), "min_price.excl_vat"),
        (tariff(element(component()), max_price={"excl_vat": 1, "incl_vat": "x"}), "max_price.incl_vat"),
        (tariff(element(component()), start_date_time="today"), "start_date_time"),
        (tariff({"price_components": [component()], "restrictions": []}), "elements[0].restrictions"),
        (restricted(max_speed=5), "elements[1].restrictions.max_speed"),
        (restricted(start_time="24:00"), "elements[1].restrictions.start_time"),
        (restricted(start_time="9:00"), "elements[1].restrictions.start_time"),
        (restricted(end_time="09:00:00"), "elements[1].restrictions.end_time"),
        (restricted(end_time=900), "elements[1].restrictions.end_time"),
        (restricted(start_date="2026-02-30"), "elements[1].restrictions.start_date"),
        (restricted(end_date="20260201"), "elements[1].restrictions.end_date"),
        (restricted(day_of_week=["MONDAY", "monday"]), "elements[1].restrictions.day_of_week[1]"),
        (restricted(day_of_week="MONDAY"), "elements[1].restrictions.day_of_week"),
        (restricted(min_kwh="a lot"), "elements[1].restrictions.min_kwh"),
        (restricted(max_duration=-1), "elements[1].restrictions.max_duration"),
        (restricted(max_duration="1.5"), "elements[1].restrictions.max_duration"),
        (restricted(reservation="MAYBE"), "elements[1].restrictions.reservation"),
    ],
)
def test_tariffs(bad: Json, field: str) -> None:
    with pytest.raises(TariffError) as refused:
        price(bad, CDR, time_zone="UTC")
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")


def with_dimensions(*dimensions: Any) -> Json:
    return cdr({"start_date_time": "2026-01-05T10:00:00Z", "dimensions": list(dimensions)})


ENERGY = {"type": "ENERGY", "volume": 1}
LATE, EARLY = period("2026-01-05T11:00:00Z", ENERGY=1), period("2026-01-05T10:00:00Z", ENERGY=1)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("CDR", "document"),
        (cdr(), "charging_periods"),
        (cdr(EARLY, charging_periods=None), "charging_periods"),
        (cdr(EARLY, charging_periods={}), "charging_periods"),
        (cdr(EARLY, charging_periods=[None]), "charging_periods[0]"),
        (cdr(EARLY, start_date_time="yesterday"), "start_date_time"),
        (cdr(EARLY, start_date_time=5), "start_date_time"),
        (cdr(EARLY, start_date_time="0001-01-01T00:00:00Z"), "start_date_time"),
        (cdr(EARLY, end="2026-01-05T09:00:00Z"), "end_date_time"),
        (cdr(EARLY, LATE, end="2026-01-05T10:30:00Z"), "charging_periods[1].start_date_time"),
        (cdr(LATE, EARLY), "charging_periods[1].start_date_time"),
        (cdr(EARLY, LATE, EARLY), "charging_periods[2].start_date_time"),
        (
            cdr({"start_date_time": "?", "dimensions": [ENERGY]}, start_date_time=None),
            "charging_periods[0].start_date_time",
        ),
        (cdr({"start_date_time": "2026-01-05T10:00:00Z"}), "charging_periods[0].dimensions"),
        (with_dimensions(), "charging_periods[0].dimensions"),
        (with_dimensions("ENERGY"), "charging_periods[0].dimensions[0]"),
        (with_dimensions({"type": "ENERGY"}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "ENERGY", "volume": "1 kWh"}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "ENERGY", "volume": NAN}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "ENERGY", "volume": -1}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "TIME", "volume": -1}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "PARKING_TIME", "volume": "-0.5"}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions({"type": "RESERVATION_TIME", "volume": -1}), "charging_periods[0].dimensions[0].volume"),
        (with_dimensions(ENERGY, {"type": "FLAT", "volume": 1}), "charging_periods[0].dimensions[1].type"),
        (with_dimensions(ENERGY, {"type": None, "volume": 1}), "charging_periods[0].dimensions[1].type"),
        (with_dimensions(ENERGY, ENERGY), "charging_periods[0].dimensions[1].type"),
        (cdr(period("2026-01-05T10:00:00Z", ENERGY=1) | {"tariff_id": 5}), "charging_periods[0].tariff_id"),
    ],
)
def test_cdrs(bad: Any, field: str) -> None:
    with pytest.raises(CdrError) as refused:
        price(GOOD, bad, time_zone="UTC")
    assert refused.value.field == field


@pytest.mark.parametrize("zone", ["Europe/Amsterdan", "", "../etc/passwd", "/etc/localtime", "Europe", 5, None, "a\0b"])
def test_time_zones(zone: Any) -> None:
    with pytest.raises(TimeZoneError) as refused:
        price(GOOD, CDR, time_zone=zone)
    assert refused.value.field == "time_zone"


def test_several_tariffs_must_be_one_currency() -> None:
    other = tariff(element(component()), id="T2", currency="SEK")
    with pytest.raises(TariffError) as refused:
        price([GOOD, other], CDR, time_zone="UTC")
    assert refused.value.field == "[1].currency"
    with pytest.raises(TariffError):
        price([], CDR, time_zone="UTC")


def test_a_tariff_id_that_is_none_of_several() -> None:
    both = [GOOD, tariff(element(component()), id="T2")]
    with pytest.raises(CdrError) as refused:
        price(both, cdr(period("2026-01-05T10:00:00Z", tariff_id="T3", ENERGY=1)), time_zone="UTC")
    assert refused.value.field == "charging_periods[0].tariff_id"


START = utc("2026-01-05 10:00")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"kwh": -1}, "kwh"),
        ({"kwh": "many"}, "kwh"),
        ({"kwh": NAN}, "kwh"),
        ({"minutes": -5}, "minutes"),
        ({"minutes": 0}, "minutes"),
        ({"power_kw": 3}, "power_kw"),
        ({"power_kw": 0}, "power_kw"),
        ({"current_a": "x"}, "current_a"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"minutes": 10**6}, "end"),
    ],
)
def test_estimates(arguments: Json, field: str) -> None:
    asked: Json = {"kwh": 10, "minutes": 60, "start": START, "time_zone": "UTC"} | arguments
    with pytest.raises(PricingError) as refused:
        estimate(GOOD, **asked)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"end": START - timedelta(seconds=1)}, "end"),
        ({"end": START + timedelta(days=500)}, "end"),
        ({"samples": [(START, Decimal(5)), (START + timedelta(hours=1), Decimal(4))]}, "samples[1]"),
        ({"samples": [(START, NAN)]}, "samples[0]"),
        ({"samples": [("noon", Decimal(1))]}, "samples[0]"),
        ({"powers": [(START, None)]}, "powers[0]"),
    ],
)
def test_cutting(arguments: Json, field: str) -> None:
    asked: Json = {"start": START, "end": START + timedelta(hours=1), "samples": [], "time_zone": "UTC"} | arguments
    with pytest.raises(PricingError) as refused:
        periods(GOOD, **asked)
    assert refused.value.field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
places = st.sampled_from(
    [
        ("tariff", ("elements",)),
        ("tariff", ("elements", 0)),
        ("tariff", ("elements", 0, "restrictions")),
        ("tariff", ("elements", 0, "restrictions", "start_time")),
        ("tariff", ("elements", 0, "restrictions", "day_of_week")),
        ("tariff", ("elements", 0, "restrictions", "min_kwh")),
        ("tariff", ("elements", 0, "price_components", 0, "price")),
        ("tariff", ("elements", 0, "price_components", 0, "type")),
        ("tariff", ("min_price",)),
        ("tariff", ("currency",)),
        ("cdr", ("start_date_time",)),
        ("cdr", ("charging_periods", 0, "dimensions", 0, "volume")),
        ("cdr", ("charging_periods", 0, "dimensions", 0, "type")),
        ("cdr", ("charging_periods", 0, "dimensions")),
        ("cdr", ("charging_periods", 0, "start_date_time")),
        ("cdr", ("charging_periods", 0, "tariff_id")),
        ("cdr", ("total_cost",)),
        ("cdr", ("total_energy",)),
        ("cdr", ("tariffs",)),
        ("cdr", ("cdr_location",)),
        ("cdr", ("credit_reference_id",)),
    ]
)


@given(place=places, value=json_values)
@settings(max_examples=300, deadline=None)
def test_anything_anywhere_is_a_number_or_a_named_error(place: tuple[str, tuple[Any, ...]], value: Any) -> None:
    """Whatever stands in a field: a report, or a PricingError; an audit always comes to an end with findings."""
    documents = {
        "tariff": tariff(element(component(), start_time="10:00"), min_price={"excl_vat": 1}),
        "cdr": cdr(
            period("2026-01-05T10:00:00Z", ENERGY=1),
            end="2026-01-05T11:00:00Z",
            total_cost={"excl_vat": 1},
            total_energy=1,
        ),
    }
    name, path = place
    parent: Any = documents[name]
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    try:
        report = price(documents["tariff"], documents["cdr"], time_zone="Europe/Amsterdam")
    except PricingError as error:
        refused = error
    else:
        refused = PricingError("no", "error")
        assert report.total_cost.excl_vat.is_finite()
        report.as_document()
    assert refused.field
    assert refused.message
    embedded = documents["cdr"] | ({"tariffs": [documents["tariff"]]} if name == "tariff" else {})
    audit(embedded, time_zone="Europe/Amsterdam").as_document()
    if name == "cdr":
        audit(embedded, tariff=prepare(documents["tariff"]), time_zone="Europe/Amsterdam", others=[embedded])
