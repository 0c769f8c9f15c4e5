"""The response format, written and read."""

import json as stdlib_json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.wire.envelope import ABSENT, NotOcpi, Raw, envelope, read_envelope
from ocpi_hub.wire.types import Price

AT = datetime(2026, 6, 29, 12, 0, 0, 123_456, UTC)
TAIL = b'"status_code":1000,"timestamp":"2026-06-29T12:00:00.123Z"}'


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (ABSENT, b"{" + TAIL),
        (None, b'{"data":null,' + TAIL),
        ([], b'{"data":[],' + TAIL),
        ("ACCEPTED", b'{"data":"ACCEPTED",' + TAIL),
        ({"kwh": Decimal("1.50")}, b'{"data":{"kwh":1.50},' + TAIL),
        (Price(excl_vat=Decimal("2.00")), b'{"data":{"excl_vat":2.00},' + TAIL),
        ([Price(excl_vat=Decimal(1)), {"a": "é"}], b'{"data":[{"excl_vat":1},{"a":"\xc3\xa9"}],' + TAIL),
        (Raw('{"id":  "as it came", "n": 1.0e1}'), b'{"data":{"id":  "as it came", "n": 1.0e1},' + TAIL),
        (Raw(b"[]"), b'{"data":[],' + TAIL),
        ([Raw('{"a":1.10}'), Raw(b'{"b":"\xc3\xa9"}')], b'{"data":[{"a":1.10},{"b":"\xc3\xa9"}],' + TAIL),
    ],
)
def test_writing(data: Any, body: bytes) -> None:
    assert envelope(data, at=AT) == body
    assert stdlib_json.loads(body)["status_code"] == 1000


def test_writing_an_error() -> None:
    body = envelope(status_code=2001, status_message='type: is "required"', at=AT)
    assert stdlib_json.loads(body) == {
        "status_code": 2001,
        "status_message": 'type: is "required"',
        "timestamp": "2026-06-29T12:00:00.123Z",
    }


def test_what_is_written_is_read() -> None:
    answer = read_envelope(envelope([Raw('{"kwh":1.50}')], status_message="Success", at=AT))
    assert answer.data == [{"kwh": Decimal("1.50")}]
    assert (answer.status_code, answer.status_message, answer.ok, answer.has_data) == (1000, "Success", True, True)
    assert answer.timestamp == AT.replace(microsecond=123_000)


@pytest.mark.parametrize(
    ("body", "code", "data", "has_data"),
    [
        ('{"status_code": 1000}', 1000, None, False),
        ('{"status_code": 1000, "data": null}', 1000, None, True),
        ('{"status_code": "1000", "data": {}}', 1000, {}, True),
        ('{"status_code": 2001.0, "data": "debug"}', 2001, "debug", True),
        ('{"status_code": 1000, "timestamp": "yesterday", "data": [[]]}', 1000, [[]], True),
        ('{"status_code": 1000, "timestamp": 1782734400}', 1000, None, False),
        ('\ufeff{"status_code": 4003, "status_message": {"code": 1}, "extra": 1}', 4003, None, False),
    ],
)
def test_a_sloppy_answer_is_read(body: str, code: int, data: Any, has_data: bool) -> None:
    answer = read_envelope(body)
    assert (answer.status_code, answer.data, answer.has_data) == (code, data, has_data)
    assert answer.timestamp is None
    assert answer.ok is (code == 1000)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"<html><body>502 Bad Gateway</body></html>", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"1000"', "not a JSON object"),
        (b"{}", "no OCPI status_code"),
        (b'{"status_code": null}', "no OCPI status_code"),
        (b'{"status_code": true}', "no OCPI status_code"),
        (b'{"status_code": 200}', "no OCPI status_code"),
        (b'{"status_code": 10000}', "no OCPI status_code"),
        (b'{"status_code": 1000.5}', "no OCPI status_code"),
        (b'{"status_code": "OK"}', "no OCPI status_code"),
        (b'{"status_code": "11111111111111111111111111"}', "no OCPI status_code"),
        (b'{"detail": "Not Found"}', "no OCPI status_code"),
        (b'{"status_code": 1000, "data": "\\u0000"}', "NUL"),
        (b'{"status_code": 1000, "data": ' + b"[" * 70 + b"]" * 70 + b"}", "nested"),
    ],
)
def test_what_is_not_an_ocpi_answer(body: bytes, reason: str) -> None:
    with pytest.raises(NotOcpi, match=reason):
        read_envelope(body)
