"""Our side of the questions: one call at a time to a charger, and what becomes of its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from bridge_ocpp import ocppj
from bridge_ocpp.ocppj import Broken, CallError, CallResult

Answer = CallResult | CallError | Broken


class SocketGone(Exception):
    """The socket is closed."""


class NoAnswer(Exception):
    """The charger did not answer in time, or its socket closed first (`offline`)."""

    def __init__(self, *, offline: bool) -> None:
        super().__init__("the charger is not connected" if offline else "no answer in time")
        self.offline = offline


async def _not_sent(_text: str) -> None:
    raise SocketGone


def _not_noted(_message_id: str, _action: str, _payload: Mapping[str, Any]) -> None:
    """What is not sent is not noted."""


@dataclass(frozen=True, slots=True)
class _Asked:
    message_id: str
    action: str
    answer: "asyncio.Future[Answer]"


class Asker:
    """Asks one charger over its socket. `send` raises SocketGone; `note` writes the call into the journal."""

    __slots__ = ("_asked", "_note", "_send", "_timeout", "_turn", "gone")

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        note: Callable[[str, str, Mapping[str, Any]], None],
        *,
        timeout: float,
    ) -> None:
        self.gone = False
        self._send = send
        self._note = note
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._asked: _Asked | None = None

    async def ask(self, action: str, payload: Mapping[str, Any], *, within: float) -> Answer:
        """Ask, and wait for the answer; the time spent waiting for one's turn counts. Raises NoAnswer."""
        try:
            async with asyncio.timeout(within), self._turn:
                return await self._ask(action, payload)
        except TimeoutError:
            raise NoAnswer(offline=False) from None

    async def _ask(self, action: str, payload: Mapping[str, Any]) -> Answer:
        if self.gone:
            raise NoAnswer(offline=True)
        message_id = str(uuid4())
        asked = self._asked = _Asked(message_id, action, asyncio.get_running_loop().create_future())
        self._note(message_id, action, payload)
        try:
            async with asyncio.timeout(self._timeout):
                await self._send(ocppj.write_call(message_id, action, payload))
                return await asked.answer
        except SocketGone:
            raise NoAnswer(offline=True) from None
        finally:
            self._asked = None

    def hear(self, answer: Answer) -> str | None:
        """Hand an answer to whoever waits for it; the action that it answers, or None when nobody waits."""
        asked = self._asked
        if asked is None or answer.message_id != asked.message_id or asked.answer.done():
            return None
        asked.answer.set_result(answer)
        return asked.action

    def asking(self, message_id: str) -> str | None:
        """The action of the call with this id that waits for its answer."""
        asked = self._asked
        return asked.action if asked is not None and asked.message_id == message_id else None

    def lost(self) -> None:
        """The socket is gone: whoever waits for an answer is told so, and nothing here refers to the connection."""
        self.gone = True
        self._send, self._note = _not_sent, _not_noted
        if self._asked is not None and not self._asked.answer.done():
            self._asked.answer.set_exception(NoAnswer(offline=True))
