"""The journal: a note of every message of every hop, for people who look for what happened to one. Not for counting.

Notes are collected in memory and written behind in batches by each process. They are lost in a crash, when the database
is away, and when they come faster than they can be written; nothing waits for them, and nothing is decided by them.
"""

import asyncio
import random
import re
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.answers import Relayed, Unreachable
from ocpi_hub.partners.masking import mask_body, mask_url
from ocpi_hub.partners.tables import Message, MessageBody
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()

IN, OUT = "in", "out"
CHECK = "check"
RULES = (
    *("direct", "open:location", "open:session", "open:reservation", "open:token", "open:profile", "broadcast"),
    *("get-all", "here", "push", "callback", "handshake", "probe", "pull", CHECK, "other", "refused"),
)
"""Why a message was sent, or where one that came in went; docs/journal.md says what each means."""
EVERY = 1.0
"""Seconds that notes are collected before they are written."""
AT_ONCE, AT_A_TIME = 500, 25
"""Notes in a transaction, and notes that are made ready without a break."""
MOST_NOTES = 10_000
MOST_BYTES = 32 * 1024 * 1024
"""What waits in memory at most, bodies included."""
LONGEST_BODY, LONGEST_READ = 16 * 1024, 4 * 1024
"""Bytes of a body that are kept; of an answer to a GET less, for what can be read can be read again."""


@dataclass(frozen=True, slots=True)
class About:
    """What a message that goes out is about: why it is sent (`rule`), and for which request that came in."""

    rule: str
    module: str = ""
    interface: str = ""
    request_id_in: str | None = None


@dataclass(slots=True, kw_only=True)
class Note:
    """One message and its answer, of one hop. `path` is what follows the module for one that came in, the whole URL for
    one that went out. `request_id_in` is the X-Request-ID of the request that made us send this one."""

    at: datetime
    direction: str
    correlation_id: str
    request_id: str
    method: str
    path: str
    rule: str
    request_id_in: str | None = None
    platform_id: str | None = None
    from_party: PartyId | None = None
    to_party: PartyId | None = None
    module: str = ""
    interface: str = ""
    http_status: int | None = None
    ocpi_status: int | None = None
    milliseconds: int = 0
    reason: str | None = None
    request_body: bytes | None = None
    response_body: bytes | None = None

    def size(self) -> int:
        return 500 + len(self.request_body or b"") + len(self.response_body or b"")


_STATUS = re.compile(rb'"status_code"\s*:\s*"?(\d{4})\b')


def sent(
    about: About, method: str, url: str, found: Relayed | Unreachable, *, at: datetime, correlation_id: str
) -> Note:
    """The note of a message that went out, and of what came of it."""
    note = Note(
        at=at,
        direction=OUT,
        correlation_id=correlation_id,
        request_id=found.request_id,
        request_id_in=about.request_id_in,
        method=method,
        path=url,
        rule=about.rule,
        module=about.module,
        interface=about.interface,
        milliseconds=found.milliseconds,
    )
    if isinstance(found, Unreachable):
        note.http_status, note.reason = found.http_status, found.reason
    else:
        body = note.response_body = found.received.body
        note.http_status = found.received.status
        # Partners write it at the end or at the beginning; no object of OCPI has a field of this name.
        place = body.rfind(b'"status_code"')
        said = _STATUS.match(body, place) if place >= 0 else None
        note.ocpi_status = int(said.group(1)) if said else None
    return note


class Journal:
    """Collects notes of one process and writes them behind."""

    def __init__(self, resources: Resources) -> None:
        settings = resources.settings
        self._resources = resources
        self.kept = settings.journal_days > 0
        """Whether messages are noted at all."""
        self._bodies = settings.journal_bodies > 0
        self._waiting: deque[Note] = deque()
        self._bytes = self._dropped = 0
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @classmethod
    def open(cls, resources: Resources) -> Self:
        return cls(resources)

    async def aclose(self) -> None:
        """Write what waits, if that goes quickly."""
        self._closing.set()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=2)

    async def idle(self) -> None:
        """Wait until nothing waits to be written."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])

    def note(self, note: Note) -> None:
        """Keep a note; at once, and without an error. Too many at a time are dropped."""
        if not self.kept:
            return
        note.request_body = self._cut(note.request_body, LONGEST_BODY)
        note.response_body = self._cut(note.response_body, _longest_answer(note))
        if len(self._waiting) >= MOST_NOTES or self._bytes >= MOST_BYTES:
            self._dropped += 1
            return
        self._waiting.append(note)
        self._bytes += note.size()
        if self._writing is None or self._writing.done():
            # In a context of its own: it is no part of the request that happened to start it.
            self._writing = asyncio.get_running_loop().create_task(self._write(), context=Context())

    def _cut(self, body: bytes | None, longest: int) -> bytes | None:
        """As much of a body as may be kept, and one byte more to know that it was cut."""
        if not body or not self._bodies:
            return None
        return body if len(body) <= longest else body[: longest + 1]

    async def _write(self) -> None:
        while self._waiting:
            try:
                async with asyncio.timeout(EVERY):
                    await self._closing.wait()
            except TimeoutError:
                pass
            while self._waiting:
                await self._write_some()
        if self._dropped:
            log.warning("journal.dropped", notes=self._dropped)
            self._dropped = 0

    async def _write_some(self) -> None:
        notes = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        self._bytes -= sum(note.size() for note in notes)
        try:
            _keep_once(notes)
            rows = []
            for note in notes:
                rows.append(_row(note))
                if len(rows) % AT_A_TIME == 0:
                    await asyncio.sleep(0)  # requests go first
            async with self._resources.unit_of_work() as db:
                await _insert(db, rows)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            self._dropped += len(notes)
            log.warning("journal.not_written", error=type(error).__name__)
        except Exception:
            self._dropped += len(notes)
            log.exception("journal.failed")


_COLUMNS = {
    "id": "uuid",
    "at": "timestamptz",
    "direction": "text",
    "correlation_id": "text",
    "request_id": "text",
    "request_id_in": "text",
    "platform_id": "text",
    "from_party": "text",
    "to_party": "text",
    "module": "text",
    "interface": "text",
    "method": "text",
    "path": "text",
    "http_status": "int",
    "ocpi_status": "int",
    "milliseconds": "int",
    "rule": "text",
    "reason": "text",
}
_BODIES = {"id": "uuid", "request": "text", "response": "text"}


def _statement(table: str, columns: dict[str, str]) -> Any:
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return text(f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})")  # noqa: S608


_INSERT = _statement("message", _COLUMNS)
_INSERT_BODIES = _statement("message_body", _BODIES)


async def _insert(db: AsyncSession, rows: list[dict[str, Any]]) -> None:
    await db.execute(text("SET LOCAL synchronous_commit = off"))  # it may be lost, so nobody waits for the disk
    await db.execute(_INSERT, {name: [row[name] for row in rows] for name in _COLUMNS})
    with_body = [row for row in rows if row["request"] or row["response"]]
    if with_body:
        await db.execute(_INSERT_BODIES, {name: [row[name] for row in with_body] for name in _BODIES})


def _keep_once(notes: Sequence[Note]) -> None:
    """A body that was passed on as it came is kept once, with the message that came in: those that went out lose it."""
    came = {id(body) for note in notes if note.direction == IN for body in (note.request_body, note.response_body)}
    for note in notes:
        if note.direction == OUT and note.request_id_in is not None:
            note.request_body = None if id(note.request_body) in came else note.request_body
            note.response_body = None if id(note.response_body) in came else note.response_body


def _row(note: Note) -> dict[str, Any]:
    """A note as it is kept: nobody is named in it who may not be."""
    return {
        "id": _id(note.at),
        "at": note.at,
        "direction": note.direction,
        "correlation_id": _plain(note.correlation_id),
        "request_id": _plain(note.request_id),
        "request_id_in": _plain(note.request_id_in),
        "platform_id": note.platform_id,
        "from_party": str(note.from_party) if note.from_party else None,
        "to_party": str(note.to_party) if note.to_party else None,
        "module": _plain(note.module[:64]),
        "interface": note.interface,
        "method": _plain(note.method[:16]),
        "path": _plain(mask_url(note.path, note.module)[:1000]),
        "http_status": note.http_status,
        "ocpi_status": note.ocpi_status,
        "milliseconds": note.milliseconds,
        "rule": note.rule,
        "reason": _plain((note.reason or "")[:1000]) or None,
        "request": _body(note.request_body, note, longest=LONGEST_BODY),
        "response": _body(note.response_body, note, longest=_longest_answer(note)),
    }


def _longest_answer(note: Note) -> int:
    return LONGEST_READ if note.method == "GET" else LONGEST_BODY


def _body(body: bytes | None, note: Note, *, longest: int) -> str | None:
    return mask_body(body, note.module, longest=longest) if body else None


def _plain(value: str | None) -> Any:
    """Text that PostgreSQL takes."""
    if value is not None and value.isascii() and "\x00" not in value:
        return value
    return value.encode("utf-8", "replace").decode().replace("\x00", "") if value is not None else None


def _id(at: datetime, *, lowest: bool = False) -> UUID:
    """An id in the order of time: 48 bits of milliseconds, then chance."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (0 if lowest else random.getrandbits(80)))


async def prune(db: AsyncSession, resources: Resources) -> None:
    """Remove bodies after OCPI_HUB_JOURNAL_BODIES hours, and notes after OCPI_HUB_JOURNAL_DAYS."""
    at, settings = resources.clock(), resources.settings
    first_body = _id(at - timedelta(hours=settings.journal_bodies), lowest=True)
    first_note = _id(at - timedelta(days=settings.journal_days), lowest=True)
    await db.execute(delete(MessageBody).where(col(MessageBody.id) < max(first_body, first_note)))
    await db.execute(delete(Message).where(col(Message.id) < first_note))
