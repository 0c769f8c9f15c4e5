"""What our own chargers are made of, for operators: their variables, wishes about them, and reports."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from bridge_ocpp.port import (
    GetReport,
    GetVariables,
    Outcome,
    SetVariables,
    VariableName,
    VariableRecord,
    VariableSetting,
)
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.device_asking import ask, attend, book_of, command
from ocpi_hub.admin.device_bodies import (
    ForgottenAnswer,
    OutcomeAnswer,
    ReportBody,
    ReportedAnswer,
    VariableBody,
    VariablesAnswer,
    VariablesBody,
)
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json, tags=["devices"])

# --- what is done ---------------------------------------------------------------------------------------------------


async def get_variables(resources: Resources, charger_id: str, body: VariablesBody) -> dict[str, Any]:
    """Read variables from the charger, now. Raises AdminError."""
    await known.charger(resources, charger_id)
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
            await book_of(resources).wish(charger_id, settings, db)
    except KeyError:
        raise not_found("charger", charger_id) from None
    except ValueError as error:
        raise AdminError(422, "invalid", str(error)) from None
    try:
        outcome = await ask(resources, charger_id, SetVariables(settings), times=2 * len(settings))
    except AdminError as error:
        if error.code == "invalid":  # it can never be said to this charger, so it is no wish either
            await forget(resources, charger_id, body)
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


async def forget(resources: Resources, charger_id: str, body: VariablesBody) -> int:
    """Wish nothing of these variables any more; how many wishes there were. Raises AdminError 404."""
    try:
        async with resources.unit_of_work() as db:
            return await book_of(resources).unwish(charger_id, [one.name for one in body.variables], db)
    except KeyError:
        raise not_found("charger", charger_id) from None


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
    book = book_of(resources)
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


async def report(resources: Resources, charger_id: str, body: ReportBody) -> dict[str, Any]:
    """Have variables reported: everything by an errand, or some of it now. Raises AdminError."""
    book = book_of(resources)
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


@router.post("/chargers/{charger_id}/variables/forget", response_model=ForgottenAnswer)
async def post_variables_forget(charger_id: str, body: VariablesBody, resources: ResourcesDep) -> Any:
    """Wish nothing of these variables any more; the charger keeps what it has."""
    return Json({"forgotten": await forget(resources, charger_id, body)})


@router.get("/chargers/{charger_id}/variables", response_model=ReportedAnswer)
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
