"""Upkeep for operators: firmware roll-outs, and logs of chargers."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bridge_ocpp.port import ChargerGroup, FirmwareJob, LogKind, LogRecord, NewFirmwareJob, NewLog, NotPossible
from bridge_ocpp.port import UpkeepBook as Upkeep
from ocpi_hub.admin import known, uploads
from ocpi_hub.admin.answers import AdminError, File, Json, ResourcesDep, not_found
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json)

SCHEMES = ("http://", "https://", "ftp://", "ftps://", "sftp://")


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _address(value: str) -> str:
    if not value.lower().startswith(SCHEMES) or not value.isprintable() or " " in value:
        raise ValueError(f"a URL that begins with {', '.join(SCHEMES)}")
    return value


Moment = Annotated[datetime, AfterValidator(_utc)]
Address = Annotated[str, Field(min_length=8, max_length=512), AfterValidator(_address)]


class GroupBody(BaseModel):
    """Chargers by what they say of themselves when they boot; what is absent is any."""

    model_config = ConfigDict(extra="forbid")

    vendor: str | None = None
    model: str | None = None
    version: str | None = None


class FirmwareBody(BaseModel):
    """A roll-out: to `chargers` or to a `group`. Times without a zone are UTC; durations are in seconds.

    `version` is what chargers report with this image. At most `at_once` are at work; after `stop_after_failures`
    failures nobody else is asked (null: never). `timeout` is for one charger, `give_up_after` for those never reached.
    """

    model_config = ConfigDict(extra="forbid")

    location: Address
    chargers: list[str] = Field(default_factory=list, max_length=20_000)
    group: GroupBody | None = None
    version: str | None = Field(None, min_length=1, max_length=50)
    retrieve_at: Moment | None = None
    install_at: Moment | None = None
    signing_certificate: str | None = Field(None, min_length=1, max_length=5500)
    signature: str | None = Field(None, min_length=1, max_length=800)
    retries: int | None = Field(None, ge=0, le=100)
    retry_interval: int | None = Field(None, ge=0, le=86_400)
    at_once: int = Field(10, ge=1, le=1000)
    stop_after_failures: int | None = Field(3, ge=1)
    timeout: int = Field(7200, ge=60, le=7 * 86_400)
    give_up_after: int = Field(7 * 86_400, ge=60, le=90 * 86_400)

    @model_validator(mode="after")
    def _whole(self) -> "FirmwareBody":
        if bool(self.chargers) == (self.group is not None):
            raise ValueError("name either chargers or a group")
        if (self.signature is None) != (self.signing_certificate is None):
            raise ValueError("signing_certificate and signature belong together")
        return self


class ResumeBody(BaseModel):
    """How to go on: with `retry_failed` those that failed are asked again."""

    model_config = ConfigDict(extra="forbid")

    retry_failed: bool = False


class LogBody(BaseModel):
    """A log to fetch, of `from` to `to`; to `upload_url`, or to ourselves. `retry_interval` is in seconds."""

    model_config = ConfigDict(extra="forbid")

    charger: str
    kind: LogKind = LogKind.DIAGNOSTICS
    upload_url: Address | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    retries: int | None = Field(None, ge=0, le=100)
    retry_interval: int | None = Field(None, ge=0, le=86_400)


class LogAnswer(BaseModel):
    """A log that was asked for; `size` in bytes and `file` (a path of this API) once it came to ourselves."""

    id: str
    charger: str
    kind: LogKind
    state: str
    progress: str | None
    detail: str | None
    filename: str | None
    ours: bool
    size: int | None
    created_at: datetime
    changed_at: datetime
    file: str | None


def impossible(error: NotPossible) -> AdminError:
    status, code = (409, "charger_busy") if error.busy else (422, "no_such_charger")
    return AdminError(status, code, str(error), details={"chargers": list(error.chargers)})


# --- firmware ------------------------------------------------------------------------------------------------------


def job_document(job: FirmwareJob) -> dict[str, Any]:
    document = asdict(job)
    return document if job.tasks else {name: value for name, value in document.items() if name != "tasks"}


async def start(resources: Resources, body: FirmwareBody) -> dict[str, Any]:
    """Start a roll-out. Raises AdminError 422 for chargers that there are not, 409 for those another one has."""
    given = body.model_dump(exclude={"group", "chargers"})
    group = ChargerGroup(**body.group.model_dump()) if body.group else None
    try:
        async with resources.unit_of_work() as db:
            wanted = NewFirmwareJob(**given, chargers=tuple(body.chargers), group=group)
            return job_document(await resources.get(Upkeep).start_firmware(wanted, db))  # type: ignore[type-abstract]
    except NotPossible as error:
        raise impossible(error) from None


async def jobs(resources: Resources, *, limit: int = 100) -> list[dict[str, Any]]:
    """Roll-outs, newest first, without their chargers."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Upkeep).firmware_jobs(db, limit=limit)  # type: ignore[type-abstract]
    return [job_document(job) for job in found]


async def job(resources: Resources, job_id: str) -> dict[str, Any]:
    """One roll-out with every charger. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        return _known(job_id, await resources.get(Upkeep).firmware_job(job_id, db))  # type: ignore[type-abstract]


async def stop(resources: Resources, job_id: str) -> dict[str, Any]:
    """Ask nobody any more. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        return _known(job_id, await resources.get(Upkeep).stop_firmware(job_id, db))  # type: ignore[type-abstract]


async def resume(resources: Resources, job_id: str, body: ResumeBody) -> dict[str, Any]:
    """Go on. Raises AdminError 404, or 409 where a charger is in another roll-out by now."""
    try:
        async with resources.unit_of_work() as db:
            upkeep = resources.get(Upkeep)  # type: ignore[type-abstract]
            return _known(job_id, await upkeep.resume_firmware(job_id, db, retry_failed=body.retry_failed))
    except NotPossible as error:
        raise impossible(error) from None


def _known(job_id: str, found: FirmwareJob | None) -> dict[str, Any]:
    if found is None:
        raise not_found("roll-out", job_id)
    return job_document(found)


@router.post("/firmware", status_code=201, response_model=FirmwareJob)
async def post_firmware(body: FirmwareBody, resources: ResourcesDep) -> Any:
    """Start a roll-out of firmware; the answer is the job with each charger's part in it."""
    return Json(await start(resources, body), status_code=201)


@router.get("/firmware", response_model=list[FirmwareJob])
async def get_firmware(resources: ResourcesDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Any:
    """Roll-outs, newest first, with how many chargers are in which state."""
    return Json(await jobs(resources, limit=limit))


@router.get("/firmware/{job_id}", response_model=FirmwareJob)
async def get_firmware_job(job_id: str, resources: ResourcesDep) -> Any:
    """One roll-out with every charger: state, the charger's last word, why it waits or failed, both versions."""
    return Json(await job(resources, job_id))


@router.post("/firmware/{job_id}/stop", response_model=FirmwareJob)
async def stop_firmware(job_id: str, resources: ResourcesDep) -> Any:
    """Ask nobody any more; chargers that were asked go on."""
    return Json(await stop(resources, job_id))


@router.post("/firmware/{job_id}/resume", response_model=FirmwareJob)
async def resume_firmware(job_id: str, resources: ResourcesDep, body: ResumeBody | None = None) -> Any:
    """Go on with a roll-out that was stopped, or stopped itself; failures so far are forgiven."""
    return Json(await resume(resources, job_id, body or ResumeBody()))


# --- logs ----------------------------------------------------------------------------------------------------------


async def fetch_log(resources: Resources, body: LogBody) -> dict[str, Any]:
    """Have a charger upload a log; asked once it is connected. Raises AdminError 404."""
    url, key = (body.upload_url, None) if body.upload_url else uploads.new_address(resources)
    wanted = NewLog(body.charger, body.kind, url, key, body.since, body.until, body.retries, body.retry_interval)
    try:
        async with resources.unit_of_work() as db:
            return log_document(await resources.get(Upkeep).fetch_log(wanted, db))  # type: ignore[type-abstract]
    except NotPossible:
        raise not_found("charger", body.charger) from None


async def log(resources: Resources, log_id: str) -> LogRecord:
    """Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Upkeep).log(log_id, db)  # type: ignore[type-abstract]
    if found is None:
        raise not_found("log", log_id)
    return found


def log_document(record: LogRecord) -> dict[str, Any]:
    file = f"/admin/v1/logs/{record.id}/file" if record.size is not None else None
    return {**asdict(record), "file": file}


async def logs(resources: Resources, *, charger: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Logs that were asked for, newest first; what is older than OCPI_HUB_UPLOAD_DAYS is forgotten."""
    async with resources.unit_of_work() as db:
        upkeep = resources.get(Upkeep)  # type: ignore[type-abstract]
        before = resources.clock() - timedelta(days=resources.settings.upload_days)
        await upkeep.forget_logs(before, db)
        records = await upkeep.logs(db, charger_id=charger, limit=limit)
    await known.filtered(resources, charger, records)
    await asyncio.to_thread(uploads.prune, resources)
    return [log_document(record) for record in records]


async def log_file(resources: Resources, log_id: str) -> tuple[LogRecord, Path]:
    """A log and where its file lies. Raises AdminError 404 where there is none here."""
    record = await log(resources, log_id)
    file = uploads.file_of(resources, record.id)
    if record.size is None or not await asyncio.to_thread(file.is_file):
        raise AdminError(404, "no_file", f"log {log_id} has no file here")
    return record, file


@router.post("/logs", status_code=201, response_model=LogAnswer)
async def post_log(body: LogBody, resources: ResourcesDep) -> Any:
    """Fetch a charger's diagnostics or security log."""
    return Json(await fetch_log(resources, body), status_code=201)


@router.get("/logs", response_model=list[LogAnswer])
async def get_logs(
    resources: ResourcesDep, charger: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Any:
    """Logs that were asked for, newest first."""
    return Json(await logs(resources, charger=charger, limit=limit))


@router.get("/logs/{log_id}", response_model=LogAnswer)
async def get_log(log_id: str, resources: ResourcesDep) -> Any:
    """One log: how far it is, and where its file is when it came to us."""
    return Json(log_document(await log(resources, log_id)))


@router.get("/logs/{log_id}/file", response_class=File)
async def get_log_file(log_id: str, resources: ResourcesDep) -> Any:
    """The file itself."""
    record, file = await log_file(resources, log_id)
    return FileResponse(file, media_type="application/octet-stream", filename=record.filename or f"{log_id}.log")


@router.delete("/logs/{log_id}", status_code=204)
async def delete_log(log_id: str, resources: ResourcesDep) -> None:
    """Forget a log and its file."""
    record = await log(resources, log_id)
    async with resources.unit_of_work() as db:
        await resources.get(Upkeep).forget_log(record.id, db)  # type: ignore[type-abstract]
    await asyncio.to_thread(uploads.file_of(resources, record.id).unlink, True)
