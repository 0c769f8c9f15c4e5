"""Invitations that partners have not used yet: the list, and taking one back."""

from typing import Any

from fastapi import APIRouter

from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep
from ocpi_hub.admin.partners import resolve
from ocpi_hub.admin.shapes import InvitationAnswer, WithdrawnAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import register

router = APIRouter(default_response_class=Json)


async def every(resources: Resources) -> list[dict[str, Any]]:
    """Invitations that are in force, the first to end first: `{partner: {id, name, status}, parties, created_at,
    expires_at}`. No credentials token is ever in it."""
    async with resources.unit_of_work() as db:
        return await register.invitations(db, resources)


async def withdraw(resources: Resources, partner: str) -> dict[str, Any]:
    """Take a partner's invitations back: `{partner, withdrawn, forgotten}`. A partner that never registered is
    forgotten with them. Raises AdminError 404, also where there is no invitation, or 409 for an ambiguous name."""
    async with resources.unit_of_work() as db:
        platform_id = await resolve(db, partner)
        withdrawn, forgotten = await register.withdraw(db, resources, platform_id)
        if not withdrawn:
            raise AdminError(404, "not_found", f"{partner} has no invitation that could be withdrawn")
    return {"partner": platform_id, "withdrawn": withdrawn, "forgotten": forgotten}


@router.get("/invitations", response_model=list[InvitationAnswer])
async def get_invitations(resources: ResourcesDep) -> Any:
    """Invitations that are in force, the first to end first."""
    return Json(await every(resources))


@router.delete("/invitations/{partner}", response_model=WithdrawnAnswer)
async def delete_invitation(partner: str, resources: ResourcesDep) -> Any:
    """Take a partner's invitations back, by its id or name."""
    return Json(await withdraw(resources, partner))
