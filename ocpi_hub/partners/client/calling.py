"""One client per process: it asks partners, in the encoding of the token that they take, and reads their answers.

Redirects are not followed (but for 307 and 308 on the same host), answers are capped, and no secret reaches a log line
or a reason.
"""

import asyncio
import uuid
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Self, TypedDict, Unpack

import httpx
from structlog.contextvars import get_contextvars

from ocpi_hub.base.resources import Resources, utc_now
from ocpi_hub.base.settings import Settings
from ocpi_hub.dialects.profile import PLAIN, Profile
from ocpi_hub.partners.answers import Received, Relayed, Result, Trouble, Unreachable, judge
from ocpi_hub.partners.client.failing import FAILURES, Failed, reason_of, trouble_of
from ocpi_hub.partners.client.transport import Arriving, Sockets, Through, Transport
from ocpi_hub.partners.guard import Guard, url_problem
from ocpi_hub.partners.journal import About, Journal, sent
from ocpi_hub.partners.signs import Signs
from ocpi_hub.wire.headers import CORRELATION_ID, REQUEST_ID, Routing, encode_token

DEFAULTS = {"User-Agent": "ocpi-hub", "Accept": "application/json", "Accept-Encoding": "gzip"}
CONNECT_TIMEOUT = 5.0
_OTHER = About("other")
REDIRECTS_FOLLOWED = 2


class Asking(TypedDict, total=False):
    """How a partner is asked; see PartnerClient.relay for what each is where it is left out."""

    encoding: str
    platform_id: str | None
    body: bytes | None
    routing: Routing | None
    correlation_id: str | None
    timeout: float | None
    extra_headers: Mapping[str, str] | None
    profile: Profile
    about: About


class PartnerClient:
    """The one HTTP client of a process. A test may hand in a `transport` of its own."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = utc_now,
        note: Callable[[str, Received], None] | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`note` hears of every answer of a known platform, `journal` of every message."""
        self._note = note
        self._timeout = settings.partner_timeout
        self._journal = journal
        self._limit = settings.answer_limit
        self._clock = clock
        self._encodings: dict[str, str] = {}
        networks = settings.partner_networks
        # Without TLS only the operator's own networks: no token crosses the internet in the clear.
        given = Through(transport) if transport is not None else None
        self._https: Transport = given or Sockets(Guard(networks, public=True))
        self._http: Transport = given or Sockets(Guard(networks, public=False))

    @classmethod
    def open(cls, resources: Resources) -> Self:
        """The client of this process, by its settings."""
        signs, journal = resources.one(Signs), resources.one(Journal)
        return cls(resources.settings, clock=resources.clock, note=signs.note, journal=journal)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._https.aclose()
        await self._http.aclose()

    async def call(self, method: str, url: str, *, credentials_token: str, **asking: Unpack[Asking]) -> Result:
        """Ask a partner, as `relay` does, and say what the answer means."""
        found = await self.relay(method, url, credentials_token=credentials_token, **asking)
        if isinstance(found, Unreachable):
            return found
        return judge(
            found.received,
            encoding=found.token_encoding,
            authorization=present(credentials_token, found.token_encoding),
            milliseconds=found.milliseconds,
            request_id=found.request_id,
            now=self._clock(),
        )

    async def relay(
        self,
        method: str,
        url: str,
        *,
        credentials_token: str,
        encoding: str = "auto",
        platform_id: str | None = None,
        body: bytes | None = None,
        routing: Routing | None = None,
        correlation_id: str | None = None,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        profile: Profile = PLAIN,
        about: About = _OTHER,
    ) -> Relayed | Unreachable:
        """Ask a partner; the answer is given as it came, whatever its status. Never raises for what the partner does.

        `encoding` auto: base64 first, as the specification wants, and once raw after a 401 (transport_and_format,
        the NOTE on "Authorization header"); with a `platform_id` the one that worked is remembered. `timeout` in
        seconds is for everything together. Of the `profile` only the case of header names counts here. `about` is for
        the journal. Without a correlation id the message has that of the request that is being served.
        """
        correlation_id = correlation_id or get_contextvars().get("correlation_id") or str(uuid.uuid4())
        at = self._clock()
        headers = {**DEFAULTS, CORRELATION_ID: correlation_id, **(extra_headers or {})}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if routing is not None:
            headers.update(routing.headers())
        found = await self._relay(
            method,
            url,
            headers=headers,
            credentials_token=credentials_token,
            encoding=encoding,
            platform_id=platform_id,
            body=body,
            timeout=timeout,
            profile=profile,
        )
        if self._journal is not None:
            note = sent(about, method, url, found, at=at, correlation_id=correlation_id)
            note.platform_id, note.request_body = platform_id, body
            note.to_party, note.from_party = (routing.to, routing.from_) if routing else (None, None)
            self._journal.note(note)
        return found

    async def _relay(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        credentials_token: str,
        encoding: str,
        platform_id: str | None,
        body: bytes | None,
        timeout: float | None,
        profile: Profile,
    ) -> Relayed | Unreachable:
        """Send it in each encoding of the token that may be right, within the time for everything together."""
        began = perf_counter()
        found: Relayed | Unreachable | None = None
        try:
            async with asyncio.timeout(timeout or self._timeout):
                for attempt in self._encodings_to_try(encoding, platform_id):
                    headers["Authorization"] = present(credentials_token, attempt)
                    headers[REQUEST_ID] = str(uuid.uuid4())
                    spelled = {k.lower(): v for k, v in headers.items()} if profile.header_case == "lower" else headers
                    found = await self._once(method, url, headers=spelled, body=body, encoding=attempt)
                    if isinstance(found, Unreachable) or found.received.status != 401:
                        break
        except TimeoutError:
            reason = f"no complete answer within {timeout or self._timeout:g} s"
            request_id = headers.get(REQUEST_ID, "")
            return Unreachable(reason, _milliseconds(began), request_id, trouble=Trouble.TIMEOUT)
        assert found is not None
        if isinstance(found, Relayed) and platform_id is not None:
            if found.received.status < 300 and encoding == "auto":
                self._encodings[platform_id] = found.token_encoding
            if self._note is not None:
                self._note(platform_id, found.received)
        return found

    def _encodings_to_try(self, encoding: str, platform_id: str | None) -> tuple[str, ...]:
        if encoding != "auto":
            return (encoding,)
        if self._encodings.get(platform_id or "") == "raw":
            return ("raw", "base64")
        return ("base64", "raw")

    async def _once(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, encoding: str
    ) -> Relayed | Unreachable:
        """One request with one way of presenting the token."""
        request_id = headers.get(REQUEST_ID) or headers[REQUEST_ID.lower()]
        began = perf_counter()
        try:
            received = await self._follow(method, url, headers=headers, body=body)
        except Failed as failure:
            milliseconds, status = _milliseconds(began), failure.http_status
            return Unreachable(str(failure), milliseconds, request_id, status, trouble=failure.trouble)
        return Relayed(received, _milliseconds(began), request_id, encoding)

    async def _follow(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Received:
        """Send, and follow a 307 or 308 that stays on its scheme, host and port, with everything as it was."""
        for _ in range(REDIRECTS_FOLLOWED):
            received = await self._send(method, url, headers=headers, body=body)
            onward = _same_host_redirect(url, received) if received.status in (307, 308) else None
            if onward is None:
                return received
            url = onward
        return await self._send(method, url, headers=headers, body=body)

    async def _send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Received:
        problem = url_problem(url)
        if problem is not None:
            raise Failed(problem)
        transport = self._https if url[:6].lower() == "https:" else self._http
        connect = min(CONNECT_TIMEOUT, self._timeout)
        try:
            # A transport and no client around it: no cookies, no environment, no redirects, no history.
            arriving = await transport.send(method, url, headers, body, connect=connect, read=self._timeout)
            try:
                return Received(arriving.status, arriving.headers, await self._read(arriving), url)
            finally:
                await arriving.aclose()
        except FAILURES as error:
            raise Failed(reason_of(error), trouble_of(error)) from None
        except (ValueError, UnicodeError):
            # The text of these may repeat a header, and a header may be the credentials token.
            raise Failed("the request could not be written as HTTP") from None

    async def _read(self, arriving: Arriving) -> bytes:
        """The body, unpacked, as long as it stays within OCPI_HUB_ANSWER_LIMIT. Raises Failed."""
        status, packing = arriving.status, arriving.headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", "", "gzip", "x-gzip"):
            raise Failed("the answer is packed in a way that was not asked for", Trouble.ANSWER, http_status=status)
        unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if "gzip" in packing else None
        body = bytearray()
        while piece := await arriving.more():
            try:
                body += unpack.decompress(piece, self._limit - len(body) + 1) if unpack else piece
            except zlib.error:
                raise Failed(
                    "the answer is not the gzip that it says it is", Trouble.ANSWER, http_status=status
                ) from None
            if len(body) > self._limit:
                raise Failed(f"the answer is larger than {self._limit} bytes", Trouble.ANSWER, http_status=status)
        if unpack is not None and body and not unpack.eof:
            raise Failed("the answer ended early", Trouble.ANSWER, http_status=status)
        return bytes(body)


def present(credentials_token: str, encoding: str) -> str:
    """The Authorization header in one encoding: base64, as the specification wants it, or raw."""
    return f"Token {credentials_token}" if encoding == "raw" else encode_token(credentials_token)


def _same_host_redirect(url: str, received: Received) -> str | None:
    """Where a redirect leads if that is the same scheme, host and port; else None."""
    try:
        here = httpx.URL(url)
        there = here.join(received.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        return None
    same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    return str(there) if same and there != here else None


def _milliseconds(since: float) -> int:
    return round((perf_counter() - since) * 1000)
