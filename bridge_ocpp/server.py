"""The WebSocket listener: who may come in, by which version. The only file that knows the WebSocket library.

Refusals happen before the upgrade and say nothing: an unknown charger and a wrong password get the same 401.
"""

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from bridge_ocpp import passwords
from bridge_ocpp.asking import SocketGone
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.security.admission import Entry, Knock, Known, Refusal, judge
from bridge_ocpp.security.proxies import Proxies, origin
from bridge_ocpp.security.tls import ClientCertificate, Identity, read_certificate

log = structlog.get_logger()

PREFIX = "/ocpp/"
OPEN_TIMEOUT = 30.0
CLOSE_TIMEOUT = 2.0
BACKLOG = 4096
"""Connections that may wait to be accepted, as far as the kernel allows (net.core.somaxconn). Who comes beyond that is
dropped without a word, and knocks again after 1, 3, 7, 15, 31 … seconds."""
DRAIN = 10.0
"""Seconds that closing sockets may take when the listener ends."""
PIECE = 1024
"""Bytes that are made frames before it is looked whether these are enough."""
NOTHING = memoryview(b"")

# The library would log handshakes of every port scanner as errors, and whole frames at DEBUG.
_silent = logging.getLogger("bridge_ocpp.websocket")
_silent.setLevel(logging.CRITICAL)


Lookup = Callable[[str, ClientCertificate | None], Awaitable[Known | None]]
"""What is known of a charger, by its key, and of the certificate that it shows."""
Serve = Callable[["Line", Entry, Dialect], Awaitable[None]]


class ChargerSocket(ServerConnection):
    """A WebSocket that knows whose it is, once it was let in, and takes in no more than is being read.

    The library makes frames of all that the kernel had at once. Of a charger that floods, these are thousands, and
    everybody else would wait for that. Here the rest stays bytes, and the kernel's window holds the flood back.
    """

    entry: Entry
    _ahead = NOTHING
    """What has come and is no frames yet."""
    _full = False
    """Enough frames wait to be read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.recv_messages.pause, self.recv_messages.resume = self._pause, self._resume

    def data_received(self, data: bytes) -> None:
        self._ahead = memoryview(bytes(self._ahead) + data) if self._ahead else memoryview(data)
        self._take_in()

    def eof_received(self) -> None:
        self._take_in(whole=True)
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_in(whole=True)
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Nothing of a closed socket refers to itself any more: thousands that close at once go without the garbage
        collector, which would hold up everybody."""
        self.recv_messages.pause = self.recv_messages.resume = _nothing
        vars(self.protocol).pop("select_subprotocol", None)
        self.protocol.parser.close()
        if self.protocol.parser_exc is not None:
            self.protocol.parser_exc.__traceback__ = None

    def _take_in(self, *, whole: bool = False) -> None:
        while self._ahead and (whole or not self._full):
            piece, self._ahead = self._ahead[:PIECE], self._ahead[PIECE:]
            super().data_received(bytes(piece))
        if not self._ahead:
            self._ahead = NOTHING  # lets go of what came

    def _pause(self) -> None:
        self._full = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _resume(self) -> None:
        self._full = False
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._take_in()
        if not self._full and not self.transport.is_closing():
            self.transport.resume_reading()


def _nothing() -> None:
    """Nobody reads any more."""


class Line:
    """A socket as connection.py wants it."""

    __slots__ = ("_socket",)

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def frames(self) -> AsyncIterator[str | bytes]:
        """Messages until the socket closes."""
        try:
            while True:
                yield await self._socket.recv()
        except ConnectionClosed:
            return

    async def send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            raise SocketGone from None

    async def ping(self) -> None:
        try:
            await (await self._socket.ping())
        except ConnectionClosed:
            raise SocketGone from None

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)

    def abort(self) -> None:
        self._socket.transport.abort()


class Gate:
    """Decides about each handshake of one listener."""

    def __init__(
        self, config: BridgeConfig, lookup: Lookup, now: Callable[[], datetime], doorman: passwords.Doorman
    ) -> None:
        self._config = config
        self._lookup = lookup
        self._now = now
        self._doorman = doorman
        self._proxies = Proxies(config.tls_proxies)

    async def __call__(self, socket: ServerConnection, request: Request) -> Response | None:
        """None lets the charger in; a Response refuses it."""
        charger_id = charger_id_of(request.path)
        if charger_id is None:
            return socket.respond(HTTPStatus.NOT_FOUND, "chargers connect to /ocpp/{charger id}\n")
        try:
            knock = self._knock(charger_id, socket, request)
            verdict = await self._judged(knock)
        except Exception as error:
            log.exception("bridge.gate_failed", charger=charger_id, error=type(error).__name__)
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "try again later\n")
        if isinstance(verdict, Entry):
            cast(ChargerSocket, socket).entry = verdict
            return None
        log.info("bridge.refused", charger=charger_id, address=knock.address, reason=verdict)
        response = socket.respond(HTTPStatus.UNAUTHORIZED, "unknown charger or wrong password\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
        return response

    async def _judged(self, knock: Knock) -> Entry | str:
        """Who guesses too often is not even looked up."""
        guesser = origin(knock.address)
        if self._doorman.turns_away(guesser, knock.key, now=self._now()):
            return "too many attempts"
        known = await self._lookup(knock.key, knock.certificate)
        config = self._config
        verdict = judge(knock, known, pepper=config.secret, open_allowed=config.open_allowed)
        if isinstance(verdict, Entry):
            self._doorman.passed(guesser, knock.key)
        elif verdict is not Refusal.PROFILE:
            self._doorman.failed(guesser, knock.key, now=self._now())
        return verdict

    def _knock(self, charger_id: str, socket: ServerConnection, request: Request) -> Knock:
        """What this handshake shows. Raises ValueError for a certificate that cannot be read."""
        tls, peer = socket.transport.get_extra_info("ssl_object"), _peer(socket)
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        address = self._proxies.client(peer, request.headers.get_all("X-Forwarded-For"))
        return Knock(
            charger_id,
            address,
            encrypted=tls is not None or self._proxies.encrypted(peer, request.headers.get_all("X-Forwarded-Proto")),
            local=is_loopback(self._config.host) and is_loopback(address),
            authorization=_authorization(request),
            certificate=read_certificate(der) if der else None,
        )


def charger_id_of(path: str) -> str | None:
    """The charger id in a path, percent-decoded; None for another path or an id that can be none."""
    raw = urlsplit(path).path
    if not raw.startswith(PREFIX):
        return None
    rest = raw[len(PREFIX) :].removesuffix("/")
    if not rest or "/" in rest:
        return None
    try:
        charger_id = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return None
    return charger_id if charger_id.isprintable() and len(charger_id) <= 255 else None


def choose(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """The best version that the charger offers. Raises NegotiationError (HTTP 400) when we speak none of them."""
    for protocol in DIALECTS:
        if protocol in offered:
            return Subprotocol(protocol)
    raise NegotiationError(f"this server speaks {', '.join(DIALECTS)}")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _peer(socket: ServerConnection) -> str:
    peer: Any = socket.remote_address
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _authorization(request: Request) -> str | None:
    try:
        return request.headers.get("Authorization")
    except MultipleValuesError:
        return None


@asynccontextmanager
async def listening(
    config: BridgeConfig,
    *,
    identity: Identity | None,
    lookup: Lookup,
    connected: Serve,
    now: Callable[[], datetime],
) -> AsyncIterator[list[int]]:
    """The listeners, while inside; their ports: `config.port`, then `config.tls_port` where TLS has a port of its own.

    `connected` runs for each charger that was let in, as long as its socket lasts.
    """

    async def handler(socket: ServerConnection) -> None:
        dialect = DIALECTS[str(socket.subprotocol)]
        await connected(Line(socket), cast(ChargerSocket, socket).entry, dialect)

    gate = Gate(config, lookup, now, passwords.Doorman())
    context = identity.context if identity is not None else None
    wanted = [(config.port, context)]
    if context is not None and config.tls_port is not None:
        wanted = [(config.port, None), (config.tls_port, context)]
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for port, tls in wanted:
            server = await _listen(config, port, tls, gate, handler)
            stack.push_async_callback(_closed, server)
            ports.append(next(iter(server.sockets)).getsockname()[1])
        yield ports


async def _listen(
    config: BridgeConfig,
    port: int,
    tls: ssl.SSLContext | None,
    gate: Gate,
    handler: Callable[[ServerConnection], Awaitable[None]],
) -> Server:
    return await serve(
        handler,
        config.host,
        port,
        ssl=tls,
        process_request=gate,
        select_subprotocol=choose,
        subprotocols=[Subprotocol(protocol) for protocol in DIALECTS],
        create_connection=ChargerSocket,
        backlog=BACKLOG,
        compression=None,
        max_size=max(config.max_frame, config.max_certificate_frame),
        ping_interval=None,
        open_timeout=OPEN_TIMEOUT,
        close_timeout=CLOSE_TIMEOUT,
        server_header=None,
        logger=_silent,
    )


async def _closed(server: Server) -> None:
    server.close(code=1001, reason="the server restarts")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN):
            await server.wait_closed()
