"""The bridge assembled: listener, connections, timers, and the ear for questions from other processes.

`async with Bridge(…).run() as bridge:` is the whole life of it. It commits nothing itself: units of work do.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import redis.asyncio
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import commands, status, transactions
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.connection import Connection
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.handlers import Desk
from bridge_ocpp.journal import Journal
from bridge_ocpp.ledger import Ledger, UnitOfWork
from bridge_ocpp.port import Command, HubPort, Outcome, OutcomeStatus
from bridge_ocpp.relay import Ear
from bridge_ocpp.server import Admission, Line, listening
from bridge_ocpp.speaker import Speaker
from bridge_ocpp.tables import ChargerRow

log = structlog.get_logger()

SUPERSEDED = (1008, "a newer connection of this charger took over")
REMOVED = (1008, "this charger is not known any more")
TRY_AGAIN = (1013, "try again later")
DRAIN = 10.0
"""Seconds that calls which were read may still be handled after their socket has closed."""


class Bridge:
    """An OCPP central system. `config.port` 0 takes any free port; `url` says which."""

    def __init__(
        self,
        config: BridgeConfig,
        *,
        unit_of_work: UnitOfWork,
        redis: "redis.asyncio.Redis",
        hub: HubPort,
        now: Callable[[], datetime],
    ) -> None:
        self.config = config
        self.port = config.port
        self.process_id = uuid4()
        self.journal = Journal()
        self.connections: dict[str, Connection] = {}
        self._desk = Desk(config, Ledger(unit_of_work, writers=config.writers, askers=config.askers), hub, now)
        self._beat_every = min(5.0, config.ping_interval / 4)
        self._ear = Ear(redis, self.process_id, lease=self._beat_every * 4, ask=self._ask, drop=self._drop)
        self._claiming: Counter[str] = Counter()
        self._leaving: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def url(self) -> str:
        """Where chargers connect, without their id: `ws://127.0.0.1:9000/ocpp`."""
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"ws://{host}:{self.port}/ocpp"

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Bridge"]:
        """Listen while inside. Leaving closes the sockets, lets what was heard be handled, and tells nobody offline:
        chargers that come back within a ping interval, to this process restarted or to another, were never away."""
        await self._alive()
        self._timers = [
            asyncio.create_task(work)
            for work in (
                self._ear.listen(),
                self._every(self.config.flush_interval, self.flush),
                self._every(self._beat_every, self.beat),
                self._every(3600.0, self.prune),
            )
        ]
        try:
            async with listening(
                self.config, lookup=self._lookup, connected=self._connected, now=self._desk.now
            ) as server:
                self.port = server.sockets[0].getsockname()[1]
                log.info("bridge.listening", url=self.url)
                try:
                    yield self
                finally:
                    self._stopping = True
            if self._leaving:
                await asyncio.wait(self._leaving, timeout=DRAIN)
        finally:
            await _stopped(self._timers)
            await self._last_words()

    # --- chargers come and go ----------------------------------------------------------------------------------

    async def _lookup(self, charger_key: str) -> Admission | None:
        query = select(
            col(ChargerRow.security_profile), col(ChargerRow.password_salt), col(ChargerRow.password_digest)
        ).where(col(ChargerRow.key) == charger_key)

        async def find(db: AsyncSession) -> Admission | None:
            found = (await db.execute(query)).first()
            return None if found is None else Admission(*found)

        return await self._desk.ledger.write(find)

    async def _connected(self, line: Line, charger_key: str, dialect: Dialect) -> None:
        """A charger from the moment it was let in until its socket is gone."""
        connection = await self._claim(line, charger_key, dialect)
        if connection is None:
            return
        answering = asyncio.create_task(connection.answer())
        pinging = asyncio.create_task(connection.keep_alive())
        try:
            await connection.read()
        finally:
            pinging.cancel()
            connection.lost()
            connection.finish()
            self._soon(self._drained(answering, connection.speaker))
            await self._gone(connection)

    async def _claim(self, line: Line, charger_key: str, dialect: Dialect) -> Connection | None:
        now, hub = self._desk.now(), self._desk.hub
        self._claiming[charger_key] += 1
        try:
            claimed = await self._desk.ledger.write(
                lambda db: status.claim(
                    db, hub, charger_key, process_id=self.process_id, protocol=dialect.protocol, now=now
                )
            )
            if claimed is None:
                await line.close(*REMOVED)
                return None
            speaker = Speaker(
                charger_key,
                claimed.id,
                claimed.generation,
                connected_at=now,
                behind_since=claimed.behind_since,
                echoes_remote_start=dialect.echoes_remote_start,
                boot_status=claimed.boot_status,
                quirks=set(claimed.quirks),
            )
            connection = Connection(line, speaker=speaker, dialect=dialect, desk=self._desk, journal=self.journal)
            self._seat(connection)
        except Exception as error:
            log.exception("bridge.not_claimed", charger=charger_key, error=type(error).__name__)
            await line.close(*TRY_AGAIN)
            return None
        finally:
            self._claiming[charger_key] -= 1
            self._claiming += Counter()
        await self._ear.hold([charger_key])
        if claimed.previous is not None and claimed.previous != self.process_id:
            await self._ear.superseded(claimed.previous, charger_key, claimed.generation)
        log.info("bridge.connected", charger=claimed.id, protocol=dialect.protocol)
        return connection

    def _seat(self, connection: Connection) -> None:
        """The newest generation keeps the seat; an older socket is closed, whichever came here first."""
        key = connection.speaker.key
        seated = self.connections.get(key)
        if seated is not None and seated.speaker.generation > connection.speaker.generation:
            self._soon(connection.socket.close(*SUPERSEDED))
            return
        self.connections[key] = connection
        if seated is not None:
            seated.lost()
            self._soon(seated.socket.close(*SUPERSEDED))

    async def _gone(self, connection: Connection) -> None:
        """The socket is closed. Where a newer one has taken over, nothing changes."""
        speaker = connection.speaker
        if self.connections.get(speaker.key) is connection:
            del self.connections[speaker.key]
            await self._ear.let_go(speaker.key)
        if not self._stopping:
            try:
                await self._release(speaker.key, speaker.generation, connection.heard_at)
            except Exception as error:  # the next beat finds what is left
                log.exception("bridge.not_released", charger=speaker.id, error=type(error).__name__)

    async def _release(self, charger_key: str, generation: int, last_heard: datetime) -> None:
        now, hub = self._desk.now(), self._desk.hub
        if await self._desk.ledger.write(
            lambda db: status.release(db, hub, charger_key, generation=generation, last_heard=last_heard, now=now)
        ):
            log.info("bridge.disconnected", charger=charger_key)

    async def _drop(self, charger_key: str, generation: int) -> None:
        connection = self.connections.get(charger_key)
        if connection is not None and connection.speaker.generation < generation:
            connection.lost()
            await connection.socket.close(*SUPERSEDED)

    async def _drained(self, answering: "asyncio.Task[None]", speaker: Speaker) -> None:
        """What was read before the socket closed is handled all the same."""
        await asyncio.wait([answering], timeout=DRAIN)
        answering.cancel()
        await self._keep_quirks(speaker)

    # --- questions from the business side ------------------------------------------------------------------------

    async def _ask(self, charger_key: str, command: Command, within: float) -> Outcome:
        connection = self.connections.get(charger_key)
        if connection is None or connection.gone:
            await self._ear.let_go(charger_key)
            return Outcome(OutcomeStatus.OFFLINE, "the charger is not connected")
        try:
            return await commands.execute(connection, command, within=within)
        except Exception as error:
            log.exception("bridge.command_failed", charger=connection.speaker.id, error=type(error).__name__)
            return Outcome(OutcomeStatus.FAILED, "the bridge could not ask the charger")

    # --- timers ----------------------------------------------------------------------------------------------------

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception as error:
                log.exception("bridge.timer_failed", error=type(error).__name__)

    async def beat(self) -> None:
        """Say that this process lives, hold its leases, and put right what an outage left behind."""
        await self._alive()
        await self._ear.hold(self.connections)
        await self._reconcile()
        await self.settle()
        now, hub, grace = self._desk.now(), self._desk.hub, timedelta(seconds=self.config.ping_interval)
        while lost := await self._desk.ledger.write(lambda db: status.release_lost(db, hub, now=now, grace=grace)):
            log.info("bridge.lost_with_its_process", charger=lost)

    async def settle(self) -> None:
        """Tell the ends of transactions whose missing messages did not come in time."""
        now, hub = self._desk.now(), self._desk.hub
        while await self._desk.ledger.write(lambda db: transactions.settle_due(db, hub, now=now)):
            pass

    async def flush(self) -> None:
        """Write down what may be lost: the journal, new quirks, the last signs of life."""
        while self.journal.waiting():
            await self._desk.ledger.write(self.journal.write)
        for connection in list(self.connections.values()):
            await self._keep_quirks(connection.speaker)

    async def prune(self) -> None:
        """Let go of old frames, loose meter values and remote starts that nothing followed."""
        config, now = self.config, self._desk.now()
        before = now - timedelta(days=config.frames_days)
        await self._desk.ledger.write(lambda db: self.journal.prune(db, per_charger=config.frames_kept, before=before))
        await self._desk.ledger.write(lambda db: status.prune(db, now=now, before=before))

    async def _alive(self, *, lease: float | None = None) -> None:
        span = timedelta(seconds=self._beat_every * 3 if lease is None else lease)
        await self._desk.ledger.write(lambda db: status.alive(db, self.process_id, now=self._desk.now(), lease=span))

    async def _reconcile(self) -> None:
        """Compare our sockets with the rows: signs of life, chargers that were removed, rows without a socket."""
        mine = select(col(ChargerRow.key), col(ChargerRow.generation), col(ChargerRow.last_seen_at)).where(
            col(ChargerRow.process_id) == self.process_id, col(ChargerRow.online)
        )

        async def read(db: AsyncSession) -> list[Any]:
            return list(await db.execute(mine))

        before = dict(self.connections)  # whoever comes while we read is not missing
        rows = [row for row in await self._desk.ledger.write(read) if not self._claiming[row[0]]]
        found = {key for key, _, _ in rows}
        for key, connection in before.items():
            if key not in found and not self._claiming[key]:
                connection.lost()
                self._soon(connection.socket.close(*REMOVED))
        seen: list[dict[str, Any]] = []
        for key, generation, last_seen_at in rows:
            seated = self.connections.get(key)
            if seated is None or seated.speaker.generation != generation:
                await self._release(key, generation, last_seen_at)
            elif (seated.heard_at - last_seen_at).total_seconds() >= self.config.ping_interval:
                seen.append({"key": key, "last_seen_at": seated.heard_at})
        if seen:
            await self._desk.ledger.write(lambda db: status.seen(db, seen))

    async def _keep_quirks(self, speaker: Speaker) -> None:
        if not speaker.new_quirks:
            return
        quirks, speaker.new_quirks = speaker.new_quirks, []
        await self._desk.ledger.write(lambda db: status.keep_quirks(db, speaker.key, quirks))

    async def _last_words(self) -> None:
        try:
            async with asyncio.timeout(DRAIN):
                await self.flush()
                await self._alive(lease=0.0)
        except Exception as error:
            log.warning("bridge.no_last_words", error=type(error).__name__)

    def _soon(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._left)

    def _left(self, task: "asyncio.Task[None]") -> None:
        self._leaving.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.warning("bridge.loose_end", error=type(error).__name__, exc_info=error)


async def _stopped(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel until it is done: the Valkey client swallows a cancellation that meets it while it connects."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)
