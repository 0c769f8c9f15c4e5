"""The local lists of our own chargers for operators: how they stand, and sending one anew."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.device_bodies import ListAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import listing, lists
from ocpi_hub.chargers.list_tables import ChargerList

router = APIRouter(default_response_class=Json, tags=["devices"])


async def local_list(db: AsyncSession, charger_id: str) -> dict[str, Any] | None:
    """How it stands with the charger's local authorization list; None where nobody has looked yet."""
    row = await db.get(ChargerList, charger_id.lower())
    if row is None:
        return None
    names = ("enabled", "state", "detail", "version", "entries", "sent_at")
    return {name: getattr(row, name) for name in names}


async def send_list(resources: Resources, charger_id: str) -> dict[str, Any] | None:
    """Send the whole local list anew, now; how it stands then. Raises AdminError 404."""
    try:
        async with resources.unit_of_work() as db:
            await lists.resend(db, charger_id, at=resources.clock())
    except KeyError:
        raise not_found("charger", charger_id) from None
    await listing.refresh(resources)
    await lists.sync(resources, charger_id.lower())
    async with resources.unit_of_work() as db:
        return await local_list(db, charger_id)


@router.post("/chargers/{charger_id}/local-list", response_model=ListAnswer | None)
async def post_local_list(charger_id: str, resources: ResourcesDep) -> Any:
    """Send the charger's local authorization list anew: {"state", "version", "entries", "detail", …}."""
    return Json(await send_list(resources, charger_id))
