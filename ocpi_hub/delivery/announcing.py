"""Telling partners who is connected (mod_hub_client_info, Push model): changes to all, the whole list to who is back.

What changed is noted with the change itself (partners/roster.py) and owed here a moment later, in a transaction of its
own: two platforms that change at once must not each wait for the other's row. A crash in between delays, and loses
nothing, for the notes stay.
"""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import outbox
from ocpi_hub.delivery.outbox import Line
from ocpi_hub.partners import agreements, roster
from ocpi_hub.partners.agreed import Agreed
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.roster import Looker
from ocpi_hub.partners.tables import ListedParty, Platform
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import Role


async def hosted(resources: Resources) -> None:
    """List the parties of our own chargers as they are now."""
    snapshot = await resources.one(Directory).now()
    async with resources.unit_of_work() as db:
        await roster.refresh_hosted(db, sorted(snapshot.hosted, key=str), at=resources.clock())


# One at a time: what two would owe at once they would owe in a different order. Nobody else takes this lock.
ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('ocpi-hub/announce', 0))")
_LISTENERS = text("""
SELECT platform.id, array_agg(party.country_code), array_agg(party.party_id), array_agg(party.role)
FROM platform JOIN party ON party.platform_id = platform.id
WHERE platform.status = ANY(:statuses)
  AND EXISTS (SELECT FROM endpoint WHERE endpoint.platform_id = platform.id
              AND endpoint.identifier = 'hubclientinfo' AND endpoint.role = 'RECEIVER')
GROUP BY platform.id ORDER BY platform.id
""")
_VERSION = text(f"SELECT {agreements.VERSION}")
_PENDING = text("""
SELECT EXISTS (SELECT FROM listed_party WHERE NOT announced) OR EXISTS (SELECT FROM platform WHERE list_owed)
""")


async def owe(db: AsyncSession, resources: Resources) -> list[str]:
    """Owe what changed to every platform that may know of it, and the whole list to those that came (back).

    Gives the platforms that are owed something. Who is not connected is owed nothing: it gets the list on its return.
    """
    if not await db.scalar(_PENDING):
        return []
    await db.execute(ALONE)
    agreed = await resources.one(Directory).agreed(await db.scalar(_VERSION) or 0)
    came_back = select(Platform.id).where(col(Platform.list_owed))
    back = set(await db.scalars(came_back.with_for_update(key_share=True, skip_locked=True)))
    news = await roster.news(db)
    listeners = await lookers(db, agreed)
    full = await roster.everyone(db) if any(listener.platform_id in back for listener in listeners) else ()
    owed = [
        for_(listener.platform_id, line)
        for listener in listeners
        for line in (full if listener.platform_id in back else news)
        if listener.sees(line) is not None
    ]
    await outbox.owe_lines(db, owed, correlation_id=str(uuid4()), at=resources.clock())
    await _done(db, sorted(back), news)
    return list(dict.fromkeys(line.platform_id for line in owed))


async def lookers(db: AsyncSession, agreed: Agreed, statuses: Sequence[str] = ("CONNECTED",)) -> list[Looker]:
    """The platforms in these statuses that can be told of others."""
    found = await db.execute(_LISTENERS, {"statuses": list(statuses)})
    return [
        Looker(
            platform_id,
            frozenset((PartyId(*ids), Role(role)) for *ids, role in zip(countries, parties, roles, strict=True)),
            agreed,
        )
        for platform_id, countries, parties, roles in found
    ]


def for_(platform_id: str, line: ListedParty) -> Line:
    """A line that this platform is owed."""
    return Line(platform_id, line.key, line.role, f"{line.country_code}/{line.party_id}")


async def _done(db: AsyncSession, back: Sequence[str], news: Sequence[ListedParty]) -> None:
    await db.execute(update(Platform).where(col(Platform.id).in_(back)).values(list_owed=False))
    await roster.announced(db, news)
