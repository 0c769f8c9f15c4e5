"""The transport below a call: sockets from the guard, TLS that is checked, and bytes exactly as they were given."""

import ssl
from functools import cache

import aiohttp
import httpx
import yarl
from httpx_aiohttp.transport import AiohttpResponseStream, AiohttpTransport, map_aiohttp_exceptions

from ocpi_hub.partners.guard import Guard

CONNECTIONS, CONNECTIONS_PER_HOST = 2000, 100


@cache
def _tls() -> ssl.SSLContext:
    """Certificates are checked against certifi's authorities, or those in SSL_CERT_FILE."""
    return httpx.create_ssl_context()


class _Exact(AiohttpTransport):
    """aiohttp under httpx, with the URL byte for byte as it was given (aiohttp itself would write %3A as a colon), and
    with the header names in the case that they were given in (httpx would write them small)."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        limits = request.extensions["timeout"]
        with map_aiohttp_exceptions():
            response = await self.client.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=await request.aread() or None,
                allow_redirects=False,
                auto_decompress=False,
                compress=False,
                timeout=aiohttp.ClientTimeout(sock_connect=limits["connect"], sock_read=limits["read"]),
            )
        stream = AiohttpResponseStream(response)
        return httpx.Response(response.status, headers=response.raw_headers, stream=stream, request=request)


def open_transport(guard: Guard) -> AiohttpTransport:
    """A transport whose sockets come from the guard. The session opens on first use, inside the loop."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=_tls(),
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            keepalive_timeout=15,
            socket_factory=guard.open_socket,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)

    # `verify` is for sessions that the transport makes by itself; it makes none here, and no second TLS context.
    return _Exact(client=session, verify=_tls())
