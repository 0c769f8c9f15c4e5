"""The queue of a charger's transaction messages: kept while it is offline, sent in order, each until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from bridge_ocpp.simulator.meter import Payload


@dataclass
class Queued:
    """A message of a transaction that must arrive. It is worded once, when it is first sent, and repeated alike."""

    say: Callable[[], tuple[str, Payload]]
    heard: Callable[[Payload], None]
    about: str = ""
    worded: tuple[str, Payload] | None = None

    def words(self) -> tuple[str, Payload]:
        if self.worded is None:
            self.worded = self.say()
        return self.worded


class Outbox:
    """What must arrive, in order; `call` says one message and waits for its answer."""

    def __init__(self, call: Callable[[str, Payload], Awaitable[Payload]]) -> None:
        self._call = call
        self._queue: list[Queued] = []
        self._flushing = asyncio.Lock()

    def put(self, say: Callable[[], tuple[str, Payload]], heard: Callable[[Payload], None], *, about: str = "") -> None:
        """Queue a message `about` a transaction, by the charger's own id; `heard` gets its answer."""
        self._queue.append(Queued(say, heard, about))

    def waits_about(self, number: str | None) -> bool:
        """Whether something waits, of this transaction or of any."""
        return any(number is None or one.about == number for one in self._queue)

    async def flush(self) -> None:
        """Send what is queued, in order; what meets a lost connection stays for the next one."""
        async with self._flushing:
            while self._queue:
                first = self._queue[0]
                try:
                    answer = await self._call(*first.words())
                except (ConnectionError, ConnectionClosed, TimeoutError):
                    return
                if "error" not in answer:
                    first.heard(answer)
                self._queue.pop(0)

    async def emptied(self) -> None:
        """Wait until everything that was queued has arrived."""
        while self._queue:
            await self.flush()
            await asyncio.sleep(0.05)
