"""Firmware that local controllers publish for the chargers behind them, for operators (OCPP 2.0.1, L03 and L04)."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bridge_ocpp.port import (
    NewPublication,
    NotPossible,
    OutcomeStatus,
    Publication,
    PublicationState,
    UnpublishFirmware,
)
from bridge_ocpp.port import PublicationBook as Publications
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.device_asking import ask
from ocpi_hub.admin.upkeep import Address, impossible
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json)


class PublicationBody(BaseModel):
    """An image that a local controller is to fetch and to serve. `checksum` is its MD5 in hexadecimal.

    `retry_interval` and `give_up_after` (for everything, the wait for the controller included) are in seconds.
    """

    model_config = ConfigDict(extra="forbid")

    charger: str
    location: Address
    checksum: str = Field(pattern="^[0-9a-fA-F]{32}$")
    retries: int | None = Field(None, ge=0, le=100)
    retry_interval: int | None = Field(None, ge=0, le=86_400)
    give_up_after: int = Field(86_400, ge=60, le=90 * 86_400)


def _book(resources: Resources) -> Publications:
    return resources.get(Publications)  # type: ignore[type-abstract]


async def publish(resources: Resources, body: PublicationBody) -> dict[str, Any]:
    """Have an image published; asked once the controller is connected. Raises AdminError 404, or 409 when it is."""
    try:
        async with resources.unit_of_work() as db:
            return asdict(await _book(resources).publish(NewPublication(**body.model_dump()), db))
    except NotPossible as error:
        if error.busy:
            raise impossible(error) from None
        raise not_found("charger", body.charger) from None


async def publications(resources: Resources, *, charger: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Newest first."""
    async with resources.unit_of_work() as db:
        return [asdict(found) for found in await _book(resources).publications(db, charger_id=charger, limit=limit)]


async def publication(resources: Resources, publication_id: str) -> dict[str, Any]:
    """One of them. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).publication(publication_id, db)
    if found is None:
        raise not_found("publication", publication_id)
    return asdict(found)


async def unpublish(resources: Resources, publication_id: str) -> dict[str, Any]:
    """Have it taken back; one that was not asked for yet is let go of. Raises AdminError 404, 409, 422, 502 or 504."""
    found = await publication(resources, publication_id)
    async with resources.unit_of_work() as db:
        gone = await _book(resources).cancel(publication_id, db)
    if not gone and found["state"] not in (PublicationState.WITHDRAWN, PublicationState.FAILED):
        outcome = await ask(resources, found["charger"], UnpublishFirmware(found["checksum"]))
        if outcome.status is OutcomeStatus.REJECTED:
            busy = f"{found['charger']} is serving the image to a charger just now: try again later"
            raise AdminError(409, "download_ongoing", busy)
    return await publication(resources, publication_id)


@router.post("/publications", status_code=201, response_model=Publication)
async def post_publication(body: PublicationBody, resources: ResourcesDep) -> Any:
    """Have a local controller fetch an image and serve it to the chargers behind it."""
    return Json(await publish(resources, body), status_code=201)


@router.get("/publications", response_model=list[Publication])
async def get_publications(
    resources: ResourcesDep, charger: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Any:
    """Images that local controllers publish or were to publish, newest first."""
    return Json(await publications(resources, charger=charger, limit=limit))


@router.get("/publications/{publication_id}", response_model=Publication)
async def get_publication(publication_id: str, resources: ResourcesDep) -> Any:
    """One of them: how far it is, and the URIs that chargers fetch it from."""
    return Json(await publication(resources, publication_id))


@router.post("/publications/{publication_id}/unpublish", response_model=Publication)
async def post_unpublish(publication_id: str, resources: ResourcesDep) -> Any:
    """Have the controller serve it no more."""
    return Json(await unpublish(resources, publication_id))
