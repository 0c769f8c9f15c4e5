"""A charger's WebSocket: one connection after another, calls that are answered, both ways."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from bridge_ocpp.simulator.meter import Payload


class Link:
    """Speaks for a charger at `url`. `answer` says what it answers to a call (None: it does not know the action)."""

    def __init__(
        self,
        url: str,
        protocol: str,
        *,
        tls: ssl.SSLContext | None,
        answer: Callable[[str, Payload], Awaitable[Payload | None]],
        soon: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.url = url
        self.tls = tls
        self._protocol = protocol
        self._answer = answer
        self._soon = soon
        self._socket: ClientConnection | None = None
        self._answers: dict[str, asyncio.Future[Payload]] = {}
        self._calling = asyncio.Lock()

    async def hold(
        self, headers: Mapping[str, str], live: Callable[[], Coroutine[Any, Any, None]], *, lost: Callable[[], None]
    ) -> None:
        """Connect, and `live` until the connection is `lost`. Raises what the WebSocket raises."""
        async with connect(
            self.url,
            subprotocols=[Subprotocol(self._protocol)],
            additional_headers=headers,
            compression=None,
            ssl=self.tls,
            proxy=None,
        ) as socket:
            self._socket = socket
            reader = asyncio.create_task(self._read(socket))
            life = asyncio.create_task(live())
            try:
                done, _ = await asyncio.wait({reader, life}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._socket = None
                lost()
                for task in (reader, life):
                    task.cancel()
                for future in self._answers.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the connection was lost"))
                self._answers.clear()

    async def close(self) -> None:
        """Close the connection, where there is one."""
        if self._socket is not None:
            await self._socket.close()

    async def call(self, action: str, payload: Payload, *, within: float = 30.0) -> Payload:
        """Say something and wait for the answer. Raises ConnectionError when offline, TimeoutError without answer."""
        async with self._calling:
            if self._socket is None:
                raise ConnectionError("the charger is offline")
            message_id = str(uuid4())
            future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._answers[message_id] = future
            await self._socket.send(_written([2, message_id, action, payload]))
            async with asyncio.timeout(within):
                return await future

    async def send(self, action: str, payload: Payload) -> None:
        """Say something that is never answered (2.1: SEND). Raises ConnectionError when offline."""
        if self._socket is None:
            raise ConnectionError("the charger is offline")
        await self._socket.send(_written([6, str(uuid4()), action, payload]))

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text, parse_float=Decimal)
            if frame[0] == 2:
                self._soon(self._called(socket, *frame[1:4]))
            elif (future := self._answers.pop(frame[1], None)) is not None and not future.done():
                future.set_result(frame[2] if frame[0] == 3 else {"error": frame[2], "description": frame[3]})

    async def _called(self, socket: ClientConnection, message_id: str, action: str, payload: Payload) -> None:
        answer = await self._answer(action, payload)
        if answer is None:
            frame: list[Any] = [4, message_id, "NotImplemented", f"this charger does not know {action}", {}]
        else:
            frame = [3, message_id, answer]
        with contextlib.suppress(ConnectionClosed):
            await socket.send(_written(frame))


def _written(frame: list[Any]) -> str:
    """What came with decimals goes back as numbers."""
    return json.dumps(frame, default=_number)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")
