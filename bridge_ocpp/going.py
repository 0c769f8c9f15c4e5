"""Who goes: released together with whoever goes meanwhile. A network that fails takes a whole fleet at once.

Nobody waits for this, but those that come back wait behind it: one transaction for each would hold up their return.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.coming import locked
from bridge_ocpp.ledger import LEFT, Ledger, Left, Sharing
from bridge_ocpp.port import ChargerOnline, HubPort
from bridge_ocpp.tables import BridgeRow, ChargerRow

log = structlog.get_logger()

AT_ONCE = 32
"""Chargers that go in one transaction at most."""
LOST_AT_ONCE = 500
"""Chargers of dead processes that are looked for at once."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A charger whose socket of this generation is gone: when it was heard last, and when that was noticed."""

    charger_key: str
    generation: int
    last_heard: datetime
    at: datetime


async def release(db: AsyncSession, hub: HubPort, gone: Sequence[Gone], *, wait: bool) -> list[bool | Left]:
    """Each is offline. False, and nothing changes, where a newer socket has taken the place.

    Without `wait`, a charger whose row somebody else is writing is LEFT.
    """
    rows, left = await locked(db, [each.charger_key for each in gone], wait=wait)
    events = []
    found: dict[str, bool | Left] = dict.fromkeys(left, LEFT)
    for each in gone:
        row = rows.get(each.charger_key)
        if row is None or not row.online or row.generation != each.generation:
            continue
        row.online, row.process_id = False, None
        row.last_seen_at = max(each.last_heard, row.last_seen_at or each.last_heard)
        row.behind_since = row.behind_since or each.last_heard
        events.append(ChargerOnline(row.id, each.at, online=False))
        found[row.key] = True
    if events:
        await hub.heard_all(events, db)
    return [found.get(each.charger_key, False) for each in gone]


async def lost(db: AsyncSession, *, now: datetime, grace: timedelta) -> list[Gone]:
    """Chargers whose bridge process is gone for longer than `grace`.

    Within the grace they may come back to another process, or to the same one restarted, and nobody is bothered.
    """
    alive = select(col(BridgeRow.process_id)).where(col(BridgeRow.alive_until) > now - grace)
    query = select(ChargerRow).where(col(ChargerRow.online), col(ChargerRow.process_id).not_in(alive))
    rows = await db.scalars(query.limit(LOST_AT_ONCE))
    return [Gone(row.key, row.generation, row.last_seen_at or now, now) for row in rows]


class Departures:
    """The last step of a charger, as coming.Arrivals has the first ones."""

    def __init__(self, ledger: Ledger, hub: HubPort) -> None:
        self._ledger = ledger
        self._hub = hub
        self._gone: Sharing[Gone, bool] = Sharing(
            ledger,
            partial(self._release, wait=False),
            alone=partial(self._release, wait=True),
            key=lambda each: each.charger_key,
            at_once=AT_ONCE,
        )

    async def release(self, each: Gone) -> bool:
        """Whether the charger is offline by this: its socket was the newest."""
        return await self._gone.write(each)

    async def release_lost(self, *, now: datetime, grace: timedelta) -> None:
        """The chargers of dead processes are offline. One that cannot be released keeps no other back."""
        while gone := await self._ledger.write(lambda db: lost(db, now=now, grace=grace)):
            results = await asyncio.gather(*(self.release(each) for each in gone), return_exceptions=True)
            for each, result in zip(gone, results, strict=True):
                if isinstance(result, BaseException):
                    log.error("bridge.not_released", charger=each.charger_key, error=type(result).__name__)
                elif result:
                    log.info("bridge.lost_with_its_process", charger=each.charger_key)
            if not any(result is True for result in results):
                return

    async def _release(self, db: AsyncSession, gone: list[Gone], *, wait: bool) -> list[bool | Left]:
        return await release(db, self._hub, gone, wait=wait)
