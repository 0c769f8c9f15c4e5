"""Who is to be told of an object: parties of the opposite role, or the one that owns the session's token; those that
may talk with its owner.

Read from the database in the writer's own transaction, so that nobody is missed by a picture that is seconds old.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, case, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.database import Quick
from ocpi_hub.base.resources import resources_of
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.partners import agreements
from ocpi_hub.partners.access import agree_with
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.ends import ENDS
from ocpi_hub.partners.tables import Endpoint, Party, Platform
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, Role


@dataclass(frozen=True, slots=True)
class Receiver:
    """A party that is to be told, on the platform that speaks for it; its ids as it registered them."""

    platform_id: str
    party: PartyId


async def receivers(
    db: AsyncSession, kind: Kind, *, owner: PartyId, reader_key: str | None, source: str | None
) -> list[Receiver]:
    """The parties to tell: one entry each, though a party may have several fitting roles on its platform.

    A platform is told when it is registered, whether it answers just now or not, and when it has a RECEIVER
    endpoint for the module; never the one that the object came from (transport_and_format, Broadcast Push).
    `reader_key` is the only reader of a session or CDR (they are never broadcast): its eMSP role counts first. The
    platforms found cannot be removed before `db` has committed.
    """
    rows = await _candidates(kind).rows(db, {"source": source, "reader": reader_key})
    if not rows:
        return []
    # The rows are locked before agreements are asked: agreeing.py waits for them, and so misses nothing.
    agreed = await resources_of(db).one(Directory).agreed(rows[0].agreements)
    found = dict.fromkeys(Receiver(row.platform_id, PartyId(row.country_code, row.party_id)) for row in rows)
    may = agree_with(agreed, owner, [receiver.party for receiver in found], kind.module)
    return [receiver for receiver in found if receiver.party in may]


_VERSION = literal_column(agreements.VERSION, BigInteger).label("agreements")
_REGISTERED = (ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE)


@cache
def _candidates(kind: Kind) -> Quick:
    """The parties to tell by their roles and endpoints, beside the version of agreements to be asked."""
    return Quick(candidates(kind, _VERSION))


def candidates(kind: Kind, *more: ColumnElement[Any]) -> Select[Any]:
    """The parties to tell before agreements are asked, with `more` columns; the rows of their platforms are locked.

    Binds `source`, the platform that is not told, and `reader` where there is one only.
    """
    _, readers = ENDS[kind.module]
    query = (
        select(col(Party.platform_id), col(Party.country_code), col(Party.party_id), *more)
        .join(Platform, col(Platform.id) == col(Party.platform_id))
        .join(Endpoint, col(Endpoint.platform_id) == col(Party.platform_id))
        .where(
            or_(*(col(Party.role) == role.value for role in sorted(readers))),
            or_(*(col(Platform.status) == status.value for status in _REGISTERED)),
            col(Platform.id).is_distinct_from(bindparam("source", type_=Text)),
            col(Endpoint.identifier) == kind.module.value,
            col(Endpoint.role) == InterfaceRole.RECEIVER.value,
        )
    )
    if kind.audience == "token_owner":
        as_emsp_first = case((col(Party.role) == Role.EMSP.value, 0), else_=1)
        mine = query.where(col(Party.key) == bindparam("reader", type_=Text))
        query = mine.order_by(as_emsp_first, col(Party.platform_id)).limit(1)
    return query.with_for_update(read=True, key_share=True, of=Platform)
