"""The operator's own cards: kept here, decided here, owed to nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import AuthStatus, IdToken, Verdict
from ocpi_hub.chargers.tables import OwnCard

STATUSES = (AuthStatus.ACCEPTED, AuthStatus.BLOCKED, AuthStatus.EXPIRED, AuthStatus.INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card as the operator gives it: the body of PUT /tokens/{uid}. `group_id` makes cards stand for each other."""

    uid: str
    type: str = "RFID"
    status: str = "Accepted"
    group_id: str | None = None
    expires_at: datetime | None = None
    master: bool = False


async def put(db: AsyncSession, card: Card, *, at: datetime) -> tuple[OwnCard, bool]:
    """Keep a card; says whether it is new. Raises ValueError for a status that a card cannot have."""
    if card.status not in STATUSES:
        raise ValueError(f"status: must be one of {', '.join(STATUSES)}")
    row = await find(db, card.uid)
    new = row is None
    if row is None:
        row = OwnCard(key=card.uid.lower(), uid=card.uid, updated_at=at)
        db.add(row)
    row.type, row.status, row.group_id = card.type, card.status, card.group_id
    row.expires_at, row.master, row.updated_at = card.expires_at, card.master, at
    await db.flush()
    return row, new


async def find(db: AsyncSession, uid: str) -> OwnCard | None:
    """The card with this uid, in any case of letters."""
    return await db.get(OwnCard, uid.lower())


async def delete(db: AsyncSession, uid: str) -> bool:
    """Forget a card; False when there is none."""
    row = await find(db, uid)
    if row is None:
        return False
    await db.delete(row)
    await db.flush()
    return True


async def every(db: AsyncSession, *, limit: int = 200, offset: int = 0) -> Sequence[OwnCard]:
    """Cards by their uid."""
    return (await db.scalars(select(OwnCard).order_by(col(OwnCard.key)).limit(limit).offset(offset))).all()


def verdict(card: OwnCard, *, at: datetime, master_group: str = "") -> Verdict:
    """What the charger is told about a card now. A master card belongs to the group of master cards and no other."""
    group_id = master_group if card.master else card.group_id
    group = IdToken(group_id) if group_id else None
    expired = card.expires_at is not None and card.expires_at <= at
    status = AuthStatus.EXPIRED if expired and card.status == AuthStatus.ACCEPTED else AuthStatus(card.status)
    return Verdict(
        status, group=group, expires_at=card.expires_at, master=card.master and status == AuthStatus.ACCEPTED
    )
