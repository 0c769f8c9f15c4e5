"""JSON: exact in, exact out, and nothing hostile comes through or makes us fall over."""

import json as stdlib_json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.json import NotJson, dumps, loads
from ocpi_hub.wire.types import Price

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n",
    "depth 65": b"[" * 65 + b"]" * 65,
    "depth 65 of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "depth 100000": b"[" * 100_000 + b"]" * 100_000,
    "depth 100000 of objects, never closed": b'{"a":' * 100_000,
    "NaN": b'{"kwh": NaN}',
    "Infinity": b'{"kwh": Infinity}',
    "-Infinity": b"[-Infinity]",
    "lone high surrogate": b'"\\ud83d"',
    "lone low surrogate": b'{"a": ["\\uDE00 x"]}',
    "surrogates the wrong way round": b'"\\ude00\\ud83d"',
    "lone surrogate as a key": b'{"\\ud800": 1}',
    "surrogate encoded in UTF-8": b'"\xed\xa0\x80"',
    "integer of 5000 digits": b"1" * 5000,
    "integer of 101 digits": b"1" * 101,
    "fraction of 5000 digits": b"0." + b"1" * 5000,
    "exponent 400": b"1e400",
    "exponent -400": b"1e-400",
    "exponent beyond Decimal": b"1e" + b"9" * 50,
    "zero with an absurd exponent": b"0e999999",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32 without a mark": '{"a": 1}'.encode("utf-32-le"),
    "gzip": bytes.fromhex("1f8b08000000000000ffab0600"),
    "latin-1": b'"caf\xe9"',
    "trailing garbage": b'{"a": 1} x',
    "two documents": b"{}{}",
    "truncated": b'{"a": [1, 2',
    "truncated string": b'"abc',
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
    "comment": b"[1] // one",
    "leading zero": b"01",
    "no digits after the point": b"1.",
    "no digits before the point": b".5",
    "plus": b"+1",
    "hexadecimal": b"0x10",
    "other digits": "١٢".encode(),
    "bare word": b"undefined",
    "line break in a string": b'"a\nb"',
    "NUL in a string, not escaped": b'"a\x00b"',
    "NUL after the document": b"{}\x00",
    "bad escape": b'"\\x41"',
    "no-break space between": "[1,\u00a02]".encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        loads(body)
    assert (caught.value.http_status, caught.value.status_code) == (400, 2001)
    assert 0 < len(caught.value.message) < 200


def test_a_text_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(NotJson):
        loads('{"a": "\ud800"}')


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a": {"b": ["x", "y\\u0000"]}}', "a.b.1"),
        (b'"\\u0000"', "the document"),
        (b'{"a": {"\\u0000": 1}}', "a"),
    ],
)
def test_nul_in_a_string_is_json_that_nobody_can_keep(body: bytes, path: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        loads(body)
    assert caught.value.message == f"{path}: must not contain the character NUL"
    assert (caught.value.http_status, caught.value.status_code) == (200, 2001)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"\xef\xbb\xbf{}", {}),
        ("\ufeff[1]", [1]),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000 \\\\ud800"', "\\u0000 \\ud800"),
        (b'"\\u00e9\\u2028"', "é\u2028"),
        (b" \r\n\t[ ] ", []),
        (b"[" * 64 + b"]" * 64, None),
        (b"1" * 100, int("1" * 100)),
        (b"-0.10", Decimal("-0.10")),
        (b"1.5E+3", Decimal("1.5E+3")),
        (b"20.0", Decimal("20.0")),
        (b"230", 230),
        (b"null", None),
    ],
)
def test_what_is_json_is_read(body: bytes | str, document: Any) -> None:
    read = loads(body)
    if document is not None:
        assert read == document
        assert type(read) is type(document)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"id":"1","id":"2"}', "id"),
        (b'{"id":"1","\\u0069d":"2"}', "id"),
        (b'{"token":{"uid":"1","type":"RFID","uid":"1"}}', "uid"),
        (b'[{"a":[{"b":1,"b":1}]}]', "b"),
        (b'\xef\xbb\xbf{"":1,"":2}', ""),
    ],
)
def test_doubled_names_are_refused_where_names_must_be_unique(body: bytes, name: str) -> None:
    with pytest.raises(InvalidParameters, match=f"^{name}: stands twice in one object"):
        loads(body, unique=True)
    loads(body)  # and the last one counts elsewhere


def test_names_that_only_look_alike_are_unique() -> None:
    body = b'{"id":"1","ID":"2","a":{"id":"3"},"b":[{"id":"4"},{"id":"5"}]}'
    assert loads(body, unique=True) == loads(body)


def test_the_depth_can_be_chosen() -> None:
    assert loads(b"[[]]", max_depth=2) == [[]]
    assert loads(b"1", max_depth=0) == 1
    with pytest.raises(NotJson):
        loads(b"[[1]]", max_depth=1)


def test_a_body_that_needs_much_more_memory_than_it_has_bytes_is_refused() -> None:
    keys = b"{" + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}"
    lists = b"[" + b"[]," * 1_000_000 + b"[]]"
    for body in (keys, lists):
        tracemalloc.start()
        with pytest.raises(NotJson, match="more than 250000 values"):
            loads(body)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2 * len(body)


def test_many_values_are_read_where_they_are_expected() -> None:
    body = b"[" + b",".join([b"1"] * 300_000) + b"]"
    assert len(loads(body, max_values=300_001)) == 300_000
    assert len(loads(b"[" + b",".join([b"1"] * 250_000) + b"]")) == 250_000


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+2"), "100"),
        (Decimal("1.5E-7"), "0.00000015"),
        (Decimal("12345678901234567890.1234"), "12345678901234567890.1234"),
        ({"a": [1, None, True, "é"]}, '{"a":[1,null,true,"é"]}'),
        ((1, Decimal(2)), "[1,2]"),
        ({"at": datetime(2026, 1, 2, 3, 4, 5, 678999, UTC)}, '{"at":"2026-01-02T03:04:05.678Z"}'),
        ([Price(excl_vat=Decimal("1.10"))], '[{"excl_vat":1.10}]'),
        ('"\\\n', '"\\"\\\\\\n"'),
    ],
)
def test_writing(document: Any, text: str) -> None:
    assert dumps(document) == text


@pytest.mark.parametrize("document", [Decimal("NaN"), Decimal("Infinity"), float("nan"), [float("inf")]])
def test_what_is_not_a_number_is_not_written(document: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)not finite|out of range|compliant"):
        dumps(document)


def test_what_has_no_place_in_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        dumps({"a": {1}})


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(documents)
def test_what_is_written_is_read_again(document: Any) -> None:
    text = dumps(document)
    assert loads(text) == document
    assert loads(text.encode()) == document
    assert dumps(loads(text)) == text
    assert stdlib_json.loads(text, parse_float=Decimal) == document


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,20}", fullmatch=True))
def test_a_number_keeps_every_digit(text: str) -> None:
    assert dumps(loads(text)) == text


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        document = loads(body)
    except (NotJson, InvalidParameters):
        return
    assert loads(dumps(document)) == document


@given(st.text(alphabet='[]{}",:0123456789.eE+-\\untrfals \ud800\x00', max_size=60))
def test_any_text_is_read_or_refused(body: str) -> None:
    try:
        ours = loads(body)
    except (NotJson, InvalidParameters):
        return
    assert stdlib_json.loads(body, parse_float=Decimal) == ours
