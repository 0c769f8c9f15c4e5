"""What a journal never shows: credentials tokens, and what names a driver. Literal text in and out."""

import pytest

from ocpi_hub.partners.masking import mask_body, mask_url


@pytest.mark.parametrize(
    ("module", "body", "kept"),
    [
        ("credentials", '{"token":"s3cret","url":"https://x"}', '{"token":"***","url":"https://x"}'),
        ("tokens", '{"uid":"04A1","valid":true}', '{"uid":"***","valid":true}'),
        ("tokens", '{ "UID" : "04A1" , "type":"RFID"}', '{ "UID" : "***" , "type":"RFID"}'),
        ("tokens", '{"uid":12345,"x":1}', '{"uid":"***","x":1}'),
        ("tokens", '{"uid":"a\\"b","x":1}', '{"uid":"***","x":1}'),
        ("tokens", '[{"contract_id":"C1","visual_number":"V1","group_id":"G"}]',
         '[{"contract_id":"***","visual_number":"***","group_id":"***"}]'),
        ("commands", '{"token":{"uid":"04A1","contract_id":"C"},"location_id":"LOC1"}',
         '{"token":{"uid":"***","contract_id":"***"},"location_id":"LOC1"}'),
        ("sessions", '{"cdr_token":{"uid":"04A1"},"evse_uid":"E1"}', '{"cdr_token":{"uid":"***"},"evse_uid":"E1"}'),
        ("nltnm-own", '{"uid":"04A1"}', '{"uid":"***"}'),
        ("locations", '{"evses":[{"uid":"EVSE1"}]}', '{"evses":[{"uid":"EVSE1"}]}'),
        ("locations", '{"publish_allowed_to":[{"uid":"04A1","type":"RFID"}]}',
         '{"publish_allowed_to":[{"uid":"***","type":"RFID"}]}'),
        ("locations", '{"x":[{"visual_number":"V1"}]}', '{"x":[{"visual_number":"***"}]}'),
        ("commands", '{"response_url":"https://hub/ocpi/2.2.1/via/commands/abcdefgh-1"}',
         '{"response_url":"https://hub/ocpi/2.2.1/via/commands/***"}'),
        ("tokens", '{"\\u0075id":"04A1"}', "(19 bytes with escaped names)"),
        ("tokens", "uid=04A1", "(8 bytes that are not JSON)"),
        ("tokens", "  ", ""),
    ],
)  # fmt: skip
def test_bodies(module: str, body: str, kept: str) -> None:
    assert mask_body(body.encode(), module, longest=1000) == kept


@pytest.mark.parametrize("longest", range(8, 40))
def test_a_body_that_is_cut_shows_no_part_of_a_secret(longest: int) -> None:
    body = b'{"uid":"SECRET\\"TOO","contract_id":"SECRETS"}'
    assert "SEC" not in mask_body(body, "tokens", longest=longest)
    assert mask_body(body, "tokens", longest=longest).endswith(" …")


def test_what_the_database_cannot_keep_is_left_out() -> None:
    assert mask_body(b'{"a":"\x00\xff"}', "locations", longest=100) == '{"a":"�"}'


@pytest.mark.parametrize(
    ("module", "url", "kept"),
    [
        ("tokens", "https://p.example/ocpi/tokens/DE/MSP/04A1?type=RFID", "https://p.example/ocpi/tokens/DE/MSP/***?type=RFID"),
        ("tokens", "https://p.example/tokens/04A1/authorize?type=RFID", "https://p.example/tokens/***/authorize?type=RFID"),
        ("tokens", "https://p.example/ocpi/2.2.1/tokens?offset=5", "https://p.example/ocpi/2.2.1/tokens?offset=5"),
        ("tokens", "DE/MSP/04A1", "DE/MSP/***"),
        ("tokens", "DE/MSP/04A1/more", "DE/MSP/***"),
        ("tokens", "04A1/authorize", "***/authorize"),
        ("tokens", "04A1", "***"),
        ("tokens", "", ""),
        ("locations", "NL/ABC/LOC1/EVSE1", "NL/ABC/LOC1/EVSE1"),
        ("nltnm-own", "https://p.example/x?uid=04A1&y=1", "https://p.example/x?uid=***&y=1"),
        ("chargingprofiles", "S1?response_url=https://h/ocpi/2.2.1/via/x/abcdefghij", "S1?response_url=https://h/ocpi/2.2.1/via/x/***"),
        ("locations", "https://me:secret@p.example/x#y", "https://p.example/x"),
        ("locations", "http://[", "(a URL that cannot be read)"),
    ],
)  # fmt: skip
def test_urls(module: str, url: str, kept: str) -> None:
    assert mask_url(url, module) == kept


@pytest.mark.parametrize(
    "url",
    ["NL/ABC/LOC1", "https://partner.example/ocpi/locations/NL/ABC/LOC%201", "HTTPS://Partner.example:8443/a;b=c,d"],
)
def test_a_url_with_nothing_to_leave_out_stays_as_it_was_sent(url: str) -> None:
    assert mask_url(url, "locations") == url
