"""The partner client against a real partner on loopback, and against what partners do wrong."""

import asyncio
import gzip
import resource
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import structlog.testing
from aiohttp import web

from ocpi_hub.base.settings import Settings
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told, Unreachable
from ocpi_hub.wire.headers import PartyId, Routing
from tests.world import faults
from tests.world.partner import Partner

TOKEN = "our-credentials-token-0123456789"
LAB = {"partner_networks": "127.0.0.0/8", "partner_timeout": 5}
OK = b'{"status_code": 1000, "timestamp": "2026-03-01T10:00:00Z", "data": {"a": 1}}'


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **(LAB | changes))


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "MSP")) as emsp:
        emsp.accepts.add(TOKEN)
        yield emsp


@pytest.fixture
async def client() -> AsyncIterator[PartnerClient]:
    client = PartnerClient(settings())
    yield client
    await client.aclose()


def url(partner: Partner, path: str = "locations/NL/CPO/LOC1") -> str:
    return f"{partner.url}/ocpi/receiver/{path}"


async def put(client: PartnerClient, to: str, **more: Any) -> Result:
    return await client.call("PUT", to, credentials_token=TOKEN, body=b'{"id": "LOC1"}', **more)


async def mocked(handler: Any, **more: Any) -> Result:
    """One PUT that is answered by `handler` and not by a network."""
    client = PartnerClient(settings(), transport=httpx.MockTransport(handler), clock=lambda: NOW)
    try:
        return await put(client, "https://partner.example/ocpi/locations", **more)
    finally:
        await client.aclose()


NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


# --- told ---------------------------------------------------------------------------------------------------------


async def test_a_push_that_is_taken(partner: Partner, client: PartnerClient) -> None:
    routing = Routing(to=PartyId("DE", "MSP"), from_=PartyId("nl", "Hub"))
    told = await put(client, url(partner), routing=routing, correlation_id="corr-1")
    assert isinstance(told, Told)
    assert (told.http_status, told.answer.status_code, told.token_encoding) == (201, 1000, "base64")
    [heard] = partner.told("locations")
    assert heard.body == b'{"id": "LOC1"}'
    assert heard.headers["Content-Type"] == "application/json"
    assert heard.headers["X-Request-ID"] == told.request_id
    assert heard.headers["X-Correlation-ID"] == "corr-1"
    assert heard.headers["OCPI-to-country-code"] == "DE"
    assert heard.headers["OCPI-from-party-id"] == "Hub"
    assert heard.headers["OCPI-from-country-code"] == "nl"
    assert told.headers["x-correlation-id"] == "corr-1"


async def test_every_request_has_an_id_of_its_own(partner: Partner, client: PartnerClient) -> None:
    for _ in range(3):
        await put(client, url(partner))
    heard = partner.told("locations")
    assert len({one.headers["X-Request-ID"] for one in heard}) == 3
    assert len({one.headers["X-Correlation-ID"] for one in heard}) == 3


async def test_a_get_has_no_body_and_no_routing(partner: Partner, client: PartnerClient) -> None:
    told = await client.call("GET", partner.versions_url, credentials_token=TOKEN)
    assert isinstance(told, Told)
    assert told.answer.data == partner.versions
    [heard] = partner.told("versions")
    assert not [name for name in heard.headers if name.lower().startswith("ocpi-")]
    assert "Content-Type" not in heard.headers


async def test_one_connection_is_used_again(partner: Partner, client: PartnerClient) -> None:
    ports: set[int] = set()

    async def remember(request: web.Request) -> None:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])

    partner.misbehave(remember)
    for _ in range(5):
        assert isinstance(await put(client, url(partner)), Told)
    assert len(ports) == 1


async def test_cookies_are_not_kept(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.status(500, headers={"Set-Cookie": "session=1; Path=/"}), times=1)
    await put(client, url(partner))
    await put(client, url(partner))
    assert "Cookie" not in partner.told("locations")[1].headers


async def test_a_packed_answer_is_unpacked() -> None:
    told = await mocked(
        lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(OK)))
    )
    assert isinstance(told, Told)
    assert told.answer.data == {"a": 1}


# --- how the token is presented -----------------------------------------------------------------------------------


async def test_auto_tries_raw_after_a_401_and_remembers(partner: Partner, client: PartnerClient) -> None:
    partner.understands = {"raw"}
    first = await put(client, url(partner), platform_id="p1")
    assert isinstance(first, Told)
    assert first.token_encoding == "raw"
    assert len(partner.told("locations")) == 2
    await put(client, url(partner), platform_id="p1")
    assert len(partner.told("locations")) == 3
    assert partner.heard[-1].headers["Authorization"] == f"Token {TOKEN}"
    ids = [one.headers["X-Request-ID"] for one in partner.heard]
    assert len(set(ids)) == 3


async def test_a_fixed_encoding_is_not_tried_otherwise(partner: Partner, client: PartnerClient) -> None:
    partner.understands = {"raw"}
    refused = await put(client, url(partner), encoding="base64")
    assert isinstance(refused, Refused)
    assert refused.http_status == 401
    assert len(partner.heard) == 1


async def test_a_remembered_encoding_that_stops_working_is_given_up(partner: Partner, client: PartnerClient) -> None:
    partner.understands = {"raw"}
    await put(client, url(partner), platform_id="p1")
    partner.understands = {"base64"}
    again = await put(client, url(partner), platform_id="p1")
    assert isinstance(again, Told)
    assert again.token_encoding == "base64"


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status_code", [2000, 2001, 2004, 3000, 3001, 4002, 4003])
async def test_http_200_with_an_ocpi_error_is_refused(
    partner: Partner, client: PartnerClient, status_code: int
) -> None:
    partner.misbehave(faults.refuses(status_code, "id: is wrong"))
    refused = await put(client, url(partner))
    assert isinstance(refused, Refused)
    assert (refused.http_status, refused.ocpi_status) == (200, status_code)
    assert refused.message == f"HTTP 200, OCPI {status_code}: id: is wrong"
    assert refused.answer is not None


async def test_http_404_with_an_envelope_is_refused(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.refuses(2003, "unknown location", code=404))
    refused = await put(client, url(partner))
    assert isinstance(refused, Refused)
    assert (refused.http_status, refused.ocpi_status) == (404, 2003)


async def test_http_400_with_ocpi_1000_is_refused(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.refuses(1000, "fine", code=400))
    refused = await put(client, url(partner))
    assert isinstance(refused, Refused)
    assert (refused.http_status, refused.ocpi_status) == (400, 1000)


@pytest.mark.parametrize("code", [401, 403])
async def test_a_rejected_token_is_refused_with_or_without_an_envelope(
    partner: Partner, client: PartnerClient, code: int
) -> None:
    partner.misbehave(faults.html(code))
    refused = await put(client, url(partner))
    assert isinstance(refused, Refused)
    assert (refused.http_status, refused.ocpi_status) == (code, None)
    assert refused.message == f"HTTP {code}: the partner does not accept our credentials token"


# --- unreachable --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "http_status", "reason"),
    [
        (faults.status(500, "oops"), 500, "HTTP 500"),
        (faults.refuses(3000, "database down", code=500), 500, "HTTP 500: database down"),
        (faults.status(502), 502, "HTTP 502"),
        (faults.status(404, "nothing here"), 404, "HTTP 404, and not OCPI"),
        (faults.html(), 200, "HTTP 200, and not OCPI"),
        (faults.status(204), 204, "HTTP 204, and not OCPI"),
        (faults.says(["no", "envelope"]), 200, "HTTP 200, and not OCPI: the answer is not a JSON object"),
        (faults.says({"data": []}), 200, "HTTP 200, and not OCPI: the answer has no OCPI status_code"),
        (faults.status(429), 429, "HTTP 429: too many requests"),
        (faults.drops(), None, "the connection was closed before the answer was complete"),
    ],
    ids=["500", "500-ocpi", "502", "404-bare", "html", "204", "a-list", "no-status", "429", "drops"],
)
async def test_what_is_no_ocpi_answer(
    partner: Partner, client: PartnerClient, fault: faults.Fault, http_status: int | None, reason: str
) -> None:
    partner.misbehave(fault)
    unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.http_status == http_status
    assert unreachable.reason.startswith(reason)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 01 Mar 2026 10:02:00 GMT", 120.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("9" * 400, 999999999.0),
    ],
)
async def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    headers = [(b"Retry-After", value.encode("latin-1"))]
    unreachable = await mocked(lambda _: httpx.Response(503, headers=headers))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.retry_after == seconds


async def test_nobody_listens(partner: Partner, client: PartnerClient) -> None:
    await partner.stop()
    unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert (unreachable.reason, unreachable.http_status) == ("the connection was refused", None)


async def test_a_host_that_does_not_exist(client: PartnerClient) -> None:
    unreachable = await put(client, "https://partner.invalid/locations")
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the host name was not found"


async def test_a_certificate_that_nobody_vouches_for(client: PartnerClient, tls: ssl.SSLContext) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        unreachable = await put(client, f"https://127.0.0.1:{port}/locations")
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the TLS certificate is not accepted"


async def test_tls_to_a_server_that_speaks_none(partner: Partner, client: PartnerClient) -> None:
    unreachable = await put(client, url(partner).replace("http://", "https://"))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the TLS handshake failed"


async def test_what_does_not_speak_http(client: PartnerClient) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        unreachable = await put(client, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the answer is not HTTP"


async def test_silence_ends_with_the_time_out(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.hangs())
    unreachable = await put(client, url(partner), timeout=0.2)
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "no complete answer within 0.2 s"
    assert 150 <= unreachable.milliseconds <= 2000
    assert unreachable.request_id == partner.heard[0].headers["X-Request-ID"]


async def test_a_body_that_drips_ends_with_the_time_out(partner: Partner, client: PartnerClient) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    partner.misbehave(drip)
    unreachable = await put(client, url(partner), timeout=0.3)
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "no complete answer within 0.3 s"


# --- too much -----------------------------------------------------------------------------------------------------


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def test_an_endless_body_is_left_at_the_limit(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.endless())
    before = _megabytes()
    unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert (unreachable.reason, unreachable.http_status) == ("the answer is larger than 16777216 bytes", 200)
    assert _megabytes() - before < 64


async def test_a_gzip_bomb_is_left_at_the_limit(client: PartnerClient) -> None:
    packed = _bomb(megabytes=300)
    before = _megabytes()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with Partner() as partner:
        partner.misbehave(answer)
        unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the answer is larger than 16777216 bytes"
    assert _megabytes() - before < 64


def _bomb(*, megabytes: int) -> bytes:
    import zlib

    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(b" " * 2**20) for _ in range(megabytes)]) + packer.flush()


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "deflate", "zstd"])
async def test_other_packings_are_not_unpacked(packing: str) -> None:
    body = gzip.compress(gzip.compress(OK))
    headers = {"content-encoding": packing}
    unreachable = await mocked(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(body)))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "the answer is packed in a way that was not asked for"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not gzip at all", "the answer is not the gzip that it says it is"),
        (gzip.compress(OK)[:-4], "the answer ended early"),
    ],
    ids=["not gzip", "cut short"],
)
async def test_broken_packing(body: bytes, reason: str) -> None:
    headers = {"content-encoding": "gzip"}
    unreachable = await mocked(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(body)))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == reason


# --- redirects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303])
async def test_redirects_are_not_followed(partner: Partner, client: PartnerClient, code: int) -> None:
    partner.misbehave(faults.redirects(f"{partner.url}/ocpi/receiver/locations/elsewhere", code=code))
    unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == f"HTTP {code}: the redirect was not followed"
    assert len(partner.heard) == 1


@pytest.mark.parametrize("code", [307, 308])
async def test_307_and_308_on_the_same_host_keep_everything(partner: Partner, client: PartnerClient, code: int) -> None:
    partner.misbehave(faults.redirects("/ocpi/receiver/locations/NL/CPO/LOC1/", code=code), times=1)
    told = await put(client, url(partner))
    assert isinstance(told, Told)
    first, second = partner.heard
    assert (second.method, second.body) == ("PUT", b'{"id": "LOC1"}')
    assert second.headers["Authorization"] == first.headers["Authorization"]


async def test_307_to_another_port_is_not_followed(partner: Partner, client: PartnerClient) -> None:
    async with Partner() as other:
        partner.misbehave(faults.redirects(url(other), code=307))
        unreachable = await put(client, url(partner))
        assert other.heard == []
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "HTTP 307: the redirect was not followed"


async def test_a_third_redirect_is_not_followed(partner: Partner, client: PartnerClient) -> None:
    hops = iter(range(10))

    async def onward(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"/ocpi/receiver/locations/{next(hops)}"})

    partner.misbehave(onward)
    unreachable = await put(client, url(partner))
    assert isinstance(unreachable, Unreachable)
    assert unreachable.reason == "HTTP 308: the redirect was not followed"
    assert len(partner.heard) == 3


@pytest.mark.parametrize("location", ["", "http://[::1", "http://user:pw@127.0.0.1/", "gopher://127.0.0.1/x", "\x00"])
async def test_redirects_to_nonsense(location: str) -> None:
    headers = [(b"Location", location.encode())]
    unreachable = await mocked(lambda _: httpx.Response(307, headers=headers))
    assert isinstance(unreachable, Unreachable)


# --- secrets ------------------------------------------------------------------------------------------------------


async def test_no_result_and_no_log_line_repeats_the_token(partner: Partner, client: PartnerClient) -> None:
    partner.misbehave(faults.refuses(2000, f"I do not know {TOKEN}, who are you?\x07"), times=1)
    with structlog.testing.capture_logs() as lines:
        refused = await put(client, url(partner))
        broken = await client.call("PUT", url(partner), credentials_token=TOKEN + "\r\nX: y", encoding="raw")
        outside = PartnerClient(settings(partner_networks=""))
        blocked = await put(outside, url(partner))
        await outside.aclose()
    assert isinstance(refused, Refused)
    assert refused.message == "HTTP 200, OCPI 2000: I do not know ***, who are you? "
    assert isinstance(broken, Unreachable)
    assert broken.reason == "the request could not be written as HTTP"
    assert isinstance(blocked, Unreachable)
    assert TOKEN not in f"{refused.message}{broken}{blocked}{lines}"
    assert len(partner.heard) == 1


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS with a certificate that it signed itself."""
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
