"""Whose word about a charger's line and address is believed."""

import pytest

from bridge_ocpp.security.proxies import Proxies, origin

TRUSTED = Proxies(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["1.1.1.1", "9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("::ffff:10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("8.8.8.8", ["9.9.9.9"], "8.8.8.8"),
        ("", ["9.9.9.9"], ""),
    ],
)
def test_the_address_that_is_believed(peer: str, forwarded: list[str], client: str) -> None:
    assert TRUSTED.client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("peer", "proto", "encrypted"),
    [
        ("10.0.0.1", ["https"], True),
        ("10.0.0.1", ["WSS"], True),
        ("10.0.0.1", [], True),
        ("10.0.0.1", ["http"], False),
        ("10.0.0.1", ["https, http"], False),
        ("8.8.8.8", ["https"], False),
    ],
)
def test_the_line_that_is_believed(peer: str, proto: list[str], encrypted: bool) -> None:
    assert TRUSTED.encrypted(peer, proto) is encrypted


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_whom_guesses_are_counted_for(address: str, counted: str) -> None:
    assert origin(address) == counted


def test_without_networks_nobody_is_believed() -> None:
    assert not Proxies([]).trusted("127.0.0.1")
    with pytest.raises(ValueError):
        Proxies(["everywhere"])
