"""Times, numbers and the comparing of identifiers."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ocpi_hub.wire.types import DateTime, Int, Number, Price, format_datetime, parse_datetime, same_id

NOON = datetime(2026, 6, 29, 12, 0, 0, tzinfo=UTC)

READ: list[tuple[str, datetime]] = [
    ("2026-06-29T12:00:00Z", NOON),
    ("2026-06-29T12:00:00", NOON),
    ("2026-06-29T12:00:00.2Z", NOON.replace(microsecond=200_000)),
    ("2026-06-29T12:00:00.2", NOON.replace(microsecond=200_000)),
    ("2026-06-29T12:00:00.123Z", NOON.replace(microsecond=123_000)),
    ("2026-06-29T12:00:00.123456Z", NOON.replace(microsecond=123_456)),
    ("2026-06-29T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
    ("2026-06-29T12:00:00,5Z", NOON.replace(microsecond=500_000)),
    ("2026-06-29T12:00:00+00:00", NOON),
    ("2026-06-29T14:00:00+02:00", NOON),
    ("2026-06-29T14:00:00+0200", NOON),
    ("2026-06-29T06:30:00-05:30", NOON),
    ("2026-06-29t12:00:00z", NOON),
    ("2026-06-29 12:00:00", NOON),
    ("2026-06-29T12:00Z", NOON),
    ("2026-6-29T12:00:00Z", NOON),
    ("1970-1-1T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
]
REFUSED = [
    "", "x", "2026-06-29", "12:00:00", "1782734400", "20260629T120000Z", "2026-W26-1T12:00:00Z", "2026-06-29T12Z",
    "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-06-29T24:00:00Z", "2026-06-29T12:60:00Z",
    "2026-06-29T12:00:61Z", "2026-06-29T12:00:00.Z", "2026-06-29T12:00:00 Z", " 2026-06-29T12:00:00Z",
    "2026-06-29T12:00:00Z\n", "2026-06-29T12:00:00+25:00", "2026-06-29T12:00:00+2", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60Z", "٢٠٢٦-06-29T12:00:00Z",
    "2026-06-29T12:00:00.1234567890123456789Z", "99999-01-01T00:00:00Z",
]  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@pytest.mark.parametrize(("text", "when"), READ)
def test_a_time_is_read(text: str, when: datetime) -> None:
    read = parse_datetime(text)
    assert read == when
    assert read.tzinfo is UTC


@pytest.mark.parametrize("text", REFUSED)
def test_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a DateTime"):
        parse_datetime(text)


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (NOON, "2026-06-29T12:00:00Z"),
        (NOON.replace(microsecond=999), "2026-06-29T12:00:00Z"),
        (NOON.replace(microsecond=1000), "2026-06-29T12:00:00.001Z"),
        (NOON.replace(microsecond=999_999), "2026-06-29T12:00:00.999Z"),
        (NOON.astimezone(timezone(timedelta(hours=-5))), "2026-06-29T12:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written(when: datetime, text: str) -> None:
    assert format_datetime(when) == text


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        format_datetime(datetime(2026, 1, 1))


aware = st.datetimes(
    min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones() | st.just(UTC)
)


@given(aware)
def test_a_written_time_is_read_again_to_the_millisecond(when: datetime) -> None:
    text = format_datetime(when)
    assert TIME.fullmatch(text)
    assert len(text) <= 25
    assert timedelta(0) <= when - parse_datetime(text) < timedelta(milliseconds=1)
    assert format_datetime(parse_datetime(text)) == text


@given(st.text(alphabet="0123456789-:TtZz.,+ ", max_size=40))
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    try:
        when = parse_datetime(text)
    except ValueError:
        return
    assert when.tzinfo is UTC


@pytest.mark.parametrize("given", [NOON, "2026-06-29T12:00:00Z", NOON.astimezone(timezone(timedelta(hours=2)))])
def test_a_field_takes_a_time_or_its_text(given: Any) -> None:
    adapter = TypeAdapter(DateTime)
    read = adapter.validate_python(given)
    assert (read, read.tzinfo) == (NOON, UTC)
    assert adapter.dump_json(read) == b'"2026-06-29T12:00:00Z"'


@pytest.mark.parametrize("given", [1782734400, Decimal("1.5"), True, None, datetime(2026, 1, 1)])
def test_a_field_refuses_what_is_not_a_time(given: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(DateTime).validate_python(given)


@pytest.mark.parametrize(
    ("given", "read"),
    [(1, Decimal(1)), (Decimal("1.10"), Decimal("1.10")), (0.1, Decimal("0.1")), (-2.5, Decimal("-2.5"))],
)
def test_a_number_is_read_exactly(given: Any, read: Decimal) -> None:
    assert str(TypeAdapter(Number).validate_python(given)) == str(read)


@pytest.mark.parametrize(
    "given", ["1", True, None, Decimal("NaN"), Decimal("Infinity"), float("nan"), float("inf"), []]
)
def test_a_number_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="must be a number"):
        TypeAdapter(Number).validate_python(given)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_pydantic_writes_a_number_as_a_json_number(value: Decimal) -> None:
    read = Price.model_validate_json(Price(excl_vat=value).model_dump_json())
    assert read.excl_vat == value


@pytest.mark.parametrize("given", [230, 230.0, Decimal("230.0"), Decimal("2.3E+2")])
def test_a_whole_number_may_be_written_as_a_fraction(given: Any) -> None:
    read = TypeAdapter(Int).validate_python(given)
    assert (read, type(read)) == (230, int)


@pytest.mark.parametrize(
    "given", [230.5, Decimal("230.5"), "230", True, None, Decimal("Infinity"), float("nan"), 2**31]
)
def test_a_whole_number_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Int).validate_python(given)


def test_identifiers_are_the_same_in_whatever_case() -> None:
    assert same_id("BE*BEC*E041503001", "be*bec*e041503001")
    assert not same_id("1", "2")
