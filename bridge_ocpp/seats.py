"""Which socket of a charger counts: claimed when it comes, seated while it lasts, released when it goes.

The newest authenticated socket wins, over all bridge processes. An older one is closed, and its close changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import status
from bridge_ocpp.coming import Claim, Claimed
from bridge_ocpp.connection import Connection, Socket
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.going import Gone
from bridge_ocpp.handlers import Reception
from bridge_ocpp.journal import Journal
from bridge_ocpp.relay import Ear
from bridge_ocpp.security.admission import Entry
from bridge_ocpp.speaker import Speaker
from bridge_ocpp.tables import ChargerRow

log = structlog.get_logger()

SUPERSEDED = (1008, "a newer connection of this charger took over")
NOT_KNOWN = (1008, "this charger was removed, or taken for lost")
TRY_AGAIN = (1013, "try again later")
DRAIN = 10.0
"""Seconds that calls which were read may still be handled after their socket has closed."""


class Seats:
    """The chargers of one bridge process, by key."""

    def __init__(self, desk: Reception, journal: Journal, ear: Ear) -> None:
        self.connections: dict[str, Connection] = {}
        self.leaving: set[asyncio.Task[None]] = set()
        self.closing = False
        """Set when the process ends: its chargers are not offline, they only have to come back."""
        self._desk = desk
        self._journal = journal
        self._ear = ear
        self._process_id = ear.process_id
        self._claiming: Counter[str] = Counter()

    async def serve(self, socket: Socket, entry: Entry, dialect: Dialect) -> None:
        """A charger from the moment it was let in until its socket is gone."""
        connection = await self._claim(socket, entry, dialect)
        if connection is None:
            return
        answering = asyncio.create_task(connection.answer())
        answering.add_done_callback(connection.answered)
        pinging = asyncio.create_task(connection.keep_alive())
        try:
            await connection.read()
        finally:
            pinging.cancel()
            connection.asker.lost()
            connection.finish()
            self._soon(self._drain(answering, connection.speaker))
            await self._leave(connection)

    async def drop(self, charger_key: str, generation: int) -> None:
        """A socket of this `generation` was seated elsewhere: an older one here is closed."""
        connection = self.connections.get(charger_key)
        if connection is not None and connection.speaker.generation < generation:
            connection.asker.lost()
            await connection.socket.close(*SUPERSEDED)

    async def reconcile(self) -> None:
        """Compare our sockets with the rows: signs of life, chargers that were removed, rows without a socket."""
        mine = select(col(ChargerRow.key), col(ChargerRow.generation), col(ChargerRow.last_seen_at)).where(
            col(ChargerRow.process_id) == self._process_id, col(ChargerRow.online)
        )

        async def read(db: AsyncSession) -> list[Any]:
            return list(await db.execute(mine))

        before = dict(self.connections)  # whoever comes while we read is not missing
        rows = [row for row in await self._desk.ledger.write(read) if not self._claiming[row[0]]]
        found = {key for key, _, _ in rows}
        for key, connection in before.items():
            if key not in found and not self._claiming[key]:
                connection.asker.lost()
                self._soon(connection.socket.close(*NOT_KNOWN))
        seen: list[dict[str, Any]] = []
        for key, generation, last_seen_at in rows:
            seated = self.connections.get(key)
            if seated is None or seated.speaker.generation != generation:
                await self._release(key, generation, last_seen_at)
            elif (seated.heard_at - last_seen_at).total_seconds() >= self._desk.config.ping_interval:
                seen.append({"key": key, "last_seen_at": seated.heard_at})
        if seen:
            await self._desk.ledger.write(lambda db: status.seen(db, seen))

    async def keep_quirks(self, speaker: Speaker) -> None:
        """Write down what this charger was found doing wrong."""
        if speaker.new_quirks:
            quirks, speaker.new_quirks = speaker.new_quirks, []
            await self._desk.ledger.write(lambda db: status.keep_quirks(db, speaker.key, quirks))

    # --- coming -------------------------------------------------------------------------------------------------

    async def _claim(self, socket: Socket, entry: Entry, dialect: Dialect) -> Connection | None:
        """Write the claim down, take the seat, and say where the charger is; None when the socket was closed."""
        charger_key = entry.charger_key
        self._claiming[charger_key] += 1
        try:
            claimed, connection = await self._claimed(socket, entry, dialect)
        except Exception as error:
            log.exception("bridge.not_claimed", charger=charger_key, error=type(error).__name__)
            await socket.close(*TRY_AGAIN)
            return None
        finally:
            self._claiming[charger_key] -= 1
            if not self._claiming[charger_key]:
                del self._claiming[charger_key]
        if claimed is None or connection is None:
            await socket.close(*NOT_KNOWN)
            return None
        await self._ear.hold([charger_key])
        if claimed.previous is not None and claimed.previous != self._process_id:
            await self._ear.superseded(claimed.previous, charger_key, claimed.generation)
        log.info("bridge.connected", charger=claimed.id, protocol=dialect.protocol)
        return connection

    async def _claimed(
        self, socket: Socket, entry: Entry, dialect: Dialect
    ) -> tuple[Claimed | None, Connection | None]:
        now = self._desk.now()
        claimed = await self._desk.arrivals.claim(Claim(entry, dialect.protocol, self._process_id, now))
        if claimed is None:
            return None, None
        speaker = Speaker(
            entry.charger_key,
            claimed.id,
            claimed.generation,
            connected_at=now,
            behind_since=claimed.behind_since,
            echoes_remote_start=dialect.echoes_remote_start,
            boot_answer=claimed.boot_answer,
            quirks=set(claimed.quirks),
        )
        connection = Connection(socket, speaker=speaker, dialect=dialect, desk=self._desk, journal=self._journal)
        self._seat(connection)
        return claimed, connection

    def _seat(self, connection: Connection) -> None:
        """The newest generation keeps the seat, whichever came here first."""
        key = connection.speaker.key
        seated = self.connections.get(key)
        older = connection
        if seated is None or seated.speaker.generation < connection.speaker.generation:
            self.connections[key] = connection
            if seated is None:
                return
            older = seated
        older.asker.lost()
        self._soon(older.socket.close(*SUPERSEDED))

    # --- going --------------------------------------------------------------------------------------------------

    async def _leave(self, connection: Connection) -> None:
        """The socket is closed. Where a newer one has taken over, nothing changes."""
        speaker = connection.speaker
        if self.connections.get(speaker.key) is connection:
            del self.connections[speaker.key]
            await self._ear.let_go(speaker.key)
        if self.closing:
            return
        try:
            await self._release(speaker.key, speaker.generation, connection.heard_at)
        except Exception as error:  # the next beat finds what is left
            log.exception("bridge.not_released", charger=speaker.id, error=type(error).__name__)

    async def _release(self, charger_key: str, generation: int, last_heard: datetime) -> None:
        if await self._desk.departures.release(Gone(charger_key, generation, last_heard, self._desk.now())):
            log.info("bridge.disconnected", charger=charger_key)

    async def _drain(self, answering: "asyncio.Task[None]", speaker: Speaker) -> None:
        """What was read before the socket closed is handled all the same."""
        await asyncio.wait([answering], timeout=DRAIN)
        answering.cancel()
        await self.keep_quirks(speaker)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.leaving.add(task)
        task.add_done_callback(self._left)

    def _left(self, task: "asyncio.Task[None]") -> None:
        self.leaving.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.warning("bridge.loose_end", error=type(error).__name__, exc_info=error)
