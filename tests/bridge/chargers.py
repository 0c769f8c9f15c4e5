"""Chargers of the tests: a raw one that says exactly what it is told to, and two made with the PyPI `ocpp` library."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.bridge.conftest import PASSWORD


def basic(user: str, password: str | bytes) -> dict[str, str]:
    raw = user.encode() + b":" + (password.encode() if isinstance(password, str) else password)
    return {"Authorization": "Basic " + base64.b64encode(raw).decode()}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def now() -> str:
    return stamp(datetime.now(UTC))


@asynccontextmanager
async def dialled(
    url: str,
    charger_id: str,
    *protocols: str,
    password: str | bytes | None = PASSWORD,
    user: str | None = None,
    **options: Any,
) -> AsyncIterator[ClientConnection]:
    """A socket of this charger, offering these versions."""
    headers = {} if password is None else basic(user or charger_id, password)
    async with connect(
        f"{url}/{quote(charger_id, safe='')}",
        subprotocols=[Subprotocol(protocol) for protocol in protocols] or None,
        additional_headers=headers,
        compression=None,
        ping_interval=None,
        proxy=None,
        **options,
    ) as socket:
        yield socket


class RawCharger:
    """Says exactly what it is told to, and keeps what it hears."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.calls: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._ids = itertools.count(1)

    async def read(self) -> None:
        async for message in self.socket:
            frame = json.loads(message)
            await (self.calls if frame[0] == 2 else self._answers).put(frame)
        await self._answers.put(["closed", self.socket.close_code, self.socket.close_reason])

    async def say(self, text: Any) -> None:
        await self.socket.send(text if isinstance(text, str | bytes) else json.dumps(text))

    async def answer(self, *, within: float = 30.0) -> list[Any]:
        """The next answer, or `["closed", code, reason]`."""
        async with asyncio.timeout(within):
            return await self._answers.get()

    def silent(self) -> bool:
        """Whether no answer waits."""
        return self._answers.empty()

    async def call(self, action: str, payload: Any, *, message_id: str | None = None, within: float = 30.0) -> Any:
        """The payload of the answer, or the whole CALLERROR."""
        message_id = message_id or f"m{next(self._ids)}"
        await self.say([2, message_id, action, payload])
        answer = await self.answer(within=within)
        assert answer[1] == message_id
        return answer[2] if answer[0] == 3 else answer

    async def asked(self, *, within: float = 30.0) -> list[Any]:
        """The next call from the central system."""
        async with asyncio.timeout(within):
            return await self.calls.get()


@asynccontextmanager
async def raw(url: str, charger_id: str, protocol: str = "ocpp1.6", **options: Any) -> AsyncIterator[RawCharger]:
    async with dialled(url, charger_id, protocol, **options) as socket:
        charger = RawCharger(socket)
        reader = asyncio.create_task(charger.read())
        try:
            yield charger
        finally:
            reader.cancel()
