"""Who asked whom about which session, reservation or profile: learned from messages that we passed on.

Such objects are addressed to one party and not kept by the hub; only their ids are, so that a later message about
them finds its way without OCPI-to (rows R15, G2).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.routing.tables import Trail
from ocpi_hub.wire.headers import PartyId

SESSION, RESERVATION, PROFILE = "session", "reservation", "profile"
LIFETIME = timedelta(days=7)
LONGEST = 255
"""Of an id. OCPI says 36; what passes through is not measured by it."""


async def leave(db: AsyncSession, about: str, key: str, *, owner: PartyId, reader: PartyId, at: datetime) -> None:
    """Remember that `owner` (a CPO) and `reader` share this id. One that is too long to be an id is not worth it."""
    if not 0 < len(key) <= LONGEST:
        return
    values = {
        "about": about,
        "key": key.lower(),
        "owner_key": owner.key,
        "reader_key": reader.key,
        "owner": str(owner),
        "reader": str(reader),
        "left_at": at,
        "expires_at": at + LIFETIME,
    }
    again = {"left_at": values["left_at"], "expires_at": values["expires_at"]}
    names = ["about", "key", "owner_key", "reader_key"]
    await db.execute(insert(Trail).values(values).on_conflict_do_update(index_elements=names, set_=again))


async def owners(db: AsyncSession, about: str, key: str, *, reader: PartyId, at: datetime) -> Sequence[PartyId]:
    """The CPOs that share this id with the reader."""
    query = _living(about, key, at).where(col(Trail.reader_key) == reader.key)
    return [PartyId.parse(row.owner) for row in await db.scalars(query)]


async def newest_reader(db: AsyncSession, about: str, key: str, *, owner: PartyId, at: datetime) -> PartyId | None:
    """Who shared this id with the CPO last."""
    row = await db.scalar(_living(about, key, at).where(col(Trail.owner_key) == owner.key).limit(1))
    return PartyId.parse(row.reader) if row is not None else None


async def forget(db: AsyncSession, at: datetime) -> None:
    """Remove what has expired."""
    await db.execute(delete(Trail).where(col(Trail.expires_at) <= at))


def _living(about: str, key: str, at: datetime) -> Select[Trail]:
    named = (col(Trail.about) == about, col(Trail.key) == key.lower(), col(Trail.expires_at) > at)
    return select(Trail).where(*named).order_by(col(Trail.left_at).desc())
