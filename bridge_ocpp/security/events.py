"""Security events of chargers: kept, and the critical ones logged as warnings."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.security_words import CRITICAL, SecurityEvent
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.security.tables import SecurityEventRow

log = structlog.get_logger()

KEPT = timedelta(days=90)


async def told(db: AsyncSession, event: SecurityEvent, hearing: Hearing) -> None:
    """Keep an event with the charger's time and the time that counts."""
    critical = event.kind in CRITICAL
    judged = hearing.speaker.judge(event.said, received=hearing.received)
    db.add(
        SecurityEventRow(
            charger_key=hearing.speaker.key,
            kind=event.kind[:50],
            critical=critical,
            at=judged.at,
            said_at=event.said.at,
            received_at=hearing.received,
            info=event.info,
        )
    )
    if critical:
        log.warning("charger.security_event", charger=hearing.speaker.id, kind=event.kind)


async def prune(db: AsyncSession, *, now: datetime) -> None:
    """Let go of what is older than 90 days."""
    await db.execute(delete(SecurityEventRow).where(col(SecurityEventRow.received_at) < now - KEPT))
