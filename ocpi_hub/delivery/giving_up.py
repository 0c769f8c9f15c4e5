"""The ends of debts that are not paid: unwanted, too old, or of a platform that is gone. CDRs go on the dead-letter
list, for they are money, and an operator can have them taken up again.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.delivery.tables import Owed
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.partners.manners import profile_of
from ocpi_hub.partners.tables import Platform

log = structlog.get_logger()

_CDR = col(Owed.kind) == CDRS.module.value
_OPEN = col(Owed.dead_at).is_(None)


async def drop_unwanted(db: AsyncSession, platform_id: str, *, at: datetime) -> None:
    """A platform is back that does not want to be told what it missed (push_retry in its profile): it fetches that
    itself. Its CDRs go on the dead-letter list, for they are money."""
    platform = await db.get(Platform, platform_id)
    if platform is None or (profile := profile_of(platform)).push_retry == "all":
        return
    kinds = await db.scalars(select(col(Owed.kind)).where(col(Owed.platform_id) == platform_id, _OPEN).distinct())
    unwanted = [kind for kind in kinds if not profile.retries(kind)]
    here = (col(Owed.platform_id) == platform_id, col(Owed.kind).in_(unwanted), _OPEN)
    reason = "the partner was offline, and is not told again (push_retry)"
    await db.execute(update(Owed).where(*here, _CDR).values(dead_at=at, last_error=reason))
    await db.execute(delete(Owed).where(*here, ~_CDR))


async def give_up(db: AsyncSession, *, cdr_window: timedelta, at: datetime) -> None:
    """CDRs that could not be told within the window go on the dead-letter list; messages that expired go."""
    free = or_(col(Owed.leased_until).is_(None), col(Owed.leased_until) < at)
    too_old = update(Owed).where(_CDR, _OPEN, free, col(Owed.owed_since) < at - cdr_window).values(dead_at=at)
    for platform_id, lane in await db.execute(too_old.returning(col(Owed.platform_id), col(Owed.lane))):
        log.error("delivery.given_up", platform=platform_id, lane=lane)
    expired = delete(Owed).where(_OPEN, free, col(Owed.expires_at) <= at)
    for platform_id, lane in await db.execute(expired.returning(col(Owed.platform_id), col(Owed.lane))):
        log.warning("delivery.expired", platform=platform_id, lane=lane)


async def forget(db: AsyncSession, platform_id: str, *, at: datetime) -> None:
    """A platform unregistered: it is owed nothing. Its CDRs go on the dead-letter list, for they are money."""
    here = col(Owed.platform_id) == platform_id
    await db.execute(update(Owed).where(here, _CDR, _OPEN).values(dead_at=at, last_error="the platform unregistered"))
    await db.execute(delete(Owed).where(here, ~_CDR))


async def take_up_again(db: AsyncSession, platform_id: str, *, at: datetime) -> int:
    """Owe what was given up anew, due now; how much that was."""
    dead = (col(Owed.platform_id) == platform_id, ~_OPEN)
    again = {"dead_at": None, "attempts": 0, "due_at": at, "owed_since": at, "version": col(Owed.version) + 1}
    rows = await db.execute(update(Owed).where(*dead).values(again).returning(col(Owed.id)))
    return len(rows.all())
