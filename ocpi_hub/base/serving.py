"""How the web server runs: uvicorn with the settings of production, and each answer written to its socket at once.

uvicorn writes the head of an answer and its body one after the other: two calls of the system and two packets, where
one does. They were a tenth of what a message cost that is passed on.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STOP_SECONDS = 8
MOST = 16 * 1024

Data = bytes | bytearray | memoryview


def server_config(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """How the web server runs in production."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=JoinedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


class Server(uvicorn.Server):
    """uvicorn that says when it listens, and that ends with exit status 0 when it is told to."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, self._stop)
        self._ready()

    def _stop(self) -> None:
        self.force_exit, self.should_exit = self.should_exit, True


class JoinedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over a transport that joins what is written in one turn of the loop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Joining(transport, self.loop))


class Joining(asyncio.Transport):
    """A transport that gives what it is told to write to another at the end of this turn of the loop, all at once.

    More than `MOST` bytes go on at once: only what the other holds counts for the limits at which it pauses the writer.
    What is not written here (water marks, half-closed sockets) is not needed by uvicorn.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._waiting: list[Data] = []
        self._bytes = 0

    def write(self, data: Data) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes > MOST:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if len(waiting) == 1:
            self._transport.write(waiting[0])
        elif waiting:
            self._transport.writelines(waiting)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._waiting, self._bytes = [], 0
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)
