"""CDRs that never came: Sessions COMPLETED for more than a day without one, and what became of them."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Row, and_, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing.tables import CdrAudit, MissingCdr, Verdict
from ocpi_hub.objects.tables import KeptCdr, KeptSession
from ocpi_hub.pricing import CdrError, missing_cdrs
from ocpi_hub.wire.json import dumps, loads

log = structlog.get_logger()

AFTER = timedelta(days=1)
LOOK_BACK = timedelta(days=31)
"""How old a Session may be that is looked at: older ones were looked at when they were younger."""
_AT_ONCE = 500


async def look(resources: Resources) -> None:
    """Record every Session that misses its CDR, and settle those whose CDR has come."""
    at, last = resources.clock(), 0
    async with resources.unit_of_work() as db:
        await _settle(db, at=at)
    while True:
        async with resources.unit_of_work() as db:
            rows = await _candidates(db, at=at, after=last)
            for row in rows:
                await _record(db, row, at=at)
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].pk


async def open_ones(db: AsyncSession, *, limit: int, offset: int = 0) -> list[MissingCdr]:
    """What is missing now, the newest first."""
    query = select(MissingCdr).where(col(MissingCdr.settled_at).is_(None)).order_by(col(MissingCdr.found_at).desc())
    return list(await db.scalars(query.limit(limit).offset(offset)))


async def _candidates(db: AsyncSession, *, at: datetime, after: int) -> list[Row[int, str, str]]:
    known = and_(
        col(MissingCdr.owner_key) == col(KeptSession.owner_key), col(MissingCdr.session_key) == col(KeptSession.key)
    )
    query = select(col(KeptSession.pk), col(KeptSession.document), col(KeptSession.reader_key)).where(
        col(KeptSession.pk) > after,
        col(KeptSession.status) == "COMPLETED",
        col(KeptSession.last_updated).between(at - LOOK_BACK, at - AFTER),
        ~_has_cdr(col(KeptSession.owner_key), col(KeptSession.key)),
        ~exists().where(known),
    )
    return list(await db.execute(query.order_by(col(KeptSession.pk)).limit(_AT_ONCE)))


def _has_cdr(owner_key: Mapped[str], session_key: Mapped[str]) -> ColumnElement[bool]:
    """A CDR that is kept, or one that was passed on straight to its eMSP."""
    kept = exists().where(col(KeptCdr.session_key) == session_key, col(KeptCdr.owner_key) == owner_key)
    passed = (col(CdrAudit.session_key) == session_key, col(CdrAudit.owner_key) == owner_key, col(CdrAudit.addressed))
    return or_(kept, exists().where(*passed, col(CdrAudit.decision) != Verdict.REFUSED.value))


async def _record(db: AsyncSession, row: Row[int, str, str], *, at: datetime) -> None:
    session = loads(row.document)
    try:
        found = missing_cdrs([session], [], now=at, after=AFTER)
    except CdrError as error:
        log.warning("clearing.session_unreadable", session=session["id"], field=error.field)
        return
    owner = f"{session['country_code']}/{session['party_id']}"
    for session_id, finding in found:
        log.warning("clearing.cdr_missing", session=session_id, owner=owner)
        values = {
            "owner_key": owner.lower(),
            "session_key": session_id.lower(),
            "session_id": session_id,
            "owner": owner,
            "reader_key": row.reader_key,
            "finding": dumps(finding.as_document()),
            "found_at": at,
        }
        await db.execute(insert(MissingCdr).values(values).on_conflict_do_nothing())


async def _settle(db: AsyncSession, *, at: datetime) -> None:
    came = _has_cdr(col(MissingCdr.owner_key), col(MissingCdr.session_key))
    await db.execute(update(MissingCdr).where(col(MissingCdr.settled_at).is_(None), came).values(settled_at=at))
