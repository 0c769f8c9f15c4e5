"""What carries a request: sockets that the guard has judged, TLS that is checked, and bytes exactly as they were given.

aiohttp does it. A transport of httpx can be handed in instead; between the two lies what a call needs of either.
"""

import re
import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Protocol

import aiohttp
import httpx
import yarl

from ocpi_hub.partners.guard import Guard

CONNECTIONS, CONNECTIONS_PER_HOST = 2000, 100

# Of such a URL httpx changes nothing: no dot segments, no default port, a host in small letters, a path.
_AS_IT_IS = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(?::(?!80/|443/)[1-9]\d*)?/(?!\.|.*/\.)(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
)


class Arriving(Protocol):
    """An answer whose head has come. `headers` have their names in lower case; of doubled ones the values are joined by
    commas (RFC 9110, 5.3)."""

    status: int
    headers: Mapping[str, str]

    async def more(self) -> bytes:
        """What has come of the body since, as it was sent; nothing at its end."""

    async def aclose(self) -> None:
        """Give the connection back; what has not come yet is not waited for."""


class Transport(Protocol):
    """Sends requests. Raises what aiohttp and httpx raise, OSError, and ValueError for what cannot be written."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, connect: float, read: float
    ) -> Arriving:
        """`connect` and `read` in seconds: for the connection, and for each piece of the answer."""

    async def aclose(self) -> None:
        """Close every connection."""


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are checked against certifi's authorities, or those in SSL_CERT_FILE."""
    return httpx.create_ssl_context()


class Sockets:
    """aiohttp with sockets of a guard. The session opens on first use, inside the loop."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, connect: float, read: float
    ) -> Arriving:
        """See Transport. The URL goes byte for byte as it was given (aiohttp itself would write %3A as a colon)."""
        if self._session is None:
            self._session = self._open()
        exact = url if _AS_IT_IS.fullmatch(url) else str(httpx.URL(url))
        response = await self._session.request(
            method,
            yarl.URL(exact, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            auto_decompress=False,
            compress=False,
            timeout=aiohttp.ClientTimeout(sock_connect=connect, sock_read=read),
        )
        return _Response(response)

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=_tls(),
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            keepalive_timeout=15,
            socket_factory=self._guard.open_socket,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    async def aclose(self) -> None:
        """See Transport."""
        if self._session is not None:
            await self._session.close()


class _Response:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = _joined(response.headers)
        self.more = response.content.readany

    async def aclose(self) -> None:
        self._response.release()
        await self._response.wait_for_close()


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers.items():
        small = name.lower()
        found[small] = f"{found[small]}, {value}" if small in found else value
    return found


class Through:
    """A transport of httpx."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, connect: float, read: float
    ) -> Arriving:
        """See Transport."""
        request = httpx.Request(method, url, headers=headers, content=body)
        request.extensions["timeout"] = httpx.Timeout(read, connect=connect).as_dict()
        return _Streamed(await self._transport.handle_async_request(request))

    async def aclose(self) -> None:
        """See Transport."""
        await self._transport.aclose()


class _Streamed:
    def __init__(self, response: httpx.Response) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._response = response
        self._pieces: AsyncIterator[bytes] = aiter(response.stream)
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)

    async def more(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    async def aclose(self) -> None:
        await self._response.aclose()
