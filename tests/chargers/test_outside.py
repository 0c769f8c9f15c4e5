"""What the hub asks the world for its chargers: real HTTP peers, a real bridge; and what an outside may do wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge_ocpp.port import BAD_ANSWER, NO_ANSWER, NOT_CONFIGURED, ContractAnswer, ContractWanted, NotServed, VatAnswer
from ocpi_hub.base.settings import Settings
from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from ocpi_hub.chargers.outside import HubOutside
from ocpi_hub.partners.client.fetching import Fetcher
from tests.bridge.chargers import raw
from tests.bridge.security.authority import new_key
from tests.bridge.security.issuers import REVOKED, Issuer, chain
from tests.world.hub import running_hub

EMAID = "NL-ABC-C12345678-9"
WANTED = ContractWanted("CP1", "urn:iso:15118:2:2013:MsgDef", "Install", "eA==", 2, (EMAID,))
TOKEN = "the-services-token"


@dataclass
class Peer:
    """Somebody outside: answers by path, and keeps what it was asked."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    heard: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.heard.append((request.method, request.path, dict(request.headers), body))
        said = self.answers[request.path]
        if callable(said):
            said = said(body)
        if isinstance(said, int):
            await asyncio.sleep(said)
            return web.Response()
        if isinstance(said, bytes):
            return web.Response(body=said)
        return said if isinstance(said, web.Response) else web.json_response(said)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    found, app = Peer(), web.Application()
    app.router.add_route("*", "/{tail:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


class _Resources:
    """Settings, and the one fetcher: all that HubOutside needs."""

    def __init__(self, **changes: Any) -> None:
        given = {"partner_networks": "127.0.0.0/8", "service_timeout": 2} | changes
        self.settings = Settings(_env_file=None, **given)
        self.fetcher = Fetcher(self.settings)

    def one(self, _kind: type[Fetcher]) -> Fetcher:
        return self.fetcher


_opened: list[Fetcher] = []


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    while _opened:
        await _opened.pop().aclose()


def outside(**changes: Any) -> HubOutside:
    resources = _Resources(**changes)
    _opened.append(resources.fetcher)
    return HubOutside(resources)  # type: ignore[arg-type]


async def refused(work: Any) -> tuple[str, str]:
    with pytest.raises(NotServed) as found:
        await work
    return found.value.code, str(found.value)


# --- URLs that chargers name -------------------------------------------------------------------------------------


async def test_what_a_charger_names_is_asked_without_any_secret(peer: Peer) -> None:
    peer.answers["/ocsp"] = b"answer"
    hub = outside(contract_certificates_token=TOKEN)
    got = await hub.fetch(f"{peer.url}/ocsp", body=b"q", content_type="application/ocsp-request", limit=100)
    assert got == b"answer"
    await hub.fetch(f"{peer.url}/ocsp", body=None, content_type="", limit=100)
    (method, _, headers, body), (second, *_) = peer.heard
    assert (method, body, headers["Content-Type"], second) == ("POST", b"q", "application/ocsp-request", "GET")
    assert "Authorization" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0x7f.1"])
async def test_no_address_within_is_ever_asked(peer: Peer, host: str) -> None:
    peer.answers["/ocsp"] = b"answer"
    url = f"http://{host}:{peer.url.rpartition(':')[2]}/ocsp"
    code, reason = await refused(outside(partner_networks="").fetch(url, body=b"", content_type="x/y", limit=100))
    assert code == NO_ANSWER
    assert reason in ("the host's address is not one that partners may live at", "the host name was not found")
    assert peer.heard == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example/x", "the URL is not http:// or https://"),
        ("file:///etc/passwd", "the URL is not http:// or https://"),
        ("http://user:pass@a.example/", "the URL contains user information"),
        ("http://a.example/ x", "the URL contains spaces or control characters"),
        ("", "the URL is not http:// or https://"),
    ],
)
async def test_a_url_that_is_none_of_ours_is_not_asked(url: str, why: str) -> None:
    assert await refused(outside().fetch(url, body=b"", content_type="x/y", limit=100)) == (NO_ANSWER, why)


async def test_long_slow_failing_and_moved_answers_are_none(peer: Peer) -> None:
    hub = outside(service_timeout=0.3)
    peer.answers = {
        "/long": b"x" * 101,
        "/slow": 60,
        "/broken": web.Response(status=500),
        "/moved": web.Response(status=302, headers={"Location": "/long"}),
    }

    async def fetched(path: str) -> tuple[str, str]:
        return await refused(hub.fetch(peer.url + path, body=b"", content_type="x/y", limit=100))

    assert await fetched("/long") == (NO_ANSWER, "the answer is larger than 100 bytes")
    assert await fetched("/slow") == (NO_ANSWER, "no complete answer within 0.3 s")
    assert await fetched("/broken") == (NO_ANSWER, "the answer was HTTP 500")
    assert await fetched("/moved") == (NO_ANSWER, "the answer was HTTP 302")
    assert [path for _, path, *_ in peer.heard] == ["/long", "/slow", "/broken", "/moved"]


# --- services of the operator's ----------------------------------------------------------------------------------


async def test_a_contract_is_asked_for_as_the_page_says(peer: Peer) -> None:
    peer.answers["/contracts"] = {"status": "Accepted", "exiResponse": "eXk=", "remainingContracts": 1, "more": True}
    hub = outside(contract_certificates_url=f"{peer.url}/contracts", contract_certificates_token=TOKEN)
    assert await hub.contract(WANTED) == ContractAnswer(True, "eXk=", 1)
    ((method, _, headers, body),) = peer.heard
    assert (method, headers["Authorization"], headers["Content-Type"]) == (
        "POST",
        f"Bearer {TOKEN}",
        "application/json",
    )
    assert body == (
        b'{"charger":"CP1","iso15118SchemaVersion":"urn:iso:15118:2:2013:MsgDef","action":"Install","exiRequest":"eA==",'
        b'"maximumContractCertificateChains":2,"prioritizedEMAIDs":["NL-ABC-C12345678-9"]}'
    )
    peer.answers["/contracts"] = {"status": "Failed", "reason": "no contract for this car"}
    assert await hub.contract(WANTED) == ContractAnswer(False, reason="no contract for this car")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"<html>", "the service's answer is wrong at its JSON"),
        ({}, "the service's answer is wrong at status"),
        ({"status": "Perhaps"}, "the service's answer is wrong at status"),
        ({"status": "Accepted"}, "the service's answer has no exiResponse"),
        ({"status": "Accepted", "exiResponse": 7}, "the service's answer is wrong at exiResponse"),
        ({"status": "Accepted", "exiResponse": "x", "remainingContracts": -1}, "the service's answer is wrong at "),
    ],
)
async def test_a_service_that_talks_nonsense_is_told_apart(peer: Peer, said: Any, why: str) -> None:
    peer.answers["/contracts"] = said
    code, reason = await refused(outside(contract_certificates_url=f"{peer.url}/contracts").contract(WANTED))
    assert code == BAD_ANSWER
    assert reason.startswith(why)


async def test_the_services_token_never_crosses_the_internet_without_tls() -> None:
    hub = outside(contract_certificates_url="http://192.0.1.1/x", contract_certificates_token=TOKEN)
    code, reason = await refused(hub.contract(WANTED))
    assert (code, reason) == (NO_ANSWER, "the host's address is not one that partners may live at")


async def test_a_vat_number_is_asked_as_the_page_says(peer: Peer) -> None:
    peer.answers["/vat"] = {"status": "Accepted", "company": {"name": "Acme", "city": "Ghent", "vies": 1}}
    hub = outside(vat_numbers_url=f"{peer.url}/vat", vat_numbers_token=TOKEN)
    assert await hub.vat_number("CP1", "BE0123456789") == VatAnswer(True, {"name": "Acme", "city": "Ghent"})
    ((_, _, headers, body),) = peer.heard
    assert (headers["Authorization"], body) == (f"Bearer {TOKEN}", b'{"charger":"CP1","vatNumber":"BE0123456789"}')
    peer.answers["/vat"] = {"status": "Rejected", "reason": "not registered"}
    assert await hub.vat_number("CP1", "BE0123456789") == VatAnswer(False, reason="not registered")


async def test_without_a_setting_nobody_is_asked() -> None:
    hub = outside()
    assert (await refused(hub.contract(WANTED)))[0] == NOT_CONFIGURED
    assert (await refused(hub.vat_number("CP1", "BE0123456789")))[0] == NOT_CONFIGURED


# --- from the charger to the world and back -----------------------------------------------------------------------


async def test_plug_and_charge_from_the_contract_to_the_verdict(
    database_url: str, redis_url: str, tmp_path: Path, peer: Peer
) -> None:
    root = Issuer("MO Root")
    authorities = tmp_path / "mo.pem"
    authorities.write_text(chain(root.certificate))
    peer.answers = {"/ocsp": root.answer, "/contracts": {"status": "Accepted", "exiResponse": "eXk="}}
    changed = {"contract_authorities": authorities, "contract_certificates_url": f"{peer.url}/contracts"}
    contract = root.sign(EMAID, new_key(), responder=f"{peer.url}/ocsp")
    async with running_hub(database_url, redis_url, works=True, ocpp_port=0, **changed) as hub:
        bind(hub.resources)
        await hub.admin("POST", "/chargers", {"id": "CP1", "password": "secret-123"})
        await hub.admin("PUT", f"/tokens/{EMAID}", {"status": "Accepted"})
        async with (
            bridge_of(hub.resources).run() as bridge,
            raw(bridge.url, "CP1", "ocpp2.0.1", password="secret-123") as charger,
        ):
            boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
            assert (await charger.call("BootNotification", boot))["status"] == "Accepted"
            wanted = {"iso15118SchemaVersion": "urn:x", "action": "Install", "exiRequest": "eA=="}
            got = await charger.call("Get15118EVCertificate", wanted)
            assert got == {"status": "Accepted", "exiResponse": "eXk="}
            shown = {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": chain(contract)}
            answer = await charger.call("Authorize", shown)
            assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Accepted", "Accepted")
            other = root.sign(EMAID, new_key(), responder=f"{peer.url}/ocsp")
            root.answers[other.serial_number] = REVOKED
            answer = await charger.call("Authorize", shown | {"certificate": chain(other)})
            assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Invalid", "CertificateRevoked")
            await hub.admin("PUT", f"/tokens/{EMAID}", {"status": "Blocked"})
            answer = await charger.call("Authorize", shown)
            assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Blocked", "ContractCancelled")
    assert [path for _, path, *_ in peer.heard] == ["/contracts", "/ocsp", "/ocsp"]


async def test_authorities_that_are_none_stop_the_bridge(database_url: str, redis_url: str, tmp_path: Path) -> None:
    broken = tmp_path / "mo.pem"
    broken.write_text("no certificate")
    async with running_hub(database_url, redis_url, ocpp_port=0, contract_authorities=broken) as hub:
        with pytest.raises(ValueError, match="PEM"):
            bridge_of(hub.resources)
