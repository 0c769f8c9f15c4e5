"""Tending a partner's connection: pull it now, look at its pulls, tell it again what changed, check how it conforms."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep
from ocpi_hub.admin.partners import resolve
from ocpi_hub.admin.pulling import report, summary
from ocpi_hub.admin.shapes import CheckAnswer, PullAsked, PullsAnswer, ReplayAnswer
from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import retelling
from ocpi_hub.delivery.pulling import book, jobs
from ocpi_hub.partners.checking.check import check as check_partner
from ocpi_hub.partners.tables import Platform

router = APIRouter(default_response_class=Json)


class PullBody(BaseModel):
    """What is to be pulled: one module or all, only what changed or the `full` list."""

    model_config = ConfigDict(extra="forbid")

    module: Literal["tariffs", "locations", "tokens", "sessions", "cdrs"] | None = None
    full: bool = False


class ReplayBody(BaseModel):
    """From when on."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime


async def pull(resources: Resources, partner: str, body: PullBody) -> dict[str, Any]:
    """Have a partner pulled now. Raises AdminError 404, or 409 when it is not connected or offers nothing to pull."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        platform = await db.get(Platform, platform_id)
        if platform is None or platform.status != "CONNECTED":
            status = platform.status if platform else "gone"
            raise AdminError(409, "not_connected", f"{partner} is not connected: its status is {status}")
        asked_at = resources.clock()
        modules = await book.ask(db, platform_id, module=body.module, full=body.full, at=asked_at)
        if not modules:
            what = body.module or "anything that can be pulled"
            raise AdminError(409, "nothing_to_pull", f"{partner} does not offer {what} for parties that may own it")
        ring_after_commit(db, jobs.pull, platform_id)
    return {"id": platform_id, "modules": modules, "asked_at": asked_at}


async def progress(resources: Resources, platform_id: str, modules: list[str]) -> list[dict[str, Any]]:
    """How far the pulls of these modules are."""
    async with resources.unit_of_work() as db:
        return [line for line in await summary(db, platform_id) if line["module"] in modules]


def is_done(line: dict[str, Any], asked_at: datetime) -> bool:
    """Whether a module has been pulled since it was asked for."""
    ended_at = line["last"]["ended_at"] if line["last"] else None
    waiting = line["next_at"] <= asked_at and line["next_is_full"]
    return not line["running"] and ended_at is not None and ended_at >= asked_at and not waiting


async def pulls(resources: Resources, partner: str) -> dict[str, Any]:
    """What was pulled of a partner, and what is missing. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        return await report(db, await resolve(db, partner))


async def replay(resources: Resources, partner: str, since: datetime) -> dict[str, Any]:
    """Owe a partner again what was written since then. Raises AdminError 404, or 409 when it is not registered."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
    try:
        owed = await retelling.replay(resources, platform_id, since=since)
    except LookupError as error:
        raise AdminError(409, "not_registered", f"{partner} {error}") from None
    return {"id": platform_id, "since": since, "owed": owed, "total": sum(owed.values())}


async def check(resources: Resources, partner: str) -> dict[str, Any]:
    """Check how a partner conforms, by GET only. Raises AdminError 404, or 409 when it is not registered."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
    began_at = resources.clock()
    try:
        report = await check_partner(resources, platform_id)
    except LookupError as error:
        raise AdminError(409, "not_registered", f"{partner} {error}") from None
    return {"id": platform_id, "at": began_at} | report.document()


@router.post("/partners/{partner}/check", response_model=CheckAnswer)
async def post_check(partner: str, resources: ResourcesDep) -> Any:
    """Check how a partner conforms to the specification, against its live endpoints, by GET only."""
    return Json(await check(resources, partner))


@router.post("/partners/{partner}/pull", response_model=PullAsked, status_code=202)
async def post_pull(partner: str, resources: ResourcesDep, body: PullBody | None = None) -> Any:
    """Pull now; GET …/pulls says how far it is."""
    return Json(await pull(resources, partner, body or PullBody()), status_code=202)


@router.get("/partners/{partner}/pulls", response_model=PullsAnswer)
async def get_pulls(partner: str, resources: ResourcesDep) -> Any:
    """What is pulled, the newest runs with their bad objects, and what is missing from full lists."""
    return Json(await pulls(resources, partner))


@router.post("/partners/{partner}/replay", response_model=ReplayAnswer)
async def post_replay(partner: str, body: ReplayBody, resources: ResourcesDep) -> Any:
    """Owe again everything that was written since then and that this partner may see."""
    return Json(await replay(resources, partner, body.since))
