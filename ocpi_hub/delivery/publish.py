"""Keeping an object and owing it to its audience, in the caller's transaction: the only caller of objects/writing.py.

The verbs are those of objects/writing.py with a correlation id. Content that did not change (timestamps apart) owes
nothing. Whoever is owed something is told once the transaction has committed: the bell rings then, not before.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.database import Bell, after_commit
from ocpi_hub.base.jobs import bell_of, ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import outbox, together
from ocpi_hub.delivery.audience import receivers
from ocpi_hub.delivery.jobs import drain
from ocpi_hub.delivery.paths import path_to
from ocpi_hub.objects import writing
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, Kind
from ocpi_hub.objects.patch import Document
from ocpi_hub.objects.writing import Written
from ocpi_hub.wire.headers import PartyId

__all__ = ["Written", "offer", "patch", "put", "put_alone", "put_child", "release", "remove"]

log = structlog.get_logger()

AUDIT = "clearing.audit"
"""The job that audits a CDR, by name: it lives on a higher floor (clearing/jobs.py)."""
AUDIT_AGAIN = "clearing.again"
"""The job that makes audits again, which rest on what has come or changed; by name, as above."""


async def put(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str | None,
    at: datetime,
    correlation_id: str,
    withheld: bool = False,
) -> Written:
    """Keep a whole object and owe it. `source` is the platform that brought it, None for our own chargers.

    What is `withheld` is owed to nobody and read by its owner only, until release(). Every new CDR is audited.
    """
    written = await writing.put(db, kind, owner=owner, document=document, source=source, at=at, withheld=withheld)
    if kind is CDRS and written.created:
        after_commit(db, AUDIT, owner.key, written.key)
    if withheld:
        return written
    return await _owed(db, written, source=source, at=at, correlation_id=correlation_id)


async def put_alone(
    resources: Resources,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str | None,
    at: datetime,
    correlation_id: str,
) -> Written:
    """As put(), as a transaction of its own: what is kept and owed has committed when this returns."""
    version = await together.plain_version(resources, kind)
    if version is not None:
        row = writing.row_of(kind, owner=owner, document=document, source=source, at=at)
        kept = await together.keep(resources, kind, row, owner=owner, version=version, correlation_id=correlation_id)
        if kept is not None:
            written = writing.written_as(kind, owner, row, replaced=kept.replaced)
            await resources.ring(_bells(written, kept.platforms))
            return written
    async with resources.unit_of_work() as db:
        return await put(db, kind, owner=owner, document=document, source=source, at=at, correlation_id=correlation_id)


def _bells(written: Written, platforms: Sequence[str]) -> list[Bell]:
    """What rings for a write that has committed."""
    bells = [bell_of(drain, platform_id) for platform_id in platforms]
    if written.changed and _audits_rest_on(written):
        bells.append((AUDIT_AGAIN, (written.kind.module.value, written.owner.key, written.key)))
    return bells


async def offer(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str,
    at: datetime,
    correlation_id: str,
) -> Written | None:
    """Keep what a partner has on offer, and owe it; None when what is kept was updated later."""
    written = await writing.offer(db, kind, owner=owner, document=document, source=source, at=at)
    if written is None:
        return None
    if kind is CDRS and written.created:
        after_commit(db, AUDIT, owner.key, written.key)
    return await _owed(db, written, source=source, at=at, correlation_id=correlation_id)


async def release(
    db: AsyncSession, kind: Kind, *, owner: PartyId, key: str, source: str | None, at: datetime, correlation_id: str
) -> Written | None:
    """Give a withheld object its reader and owe it; None when it is not there. The caller knows that it was withheld.

    `key` is the object's folded key, `source` the platform that brought it.
    """
    released = await writing.release(db, kind, owner=owner, key=key)
    if released is None:
        return None
    return await _owed(db, released, source=source, at=at, correlation_id=correlation_id)


async def put_child(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    ids: tuple[str, ...],
    document: Document,
    source: str | None,
    at: datetime,
    correlation_id: str,
) -> Written:
    """Keep an EVSE or a Connector; its whole Location is owed."""
    written = await writing.put_child(db, kind, owner=owner, ids=ids, document=document, source=source, at=at)
    return await _owed(db, written, source=source, at=at, correlation_id=correlation_id)


async def patch(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    ids: tuple[str, ...],
    changes: Document,
    source: str | None,
    at: datetime,
    correlation_id: str,
    token_type: str | None = None,
) -> Written:
    """Merge changes. What is owed is the whole object: whether a receiver has the rest of it, nobody here knows."""
    written = await writing.patch(
        db, kind, owner=owner, ids=ids, changes=changes, source=source, at=at, token_type=token_type
    )
    return await _owed(db, written, source=source, at=at, correlation_id=correlation_id)


async def remove(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    object_id: str,
    at: datetime,
    correlation_id: str,
    source: str | None = None,
    token_type: str | None = None,
) -> Written | None:
    """Forget an object and owe its DELETE; None when it was not there."""
    removed = await writing.remove(db, kind, owner=owner, object_id=object_id, at=at, token_type=token_type)
    if removed is None:
        return None
    return await _owed(db, removed, source=source, at=at, correlation_id=correlation_id, verb="DELETE")


def _audits_rest_on(written: Written) -> bool:
    """Whether audits of CDRs may come out differently now. A Location changes its statuses all day, so only one that
    is new, or has a new EVSE, is told at once; clearing looks for the others by itself."""
    if written.kind is SESSIONS:
        return '"status":"COMPLETED"' in written.document
    return written.kind is TARIFFS or (written.kind is LOCATIONS and written.created)


async def _owed(
    db: AsyncSession,
    written: Written,
    *,
    source: str | None,
    at: datetime,
    correlation_id: str,
    verb: str = "PUT",
) -> Written:
    """Owe what changed to its audience, and ring for each platform after the commit."""
    if not written.changed:
        return written
    if _audits_rest_on(written):
        after_commit(db, AUDIT_AGAIN, written.kind.module.value, written.owner.key, written.key)
    kind, owner = written.kind, written.owner
    told = await receivers(db, kind, owner=owner, reader_key=written.reader_key, source=source)
    if told:
        await outbox.owe(
            db,
            kind,
            told,
            owner=owner,
            key=written.key,
            path=path_to(kind, owner, written.object_id, key=written.key),
            verb="POST" if kind.immutable else verb,
            from_=owner if kind.audience == "token_owner" else None,
            correlation_id=correlation_id,
            at=at,
        )
    elif kind is CDRS and written.reader_key != owner.key:
        # Nobody to push it to; its reader finds it by GET, and the operator finds this line.
        log.warning("delivery.cdr_without_receiver", cdr=written.object_id, owner=str(owner), reader=written.reader_key)
    for platform_id in dict.fromkeys(receiver.platform_id for receiver in told):
        ring_after_commit(db, drain, platform_id)
    return written
