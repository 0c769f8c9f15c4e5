"""Taking a charger away: its EVSEs stay as REMOVED, and what still runs there ends unbilled.

In one transaction: the bridge's record, our rows, the Location, open Sessions and the debts to partners.
"""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ChargerBook
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cdrs, placing, telling
from ocpi_hub.chargers.tables import SessionLink

log = structlog.get_logger()


async def remove(resources: Resources, charger_id: str, db: AsyncSession) -> bool:
    """Take a charger away; False when there is none. EVSEs become REMOVED (mod_locations: they are never deleted)."""
    # The bridge's row first, as in all that chargers say: two orders of locking would be a deadlock.
    known = await resources.get(ChargerBook).remove(charger_id, db)  # type: ignore[type-abstract]
    placement = await placing.find(db, charger_id, lock=True)
    if placement is None:
        return known
    await _abandon_sessions(resources, placement.key, db)
    at = resources.clock()
    for evse in await placing.evses_of(db, placement.key):
        await placing.publish_status(placement, evse, "REMOVED", db, at=at)
        await db.delete(evse)
    await db.delete(placement)
    log.info("charger.removed", charger=placement.charger_id)
    return True


async def _abandon_sessions(resources: Resources, charger_key: str, db: AsyncSession) -> None:
    """Nobody will say how these ended, so they are INVALID and "will not be billed" (mod_sessions, SessionStatus)."""
    running = select(SessionLink).where(SessionLink.charger_key == charger_key, col(SessionLink.ended_at).is_(None))
    for link in await db.scalars(running.with_for_update()):
        link.ended_at = max(resources.clock(), link.started_at)
        if link.status is not None:
            log.warning("session.abandoned", session=link.session_id, charger=link.charger_id)
            await telling.session(resources, link, cdrs.unpriced(link.started_at, until=link.ended_at), "INVALID", db)
