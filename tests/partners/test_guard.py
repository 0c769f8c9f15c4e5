"""No spelling of an inner address, no resolver and no redirect opens a connection that the operator did not allow."""

import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.base.settings import Settings
from ocpi_hub.partners.client import PartnerClient, Told, Unreachable
from ocpi_hub.partners.guard import Blocked, Guard, is_public, url_problem
from tests.world import faults
from tests.world.partner import Partner

TOKEN = "our-credentials-token-0123456789"

HOSTILE = """
127.0.0.1 127.1 127.0.1 2130706433 017700000001 0177.0.0.1 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 0 0.0.0.0 127.255.255.254
10.0.0.1 172.16.0.1 172.31.255.254 192.168.0.1 100.64.0.1 169.254.169.254 169.254.170.2 192.0.0.170 192.0.2.1
192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::ffff:0:127.0.0.1]
[::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::7f00:1] [2002:7f00:1::1] [2002:a9fe:a9fe::]
[2001:0:7f00:1::1] [fe80::1] [fe80::1%25lo] [fc00::1] [fd00:ec2::254] [fec0::1] [ff02::1] [100::1] [2001:db8::1]
[3fff::1] localhost LOCALHOST localhost. ip6-localhost inner.example １２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1
user@127.0.0.1 user:pw@127.0.0.1 example.com@127.0.0.1 127.0.0.1\\@example.com example.com#@127.0.0.1 [::1
""".split()  # noqa: SIM905 - one can read it
SCHEMES = ("http", "https")
OTHER_URLS = (
    "",
    "/",
    "//127.0.0.1/",
    "http:///",
    "http://",
    "https://:443/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1/",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "javascript:alert(1)",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:port/",
    "http://127.0.0.1 @example.com/",
    "http://127.0.0.1\t/",
    "http://example.com\r\nHost: 127.0.0.1/",
    "http://example.com\x00.127.0.0.1/",
)


def client(**changes: Any) -> PartnerClient:
    return PartnerClient(Settings(_env_file=None, partner_timeout=2, **changes))


async def ask(url: str, **changes: Any) -> Unreachable | Told:
    """What a fresh client makes of one GET."""
    asking = client(**changes)
    result = await asking.call("GET", url, credentials_token=TOKEN)
    await asking.aclose()
    assert isinstance(result, Unreachable | Told)
    return result


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that a socket was told to connect to; beyond loopback it is refused without leaving."""
    addresses: list[str] = []

    class Counting(socket.socket):
        def connect(self, address: Any) -> None:
            addresses.append(address[0])
            if not ipaddress.ip_address(address[0]).is_loopback:
                raise ConnectionRefusedError
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Counting)
    return addresses


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """A resolver: name → its answers, one after the other, each a list of addresses. Local names resolve as usual."""
    answers: dict[str, list[list[str]]] = {"inner.example": [["127.0.0.1"]] * 10}
    really = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in answers:
            if "example" in host:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return really(host, port, *args, **kwargs)
        found = [(ipaddress.ip_address(address).version, address) for address in answers[host].pop(0)]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            if version == 4
            else (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            for version, address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.fixture
async def inside() -> AsyncIterator[Partner]:
    """A server inside, which nobody may reach."""
    async with Partner() as server:
        yield server


@pytest.mark.parametrize("host", HOSTILE)
async def test_hostile_hosts(host: str, inside: Partner, connects: list[str], names: Any) -> None:
    for scheme in SCHEMES:
        result = await ask(f"{scheme}://{host}:{inside.port}/ocpi/versions")
        assert isinstance(result, Unreachable)
        assert result.http_status is None
    assert connects == []
    assert inside.heard == []


@pytest.mark.parametrize("url", OTHER_URLS)
async def test_other_urls(url: str, connects: list[str], names: Any) -> None:
    assert isinstance(await ask(url), Unreachable)
    assert isinstance(await ask(url, partner_networks="127.0.0.0/8"), Unreachable)
    assert [address for address in connects if address != "127.0.0.1"] == []


async def test_a_resolver_that_changes_its_answer(inside: Partner, connects: list[str], names: Any) -> None:
    names["rebind.example"] = [["1.1.1.1"], ["127.0.0.1"], ["::1"], ["8.8.8.8", "127.0.0.1"]]
    url = f"https://rebind.example:{inside.port}/"
    reasons = [(await ask(url)).reason for _ in range(4)]  # type: ignore[union-attr]
    assert connects == ["1.1.1.1", "8.8.8.8"]
    assert reasons[:3] == ["the connection was refused", Blocked.TEXT, Blocked.TEXT]
    assert inside.heard == []


async def test_a_redirect_inwards(inside: Partner, connects: list[str]) -> None:
    async with Partner() as partner:
        for code in (301, 302, 303, 307, 308):
            for target in (f"{inside.url}/x", "http://169.254.169.254/latest/meta-data/", "https://[::1]/"):
                partner.misbehave(faults.redirects(target, code=code))
                result = await ask(partner.versions_url, partner_networks="127.0.0.0/8")
                assert isinstance(result, Unreachable)
                assert result.http_status == code
    assert inside.heard == []
    assert set(connects) == {"127.0.0.1"}


async def test_without_tls_only_the_networks_of_the_operator(connects: list[str], names: Any) -> None:
    names["partner.example"] = [["1.1.1.1"], ["1.1.1.1"]]
    plain = await ask("http://partner.example/")
    assert isinstance(plain, Unreachable)
    assert plain.reason == Blocked.TEXT
    assert connects == []
    await ask("http://partner.example/", partner_networks="1.1.1.0/24")
    assert connects == ["1.1.1.1"]


async def test_the_lab_is_reached_when_the_operator_says_so(inside: Partner) -> None:
    inside.accepts.add(TOKEN)
    assert isinstance(await ask(inside.versions_url, partner_networks="127.0.0.0/8"), Told)
    assert isinstance(await ask(inside.versions_url, partner_networks="10.0.0.0/8, ::1/128"), Unreachable)


def test_networks_are_not_mixed_up_with_their_mapped_selves() -> None:
    guard = Guard(["127.0.0.0/8"], public=True)
    assert guard.allows("127.8.9.10")
    assert not guard.allows("::ffff:127.0.0.1")
    assert Guard(["fe80::/10"], public=False).allows("fe80::1%eth0")
    assert not guard.allows("localhost")


def test_the_public_internet() -> None:
    guard = Guard([], public=True)
    for address in ("1.1.1.1", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"):
        assert guard.allows(address)
        assert not Guard([], public=False).allows(address)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_the_registries_call_local_is_never_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


def test_the_text_of_a_refusal_names_no_address() -> None:
    with pytest.raises(Blocked) as refused:
        Guard([], public=True).open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443)))
    assert "10.1.2.3" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://partner.example/ocpi/versions", None),
        ("HTTP://partner.example:8080/x?y=z", None),
        ("ftp://partner.example/", "the URL is not http:// or https://"),
        ("https://", "the URL names no host"),
        ("https://a:b@partner.example/", "the URL contains user information"),
        ("https://@partner.example/", "the URL contains user information"),
        ("https://partner.example/a b", "the URL contains spaces or control characters"),
        ("https://partner.example:x/", "the URL is malformed"),
    ],
)
def test_what_is_wrong_with_a_url(url: str, problem: str | None) -> None:
    assert url_problem(url) == problem
