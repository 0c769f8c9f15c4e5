"""Firmware roll-outs: who is asked next, what a charger says on the way, and whether it came back with a new version.

The row of a job is the lock of its roll-out: whoever holds it decides for all bridge processes. What chargers say
changes only their own task, so that no message ever waits for a roll-out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.upkeep import FirmwareTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import (
    Command,
    JobStatus,
    Outcome,
    OutcomeStatus,
    TaskState,
    UpdateFirmware,
    UpdateSignedFirmware,
)
from bridge_ocpp.tables import ChargerRow, TransactionRow, any_of
from bridge_ocpp.upkeep.errands import MOST_ATTEMPTS, Errand, unasked
from bridge_ocpp.upkeep.tables import FirmwareJobRow, FirmwareTaskRow

AT_WORK = (TaskState.ASKED, TaskState.RUNNING, TaskState.INSTALLED)
OPEN = (TaskState.WAITING, *AT_WORK)
FAILURES = {
    "DownloadFailed": "the download failed",
    "InstallationFailed": "the installation failed",
    "InstallVerificationFailed": "the installed image could not be verified",
    "InvalidSignature": "the signature is not valid",
}
COMES_BACK = timedelta(minutes=15)
"""How long a charger that says Installed may take to boot with its new version."""
FORGOTTEN_CHARGE = timedelta(hours=24)
"""A transaction that said nothing for so long is no car that charges."""


class Rollouts:
    """Firmware as one of the foreman's trades."""

    async def due(self, db: AsyncSession, here: Sequence[str], *, now: datetime, patience: timedelta) -> list[Errand]:
        """Move every running job on, and take the chargers connected `here` whose turn it is."""
        running = select(FirmwareJobRow).where(col(FirmwareJobRow.status) == JobStatus.RUNNING)
        jobs = await db.scalars(running.order_by(col(FirmwareJobRow.created_at)).with_for_update(skip_locked=True))
        return [errand for job in list(jobs) for errand in await _move_on(db, job, here, now=now, patience=patience)]

    async def asked(self, db: AsyncSession, errand: Errand, outcome: Outcome, *, now: datetime) -> None:
        """What the charger said to the request. Its first progress may have come before."""
        task = await db.get(FirmwareTaskRow, (errand.row, errand.charger_key), with_for_update=True)
        if task is None or task.state != TaskState.ASKED:
            return
        if outcome.accepted:
            _become(task, TaskState.RUNNING, now=now)
        elif outcome.status is OutcomeStatus.OFFLINE:
            task.attempts -= 1
            _become(task, TaskState.WAITING, now=now)
        elif outcome.status is OutcomeStatus.TIMEOUT and task.attempts < MOST_ATTEMPTS:
            _become(task, TaskState.WAITING, now=now, detail="it did not answer")
        else:
            _become(task, TaskState.FAILED, now=now, detail=outcome.detail or outcome.status.value)


async def told(db: AsyncSession, told: FirmwareTold, hearing: Hearing) -> None:
    """A charger tells how far it is."""
    task = await _task_of(db, hearing.speaker.key, told.request_id)
    if task is None:
        unasked(db, "FirmwareStatusNotification", {"status": told.status, "requestId": told.request_id}, hearing)
        return
    now = hearing.received
    if told.status == "Idle" or task.state in (TaskState.DONE, TaskState.SKIPPED):
        return
    task.progress = told.status
    if told.status in FAILURES:
        _become(task, TaskState.FAILED, now=now, detail=FAILURES[told.status])
    elif told.status == "Installed" and task.version_after == task.version_before is not None:
        _become(task, TaskState.FAILED, now=now, detail=_unchanged(task.version_after))
    elif told.status == "Installed" and task.version_after is not None:
        _become(task, TaskState.DONE, now=now)
    elif told.status == "Installed":
        _become(task, TaskState.INSTALLED, now=now)
        task.deadline = now + COMES_BACK
    elif task.state != TaskState.INSTALLED:
        _become(task, TaskState.RUNNING, now=now)  # from a failure, too: chargers try again by themselves


async def updating(db: AsyncSession, charger_keys: Iterable[str]) -> set[str]:
    """Those of these chargers that an update is under way at: their boots may be its end."""
    query = select(col(FirmwareTaskRow.charger_key)).where(
        col(FirmwareTaskRow.charger_key) == any_of(charger_keys),
        col(FirmwareTaskRow.state).in_((TaskState.RUNNING, TaskState.INSTALLED)),
    )
    return set(await db.scalars(query))


async def booted(db: AsyncSession, charger_key: str, version: str | None, *, now: datetime) -> None:
    """A charger has started: with another version than before, its update is done; with the same, it is not."""
    task = await _task_of(db, charger_key, None, states=(TaskState.RUNNING, TaskState.INSTALLED))
    job = await db.get(FirmwareJobRow, task.job_id) if task is not None else None
    if task is None or job is None or version is None:
        return
    changed, says_so = version != task.version_before, task.state == TaskState.INSTALLED
    if changed or task.progress in ("Installing", "InstallRebooting"):
        task.version_after = version
    if version == job.version or (changed and job.version is None):
        task.version_after = version
        _become(task, TaskState.DONE, now=now)
    elif says_so and changed:
        _become(task, TaskState.FAILED, now=now, detail=f"it runs {version} now, and not {job.version}")
    elif says_so:
        _become(task, TaskState.FAILED, now=now, detail=_unchanged(version))


def _unchanged(version: str | None) -> str:
    return f"it says Installed and still runs {version}"


def waits_while(charger_key: Any, *, now: datetime) -> ColumnElement[bool]:
    """Whether a car charges at this charger."""
    row = TransactionRow
    heard = func.coalesce(col(row.meter_last_at), col(row.started_at))
    return exists().where(
        col(row.charger_key) == charger_key, col(row.ended_at).is_(None), heard > now - FORGOTTEN_CHARGE
    )


# --- moving on -----------------------------------------------------------------------------------------------------


async def _move_on(
    db: AsyncSession, job: FirmwareJobRow, here: Sequence[str], *, now: datetime, patience: timedelta
) -> list[Errand]:
    await _too_late(db, job, now=now, patience=patience)
    counts = await counts_of(db, job.id)
    failed = counts.get(TaskState.FAILED, 0) - job.forgiven
    if job.stop_after_failures is not None and failed >= job.stop_after_failures:
        job.status, job.reason = JobStatus.STOPPED, f"{failed} chargers failed"
        return []
    at_work = sum(counts.get(state, 0) for state in AT_WORK)
    if not at_work and not counts.get(TaskState.WAITING):
        job.status, job.finished_at = JobStatus.FINISHED, now
        return []
    free = job.at_once - at_work
    return await _next(db, job, here, now=now, most=free) if free > 0 and here else []


async def _next(
    db: AsyncSession, job: FirmwareJobRow, here: Sequence[str], *, now: datetime, most: int
) -> list[Errand]:
    """Those whose turn it is, and that are connected here and charge nobody."""
    task = FirmwareTaskRow
    query = (
        select(task, col(ChargerRow.firmware_version))
        .join(ChargerRow, col(ChargerRow.key) == col(task.charger_key))
        .where(col(task.job_id) == job.id, col(task.state) == TaskState.WAITING, col(task.charger_key).in_(here))
        .where(~waits_while(col(task.charger_key), now=now))
        .order_by(col(task.position))
        .limit(most)
        .with_for_update(of=task, skip_locked=True)
    )
    errands = []
    for row, version in await db.execute(query):
        if job.version is not None and version == job.version:
            row.version_before = row.version_after = version
            _become(row, TaskState.DONE, now=now, detail="it had this version already")
            continue
        _become(row, TaskState.ASKED, now=now)
        row.attempts, row.asked_at, row.version_before, row.version_after = row.attempts + 1, now, version, None
        begins = max(at for at in (now, job.retrieve_at, job.install_at) if at is not None)
        row.deadline = begins + timedelta(seconds=job.timeout)
        errands.append(Errand(job.id, row.charger_key, _command(job, row, now=now)))
    return errands


async def _too_late(db: AsyncSession, job: FirmwareJobRow, *, now: datetime, patience: timedelta) -> None:
    """What did not happen in time."""
    task = FirmwareTaskRow
    late = col(task.deadline) < now
    changes: list[tuple[ColumnElement[bool], TaskState, str | None]] = [
        (
            (col(task.state) == TaskState.ASKED)
            & (col(task.asked_at) < now - patience)
            & (col(task.attempts) >= MOST_ATTEMPTS),
            TaskState.FAILED,
            "it did not answer",
        ),
        ((col(task.state) == TaskState.ASKED) & (col(task.asked_at) < now - patience), TaskState.WAITING, None),
        ((col(task.state) == TaskState.RUNNING) & late, TaskState.FAILED, "it did not come to an end in time"),
        (
            (col(task.state) == TaskState.INSTALLED) & late,
            TaskState.DONE,
            "it says Installed; it has not booted since, so its version is not confirmed",
        ),
    ]
    if job.give_up_at < now:
        waiting = col(task.state) == TaskState.WAITING
        changes.append((waiting, TaskState.SKIPPED, "it could not be asked in time: offline, or always charging"))
    for which, state, detail in changes:
        await db.execute(
            update(task)
            .where(col(task.job_id) == job.id, which)
            .values(state=state, detail=detail, changed_at=now)
            .execution_options(synchronize_session=False)
        )


async def counts_of(db: AsyncSession, job_id: str) -> dict[str, int]:
    """How many chargers of a job are in which state."""
    task = FirmwareTaskRow
    rows = await db.execute(
        select(col(task.state), func.count()).where(col(task.job_id) == job_id).group_by(col(task.state))
    )
    return dict(list(rows))


async def _task_of(
    db: AsyncSession, charger_key: str, request_id: int | None, *, states: Sequence[str] = (*AT_WORK, TaskState.FAILED)
) -> FirmwareTaskRow | None:
    """The task that a charger speaks of, locked: by its number, or the one that it was asked last."""
    task = FirmwareTaskRow
    query = select(task).where(col(task.charger_key) == charger_key, col(task.asked_at).is_not(None))
    if request_id is None:
        query = query.where(col(task.state).in_(states))
    else:
        query = query.where(col(task.request_id) == request_id)
    found: FirmwareTaskRow | None = await db.scalar(
        query.order_by(col(task.asked_at).desc()).limit(1).with_for_update()
    )
    return found


def _become(task: FirmwareTaskRow, state: TaskState, *, now: datetime, detail: str | None = None) -> None:
    task.state, task.detail, task.changed_at = state, detail, now


def _command(job: FirmwareJobRow, task: FirmwareTaskRow, *, now: datetime) -> Command:
    retrieve_at = job.retrieve_at or now
    if job.signing_certificate is not None and job.signature is not None:
        return UpdateSignedFirmware(
            task.request_id,
            job.location,
            retrieve_at,
            job.signing_certificate,
            job.signature,
            job.install_at,
            job.retries,
            job.retry_interval,
        )
    return UpdateFirmware(task.request_id, job.location, retrieve_at, job.install_at, job.retries, job.retry_interval)
