"""Telling partners who is connected (mod_hub_client_info, Push model): changes to all, the whole list to who is back.

What changed is noted with the change itself (partners/roster.py) and owed here a moment later, in a transaction of its
own: two platforms that change at once must not each wait for the other's row. A crash in between delays, and loses
nothing, for the notes stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import outbox
from ocpi_hub.delivery.outbox import Line
from ocpi_hub.partners import roster
from ocpi_hub.partners.access import may_know
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import ListedParty, Platform
from ocpi_hub.wire.parties import Role


@dataclass(frozen=True, slots=True)
class Listener:
    """A platform that is CONNECTED and can be told; `list_owed`: everything, because it has come (back)."""

    platform_id: str
    list_owed: bool
    roles: frozenset[Role]

    def may_know(self, line: ListedParty) -> bool:
        """Whether a line is for this platform: of another platform, and of a party that its own may talk with."""
        return line.platform_id != self.platform_id and may_know(self.roles, Role(line.role))


async def hosted(resources: Resources) -> None:
    """List the parties of our own chargers as they are now."""
    snapshot = await resources.one(Directory).now()
    async with resources.unit_of_work() as db:
        await roster.refresh_hosted(db, sorted(snapshot.hosted, key=str), at=resources.clock())


# One at a time: what two would owe at once they would owe in a different order. Nobody else takes this lock.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('ocpi-hub/announce', 0))")
_LISTENERS = text("""
SELECT platform.id, platform.list_owed, array_agg(DISTINCT party.role)
FROM platform JOIN party ON party.platform_id = platform.id
WHERE platform.status = 'CONNECTED'
  AND EXISTS (SELECT FROM endpoint WHERE endpoint.platform_id = platform.id
              AND endpoint.identifier = 'hubclientinfo' AND endpoint.role = 'RECEIVER')
GROUP BY platform.id ORDER BY platform.id
""")
_PENDING = text("""
SELECT EXISTS (SELECT FROM listed_party WHERE NOT announced) OR EXISTS (SELECT FROM platform WHERE list_owed)
""")


async def owe(db: AsyncSession, resources: Resources) -> list[str]:
    """Owe what changed to every platform that may know of it, and the whole list to those that came (back).

    Gives the platforms that are owed something. Who is not connected is owed nothing: it gets the list on its return.
    """
    if not await db.scalar(_PENDING):
        return []
    await db.execute(_ALONE)
    came_back = select(Platform.id).where(col(Platform.list_owed))
    back = set(await db.scalars(came_back.with_for_update(key_share=True, skip_locked=True)))
    news = await roster.news(db)
    listeners = [Listener(id_, owed, frozenset(map(Role, roles))) for id_, owed, roles in await db.execute(_LISTENERS)]
    full = await roster.everyone(db) if any(listener.platform_id in back for listener in listeners) else ()
    owed = [
        Line(listener.platform_id, line.key, line.role, f"{line.country_code}/{line.party_id}")
        for listener in listeners
        for line in (full if listener.platform_id in back else news)
        if listener.may_know(line)
    ]
    await outbox.owe_lines(db, owed, correlation_id=str(uuid4()), at=resources.clock())
    await _done(db, sorted(back), news)
    return list(dict.fromkeys(line.platform_id for line in owed))


async def _done(db: AsyncSession, back: Sequence[str], news: Sequence[ListedParty]) -> None:
    await db.execute(update(Platform).where(col(Platform.id).in_(back)).values(list_owed=False))
    await roster.announced(db, news)
