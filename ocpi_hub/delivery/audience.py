"""Who is to be told of an object: parties of the opposite role, or the one that owns the session's token; those that
may talk with its owner.

Read from the database in the writer's own transaction, so that nobody is missed by a picture that is seconds old.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Select, case, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.resources import resources_of
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.partners import agreements
from ocpi_hub.partners.access import ENDS, agree_with
from ocpi_hub.partners.directory import Directory
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
    query = _candidates(kind, source=source)
    if kind.audience == "token_owner":
        as_emsp_first = case((col(Party.role) == Role.EMSP.value, 0), else_=1)
        query = query.where(col(Party.key) == reader_key).order_by(as_emsp_first, col(Party.platform_id)).limit(1)
    rows = (await db.execute(query.with_for_update(read=True, key_share=True, of=Platform))).all()
    if not rows:
        return []
    # The rows are locked before agreements are asked: agreeing.py waits for them, and so misses nothing.
    agreed = await resources_of(db).one(Directory).agreed(rows[0][3])
    found = dict.fromkeys(Receiver(row[0], PartyId(row[1], row[2])) for row in rows)
    may = agree_with(agreed, owner, [receiver.party for receiver in found], kind.module)
    return [receiver for receiver in found if receiver.party in may]


_VERSION = literal_column(agreements.VERSION, BigInteger)


def _candidates(kind: Kind, *, source: str | None) -> Select[str, str, str, int]:
    _, readers = ENDS[kind.module]
    return (
        select(col(Party.platform_id), col(Party.country_code), col(Party.party_id), _VERSION)
        .join(Platform, col(Platform.id) == col(Party.platform_id))
        .join(Endpoint, col(Endpoint.platform_id) == col(Party.platform_id))
        .where(
            col(Party.role).in_(sorted(readers)),
            col(Platform.status).in_((ConnectionStatus.CONNECTED.value, ConnectionStatus.OFFLINE.value)),
            col(Platform.id).is_distinct_from(source),
            col(Endpoint.identifier) == kind.module.value,
            col(Endpoint.role) == InterfaceRole.RECEIVER.value,
        )
    )
