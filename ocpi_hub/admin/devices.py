"""The devices of our own chargers for operators: variables and wishes, reset, availability, triggers and the like."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import (
    Attend,
    ChangeAvailability,
    ChargerPort,
    ClearCache,
    Command,
    DeviceBook,
    GetReport,
    GetVariables,
    Outcome,
    OutcomeStatus,
    Reset,
    SetNetworkProfile,
    SetVariables,
    TransferData,
    Trigger,
    UnlockConnector,
    VariableName,
    VariableRecord,
    VariableSetting,
)
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.device_bodies import (
    AvailabilityBody,
    NetworkBody,
    OutcomeAnswer,
    ReportBody,
    ResetBody,
    TransferBody,
    TriggerBody,
    UnlockBody,
    VariableBody,
    VariablesAnswer,
    VariablesBody,
)
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import listing, lists
from ocpi_hub.chargers.list_tables import ChargerList

router = APIRouter(default_response_class=Json, tags=["devices"])

# --- what is done ---------------------------------------------------------------------------------------------------


def _book(resources: Resources) -> DeviceBook:
    return resources.get(DeviceBook)  # type: ignore[type-abstract]


async def ask(resources: Resources, charger_id: str, command: Command, *, times: int = 1) -> Outcome:
    """Ask a charger, `times` messages long at most. Raises AdminError 409, 422, 502 or 504 for what was no answer."""
    within = timedelta(seconds=resources.settings.charger_timeout * max(times, 1))
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    outcome = await port.ask(charger_id, command, within=within)
    word = type(command).__name__
    if outcome.status is OutcomeStatus.OFFLINE:
        raise AdminError(409, "charger_offline", f"{charger_id} is not connected")
    if outcome.status is OutcomeStatus.TIMEOUT:
        raise AdminError(504, "no_answer", f"{charger_id} did not answer {word} in time")
    if outcome.status is OutcomeStatus.NOT_SUPPORTED:
        raise AdminError(422, "not_supported", outcome.detail or f"the charger cannot do {word}", details=outcome.error)
    if outcome.status is OutcomeStatus.INVALID:
        raise AdminError(422, "invalid", outcome.detail)
    if outcome.status is OutcomeStatus.FAILED:
        raise AdminError(502, "failed", outcome.detail or f"{charger_id} failed", details=outcome.error)
    return outcome


async def known(resources: Resources, charger_id: str) -> None:
    """Raises AdminError 404."""
    try:
        async with resources.unit_of_work() as db:
            await _book(resources).report(charger_id, db)
    except KeyError:
        raise not_found("charger", charger_id) from None


async def attend(resources: Resources, charger_id: str) -> None:
    """Have what was just owed to the charger seen to at once, where it is connected; else it waits for it."""
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    await port.ask(charger_id, Attend(), within=timedelta(seconds=2))


async def get_variables(resources: Resources, charger_id: str, body: VariablesBody) -> dict[str, Any]:
    """Read variables from the charger, now. Raises AdminError."""
    await known(resources, charger_id)
    names = tuple(one.name for one in body.variables)
    outcome = await ask(resources, charger_id, GetVariables(names), times=len(names))
    return {"variables": _answers(body, outcome)}


async def set_variables(resources: Resources, charger_id: str, body: VariablesBody) -> tuple[dict[str, Any], bool]:
    """Wish values, and tell the charger now where it is connected; whether it could be told. Raises AdminError."""
    missing = [one.variable for one in body.variables if one.value is None]
    if missing:
        raise AdminError(422, "invalid", f"value: missing for {', '.join(missing)}")
    settings = tuple(VariableSetting(one.name, one.text) for one in body.variables)
    try:
        async with resources.unit_of_work() as db:
            await _book(resources).wish(charger_id, settings, db)
    except KeyError:
        raise not_found("charger", charger_id) from None
    except ValueError as error:
        raise AdminError(422, "invalid", str(error)) from None
    try:
        outcome = await ask(resources, charger_id, SetVariables(settings), times=2 * len(settings))
    except AdminError as error:
        if error.code not in ("charger_offline", "no_answer", "failed"):
            raise
        waiting = [
            {**_named(one), "status": "Waiting", "value": one.text, "detail": str(error)} for one in body.variables
        ]
        return {"variables": waiting}, False
    answers = _answers(body, outcome)
    for answer, one in zip(answers, body.variables, strict=True):
        answer["value"] = one.text
    return {"variables": answers}, True


def _answers(body: VariablesBody, outcome: Outcome) -> list[dict[str, Any]]:
    found = (outcome.payload or {}).get("variables", ())
    return [_answer(one, said) for one, said in zip(body.variables, found, strict=True)]


def _named(one: VariableBody) -> dict[str, Any]:
    return {
        "component": one.component,
        "component_instance": one.component_instance,
        "variable": one.variable,
        "variable_instance": one.variable_instance,
        "evse": one.evse,
        "connector": one.connector,
        "attribute": one.attribute,
    }


def _answer(one: VariableBody, said: Any) -> dict[str, Any]:
    secret = bool(said.get("secret"))
    return {
        **_named(one),
        "status": said["status"],
        "value": None if secret else said.get("value"),
        "secret": secret,
        "readonly": None if said.get("mutability") is None else said["mutability"] == "ReadOnly",
        "detail": said.get("detail"),
    }


async def variables(
    resources: Resources, charger_id: str, *, search: str | None = None, differing: bool = False
) -> dict[str, Any]:
    """What the charger last reported, what is wished, and how it stands with the report. Raises AdminError 404."""
    book = _book(resources)
    try:
        async with resources.unit_of_work() as db:
            report = await book.report(charger_id, db)
            records = await book.variables(charger_id, db, search=search, differing=differing)
    except KeyError:
        raise not_found("charger", charger_id) from None
    return {
        "report": asdict(report) if report is not None else None,
        "variables": [variable_document(record) for record in records],
    }


def variable_document(record: VariableRecord) -> dict[str, Any]:
    name = record.name
    wish = {
        "value": record.wanted,
        "state": record.wish_state,
        "by": record.wanted_by,
        "since": record.wanted_at,
        "detail": record.wish_detail,
    }
    return {
        "component": name.component,
        "component_instance": name.component_instance,
        "variable": name.variable,
        "variable_instance": name.variable_instance,
        "evse": name.evse_id,
        "connector": name.connector_id,
        "attribute": name.attribute,
        "value": None if record.secret else record.value,
        "secret": record.secret,
        "mutability": record.mutability,
        "data_type": record.data_type,
        "unit": record.unit,
        "min": record.min_limit,
        "max": record.max_limit,
        "values": record.values.split(",") if record.values else None,
        "reported_at": record.reported_at,
        "wish": wish if record.wanted is not None else None,
    }


async def command(resources: Resources, charger_id: str, order: Command) -> dict[str, Any]:
    """Ask for something that is done or refused at once; the outcome as a document. Raises AdminError."""
    await known(resources, charger_id)
    outcome = await ask(resources, charger_id, order)
    return {"status": outcome.status.value, "detail": outcome.detail, "payload": outcome.payload}


async def want_available(resources: Resources, charger_id: str, body: AvailabilityBody) -> dict[str, Any]:
    """Keep what shall be and tell the charger; what is kept for it now. Raises AdminError 404 or 422."""
    if body.connector is not None and body.evse is None:
        raise AdminError(422, "invalid", "connector: needs its evse")
    book, order = _book(resources), ChangeAvailability(body.operative, body.evse, body.connector)
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
            return [asdict(one) for one in await _book(resources).availabilities(charger_id, db)]
    except KeyError:
        raise not_found("charger", charger_id) from None


async def report(resources: Resources, charger_id: str, body: ReportBody) -> dict[str, Any]:
    """Have variables reported: everything by an errand, or some of it now. Raises AdminError."""
    book = _book(resources)
    try:
        async with resources.unit_of_work() as db:
            if not body.components and not body.criteria:
                await book.report_again(charger_id, db)
            request_id = await book.next_report(charger_id, db)
    except KeyError:
        raise not_found("charger", charger_id) from None
    if not body.components and not body.criteria:
        await attend(resources, charger_id)
        return {"status": "WAITING", "detail": "all variables are asked for", "payload": None}
    names = tuple(VariableName("", component) for component in body.components)
    return await command(resources, charger_id, GetReport(request_id, names, tuple(body.criteria)))


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


# --- the calls -----------------------------------------------------------------------------------------------------


@router.post("/chargers/{charger_id}/variables/get", response_model=VariablesAnswer)
async def post_variables_get(charger_id: str, body: VariablesBody, resources: ResourcesDep) -> Any:
    """Read variables (1.6: configuration keys) from the charger, in as many messages as it needs."""
    return Json(await get_variables(resources, charger_id, body))


@router.post(
    "/chargers/{charger_id}/variables/set", response_model=VariablesAnswer, responses={202: {"model": VariablesAnswer}}
)
async def post_variables_set(charger_id: str, body: VariablesBody, resources: ResourcesDep) -> Any:
    """Wish values and set them; 202 where the charger could not be told yet. A wish is kept until it is true."""
    document, told = await set_variables(resources, charger_id, body)
    return Json(document, status_code=200 if told else 202)


@router.post("/chargers/{charger_id}/variables/forget")
async def post_variables_forget(charger_id: str, body: VariablesBody, resources: ResourcesDep) -> Any:
    """Wish nothing of these variables any more; the charger keeps what it has."""
    try:
        async with resources.unit_of_work() as db:
            count = await _book(resources).unwish(charger_id, [one.name for one in body.variables], db)
    except KeyError:
        raise not_found("charger", charger_id) from None
    return Json({"forgotten": count})


@router.get("/chargers/{charger_id}/variables")
async def get_charger_variables(
    charger_id: str,
    resources: ResourcesDep,
    search: Annotated[str | None, Query(max_length=100)] = None,
    diff: Annotated[bool, Query(description="Only where a wish is not fulfilled")] = False,
) -> Any:
    """What was last reported, and what is wished: {"report", "variables": [{…, "value", "wish"}]}."""
    return Json(await variables(resources, charger_id, search=search, differing=diff))


@router.post("/chargers/{charger_id}/reports", status_code=202, response_model=OutcomeAnswer)
async def post_report(charger_id: str, body: ReportBody, resources: ResourcesDep) -> Any:
    """Have the charger report its variables; they arrive in /variables."""
    return Json(await report(resources, charger_id, body), status_code=202)


@router.post("/chargers/{charger_id}/reset", response_model=OutcomeAnswer)
async def post_reset(charger_id: str, body: ResetBody, resources: ResourcesDep) -> Any:
    """Start the charger, or one EVSE of it, anew."""
    order = Reset(when_idle=body.type in ("OnIdle", "Soft"), evse_id=body.evse)
    return Json(await command(resources, charger_id, order))


@router.post("/chargers/{charger_id}/availability", response_model=OutcomeAnswer)
async def post_availability(charger_id: str, body: AvailabilityBody, resources: ResourcesDep) -> Any:
    """Make a charger, an EVSE or a connector operative or inoperative, and keep it so."""
    return Json(await want_available(resources, charger_id, body))


@router.get("/chargers/{charger_id}/availability")
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


@router.post("/chargers/{charger_id}/local-list")
async def post_local_list(charger_id: str, resources: ResourcesDep) -> Any:
    """Send the charger's local authorization list anew: {"state", "version", "entries", "detail", …}."""
    return Json(await send_list(resources, charger_id))


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
