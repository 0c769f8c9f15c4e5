"""One charger on one socket: its frames, one call of each side at a time, answers only after commit.

The reader never waits for a handler. What a message means is the dialect's business, what is done with it the
handlers'; the socket itself is server.py's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from bridge_ocpp import ocppj
from bridge_ocpp.asking import Asker, SocketGone
from bridge_ocpp.dialects.words import Dialect, Refused
from bridge_ocpp.handlers import Reception, handle
from bridge_ocpp.journal import Journal
from bridge_ocpp.ocppj import Broken, Call, CallError, CallResult, Fault, ResultError, Send
from bridge_ocpp.quirks import mend
from bridge_ocpp.schemas import Edition, Schema
from bridge_ocpp.sizes import is_too_long
from bridge_ocpp.speaker import Speaker

log = structlog.get_logger()

REMEMBERED = 24
"""Answers of one connection that can be given again."""
OVERFLOW_PAUSE = 0.05
TOO_LONG = (1009, "a frame over the limit that carries no certificate")


class Socket(Protocol):
    """What a connection needs of its WebSocket. `send` and `ping` raise SocketGone."""

    def frames(self) -> AsyncIterator[str | bytes]: ...

    async def send(self, text: str) -> None: ...

    async def ping(self) -> None:
        """Returns when the pong is here."""

    async def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A call that waits to be handled; `content` tells the same text from another under the same message id."""

    call: Call | Send
    content: int
    received: datetime


class Connection:
    """A charger's socket while it lasts."""

    __slots__ = (
        "_answers",
        "_journal",
        "_queue",
        "_tokens",
        "_tokens_at",
        "asker",
        "desk",
        "dialect",
        "edition",
        "heard_at",
        "heard_tick",
        "limiting",
        "socket",
        "speaker",
    )

    def __init__(
        self, socket: Socket, *, speaker: Speaker, dialect: Dialect, desk: Reception, journal: Journal
    ) -> None:
        self.socket = socket
        self.speaker = speaker
        self.dialect = dialect
        self.edition = Edition(dialect.schema_folder, dialect.request_suffix)
        self.desk = desk
        self.heard_at: datetime = desk.now()
        self.heard_tick = asyncio.get_running_loop().time()
        self.asker = Asker(socket.send, self._note_call, timeout=desk.config.charger_timeout)
        self.limiting = asyncio.Lock()
        self._journal = journal
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._answers: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._tokens = desk.config.message_burst
        self._tokens_at = asyncio.get_running_loop().time()

    # --- reading ---------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """Read frames until the socket closes. Calls wait in a bounded queue, answers find their question at once."""
        async for message in self.socket.frames():
            self.hears()
            text = message if isinstance(message, str) else self._text_of(message)
            if is_too_long(text, limit=self.desk.config.max_frame, asked=self.asker.asking):
                self._journal.broken(self.speaker.key, text, at=self.heard_at, message_id=None)
                await self.socket.close(*TOO_LONG)
                return
            await self._within_rate()
            try:
                frame = ocppj.read(text, types=self.dialect.frame_types)
                if isinstance(frame, Call | Send):
                    await self._enqueue(_Waiting(frame, hash(text), self.heard_at))
                else:
                    await self._not_a_call(frame, text)
            except Exception as error:  # whatever a charger sends, its socket lives on
                log.exception("bridge.frame_failed", charger=self.speaker.id, error=type(error).__name__)
            await self._others_first()

    def _text_of(self, message: bytes) -> str:
        """A binary message is taken as the text that it ought to be."""
        self._quirks(("frame: binary",))
        return message.decode("utf-8", "replace")

    def hears(self) -> None:
        """A sign of life."""
        self.heard_at, self.heard_tick = self.desk.now(), asyncio.get_running_loop().time()

    async def keep_alive(self) -> None:
        """Ping from a timer; a charger that neither answers the ping nor says anything is dropped."""
        loop, interval = asyncio.get_running_loop(), self.desk.config.ping_interval
        while True:
            await asyncio.sleep(interval)
            asked = loop.time()
            try:
                async with asyncio.timeout(interval / 2):
                    await self.socket.ping()
                self.hears()
            except SocketGone:
                return
            except TimeoutError:
                if self.heard_tick < asked:
                    log.info("bridge.silent", charger=self.speaker.id)
                    self.socket.abort()
                    return

    async def _within_rate(self) -> None:
        """Slow a charger down that says more than anybody should have to listen to; the others do not notice it."""
        now, config = asyncio.get_running_loop().time(), self.desk.config
        self._tokens = min(self._tokens + (now - self._tokens_at) * config.message_rate, config.message_burst) - 1
        self._tokens_at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / config.message_rate)

    async def _others_first(self) -> None:
        """A charger that says more than one thing at a time gives way to the others after each."""
        if self._queue.qsize() > 1:
            await asyncio.sleep(0)

    async def _enqueue(self, waiting: _Waiting) -> None:
        call = waiting.call
        answered = isinstance(call, Call)
        self._note_in("CALL" if answered else "SEND", call.message_id, call.payload, action=call.action)
        self._quirks(call.notes)
        if self._queue.qsize() < self.desk.config.queue:
            self._queue.put_nowait(waiting)
            return
        self._quirks(("more calls at once than can wait",))
        if answered:
            await self._fault(call.message_id, Fault.GENERIC, "too many calls at once", action=call.action)
        await asyncio.sleep(OVERFLOW_PAUSE)

    async def _not_a_call(self, frame: CallResult | CallError | ResultError | Broken, text: str) -> None:
        if isinstance(frame, ResultError):
            self._result_was_wrong(frame)
            return
        action = self.asker.hear(frame)
        if action is None and not isinstance(frame, Broken):
            self._quirks(("frame: an answer that nobody waits for",))
        if isinstance(frame, CallResult):
            self._note_in("CALLRESULT", frame.message_id, frame.payload, action=action)
        elif isinstance(frame, CallError):
            error = {"code": frame.code, "description": frame.description, "details": frame.details}
            self._note_in("CALLERROR", frame.message_id, error, action=action)
        else:
            self._journal.broken(self.speaker.key, text, at=self.heard_at, message_id=frame.message_id)
            self._quirks((f"frame: {frame.reason.partition(':')[0]}",))
            if frame.answerable:
                await self._fault(frame.message_id or self.dialect.nameless, frame.fault, frame.reason)
            elif action is not None and frame.message_id is not None:
                await self.reject_result(frame.message_id, frame.fault, frame.reason, action=action)
            return
        self._quirks(frame.notes)

    def _result_was_wrong(self, frame: ResultError) -> None:
        """The charger could not read an answer of ours. What it had told is committed: there is nothing to undo."""
        error = {"code": frame.code, "description": frame.description, "details": frame.details}
        self._note_in("CALLRESULTERROR", frame.message_id, error)
        log.warning("bridge.result_refused", charger=self.speaker.id, code=frame.code[:50])
        self._quirks((*frame.notes, f"CALLRESULTERROR: {frame.code[:50]}"))

    async def reject_result(self, message_id: str, fault: Fault, reason: str, *, action: str) -> None:
        """Tell the charger that its CALLRESULT makes no sense, in versions that have a frame for that."""
        if ocppj.CALLRESULTERROR not in self.dialect.frame_types:
            return
        code = self.dialect.codes[fault]
        error = {"code": code, "description": reason, "details": {}}
        self._note_out("CALLRESULTERROR", message_id, error, action=action)
        await self._send(ocppj.write_result_error(message_id, code, reason))

    # --- answering -------------------------------------------------------------------------------------------

    async def answer(self) -> None:
        """Handle calls one after another until `finish`; each is answered once what it says is committed."""
        while (waiting := await self._queue.get()) is not None:
            call = waiting.call
            if isinstance(call, Send):
                await self._sent(call, waiting.received)
                continue
            known = self._answers.get(call.message_id)
            if known is not None and known[0] == waiting.content:
                await self._send(known[1])
                await self._others_first()
                continue
            if known is not None:
                self._quirks(("frame: a used message id for another call",))
            text, final = await self._answered(call, waiting.received)
            if final:
                self._answers[call.message_id] = (waiting.content, text)
                if len(self._answers) > REMEMBERED:
                    self._answers.popitem(last=False)
            await self._send(text)
            await self._others_first()

    def answered(self, answering: "asyncio.Task[None]") -> None:
        """Nobody answers any more: a socket without answers is worse than none."""
        if not answering.cancelled() and (error := answering.exception()) is not None:
            log.error("bridge.answering_failed", charger=self.speaker.id, error=type(error).__name__, exc_info=error)
            self.socket.abort()

    def finish(self) -> None:
        """Nothing more will be read; `answer` ends after what has been read."""
        self._queue.put_nowait(None)

    async def _answered(self, call: Call, received: datetime) -> tuple[str, bool]:
        """The answer, and whether it will be the same next time: a failure of ours may be over by then."""
        inbound = self.dialect.inbound.get(call.action)
        try:
            if inbound is None:
                fault = Fault.NOT_SUPPORTED if self.edition.has(call.action) else Fault.NOT_IMPLEMENTED
                raise Refused(fault, f"{call.action[:50]} is not known")
            self._may_say(call.action)
            self._mended(call, self.edition.request_heard(call.action))
            fact = inbound.read(call.payload)
            reply = await handle(self.desk, self.speaker, fact, protocol=self.dialect.protocol, received=received)
            payload = inbound.answer(reply)
            if not self.edition.response_sent(call.action).holds(payload):
                raise ValueError(f"our answer to {call.action} breaks its schema")
        except Refused as refused:
            return self._error_text(call.message_id, refused.fault, refused.reason, action=call.action), True
        except Exception as error:
            log.exception("bridge.call_failed", charger=self.speaker.id, action=call.action, error=type(error).__name__)
            sorry = "this call could not be handled"
            return self._error_text(call.message_id, Fault.INTERNAL, sorry, action=call.action), False
        self._note_out("CALLRESULT", call.message_id, payload, action=call.action)
        return ocppj.write_result(call.message_id, payload), True

    async def _sent(self, call: Send, received: datetime) -> None:
        """Handle what is not answered, whatever becomes of it (2.1, part 4, 4.2.4)."""
        inbound = self.dialect.sends.get(call.action)
        if inbound is None:
            self._quirks((f"SEND: {call.action[:50]} is not known",))
            return
        try:
            self._may_say(call.action)
            self._mended(call, self.edition.send_heard(call.action))
            fact = inbound.read(call.payload)
            await handle(self.desk, self.speaker, fact, protocol=self.dialect.protocol, received=received)
        except Refused as refused:
            self._quirks((f"SEND {call.action}: {refused.fault.name.lower()}",))
        except Exception as error:
            log.exception("bridge.send_failed", charger=self.speaker.id, action=call.action, error=type(error).__name__)

    def _may_say(self, action: str) -> None:
        if not self.speaker.may_say(action, boots_first=self.dialect.boots_first):
            raise Refused(Fault.SECURITY, f"{action} before a boot was accepted")

    def _mended(self, call: Call | Send, schema: Schema) -> None:
        """Check the payload, mending what is plain. Raises Refused for what is not."""
        if schema.holds(call.payload):
            return
        mended = mend(call.payload, schema.violations, self.dialect.leniency)
        self._quirks(f"{call.action} {note}" for note in mended.notes)
        if mended.fault is not None:
            raise Refused(mended.fault, mended.reason)

    def _error_text(self, message_id: str, fault: Fault, reason: str, *, action: str | None = None) -> str:
        code = self.dialect.codes[fault]
        self._note_out("CALLERROR", message_id, {"code": code, "description": reason, "details": {}}, action=action)
        return ocppj.write_error(message_id, code, reason)

    async def _fault(self, message_id: str | None, fault: Fault, reason: str, *, action: str | None = None) -> None:
        """Answer with an error, where this version has a word for it and knows whom to say it to."""
        if message_id is not None and fault in self.dialect.codes:
            await self._send(self._error_text(message_id, fault, reason, action=action))

    async def _send(self, text: str) -> None:
        try:
            await self.socket.send(text)
        except SocketGone:
            self.asker.lost()

    # --- noting ----------------------------------------------------------------------------------------------

    def _quirks(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.speaker.note(note)

    def _note_call(self, message_id: str, action: str, payload: Mapping[str, Any]) -> None:
        self.speaker.invited |= self.dialect.invites(action, payload)
        self._note_out("CALL", message_id, payload, action=action)

    def _note_in(self, kind: str, message_id: str, payload: Any, *, action: str | None = None) -> None:
        self._journal.note(
            self.speaker.key,
            at=self.heard_at,
            direction="in",
            kind=kind,
            message_id=message_id,
            payload=payload,
            action=action,
        )

    def _note_out(self, kind: str, message_id: str, payload: Any, *, action: str | None = None) -> None:
        self._journal.note(
            self.speaker.key,
            at=self.desk.now(),
            direction="out",
            kind=kind,
            message_id=message_id,
            payload=payload,
            action=action,
        )
