"""Parties and message ids in headers, and credentials tokens in whatever coding."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import MessageIds, PartyId, Routing, encode_token, token_candidates

CPO = PartyId("NL", "ABC")
EMSP = PartyId("de", "Msp")


def test_a_party_is_compared_without_case_and_kept_with_it() -> None:
    assert PartyId("nl", "abc") == CPO
    assert len({PartyId("nl", "Abc"), CPO, EMSP}) == 2
    assert (str(EMSP), EMSP.key) == ("de/Msp", "de/msp")
    assert PartyId.parse("de/Msp") == EMSP
    assert CPO != "NL/ABC"


@pytest.mark.parametrize(
    ("country_code", "party_id"),
    [("", "ABC"), ("NL", ""), ("NLD", "ABC"), ("NL", "ABCD"), ("N/", "ABC"), ("NL", "A C"), ("NL", "A\n"), ("NL", "é")],
)
def test_what_is_not_a_party(country_code: str, party_id: str) -> None:
    with pytest.raises(InvalidParameters):
        PartyId(country_code, party_id)


@pytest.mark.parametrize("text", ["", "NLABC", "NL/", "/ABC", "NL/ABC/1"])
def test_what_is_not_a_party_in_writing(text: str) -> None:
    with pytest.raises(InvalidParameters):
        PartyId.parse(text)


def test_routing_is_read_and_written() -> None:
    headers = {
        "ocpi-to-country-code": "de",
        "ocpi-to-party-id": "Msp",
        "ocpi-from-country-code": " NL ",
        "ocpi-from-party-id": "ABC",
    }
    routing = Routing.read(headers)
    assert routing == Routing(to=EMSP, from_=CPO)
    assert routing.headers() == {
        "OCPI-to-party-id": "Msp",
        "OCPI-to-country-code": "de",
        "OCPI-from-party-id": "ABC",
        "OCPI-from-country-code": "NL",
    }
    assert routing.reversed() == Routing(to=CPO, from_=EMSP)


def test_routing_may_be_absent() -> None:
    assert Routing.read({}) == Routing()
    assert Routing.read({"ocpi-to-party-id": "", "ocpi-to-country-code": " "}) == Routing()
    assert Routing().headers() == {}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"ocpi-to-party-id": "ABC"}, "OCPI-to-country-code: is required beside OCPI-to-party-id"),
        ({"ocpi-from-country-code": "NL"}, "OCPI-from-party-id: is required beside OCPI-from-country-code"),
        (
            {"ocpi-to-party-id": "ABCD", "ocpi-to-country-code": "NL"},
            "OCPI-to-country-code, OCPI-to-party-id: party_id: must be 1 to 3 printable ASCII characters",
        ),
    ],
)
def test_half_a_pair_or_a_bad_value_is_refused(headers: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        Routing.read(headers)
    assert caught.value.message == message


def test_message_ids() -> None:
    ids = MessageIds.read({"x-request-id": " 1 2 ", "x-correlation-id": "abc"})
    assert ids.headers() == {"X-Request-ID": "1 2", "X-Correlation-ID": "abc"}
    assert MessageIds.read({"x-request-id": "a\x01", "x-correlation-id": "x" * 256}) == MessageIds()
    assert MessageIds().headers() == {}


def test_a_token_is_sent_in_base64() -> None:
    assert encode_token("example-token") == "Token ZXhhbXBsZS10b2tlbg=="


@pytest.mark.parametrize(
    ("header", "candidates"),
    [
        ("Token ZXhhbXBsZS10b2tlbg==", ["ZXhhbXBsZS10b2tlbg==", "example-token"]),
        # The specification's own example encodes a line break with the token.
        ("Token ZXhhbXBsZS10b2tlbgo=", ["ZXhhbXBsZS10b2tlbgo=", "example-token\n", "example-token"]),
        ("token ZXhhbXBsZS10b2tlbg==", ["ZXhhbXBsZS10b2tlbg==", "example-token"]),
        ("TOKEN   ZXhhbXBsZS10b2tlbg== ", ["ZXhhbXBsZS10b2tlbg==", "example-token"]),
        ("Token ZXhhbXBsZS10b2tlbg", ["ZXhhbXBsZS10b2tlbg", "example-token"]),
        ("Token example-token", ["example-token"]),
        ("Token abcd", ["abcd"]),
        ("Token YWJjZA==\r\n", ["YWJjZA==", "abcd"]),
        ("Token w6k=", ["w6k="]),
        ("Token gICA", ["gICA"]),
        ("Bearer abc", []),
        ("Basic YTpi", []),
        ("Token", []),
        ("Token ", []),
        ("Token two words", []),
        ("Token é", []),
        ("Token " + "a" * 513, []),
        ("", []),
        (None, []),
    ],
)
def test_the_tokens_that_a_header_may_mean(header: str | None, candidates: list[str]) -> None:
    assert token_candidates(header) == candidates


@given(st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=64))
def test_a_token_is_found_however_it_is_sent(token: str) -> None:
    with_line_break = "Token " + base64.b64encode(token.encode() + b"\n").decode()
    assert token_candidates(f"Token {token}")[0] == token
    assert token in token_candidates(encode_token(token))
    assert token in token_candidates(with_line_break)


@given(st.text(max_size=80))
def test_any_header_has_candidates_or_none(header: str) -> None:
    assert len(token_candidates(header)) <= 4
    assert len(token_candidates("Token " + header)) <= 4
