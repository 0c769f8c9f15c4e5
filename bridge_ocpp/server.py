"""The WebSocket listener: who may come in, by which version. The only file that knows the WebSocket library.

Refusals happen before the upgrade and say nothing: an unknown charger and a wrong password get the same 401.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
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

log = structlog.get_logger()

PREFIX = "/ocpp/"
OPEN_TIMEOUT = 30.0
CLOSE_TIMEOUT = 2.0
DRAIN = 10.0
"""Seconds that closing sockets may take when the listener ends."""

# The library would log handshakes of every port scanner as errors, and whole frames at DEBUG.
_silent = logging.getLogger("bridge_ocpp.websocket")
_silent.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Admission:
    """What is needed to let a charger in."""

    security_profile: int
    salt: bytes | None
    digest: bytes | None


Lookup = Callable[[str], Awaitable[Admission | None]]
Serve = Callable[["Line", str, Dialect], Awaitable[None]]


class ChargerSocket(ServerConnection):
    """A WebSocket that knows whose it is, once it was let in."""

    charger_key: str = ""


class Line:
    """A socket as connection.py wants it."""

    __slots__ = ("_socket",)

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def frames(self) -> AsyncIterator[str]:
        """Messages until the socket closes. A binary message is taken as the text that it ought to be."""
        try:
            while True:
                message = await self._socket.recv()
                yield message if isinstance(message, str) else message.decode("utf-8", "replace")
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
    """Decides about each handshake."""

    def __init__(self, config: BridgeConfig, lookup: Lookup, now: Callable[[], datetime]) -> None:
        self._config = config
        self._lookup = lookup
        self._now = now
        self._doorman = passwords.Doorman()

    async def __call__(self, socket: ServerConnection, request: Request) -> Response | None:
        """None lets the charger in; a Response refuses it."""
        charger_id = charger_id_of(request.path)
        if charger_id is None:
            return socket.respond(HTTPStatus.NOT_FOUND, "chargers connect to /ocpp/{charger id}\n")
        key, address = charger_id.casefold(), _address(socket)
        if not self._doorman.turns_away(address, key, now=self._now()):
            try:
                enters = await self._may_enter(charger_id, address, _authorization(request))
            except Exception as error:
                log.exception("bridge.gate_failed", charger=charger_id, error=type(error).__name__)
                return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "try again later\n")
            if enters:
                self._doorman.passed(address, key)
                cast(ChargerSocket, socket).charger_key = key
                return None
            self._doorman.failed(address, key, now=self._now())
        log.info("bridge.refused", charger=charger_id, address=address)
        response = socket.respond(HTTPStatus.UNAUTHORIZED, "unknown charger or wrong password\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
        return response

    async def _may_enter(self, charger_id: str, address: str, authorization: str | None) -> bool:
        """Security profiles 1 and 2 by password (2 behind a TLS proxy); 0, without one, only on this machine."""
        known = await self._lookup(charger_id.casefold())
        if known is not None and known.security_profile == 0:
            return is_loopback(self._config.host) and is_loopback(address)
        password = passwords.read_basic(authorization, charger_id)
        right = passwords.matches(
            password or b"",
            salt=known.salt if known else None,
            kept=known.digest if known else None,
            pepper=self._config.secret,
        )
        return right and password is not None and known is not None and known.security_profile in (1, 2)


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


def _address(socket: ServerConnection) -> str:
    peer: Any = socket.remote_address
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _authorization(request: Request) -> str | None:
    try:
        return request.headers.get("Authorization")
    except MultipleValuesError:
        return None


@asynccontextmanager
async def listening(
    config: BridgeConfig, *, lookup: Lookup, connected: Serve, now: Callable[[], datetime]
) -> AsyncIterator[Server]:
    """The listener, while inside. `connected` runs for each charger that was let in, as long as its socket lasts."""

    async def handler(socket: ServerConnection) -> None:
        dialect = DIALECTS[str(socket.subprotocol)]
        await connected(Line(socket), cast(ChargerSocket, socket).charger_key, dialect)

    server = await serve(
        handler,
        config.host,
        config.port,
        process_request=Gate(config, lookup, now),
        select_subprotocol=choose,
        subprotocols=[Subprotocol(protocol) for protocol in DIALECTS],
        create_connection=ChargerSocket,
        compression=None,
        max_size=config.max_frame,
        ping_interval=None,
        open_timeout=OPEN_TIMEOUT,
        close_timeout=CLOSE_TIMEOUT,
        server_header=None,
        logger=_silent,
    )
    try:
        yield server
    finally:
        server.close(code=1001, reason="the server restarts")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                await server.wait_closed()
