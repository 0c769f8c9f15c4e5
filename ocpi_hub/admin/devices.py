"""The devices of our own chargers for operators: what they are told to do and to be."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from bridge_ocpp.port import (
    AvailabilityRecord,
    ChangeAvailability,
    ChargerPort,
    ClearCache,
    OutcomeStatus,
    Reset,
    SetNetworkProfile,
    TransferData,
    Trigger,
    UnlockConnector,
)
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.device_asking import book_of, command
from ocpi_hub.admin.device_bodies import (
    AvailabilityBody,
    NetworkBody,
    OutcomeAnswer,
    ResetBody,
    TransferBody,
    TriggerBody,
    UnlockBody,
)
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json, tags=["devices"])

# --- what is done ---------------------------------------------------------------------------------------------------


async def want_available(resources: Resources, charger_id: str, body: AvailabilityBody) -> dict[str, Any]:
    """Keep what shall be and tell the charger; what is kept for it now. Raises AdminError 404 or 422."""
    book, order = book_of(resources), ChangeAvailability(body.operative, body.evse, body.connector)
    await known.place(resources, charger_id, order)
    try:
        async with resources.unit_of_work() as db:
            await book.want_available(charger_id, order, db)
    except KeyError:
        raise not_found("charger", charger_id) from None
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    within = timedelta(seconds=resources.settings.charger_timeout)
    outcome = await port.ask(charger_id, order, within=within)
    waits = outcome.status in (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT)
    return {"status": "WAITING" if waits else outcome.status.value, "detail": outcome.detail, "payload": None}


async def availabilities(resources: Resources, charger_id: str) -> list[dict[str, Any]]:
    """What is kept about the charger's availability. Raises AdminError 404."""
    try:
        async with resources.unit_of_work() as db:
            return [asdict(one) for one in await book_of(resources).availabilities(charger_id, db)]
    except KeyError:
        raise not_found("charger", charger_id) from None


# --- the calls -----------------------------------------------------------------------------------------------------


@router.post("/chargers/{charger_id}/reset", response_model=OutcomeAnswer)
async def post_reset(charger_id: str, body: ResetBody, resources: ResourcesDep) -> Any:
    """Start the charger, or one EVSE of it, anew."""
    order = Reset(when_idle=body.type in ("OnIdle", "Soft"), evse_id=body.evse)
    return Json(await command(resources, charger_id, order))


@router.post("/chargers/{charger_id}/availability", response_model=OutcomeAnswer)
async def post_availability(charger_id: str, body: AvailabilityBody, resources: ResourcesDep) -> Any:
    """Make a charger, an EVSE or a connector operative or inoperative, and keep it so."""
    return Json(await want_available(resources, charger_id, body))


@router.get("/chargers/{charger_id}/availability", response_model=list[AvailabilityRecord])
async def get_availability(charger_id: str, resources: ResourcesDep) -> Any:
    """What is kept about availability, and what the charger answered to it."""
    return Json(await availabilities(resources, charger_id))


@router.post("/chargers/{charger_id}/trigger", response_model=OutcomeAnswer)
async def post_trigger(charger_id: str, body: TriggerBody, resources: ResourcesDep) -> Any:
    """Ask the charger for a message."""
    return Json(await command(resources, charger_id, Trigger(body.message, body.evse, body.connector)))


@router.post("/chargers/{charger_id}/unlock", response_model=OutcomeAnswer)
async def post_unlock(charger_id: str, body: UnlockBody, resources: ResourcesDep) -> Any:
    """Release a cable."""
    return Json(await command(resources, charger_id, UnlockConnector(body.evse, body.connector)))


@router.post("/chargers/{charger_id}/clear-cache", response_model=OutcomeAnswer)
async def post_clear_cache(charger_id: str, resources: ResourcesDep) -> Any:
    """Have the charger forget the tokens that it remembers."""
    return Json(await command(resources, charger_id, ClearCache()))


@router.post("/chargers/{charger_id}/data-transfer", response_model=OutcomeAnswer)
async def post_data_transfer(charger_id: str, body: TransferBody, resources: ResourcesDep) -> Any:
    """Send data of a vendor's own; the charger's answer is the payload."""
    return Json(await command(resources, charger_id, TransferData(body.vendor_id, body.message_id, body.data)))


@router.post("/chargers/{charger_id}/network-profiles", response_model=OutcomeAnswer)
async def post_network_profile(charger_id: str, body: NetworkBody, resources: ResourcesDep) -> Any:
    """Give the charger another way to reach the hub, in one of its slots (2.x)."""
    return Json(await command(resources, charger_id, SetNetworkProfile(body.slot, body.profile)))
