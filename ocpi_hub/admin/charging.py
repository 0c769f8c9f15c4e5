"""Smart charging for operators: sites whose chargers share a limit, the profiles and reservations at chargers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import OutletRecord, SiteRecord, SmartBook, write_schedule
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import AdminError, BodyDep, Json, ResourcesDep, not_found
from ocpi_hub.admin.charger_shapes import NeedsAnswer, ProfileAnswer, ReservationAnswer, SiteAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import placing

router = APIRouter(default_response_class=Json, tags=["charging"])

LONGEST = 7 * 24 * 3600


class ExternalLimitBody(BaseModel):
    """A limit from outside, A per phase or W in all, until `expires_at` or for so many `seconds`. Neither: lifted."""

    model_config = ConfigDict(extra="forbid")

    limit_a: Decimal | None = Field(None, ge=0, le=100_000)
    limit_w: Decimal | None = Field(None, ge=0, le=100_000_000)
    expires_at: datetime | None = None
    seconds: int | None = Field(None, ge=1, le=LONGEST)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.limit_a is not None and self.limit_w is not None:
            raise ValueError("give limit_a or limit_w, not both")
        limited = self.limit_a is not None or self.limit_w is not None
        if limited and (self.expires_at is None) == (self.seconds is None):
            raise ValueError("give expires_at or seconds, one of them: a limit from outside always ends")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at needs a time zone, such as Z")
        return self


def _book(resources: Resources) -> SmartBook:
    return resources.get(SmartBook)  # type: ignore[type-abstract]


async def put(resources: Resources, site_id: str, document: dict[str, Any]) -> dict[str, Any]:
    """Make or replace a site. Raises AdminError 422 that names the field."""
    try:
        async with resources.unit_of_work() as db:
            await _book(resources).put_site(site_id, document, db)
            return await _shown(resources, site_id, db)
    except ValueError as problem:
        field, _, message = str(problem).partition(": ")
        raise AdminError(422, "invalid", str(problem), details=[{"field": field, "message": message}]) from None


async def show(resources: Resources, site_id: str) -> dict[str, Any]:
    """One site with what is in force now. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        return await _shown(resources, site_id, db)


async def every(resources: Resources) -> list[dict[str, Any]]:
    """All sites."""
    async with resources.unit_of_work() as db:
        return [await _document(record, db) for record in await _book(resources).sites(db)]


async def remove(resources: Resources, site_id: str) -> None:
    """Its chargers are set free of what the site told them. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        if not await _book(resources).remove_site(site_id, db):
            raise not_found("site", site_id)


async def limit(resources: Resources, site_id: str, body: ExternalLimitBody) -> dict[str, Any]:
    """A limit from outside, or none any more. Raises AdminError 404."""
    until = body.expires_at or resources.clock() + timedelta(seconds=body.seconds or 0)
    async with resources.unit_of_work() as db:
        if not await _book(resources).limit_site(site_id, amperes=body.limit_a, watts=body.limit_w, until=until, db=db):
            raise not_found("site", site_id)
        return await _shown(resources, site_id, db)


async def _shown(resources: Resources, site_id: str, db: AsyncSession) -> dict[str, Any]:
    record = await _book(resources).site(site_id, db)
    if record is None:
        raise not_found("site", site_id)
    return await _document(record, db)


async def _document(record: SiteRecord, db: AsyncSession) -> dict[str, Any]:
    uids = await _uids(db, [outlet.charger_id for outlet in record.outlets])
    external = None
    if record.external_a is not None:
        external = {"limit_a": record.external_a, "expires_at": record.external_until}
    return {
        "id": record.id,
        **record.document,
        "external_limit": external,
        "limit_now_a": record.limit_a,
        "counts_a": {name: {f"L{n}": sum_a for n, sum_a in lanes.items()} for name, lanes in record.counts_a.items()},
        "over_limit": record.over_limit,
        "limits": [_outlet(outlet, uids) for outlet in record.outlets],
    }


def _outlet(outlet: OutletRecord, uids: dict[tuple[str, int], str]) -> dict[str, Any]:
    return {
        "charger": outlet.charger_id,
        "evse_id": outlet.evse_id or None,
        "evse_uid": uids.get((outlet.charger_id.lower(), outlet.evse_id)),
        "circuit": outlet.circuit or None,
        "phases": outlet.phases,
        "state": outlet.state,
        "limit_a": outlet.limit_a,
        "counts_a": outlet.counts_a,
        "drawing_a": outlet.drawing_a,
        "transaction": outlet.transaction_id,
        "departure_at": outlet.departure_at,
        "in_time": outlet.in_time,
    }


async def _uids(db: AsyncSession, chargers: Sequence[str]) -> dict[tuple[str, int], str]:
    """The OCPI uid of each EVSE of these chargers."""
    return {
        (key, evse.evse_id): evse.uid
        for key in sorted({charger.lower() for charger in chargers})
        for evse in await placing.evses_of(db, key)
    }


async def profiles(resources: Resources, charger: str | None) -> list[dict[str, Any]]:
    """The profiles that chargers keep, with the ids that they know."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).profiles(charger, db)
        uids = await _uids(db, [record.charger_id for record in found])
    await known.filtered(resources, charger, found)
    return [
        {
            "id": record.profile.id,
            "charger": record.charger_id,
            "evse_uid": uids.get((record.charger_id.lower(), record.evse_id)),
            "evse_id": record.evse_id,
            "purpose": record.profile.purpose,
            "kind": record.profile.kind,
            "stack_level": record.profile.stack_level,
            "transaction": record.profile.transaction_id,
            "source": record.source,
            "schedule": write_schedule(record.profile.schedule),
        }
        for record in found
    ]


async def needs(resources: Resources, charger: str | None) -> list[dict[str, Any]]:
    """What the cars that are there said of themselves."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).needs(charger, db)
        uids = await _uids(db, [record.charger_id for record in found])
    await known.filtered(resources, charger, found)
    return [
        {
            "charger": record.charger_id,
            "evse_uid": uids.get((record.charger_id.lower(), record.evse_id)),
            "evse_id": record.evse_id,
            "transaction": record.transaction_id,
            "told_at": record.told_at,
            "schedule_follows": record.schedule_follows,
            "departure_at": record.departure_at,
            "energy_wh": record.energy_wh,
            "maximum_a": record.maximum_a,
            "maximum_w": record.maximum_w,
            "minimum_a": record.minimum_a,
            "minimum_w": record.minimum_w,
            "needs": record.needs,
            "plan": None if record.plan is None else write_schedule(record.plan),
            "plan_fits": record.plan_fits,
        }
        for record in found
    ]


async def reservations(resources: Resources, charger: str | None) -> list[dict[str, Any]]:
    """Reservations at chargers, with the ids that they know, newest first."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).reservations(charger, db)
        uids = await _uids(db, [record.charger_id for record in found])
    await known.filtered(resources, charger, found)
    return [
        {
            "id": record.reservation_id,
            "charger": record.charger_id,
            "evse_uid": uids.get((record.charger_id.lower(), record.evse_id or 0)),
            "evse_id": record.evse_id,
            "status": record.status,
            "id_token": record.id_token,
            "expires_at": record.expires_at,
        }
        for record in found
    ]


# --- the URLs ------------------------------------------------------------------------------------------------

Charger = Annotated[str | None, Query(description="Only this charger")]


@router.get("/sites", response_model=list[SiteAnswer])
async def get_sites(resources: ResourcesDep) -> Any:
    """All sites with the limits in force now."""
    return Json(await every(resources))


@router.get("/sites/{site_id}", response_model=SiteAnswer)
async def get_site(site_id: str, resources: ResourcesDep) -> Any:
    """A site with the limits in force now."""
    return Json(await show(resources, site_id))


@router.put("/sites/{site_id}", response_model=SiteAnswer)
async def put_site(site_id: str, body: BodyDep, resources: ResourcesDep) -> Any:
    """`{"limit_w"|"limit_a", "chargers": […], "minimum_a"?, "start_a"?, "voltage"?, "phases"?, "learn_phases"?,
    "circuits"?}`."""
    return Json(await put(resources, site_id, body))


@router.delete("/sites/{site_id}", status_code=204)
async def delete_site(site_id: str, resources: ResourcesDep) -> Response:
    """The site is no more; its chargers are set free."""
    await remove(resources, site_id)
    return Response(status_code=204)


@router.put("/sites/{site_id}/external-limit", response_model=SiteAnswer)
async def put_external_limit(site_id: str, body: ExternalLimitBody, resources: ResourcesDep) -> Any:
    """A limit from outside, in force at once, until it ends; `{}` lifts it."""
    return Json(await limit(resources, site_id, body))


@router.get("/charging-profiles", response_model=list[ProfileAnswer])
async def get_profiles(resources: ResourcesDep, charger: Charger = None) -> Any:
    """The profiles that chargers keep."""
    return Json(await profiles(resources, charger))


@router.get("/charging-needs", response_model=list[NeedsAnswer])
async def get_needs(resources: ResourcesDep, charger: Charger = None) -> Any:
    """What the cars that are there said that they need (ISO 15118), and how they mean to charge."""
    return Json(await needs(resources, charger))


@router.get("/reservations", response_model=list[ReservationAnswer])
async def get_reservations(resources: ResourcesDep, charger: Charger = None) -> Any:
    """The reservations at chargers."""
    return Json(await reservations(resources, charger))
