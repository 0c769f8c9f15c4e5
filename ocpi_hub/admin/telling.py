"""What partners are owed and what they were told: debts, and the ledger of attempts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlmodel import col, select

from ocpi_hub.admin.answers import Json, ResourcesDep
from ocpi_hub.admin.partners import resolve
from ocpi_hub.admin.shapes import AttemptAnswer, DebtAnswer, RetriedAnswer
from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import giving_up
from ocpi_hub.delivery.jobs import drain
from ocpi_hub.delivery.tables import Attempt, Owed

router = APIRouter(default_response_class=Json)

Limit = Annotated[int, Query(ge=1, le=1000)]


async def debts(resources: Resources, partner: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """What a partner is owed, the oldest debt first; given-up ones are marked `dead`. Raises AdminError 404 or 409."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        query = select(Owed).where(Owed.platform_id == platform_id).order_by(col(Owed.owed_since)).limit(limit)
        rows = (await db.scalars(query)).all()
    return [
        {
            "lane": row.lane,
            "kind": row.kind,
            "verb": row.verb,
            "owed_since": row.owed_since,
            "due_at": row.due_at,
            "attempts": row.attempts,
            "dead": row.dead_at is not None,
            "last_error": row.last_error,
            "correlation_id": row.correlation_id,
        }
        for row in rows
    ]


async def retry(resources: Resources, partner: str) -> dict[str, Any]:
    """Owe a partner anew what was given up; how much that was. Raises AdminError 404 or 409."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        owed = await giving_up.take_up_again(db, platform_id, at=resources.clock())
        if owed:
            ring_after_commit(db, drain, platform_id)
    return {"id": platform_id, "owed": owed}


async def _platform(resources: Resources, named: str) -> str:
    """A partner's id from its id or name; that of one that is gone, while the ledger still has it. Raises AdminError
    404 or 409."""
    async with resources.unit_of_work() as db:
        gone = await db.scalar(select(col(Attempt.platform_id)).where(Attempt.platform_id == named).limit(1))
        return gone or await resolve(db, named)


async def list_attempts(
    resources: Resources, *, platform: str | None = None, correlation_id: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """The ledger of pushes, newest first."""
    query = select(Attempt).order_by(col(Attempt.id).desc()).limit(limit)
    if platform is not None:
        query = query.where(Attempt.platform_id == await _platform(resources, platform))
    if correlation_id is not None:
        query = query.where(Attempt.correlation_id == correlation_id)
    async with resources.unit_of_work() as db:
        rows = (await db.scalars(query)).all()
    return [row.model_dump(exclude={"id"}) for row in rows]


@router.get("/partners/{partner}/owed", response_model=list[DebtAnswer])
async def get_owed(partner: str, resources: ResourcesDep, limit: Limit = 200) -> Any:
    """What the partner is owed, the oldest debt first."""
    return Json(await debts(resources, partner, limit=limit))


@router.post("/partners/{partner}/owed/retry", response_model=RetriedAnswer, status_code=202)
async def post_retry(partner: str, resources: ResourcesDep) -> Any:
    """Owe the partner anew what was given up (its `dead` debts). It is told now."""
    return Json(await retry(resources, partner), status_code=202)


@router.get("/attempts", response_model=list[AttemptAnswer])
async def get_attempts(
    resources: ResourcesDep, platform: str | None = None, correlation_id: str | None = None, limit: Limit = 100
) -> Any:
    """The ledger of pushes, newest first."""
    return Json(await list_attempts(resources, platform=platform, correlation_id=correlation_id, limit=limit))
