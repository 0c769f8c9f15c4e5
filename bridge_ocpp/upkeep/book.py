"""Upkeep for operators (port.UpkeepBook): rows are read from and written to the caller's transaction.

Nothing is asked here: the bridge process that holds the charger finds the row.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import port
from bridge_ocpp.port import ChargerGroup, JobStatus, LogKind, NotPossible, TaskState
from bridge_ocpp.tables import ChargerRow
from bridge_ocpp.upkeep import firmware, logs
from bridge_ocpp.upkeep.tables import FirmwareJobRow, FirmwareTaskRow, LogRow, next_request


class UpkeepBook:
    """Implements port.UpkeepBook."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now

    # --- firmware --------------------------------------------------------------------------------------------------

    async def start_firmware(self, wanted: port.NewFirmwareJob, db: AsyncSession) -> port.FirmwareJob:
        """See port.UpkeepBook. A task that waits in a stopped roll-out gives way to the new one."""
        chargers = await _chosen(db, wanted)
        await _freed(db, [key for key, _ in chargers], now=self._now())
        now = self._now()
        job = FirmwareJobRow(
            id=str(uuid4()),
            status=JobStatus.RUNNING,
            location=wanted.location,
            version=wanted.version,
            retrieve_at=wanted.retrieve_at,
            install_at=wanted.install_at,
            signing_certificate=wanted.signing_certificate,
            signature=wanted.signature,
            retries=wanted.retries,
            retry_interval=wanted.retry_interval,
            at_once=wanted.at_once,
            stop_after_failures=wanted.stop_after_failures,
            timeout=wanted.timeout,
            created_at=now,
            give_up_at=max(now, wanted.retrieve_at or now) + timedelta(seconds=wanted.give_up_after),
        )
        db.add(job)
        for position, (key, charger_id) in enumerate(chargers):
            db.add(
                FirmwareTaskRow(
                    job_id=job.id,
                    charger_key=key,
                    charger_id=charger_id,
                    position=position,
                    request_id=await next_request(db),
                    state=TaskState.WAITING,
                    changed_at=now,
                )
            )
        await db.flush()
        return await self._job(job, db)

    async def firmware_jobs(self, db: AsyncSession, *, limit: int = 100) -> Sequence[port.FirmwareJob]:
        """Newest first, without their tasks."""
        newest = select(FirmwareJobRow).order_by(col(FirmwareJobRow.created_at).desc()).limit(limit)
        return [_job_record(row, await firmware.counts_of(db, row.id)) for row in list(await db.scalars(newest))]

    async def firmware_job(self, job_id: str, db: AsyncSession) -> port.FirmwareJob | None:
        row = await db.get(FirmwareJobRow, job_id)
        return None if row is None else await self._job(row, db)

    async def stop_firmware(self, job_id: str, db: AsyncSession) -> port.FirmwareJob | None:
        """Ask nobody any more; a job that has finished stays so."""
        row = await db.get(FirmwareJobRow, job_id, with_for_update=True)
        if row is None:
            return None
        if row.status == JobStatus.RUNNING:
            row.status, row.reason = JobStatus.STOPPED, "the operator stopped it"
        return await self._job(row, db)

    async def resume_firmware(self, job_id: str, db: AsyncSession, *, retry_failed: bool) -> port.FirmwareJob | None:
        """Raises NotPossible where a charger whose turn would come is in another roll-out by now."""
        row = await db.get(FirmwareJobRow, job_id, with_for_update=True)
        if row is None:
            return None
        if row.status == JobStatus.RUNNING:
            return await self._job(row, db)
        task, now = FirmwareTaskRow, self._now()
        again = [TaskState.WAITING, *([TaskState.FAILED] if retry_failed else [])]
        mine = (col(task.job_id) == row.id) & col(task.state).in_(again)
        await _freed(db, list(await db.scalars(select(col(task.charger_key)).where(mine))), now=now, but=row.id)
        if retry_failed:
            values = {"state": TaskState.WAITING, "attempts": 0, "progress": None, "detail": None, "changed_at": now}
            failed = (col(task.job_id) == row.id) & (col(task.state) == TaskState.FAILED)
            await db.execute(update(task).where(failed).values(values).execution_options(synchronize_session=False))
        counts = await firmware.counts_of(db, row.id)
        row.forgiven = counts.get(TaskState.FAILED, 0)
        row.status, row.reason, row.finished_at = JobStatus.RUNNING, None, None
        row.give_up_at = max(row.give_up_at, now + timedelta(days=1))
        return await self._job(row, db)

    async def _job(self, row: FirmwareJobRow, db: AsyncSession) -> port.FirmwareJob:
        task = FirmwareTaskRow
        charging = firmware.waits_while(col(task.charger_key), now=self._now())
        waits = case(
            (col(task.state) != TaskState.WAITING, None),
            (~func.coalesce(col(ChargerRow.online), False), "the charger is offline"),
            (charging, "a car is charging"),
            else_="its turn has not come",
        )
        query = (
            select(task, waits)
            .outerjoin(ChargerRow, col(ChargerRow.key) == col(task.charger_key))
            .where(col(task.job_id) == row.id)
            .order_by(col(task.position))
            .execution_options(populate_existing=True)
        )
        tasks = tuple(_task_record(each, why) for each, why in await db.execute(query))
        return _job_record(row, await firmware.counts_of(db, row.id), tasks)

    # --- logs ------------------------------------------------------------------------------------------------------

    async def fetch_log(self, wanted: port.NewLog, db: AsyncSession) -> port.LogRecord:
        charger = await db.get(ChargerRow, wanted.charger.casefold())
        if charger is None:
            raise NotPossible(f"there is no charger {wanted.charger}", [wanted.charger])
        now = self._now()
        row = LogRow(
            id=str(uuid4()),
            charger_key=charger.key,
            charger_id=charger.id,
            kind=wanted.kind,
            url=wanted.url,
            upload_key=wanted.upload_key,
            since=wanted.since,
            until=wanted.until,
            retries=wanted.retries,
            retry_interval=wanted.retry_interval,
            request_id=await next_request(db),
            state=TaskState.WAITING,
            deadline=now + logs.LIFE,
            created_at=now,
            changed_at=now,
        )
        db.add(row)
        await db.flush()
        return _log_record(row)

    async def logs(
        self, db: AsyncSession, *, charger_id: str | None = None, limit: int = 100
    ) -> Sequence[port.LogRecord]:
        """Newest first."""
        query = select(LogRow).order_by(col(LogRow.created_at).desc(), col(LogRow.request_id).desc()).limit(limit)
        if charger_id is not None:
            query = query.where(col(LogRow.charger_key) == charger_id.casefold())
        return [_log_record(row) for row in await db.scalars(query)]

    async def log(self, log_id: str, db: AsyncSession) -> port.LogRecord | None:
        row = await db.get(LogRow, log_id)
        return None if row is None else _log_record(row)

    async def log_awaiting(self, upload_key: str, db: AsyncSession) -> port.LogRecord | None:
        row = await db.scalar(
            select(LogRow).where(col(LogRow.upload_key) == upload_key, col(LogRow.deadline) > self._now())
        )
        return None if row is None or row.asked_at is None else _log_record(row)

    async def log_uploaded(self, log_id: str, size: int, db: AsyncSession) -> None:
        await logs.uploaded(db, log_id, size, now=self._now())

    async def forget_log(self, log_id: str, db: AsyncSession) -> bool:
        forgotten = await db.scalars(delete(LogRow).where(col(LogRow.id) == log_id).returning(col(LogRow.id)))
        return forgotten.first() is not None

    async def forget_logs(self, before: datetime, db: AsyncSession) -> Sequence[str]:
        old = delete(LogRow).where(col(LogRow.created_at) < before).returning(col(LogRow.id))
        return list(await db.scalars(old))


# --- choosing -----------------------------------------------------------------------------------------------------


async def _chosen(db: AsyncSession, wanted: port.NewFirmwareJob) -> list[tuple[str, str]]:
    """The chargers of a roll-out as (key, id), in the order that was given. Raises NotPossible."""
    query = select(col(ChargerRow.key), col(ChargerRow.id)).order_by(col(ChargerRow.key))
    if wanted.group is not None:
        found = [(key, name) for key, name in await db.execute(query.where(*_says(wanted.group)))]
        if not found:
            raise NotPossible("no charger is of this vendor, model and version")
        return found
    keys = list(dict.fromkeys(charger_id.casefold() for charger_id in wanted.chargers))
    known = dict(list(await db.execute(query.where(col(ChargerRow.key).in_(keys)))))
    unknown = [charger_id for charger_id in wanted.chargers if charger_id.casefold() not in known]
    if unknown:
        raise NotPossible(f"there is no charger {', '.join(unknown)}", unknown)
    if not keys:
        raise NotPossible("name chargers, or a group of them")
    return [(key, known[key]) for key in keys]


def _says(group: ChargerGroup) -> list[ColumnElement[bool]]:
    row = ChargerRow
    wanted = ((row.vendor, group.vendor), (row.model, group.model), (row.firmware_version, group.version))
    return [col(column) == value for column, value in wanted if value is not None]


async def _freed(db: AsyncSession, keys: Sequence[str], *, now: datetime, but: str | None = None) -> None:
    """Raise NotPossible for chargers that another roll-out has; those that wait in a stopped one leave it."""
    task, job = FirmwareTaskRow, FirmwareJobRow
    query = (
        select(task, col(job.status))
        .join(job, col(job.id) == col(task.job_id))
        .where(col(task.charger_key).in_(keys), col(task.state).in_(firmware.OPEN), col(task.job_id) != (but or ""))
        .order_by(col(task.charger_key))
        .with_for_update(of=task)
    )
    held = []
    for row, status in await db.execute(query):
        if status == JobStatus.RUNNING or row.state != TaskState.WAITING:
            held.append(row.charger_id)
        else:
            row.state, row.detail, row.changed_at = TaskState.SKIPPED, "another roll-out took its place", now
    if held:
        raise NotPossible(f"another roll-out is not done with {', '.join(held)}", held, busy=True)


# --- records ------------------------------------------------------------------------------------------------------


def _job_record(
    row: FirmwareJobRow, counts: dict[str, int], tasks: tuple[port.FirmwareTask, ...] = ()
) -> port.FirmwareJob:
    return port.FirmwareJob(
        id=row.id,
        status=JobStatus(row.status),
        reason=row.reason,
        location=row.location,
        version=row.version,
        signed=row.signature is not None,
        retrieve_at=row.retrieve_at,
        install_at=row.install_at,
        at_once=row.at_once,
        stop_after_failures=row.stop_after_failures,
        created_at=row.created_at,
        finished_at=row.finished_at,
        counts={state.value: counts.get(state, 0) for state in TaskState},
        tasks=tasks,
    )


def _task_record(row: FirmwareTaskRow, waits: str | None) -> port.FirmwareTask:
    return port.FirmwareTask(
        charger=row.charger_id,
        state=TaskState(row.state),
        progress=row.progress,
        detail=row.detail or waits,
        version_before=row.version_before,
        version_after=row.version_after,
        asked_at=row.asked_at,
        changed_at=row.changed_at,
    )


def _log_record(row: LogRow) -> port.LogRecord:
    return port.LogRecord(
        id=row.id,
        charger=row.charger_id,
        kind=LogKind(row.kind),
        state=TaskState(row.state),
        progress=row.progress,
        detail=row.detail,
        filename=row.filename,
        ours=row.upload_key is not None,
        size=row.size,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
