"""What a partner's full list no longer has: noted with since when, never deleted on its own.

What becomes of it is the partner's profile: `vanished` keep (a report, nothing more) or hide (out of sight and out of
GET-All until the list has it again; what was hidden comes back when the operator says keep).
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, func, select

from ocpi_hub.delivery import publish
from ocpi_hub.delivery.pulling.book import Task
from ocpi_hub.delivery.pulling.tables import MissingObject
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, SESSIONS
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import loads

log = structlog.get_logger()


def tells(task: Task) -> bool:
    """Whether a run shows what is missing: a full one, of a list that has no past it may drop, and that was whole."""
    run = task.run
    whole = run.total is not None and run.objects >= run.total
    return run.full and task.kind not in (SESSIONS, CDRS) and whole


async def note(db: AsyncSession, task: Task, *, at: datetime) -> int:
    """Note what is missing, and forget what is there again; before the run ends. Gives how much is missing in all."""
    run, table = task.run, str(task.kind.table.__tablename__)
    values = {"run_id": run.id, "platform_id": task.platform.id, "module": task.kind.module.value}
    await db.execute(_SEEN_AGAIN, values)
    await db.execute(text(_TOLD_AGAIN.format(table=table)), values)
    # What came after the run began may have come behind its back. What is missing already stays so since then.
    await db.execute(text(_MISSING.format(table=table)), values | {"at": at, "began_at": run.began_at})
    if task.profile.vanished == "hide":
        await _hide(db, task, at=at)
    else:
        await _show(db, task, at=at)
    counted = select(func.count()).select_from(MissingObject).where(*_here(task))
    return int((await db.execute(counted)).scalar_one())


_SEEN_AGAIN = text("""
DELETE FROM missing_object AS missing USING pull_seen AS seen
WHERE seen.run_id = :run_id AND missing.platform_id = :platform_id AND missing.module = :module
  AND missing.owner_key = seen.owner_key AND missing.key = seen.key
""")
_MISSING = """
INSERT INTO missing_object (platform_id, module, owner_key, key, since)
SELECT kept.platform_id, CAST(:module AS text), kept.owner_key, kept.key, CAST(:at AS timestamptz)
FROM {table} AS kept
WHERE kept.platform_id = :platform_id AND kept.received_at < :began_at
  AND NOT EXISTS (SELECT FROM pull_seen AS seen WHERE seen.run_id = :run_id
                  AND seen.owner_key = kept.owner_key AND seen.key = kept.key)
ORDER BY 3, 4
ON CONFLICT DO NOTHING
"""
_TOLD_AGAIN = """
DELETE FROM missing_object AS missing USING {table} AS kept
WHERE missing.platform_id = :platform_id AND missing.module = :module
  AND kept.owner_key = missing.owner_key AND kept.key = missing.key AND kept.received_at > missing.since
"""


async def _hide(db: AsyncSession, task: Task, *, at: datetime) -> None:
    """Take what is missing out of sight, and keep it here. An empty list is more likely broken than true."""
    if task.run.objects == 0:
        return
    query = select(MissingObject).where(*_here(task), col(MissingObject.document).is_(None))
    for missing in list(await db.scalars(query)):
        document = await _take_away(db, task, missing, at=at)
        if document is None:  # its owner took it back itself
            await db.execute(delete(MissingObject).where(*_exactly(missing)))
        else:
            await db.execute(update(MissingObject).where(*_exactly(missing)).values(document=document))


async def _take_away(db: AsyncSession, task: Task, missing: MissingObject, *, at: datetime) -> str | None:
    """The document of a kept object, which is kept no more; None when it was not there."""
    uid, _, token_type = missing.key.rpartition("/") if task.kind.typed else (missing.key, "", None)
    owner = PartyId.parse(missing.owner_key)
    kept = await reading.get(db, task.kind, owner=owner, object_id=uid, token_type=token_type)
    if kept is None:
        return None
    removed = await publish.remove(
        db,
        task.kind,
        owner=PartyId(kept.country_code, kept.party_id),
        object_id=kept.object_id,
        token_type=token_type,
        at=at,
        correlation_id=task.run.correlation_id,
        source=task.platform.id,
    )
    return removed.document if removed is not None else None


async def _show(db: AsyncSession, task: Task, *, at: datetime) -> None:
    """What was hidden is kept in sight again."""
    query = select(MissingObject).where(*_here(task), col(MissingObject.document).is_not(None))
    for missing in list(await db.scalars(query)):
        document = loads(missing.document or "")
        await publish.offer(
            db,
            task.kind,
            owner=task.kind.owner_of(document),
            document=document,
            source=task.platform.id,
            at=at,
            correlation_id=task.run.correlation_id,
        )
        await db.execute(update(MissingObject).where(*_exactly(missing)).values(document=None, since=at))


def _here(task: Task) -> tuple[ColumnElement[bool], ...]:
    return (col(MissingObject.platform_id) == task.platform.id, col(MissingObject.module) == task.kind.module.value)


def _exactly(missing: MissingObject) -> tuple[ColumnElement[bool], ...]:
    return (
        col(MissingObject.platform_id) == missing.platform_id,
        col(MissingObject.module) == missing.module,
        col(MissingObject.owner_key) == missing.owner_key,
        col(MissingObject.key) == missing.key,
    )


async def missing(db: AsyncSession, platform_id: str, *, limit: int) -> Sequence[MissingObject]:
    """What is missing from a platform's lists, the longest missing first."""
    query = select(MissingObject).where(col(MissingObject.platform_id) == platform_id)
    order = (col(MissingObject.since), col(MissingObject.module), col(MissingObject.owner_key), col(MissingObject.key))
    return (await db.scalars(query.order_by(*order).limit(limit))).all()


async def counts(db: AsyncSession, platform_id: str) -> dict[str, int]:
    """How much is missing from a platform's lists, by module."""
    query = select(MissingObject.module, func.count()).where(col(MissingObject.platform_id) == platform_id)
    rows = await db.execute(query.group_by(MissingObject.module))
    return {row[0]: row[1] for row in rows}
