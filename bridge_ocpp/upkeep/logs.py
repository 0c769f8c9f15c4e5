"""Logs that chargers are to upload: asked when the charger is there, followed by what it says and by what arrives."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.upkeep import LogTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import (
    Command,
    FetchDiagnostics,
    FetchSecurityLog,
    LogKind,
    Outcome,
    OutcomeStatus,
    TaskState,
)
from bridge_ocpp.upkeep.errands import MOST_ATTEMPTS, Errand, unasked
from bridge_ocpp.upkeep.tables import LogRow

OPEN = (TaskState.WAITING, TaskState.ASKED, TaskState.RUNNING)
LIFE = timedelta(hours=24)
"""How long an upload may take, the wait for the charger included."""
FAILURES = {
    "UploadFailed": "the upload failed",
    "UploadFailure": "the upload failed",
    "BadMessage": "the charger could not read the request",
    "NotSupportedOperation": "the charger cannot upload by this protocol",
    "PermissionDenied": "the server did not let the charger upload",
    "AcceptedCanceled": "another request took its place",
}


class Logs:
    """Logs as one of the foreman's trades."""

    async def due(self, db: AsyncSession, here: Sequence[str], *, now: datetime, patience: timedelta) -> list[Errand]:
        """The logs to ask for of the chargers connected `here`; a charger is asked for one at a time."""
        await _too_late(db, now=now, patience=patience)
        if not here:
            return []
        busy = select(col(LogRow.charger_key)).where(col(LogRow.state).in_((TaskState.ASKED, TaskState.RUNNING)))
        rows = await db.scalars(
            select(LogRow)
            .where(col(LogRow.state) == TaskState.WAITING, col(LogRow.charger_key).in_(here))
            .where(col(LogRow.charger_key).not_in(busy))
            .order_by(col(LogRow.created_at), col(LogRow.request_id))
            .with_for_update(skip_locked=True)
        )
        errands: dict[str, Errand] = {}
        for row in rows:
            if row.charger_key not in errands:
                row.state, row.attempts, row.asked_at, row.changed_at = TaskState.ASKED, row.attempts + 1, now, now
                errands[row.charger_key] = Errand(row.id, row.charger_key, _command(row))
        return list(errands.values())

    async def asked(self, db: AsyncSession, errand: Errand, outcome: Outcome, *, now: datetime) -> None:
        """What the charger said to the request."""
        row = await db.get(LogRow, errand.row, with_for_update=True)
        if row is None:
            return
        if outcome.payload is not None:
            row.filename = outcome.payload.get("filename") or outcome.payload.get("fileName")
        if row.state != TaskState.ASKED:
            return  # what became of it came before the answer
        if outcome.accepted:
            _become(row, TaskState.RUNNING, now=now)
        elif outcome.status is OutcomeStatus.OFFLINE:
            row.attempts -= 1
            _become(row, TaskState.WAITING, now=now)
        elif outcome.status is OutcomeStatus.TIMEOUT and row.attempts < MOST_ATTEMPTS:
            _become(row, TaskState.WAITING, now=now, detail="it did not answer")
        else:
            _become(row, TaskState.FAILED, now=now, detail=outcome.detail or outcome.status.value)


async def told(db: AsyncSession, told: LogTold, hearing: Hearing) -> None:
    """A charger tells how its upload goes."""
    query = select(LogRow).where(col(LogRow.charger_key) == hearing.speaker.key)
    if told.request_id is None:
        heard_all = func.coalesce(col(LogRow.progress), "") == "Uploaded"
        query = query.where(col(LogRow.asked_at).is_not(None), col(LogRow.state) != TaskState.WAITING, ~heard_all)
    else:
        query = query.where(col(LogRow.request_id) == told.request_id)
    row = await db.scalar(query.order_by(col(LogRow.asked_at).desc().nulls_last()).limit(1).with_for_update())
    if row is None or row.asked_at is None:
        unasked(db, told.topic, {"status": told.status, "requestId": told.request_id}, hearing)
    elif told.status != "Idle":
        row.progress = told.status
        if row.state == TaskState.DONE:
            return  # its file is here already
        state = TaskState.DONE if told.status == "Uploaded" else TaskState.RUNNING
        failure = FAILURES.get(told.status)
        _become(row, TaskState.FAILED if failure else state, now=hearing.received, detail=failure)


async def uploaded(db: AsyncSession, log_id: str, size: int, *, now: datetime) -> None:
    """Its file is here, whatever the charger says of it; a second upload takes the place of the first."""
    row = await db.get(LogRow, log_id, with_for_update=True)
    if row is not None:
        row.size = size
        _become(row, TaskState.DONE, now=now)


async def _too_late(db: AsyncSession, *, now: datetime, patience: timedelta) -> None:
    """What did not happen in time: no answer (asked again), no upload (given up)."""
    asked = (col(LogRow.state) == TaskState.ASKED) & (col(LogRow.asked_at) < now - patience)
    changes = (
        (col(LogRow.state).in_(OPEN) & (col(LogRow.deadline) < now), TaskState.FAILED, "it did not come in time"),
        (asked & (col(LogRow.attempts) >= MOST_ATTEMPTS), TaskState.FAILED, "it did not answer"),
        (asked, TaskState.WAITING, None),
    )
    for which, state, detail in changes:
        await db.execute(
            update(LogRow)
            .where(which)
            .values(state=state, detail=detail, changed_at=now)
            .execution_options(synchronize_session=False)
        )


def _become(row: LogRow, state: TaskState, *, now: datetime, detail: str | None = None) -> None:
    row.state, row.detail, row.changed_at = state, detail, now


def _command(row: LogRow) -> Command:
    kind = FetchSecurityLog if row.kind == LogKind.SECURITY else FetchDiagnostics
    return kind(row.request_id, row.url, row.since, row.until, row.retries, row.retry_interval)
