"""The audit of one CDR: every finding, its field, its severity; and that a right CDR has none."""

from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.pricing import Audit, TariffError, TimeZoneError, audit, prepare, price
from ocpi_hub.wire import json as wire_json

from .build import Json, cdr, codes, component, element, period, tariff, utc

D = Decimal
ZONE = "Europe/Amsterdam"
TARIFF = tariff(
    element(component("FLAT", "0.5", vat=20), component("ENERGY", "0.25", vat=10), component("TIME", 2, 60))
)


def good(**changes: Any) -> Json:
    """A CDR that is right in every number: 20 kWh in two periods, an hour and a half."""
    document = cdr(
        period("2026-01-05T10:00:00Z", ENERGY=12, TIME=1, MAX_POWER=13, MIN_POWER=10, tariff_id="T1"),
        period("2026-01-05T11:00:00Z", ENERGY=8, PARKING_TIME="0.5", tariff_id="T1"),
        end="2026-01-05T11:30:00Z",
        tariffs=[TARIFF],
        cdr_location={"id": "LOC1", "evse_uid": "E1", "connector_power_type": "AC_3_PHASE"},
        total_cost={"excl_vat": "7.50", "incl_vat": "8.10"},
        total_fixed_cost={"excl_vat": "0.50", "incl_vat": "0.60"},
        total_energy_cost={"excl_vat": "5.00", "incl_vat": "5.50"},
        total_time_cost={"excl_vat": "2.00", "incl_vat": "2.00"},
        total_energy=20,
        total_time="1.5",
        total_parking_time="0.5",
        last_updated="2026-01-05T11:31:00Z",
    )
    return {name: value for name, value in (document | changes).items() if value is not None}


def check(document: Any, **known: Any) -> Audit:
    return audit(document, time_zone=ZONE, **known)


def found(document: Any, **known: Any) -> list[tuple[str, str]]:
    return codes(check(document, **known).findings)


def test_nothing_is_wrong() -> None:
    result = check(good())
    assert result.findings == ()
    assert result.worst is None
    assert result.cdr_id == "C1"
    assert result.report is not None
    assert result.report.total_cost.incl_vat == D("8.10")


def test_the_cdr_is_not_changed() -> None:
    document = good(total_cost={"excl_vat": 99})
    before = wire_json.dumps(document)
    check(document)
    assert wire_json.dumps(document) == before


def test_a_finding_says_what_where_how_much_and_how_bad() -> None:
    result = check(good(total_cost={"excl_vat": "9.00", "incl_vat": "8.10"}))
    assert [finding.as_document() for finding in result.findings if finding.code == "cost_differs"] == [
        {
            "code": "cost_differs",
            "field": "total_cost.excl_vat",
            "message": "says 9 EUR, the tariff gives 7.5",
            "severity": "error",
            "numbers": {"stated": D("9.00"), "computed": D("7.5"), "difference": D("1.5")},
        }
    ]
    assert result.worst == "error"
    assert '"code":"cost_differs"' in wire_json.dumps(result.as_document())


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("total_cost", {"excl_vat": "7.51", "incl_vat": "8.10"}),
        ("total_fixed_cost", {"excl_vat": "0.49"}),
        ("total_energy_cost", {"excl_vat": "5.02"}),
        ("total_time_cost", {"excl_vat": "2.01"}),
        ("total_parking_cost", {"excl_vat": "1.00"}),
        ("total_reservation_cost", {"excl_vat": "1.00"}),
    ],
)
def test_every_cost_is_compared(name: str, stated: Json) -> None:
    assert ("cost_differs", f"{name}.excl_vat") in found(good(**{name: stated}))


def test_costs_with_vat_are_compared_too() -> None:
    assert found(good(total_cost={"excl_vat": "7.5", "incl_vat": "8.2"})) == [("cost_differs", "total_cost.incl_vat")]


@pytest.mark.parametrize("stated", ["5.125", "5.13", "5.12", "5.1250", "5.125000001"])
def test_any_rounding_of_a_cost_is_equal(stated: str) -> None:
    """Half a cent may be rounded up, down or not at all."""
    document = cdr(
        period("2026-01-05T10:00:00Z", ENERGY="20.5"),
        end="2026-01-05T12:00:00Z",
        tariffs=[tariff(element(component()))],
        total_cost={"excl_vat": stated},
    )
    assert found(document) == []


@pytest.mark.parametrize("stated", ["5.14", "5.11", "5.1", "5.1252"])
def test_another_number_is_not(stated: str) -> None:
    document = cdr(
        period("2026-01-05T10:00:00Z", ENERGY="20.5"),
        end="2026-01-05T12:00:00Z",
        tariffs=[tariff(element(component()))],
        total_cost={"excl_vat": stated},
    )
    assert [code for code, _ in found(document)] == ["cost_differs"]


@pytest.mark.parametrize(("stated", "equal"), [("0.13", True), ("0.12", True), ("0.1251", False), ("0.1", False)])
def test_half_of_the_last_digit(stated: str, equal: bool) -> None:
    """A flat fee has no volume whose digits could excuse anything: 0.125 may be rounded up or down."""
    document = cdr(
        period("2026-01-05T10:00:00Z", ENERGY=0),
        end="2026-01-05T10:10:00Z",
        tariffs=[tariff(element(component("FLAT", "0.125")))],
        total_cost={"excl_vat": stated},
    )
    assert (found(document) == []) is equal


def test_a_cost_from_exact_minutes_is_equal() -> None:
    """The CPO billed ten minutes at 5.00, 0.8333, and wrote the volume as 0.1667 h, which costs 0.8335."""
    document = cdr(
        period("2026-01-05T10:00:00Z", TIME="0.1667"),
        end="2026-01-05T10:10:00Z",
        tariffs=[tariff(element(component("TIME", 5)))],
        total_cost={"excl_vat": "0.8333"},
    )
    assert found(document) == []


def test_rounding_every_line_is_a_warning() -> None:
    """Eight lines of 0.0125, each rounded up to 0.02, are 0.16 instead of 0.10."""
    document = cdr(
        *(period(f"2026-01-05T10:{minute:02}:00Z", ENERGY="0.05") for minute in range(8)),
        end="2026-01-05T11:00:00Z",
        tariffs=[tariff(element(component()))],
        total_cost={"excl_vat": "0.14"},
    )
    assert [(one.code, one.severity) for one in check(document).findings] == [("cost_differs", "warning")]
    document["total_cost"] = {"excl_vat": "0.16"}
    assert [(one.code, one.severity) for one in check(document).findings] == [("cost_differs", "error")]


def test_missing_and_odd_costs() -> None:
    assert found(good(total_cost=None)) == [("cost_missing", "total_cost")]
    assert ("vat_negative", "total_cost.incl_vat") in found(good(total_cost={"excl_vat": "7.50", "incl_vat": "7.10"}))
    assert ("cost_negative", "total_cost.excl_vat") in found(good(total_cost={"excl_vat": "-7.50"}))
    assert ("sum_differs", "total_cost.excl_vat") in found(good(total_cost={"excl_vat": "7.00"}))
    assert ("unreadable", "total_cost.excl_vat") in found(good(total_cost={"excl_vat": "seven"}))
    assert ("unreadable", "total_energy_cost") in found(good(total_energy_cost="5.00"))


def test_the_sum_of_the_parts_needs_no_tariff() -> None:
    """Each of the three parts and the total may have been rounded by half a cent; parts may be left out."""
    for stated, differs in (("7.00", True), ("7.47", True), ("7.48", False), ("7.50", False), ("9.00", False)):
        codes_ = found(good(tariffs=None, total_cost={"excl_vat": stated}))
        assert (("sum_differs", "total_cost.excl_vat") in codes_) is differs


def test_limits_move_the_total_away_from_its_parts() -> None:
    for limits in ({"max_price": {"excl_vat": 6}}, {"max_price": {"excl_vat": 6}, "min_price": {"excl_vat": 1}}):
        limited = good(tariffs=[TARIFF | limits], total_cost={"excl_vat": 6})
        assert found(limited) == []


def test_quantities() -> None:
    assert found(good(total_energy="20.1")) == [("energy_differs", "total_energy")]
    assert found(good(total_time="2.0")) == [("time_differs", "total_time")]
    assert found(good(total_parking_time="0.6")) == [("parking_time_differs", "total_parking_time")]
    assert found(good(total_energy="20.0", total_time="1.50", total_parking_time=None)) == []
    assert found(good(total_energy=[])) == [("unreadable", "total_energy")]
    assert found(good(total_energy="20.0002")) == []  # each volume's last digit
    assert found(good(total_energy="20.0005")) == [("energy_differs", "total_energy")]
    assert found(good(total_energy="20.00051234")) == [("energy_differs", "total_energy")]
    assert found(good(total_energy="20.01")) == [("energy_differs", "total_energy")]


def test_the_time_of_a_reservation_may_be_in_total_time_or_not() -> None:
    """start_date_time is that of the reservation; "duration of the charging session" may be read either way."""
    for total_time in ("1.25", "1.0"):
        document = cdr(
            period("2026-01-05T10:00:00Z", RESERVATION_TIME="0.25"),
            period("2026-01-05T10:15:00Z", TIME=1),
            end="2026-01-05T11:15:00Z",
            tariffs=[TARIFF],
            total_cost={"excl_vat": "2.50"},
            total_time=total_time,
        )
        assert found(document) == []


def test_session_only_dimensions() -> None:
    first, second = good()["charging_periods"]
    first["dimensions"].append({"type": "STATE_OF_CHARGE", "volume": 55})
    result = check(good(charging_periods=[first, second]))
    assert codes(result.findings) == [("session_only_dimension", "charging_periods[0].dimensions")]


def with_first(**volumes: Any) -> Json:
    return good(
        charging_periods=[period("2026-01-05T10:00:00Z", **volumes), good()["charging_periods"][1]],
        **{name: None for name in good() if name.startswith("total_") and name != "total_cost"},
    )


def of_the_first(document: Json, **known: Any) -> list[str]:
    return [code for code, field in found(document, **known) if field == "charging_periods[0].dimensions"]


def test_energy_against_power_and_time() -> None:
    assert of_the_first(with_first(ENERGY=12, MAX_POWER=12)) == []
    assert of_the_first(with_first(ENERGY=12, MAX_POWER=11)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY="0.05", MAX_POWER=0)) == []
    assert of_the_first(with_first(ENERGY="0.06", MAX_POWER=0)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY=12, MAX_CURRENT=16)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY=12, MAX_CURRENT=48)) == []
    assert of_the_first(with_first(ENERGY=12), max_power_kw=D(11)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY=12), max_power_kw=D(22)) == []
    assert of_the_first(with_first(ENERGY=120)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY=120, MAX_POWER=150)) == ["energy_exceeds_power"]
    assert of_the_first(with_first(ENERGY=5, TIME=1, MIN_POWER=6)) == ["energy_below_power"]
    assert of_the_first(with_first(ENERGY=5, MIN_POWER=9, MAX_POWER=7)) == ["range_inverted"]


def test_times_against_the_length_of_a_period() -> None:
    assert of_the_first(with_first(TIME="1.0005")) == []
    assert of_the_first(with_first(TIME="1.01")) == ["time_exceeds_period"]
    assert of_the_first(with_first(TIME="0.6", PARKING_TIME="0.6")) == ["time_exceeds_period"]


def test_clock() -> None:
    early = good(start_date_time="2026-01-05T10:20:00Z", total_time=None)
    assert found(early) == [("period_before_start", "charging_periods[0].start_date_time")]
    assert found(good(start_date_time="2026-01-05T09:00:00Z", total_time=None)) == [
        ("gap_at_start", "charging_periods[0].start_date_time")
    ]
    assert found(good(), now=utc("2026-01-05 11:20")) == []
    assert found(good(), now=utc("2026-01-05 11:00")) == [("time_in_future", "end_date_time")]
    placeholder = good(start_date_time="1970-1-1T00:00:00Z", end_date_time="1970-1-1T00:00:00Z", total_time=None)
    assert found(placeholder) == [("time_unknown", "start_date_time"), ("time_unknown", "end_date_time")]
    long = good(end_date_time="2026-02-15T11:30:00Z", total_time=None)
    assert found(long) == [("duration_implausible", "end_date_time")]


def test_what_cannot_be_read_is_a_finding() -> None:
    backwards = good(charging_periods=list(reversed(good()["charging_periods"])))
    result = check(backwards)
    assert codes(result.findings) == [("unreadable", "charging_periods[1].start_date_time")]
    assert result.report is None
    assert found("a CDR") == [("unreadable", "document")]
    assert found({}) == [("unreadable", "charging_periods")]


def test_tariffs() -> None:
    assert found(good(tariffs=None)) == [("tariff_unknown", "tariffs")]
    assert found(good(tariffs=[tariff()])) == [
        ("tariff_unreadable", "tariffs[0].elements"),
        ("tariff_unknown", "tariffs"),
    ]
    other = TARIFF | {"id": "T2"}
    assert found(good(tariffs=[TARIFF, other])) == []
    unknown = good(tariffs=[TARIFF, other])
    unknown["charging_periods"][1]["tariff_id"] = "T3"
    assert found(unknown) == [("tariff_unknown", "charging_periods[1].tariff_id")]
    for one in unknown["charging_periods"]:
        del one["tariff_id"]
    assert found(unknown) == [("tariff_ambiguous", "charging_periods[0].tariff_id")]


def test_a_tariff_that_was_not_valid_then() -> None:
    for dates in ({"end_date_time": "2026-01-05T10:00:00Z"}, {"start_date_time": "2026-01-05T10:00:01Z"}):
        assert found(good(tariffs=[TARIFF | dates])) == [("tariff_not_valid", "start_date_time")]
        unknown = good(start_date_time="1970-1-1T00:00:00Z", total_time=None, tariffs=[TARIFF | dates])
        assert ("tariff_not_valid", "start_date_time") in found(unknown)
    dates = {"start_date_time": "2026-01-05T10:00:00Z", "end_date_time": "2026-01-05T10:00:01Z"}
    assert found(good(tariffs=[TARIFF | dates])) == []


def test_the_tariff_known_here_counts() -> None:
    dear = prepare(tariff(element(component(price=1))))
    result = check(good(), tariff=dear)
    assert ("tariff_differs", "tariffs[0]") in codes(result.findings)
    assert ("cost_differs", "total_cost.excl_vat") in codes(result.findings)
    same = tariff(*TARIFF["elements"], last_updated="2026-01-01T00:00:00Z")
    assert found(good(), tariff=same) == []
    assert found(good(tariffs=None), tariff=same) == []


def test_currency() -> None:
    assert found(good(currency="SEK")) == [("currency_differs", "currency")]
    assert found(good(currency="eur")) == []
    assert found(good(currency=None)) == [("currency_missing", "currency")]


def test_a_period_that_spans_a_price_change() -> None:
    by_time = tariff(element(component(price=1), end_time="12:00"), element(component(price=2)))
    spanning = cdr(period("2026-01-05T10:30:00Z", ENERGY=4), end="2026-01-05T11:30:00Z", total_cost={"excl_vat": 4})
    result = check(spanning, tariff=by_time)
    assert [(one.code, one.field, one.message) for one in result.findings] == [
        ("period_spans_price_change", "charging_periods[0]", "goes on past 12:00, 2 kWh, where ENERGY changes price")
    ]
    cut = cdr(
        period("2026-01-05T10:30:00Z", ENERGY=2),
        period("2026-01-05T11:00:00Z", ENERGY=2),
        end="2026-01-05T11:30:00Z",
        total_cost={"excl_vat": 6},
    )
    assert found(cut, tariff=by_time) == []


def test_a_period_spans_once_and_a_flat_fee_never() -> None:
    """One finding for a period, whatever changes in it; a fee that is due at its start stays due."""
    by_time = tariff(
        element(component(price=1), component("TIME", 1), component("FLAT", 1), end_time="12:00"),
        element(component(price=2), component("TIME", 2)),
    )
    both = cdr(period("2026-01-05T10:30:00Z", ENERGY=4, TIME=1), end="2026-01-05T11:30:00Z", total_cost={"excl_vat": 6})
    assert found(both, tariff=by_time) == [("period_spans_price_change", "charging_periods[0]")]
    fee = tariff(element(component("FLAT", 1), end_time="12:00"), element(component("ENERGY", 1)))
    assert found(both | {"total_cost": {"excl_vat": 5}}, tariff=fee) == []


@pytest.mark.parametrize(
    ("restrictions", "spans"),
    [
        ({"max_kwh": 3}, True),
        ({"max_kwh": 4}, False),
        ({"max_duration": 1800}, True),
        ({"max_duration": 3600}, False),
        ({"start_time": "11:45", "end_time": "11:50"}, True),  # both ends inside the period
        ({"day_of_week": ["TUESDAY"]}, False),
    ],
)
def test_price_changes_of_every_kind(restrictions: Json, spans: bool) -> None:
    one = tariff(element(component(price=1), **restrictions), element(component(price=2)))
    document = cdr(period("2026-01-05T10:30:00Z", ENERGY=4), end="2026-01-05T11:30:00Z")
    assert (("period_spans_price_change", "charging_periods[0]") in found(document, tariff=one)) is spans


def test_credit() -> None:
    credit = good(
        id="C1-C", credit=True, credit_reference_id="C1", total_cost={"excl_vat": "-7.50", "incl_vat": "-8.10"}
    )
    assert found(credit) == []
    assert found(credit, original=good()) == []
    assert found(good(credit=True, credit_reference_id="C1")) == [
        ("credit_not_negative", "total_cost.excl_vat"),
        ("cost_differs", "total_cost.excl_vat"),
        ("cost_differs", "total_cost.incl_vat"),
    ]
    assert ("credit_without_reference", "credit_reference_id") in found(credit | {"credit_reference_id": None})
    assert ("credit_not_marked", "credit") in found(good(credit_reference_id="C0"))


def test_bad_arguments_are_errors_of_the_caller() -> None:
    with pytest.raises(TimeZoneError):
        audit(good(), time_zone="Nowhere")
    with pytest.raises(TariffError):
        audit(good(), time_zone=ZONE, tariff=tariff())


def test_all_that_is_known_at_once() -> None:
    """The other documents are given by the caller, and each kind of finding is there."""
    session = {"id": "S1", "kwh": 21, "currency": "EUR", "total_cost": {"excl_vat": "7.50"}}
    token = {"uid": "CARD"}
    other = good(id="C2", cdr_token=token)
    others = (one for one in [other, good(cdr_token=token), good(id="C3", start_date_time="?")])
    result = check(good(cdr_token=token), session=session, others=others)
    assert codes(result.findings) == [
        ("duplicate", "id"),
        ("overlap", "start_date_time"),
        ("session_differs", "total_energy"),
    ]


def test_an_expired_reservation_is_priced_as_one() -> None:
    one = tariff(element(component("TIME", 2), reservation="RESERVATION_EXPIRES"))
    document = cdr(
        period("2026-01-05T10:00:00Z", RESERVATION_TIME=1),
        end="2026-01-05T11:00:00Z",
        total_cost={"excl_vat": 2},
        total_reservation_cost={"excl_vat": 2},
        total_energy=0,
    )
    assert found(document, tariff=one) == []


def test_the_audit_prices_as_price_does() -> None:
    result = check(good())
    assert result.report is not None
    assert result.report.total_cost == price(TARIFF, good(), time_zone=ZONE).total_cost
