"""What chargers show and know: messages on displays, what a charge costs, and what is kept of a customer."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from bridge_ocpp.port import AskCustomer, CustomerRecord, IdToken, ListMessages, RemoveMessage, ShowMessage
from bridge_ocpp.port import WatchBook as Watch
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import Json, ResourcesDep, not_found
from ocpi_hub.admin.watch import ask, request_number, status_of
from ocpi_hub.admin.watch_bodies import CostBody, CustomerAsked, CustomerBody, MessageBody
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json, tags=["displays"])


# --- displays -----------------------------------------------------------------------------------------------------


async def _report(resources: Resources, charger_id: str) -> None:
    outcome = await ask(resources, charger_id, ListMessages(await request_number(resources)))
    if status_of(outcome) == "Unknown":
        async with resources.unit_of_work() as db:
            await resources.get(Watch).forget_messages(charger_id, db)  # type: ignore[type-abstract]


async def messages(resources: Resources, charger_id: str, *, refresh: bool = False) -> list[dict[str, Any]]:
    """What the charger reported (MessageInfoType); with `refresh` it is asked again. Raises AdminError."""
    if refresh:
        await _report(resources, charger_id)
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).messages(charger_id, db)  # type: ignore[type-abstract]
    return [dict(message) for message in found]


async def show_message(resources: Resources, charger_id: str, body: MessageBody) -> dict[str, Any]:
    """Show a text on the charger's display; what was asked for. Raises AdminError."""
    await ask(resources, charger_id, ShowMessage(**body.model_dump()))
    await _report(resources, charger_id)
    return body.model_dump(by_alias=True, exclude_none=True)


async def remove_message(resources: Resources, charger_id: str, message_id: int) -> None:
    """Take a message away. Raises AdminError."""
    await ask(resources, charger_id, RemoveMessage(message_id))
    await _report(resources, charger_id)


@router.get("/chargers/{charger_id}/display-messages", response_model=list[dict[str, Any]])
async def get_messages(charger_id: str, resources: ResourcesDep, refresh: bool = False) -> Any:
    """The messages that the charger reported (MessageInfoType); with `refresh` it is asked again."""
    return Json(await messages(resources, charger_id, refresh=refresh))


@router.post("/chargers/{charger_id}/display-messages", status_code=201, response_model=MessageBody)
async def post_message(charger_id: str, body: MessageBody, resources: ResourcesDep) -> Any:
    """Show a text on the charger's display."""
    return Json(await show_message(resources, charger_id, body), status_code=201)


@router.delete("/chargers/{charger_id}/display-messages/{message_id}", status_code=204)
async def delete_message(charger_id: str, message_id: int, resources: ResourcesDep) -> None:
    """Take a message away."""
    await remove_message(resources, charger_id, message_id)


# --- cost ---------------------------------------------------------------------------------------------------------


async def show_cost(resources: Resources, charger_id: str, body: CostBody) -> dict[str, Any]:
    """Switch whether drivers see at this charger what they pay. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        if not await resources.get(Watch).show_cost(charger_id, body.enabled, db):  # type: ignore[type-abstract]
            raise not_found("charger", charger_id)
    return body.model_dump()


async def shows_cost(resources: Resources, charger_id: str) -> dict[str, Any]:
    """Whether drivers see at this charger what they pay. Raises AdminError 404."""
    await known.charger(resources, charger_id)
    async with resources.unit_of_work() as db:
        return {"enabled": await resources.get(Watch).shows_cost(charger_id, db)}  # type: ignore[type-abstract]


@router.put("/chargers/{charger_id}/cost", response_model=CostBody)
async def put_cost(charger_id: str, body: CostBody, resources: ResourcesDep) -> Any:
    """Have a charger told what each charge costs, while it runs and at its end (2.0.1, block I); off at first."""
    return Json(await show_cost(resources, charger_id, body))


@router.get("/chargers/{charger_id}/cost", response_model=CostBody)
async def get_cost(charger_id: str, resources: ResourcesDep) -> Any:
    """Whether drivers see at this charger what they pay."""
    return Json(await shows_cost(resources, charger_id))


# --- customers ----------------------------------------------------------------------------------------------------


async def ask_customer(resources: Resources, charger_id: str, body: CustomerBody) -> dict[str, Any]:
    """Have a charger report what it keeps of a customer, clear it, or both. Raises AdminError."""
    token = IdToken(body.token, body.token_type) if body.token is not None else None
    async with resources.unit_of_work() as db:
        watch = resources.get(Watch)  # type: ignore[type-abstract]
        number = await watch.next_request(db)
        if body.report:
            await watch.ask_customer(charger_id, number, db)
    await ask(resources, charger_id, AskCustomer(number, body.report, body.clear, token, body.customer))
    return {"request_id": number}


async def customer(resources: Resources, charger_id: str, request_id: int) -> dict[str, Any]:
    """What the charger has said so far. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).customer(charger_id, request_id, db)  # type: ignore[type-abstract]
    if found is None:
        raise not_found("request", str(request_id))
    return asdict(found)


@router.post("/chargers/{charger_id}/customer-information", status_code=202, response_model=CustomerAsked)
async def post_customer(charger_id: str, body: CustomerBody, resources: ResourcesDep) -> Any:
    """Have a charger report what it keeps of a customer, clear it, or both; the report comes under `request_id`."""
    return Json(await ask_customer(resources, charger_id, body), status_code=202)


@router.get("/chargers/{charger_id}/customer-information/{request_id}", response_model=CustomerRecord)
async def get_customer(charger_id: str, request_id: int, resources: ResourcesDep) -> Any:
    """What the charger has said so far; kept for a day."""
    return Json(await customer(resources, charger_id, request_id))
