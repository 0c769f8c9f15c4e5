"""How long a frame may be."""

import pytest

from bridge_ocpp.sizes import is_too_long

LONG = "x" * 200


@pytest.mark.parametrize(
    ("text", "too_long"),
    [
        ('[2,"1","Heartbeat",{}]', False),
        (f'[2,"1","Heartbeat",{{"a":"{LONG}"}}]', True),
        (f'[2,"1","SignCertificate",{{"csr":"{LONG}"}}]', False),
        (f' [ 2 , "1" , "Authorize" , {{"certificate":"{LONG}"}}]', False),
        (f'[3,"asked",{{"a":"{LONG}"}}]', False),
        (f'[3,"another",{{"a":"{LONG}"}}]', True),
        (f'[2,"{LONG}","Heartbeat",{{}}]', True),
        (f'["SignCertificate",2,"{LONG}"]', True),
        (LONG, True),
        ("é" * 99, True),
        ("é" * 49, False),
        ("", False),
    ],
)
def test_only_what_carries_certificates_may_be_longer(text: str, too_long: bool) -> None:
    asked = {"asked": "GetInstalledCertificateIds", "another": "Reset"}
    assert is_too_long(text, limit=100, asked=asked.get) is too_long
