"""Does what is owed to the chargers whose sockets this process holds, some at a time.

An errand that fails is tried again, later each time; one for a charger that is away waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.connected import Connected
from bridge_ocpp.errands.owing import FIRST_WAIT
from bridge_ocpp.errands.tables import ErrandRow
from bridge_ocpp.ledger import Ledger
from bridge_ocpp.tables import ChargerRow

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Later:
    """An errand that is not done yet: why, and when it is tried again (None: later each time)."""

    reason: str
    after: timedelta | None = None


Errand = Callable[[Connected], Awaitable[Later | None]]
"""Does one errand over a connection; None when nothing is owed any more. May be run twice, after a crash."""


class Errands:
    """Runs what is due for the chargers of one bridge process, some at a time."""

    def __init__(
        self,
        ledger: Ledger,
        process_id: UUID,
        *,
        connections: Callable[[], Mapping[str, Connected]],
        kinds: Mapping[str, Errand],
        at_once: int,
    ) -> None:
        self._ledger = ledger
        self._process_id = process_id
        self._connections = connections
        self._kinds = kinds
        self._at_once = at_once
        self._running: set[asyncio.Task[None]] = set()

    async def run_due(self, *, now: datetime, charger_key: str | None = None) -> None:
        """Begin what is due, of one charger or of all that are here, as far as there is room; waits for nothing."""
        room = self._at_once - len(self._running)
        if room <= 0:
            return
        leased = await self._ledger.write(lambda db: self._lease(db, now=now, room=room, charger_key=charger_key))
        for key, kind, version, attempts in leased:
            task = asyncio.create_task(self._run(key, kind, version, attempts, now=now))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def aclose(self) -> None:
        """Stop what runs; it stays owed."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=2)

    async def _lease(
        self, db: AsyncSession, *, now: datetime, room: int, charger_key: str | None
    ) -> list[tuple[str, str, int, int]]:
        conditions = [
            col(ChargerRow.online),
            col(ChargerRow.process_id) == self._process_id,
            col(ErrandRow.due_at) <= now,
            or_(col(ErrandRow.leased_until).is_(None), col(ErrandRow.leased_until) <= now),
            # A charger whose boot is not accepted is only told when that changes.
            or_(col(ErrandRow.kind) == "boot", func.coalesce(col(ChargerRow.boot_answer), "Accepted") == "Accepted"),
        ]
        if charger_key is not None:
            conditions.append(col(ErrandRow.charger_key) == charger_key)
        due = (
            select(col(ErrandRow.charger_key), col(ErrandRow.kind))
            .join(ChargerRow, col(ChargerRow.key) == col(ErrandRow.charger_key))
            .where(*conditions)
            .order_by(col(ErrandRow.due_at))
            .limit(room)
            .with_for_update(of=ErrandRow, skip_locked=True)
            .cte("due")
        )
        claimed = (
            update(ErrandRow)
            .where(col(ErrandRow.charger_key) == due.c.charger_key, col(ErrandRow.kind) == due.c.kind)
            .values(leased_until=now + LEASE)
            .returning(col(ErrandRow.charger_key), col(ErrandRow.kind), col(ErrandRow.version), col(ErrandRow.attempts))
        )
        return [(row[0], row[1], row[2], row[3]) for row in await db.execute(claimed)]

    async def _run(self, key: str, kind: str, version: int, attempts: int, *, now: datetime) -> None:
        connection = self._connections().get(key)
        try:
            later = Later("the charger left") if connection is None else await self._kinds[kind](connection)
        except Exception as error:
            log.exception("errand.failed", charger=key, errand=kind, error=type(error).__name__)
            later = Later(f"failed: {type(error).__name__}")
        log.info("errand.done" if later is None else "errand.later", charger=key, errand=kind)
        try:
            await self._ledger.write(lambda db: _settle(db, key, kind, version, attempts, later=later, now=now))
        except Exception as error:  # its lease runs out
            log.exception("errand.not_settled", charger=key, errand=kind, error=type(error).__name__)


async def _settle(
    db: AsyncSession, key: str, kind: str, version: int, attempts: int, *, later: Later | None, now: datetime
) -> None:
    mine = and_(col(ErrandRow.charger_key) == key, col(ErrandRow.kind) == kind)
    as_leased = and_(mine, col(ErrandRow.version) == version)
    if later is None:
        await db.execute(delete(ErrandRow).where(as_leased))
    else:
        wait = min(FIRST_WAIT * 2 ** min(attempts, 12), LONGEST_WAIT) if later.after is None else later.after
        put_off = {"due_at": now + wait, "attempts": attempts + 1, "detail": later.reason[:200]}
        await db.execute(update(ErrandRow).where(as_leased).values(**put_off))
    await db.execute(update(ErrandRow).where(mine).values(leased_until=None))
