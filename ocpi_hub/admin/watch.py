"""What chargers watch and show: alerts and monitors, messages on displays, what they know of a customer."""

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge_ocpp.port import (
    AskCustomer,
    ChargerBook,
    ChargerPort,
    ClearMonitors,
    Command,
    IdToken,
    ListMessages,
    Monitor,
    Outcome,
    OutcomeStatus,
    RemoveMessage,
    ReportMonitors,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetMonitors,
    ShowMessage,
    VariableName,
)
from bridge_ocpp.port import WatchBook as Watch
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.upkeep import Moment
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json)


class MonitorBody(BaseModel):
    """A monitor: thresholds and deltas in the variable's unit, periods in seconds; severity 0 (danger) to 9 (debug).

    With the `id` of one that the charger has, that one is replaced.
    """

    model_config = ConfigDict(extra="forbid")

    component: str = Field(min_length=1, max_length=50)
    component_instance: str = Field("", max_length=50)
    variable: str = Field(min_length=1, max_length=50)
    variable_instance: str = Field("", max_length=50)
    evse_id: int = Field(0, ge=0)
    connector_id: int = Field(0, ge=0)
    type: Literal["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
    value: Decimal
    severity: int = Field(ge=0, le=9)
    transaction: bool = False
    id: int | None = Field(None, ge=0)

    def monitor(self) -> Monitor:
        name = VariableName(
            self.variable,
            self.component,
            self.component_instance,
            self.variable_instance,
            self.evse_id,
            self.connector_id,
        )
        return Monitor(name, self.type, self.value, self.severity, transaction=self.transaction, id=self.id)


class MonitorsBody(BaseModel):
    """Monitors to set."""

    model_config = ConfigDict(extra="forbid")

    monitors: list[MonitorBody] = Field(min_length=1, max_length=100)


class MonitoringBody(BaseModel):
    """Which monitors are in force, and from which severity on events are told."""

    model_config = ConfigDict(extra="forbid")

    base: Literal["All", "FactoryDefault", "HardWiredOnly"] | None = None
    level: int | None = Field(None, ge=0, le=9)


class MessageBody(BaseModel):
    """A text for a display; times without a zone are UTC, `transaction` is the charger's own id."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=0, le=2**31 - 1)
    text: str = Field(min_length=1, max_length=512)
    priority: Literal["AlwaysFront", "InFront", "NormalCycle"] = "NormalCycle"
    format: Literal["ASCII", "HTML", "URI", "UTF8"] = "UTF8"
    language: str | None = Field(None, max_length=8)
    state: Literal["Charging", "Faulted", "Idle", "Unavailable"] | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    transaction: str | None = Field(None, max_length=36)


class CustomerBody(BaseModel):
    """A customer by token or by the operator's own identifier; report what is kept, clear it, or both."""

    model_config = ConfigDict(extra="forbid")

    token: str | None = Field(None, min_length=1, max_length=36)
    token_type: str = Field("ISO14443", max_length=20)
    customer: str | None = Field(None, min_length=1, max_length=64)
    report: bool = True
    clear: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "CustomerBody":
        if (self.token is None) == (self.customer is None):
            raise ValueError("name either a token or a customer")
        if not (self.report or self.clear):
            raise ValueError("ask for a report, for clearing, or for both")
        return self


# --- asking -------------------------------------------------------------------------------------------------------


async def ask(resources: Resources, charger_id: str, command: Command) -> Outcome:
    """What a charger answered to a command that it took. Raises AdminError 404, 409, 422, 502 or 504."""
    async with resources.unit_of_work() as db:
        if await resources.get(ChargerBook).charger(charger_id, db) is None:  # type: ignore[type-abstract]
            raise not_found("charger", charger_id)
    within = timedelta(seconds=resources.settings.charger_timeout)
    outcome = await resources.get(ChargerPort).ask(charger_id, command, within=within)  # type: ignore[type-abstract]
    if outcome.accepted:
        return outcome
    status, code = _PROBLEMS.get(outcome.status, (502, "not_done"))
    details = dict(outcome.error or outcome.payload or {}) or None
    raise AdminError(status, code, outcome.detail or f"{charger_id}: {outcome.status.value}", details=details)


_PROBLEMS = {
    OutcomeStatus.OFFLINE: (409, "charger_offline"),
    OutcomeStatus.TIMEOUT: (504, "no_answer"),
    OutcomeStatus.NOT_SUPPORTED: (422, "not_supported"),
    OutcomeStatus.REJECTED: (409, "rejected"),
    OutcomeStatus.UNKNOWN_TRANSACTION: (409, "rejected"),
}


async def _number(resources: Resources) -> int:
    async with resources.unit_of_work() as db:
        return await resources.get(Watch).next_request(db)  # type: ignore[type-abstract]


def _status(outcome: Outcome) -> Any:
    return (outcome.payload or {}).get("status")


# --- alerts -------------------------------------------------------------------------------------------------------


async def alerts(resources: Resources, *, charger: str | None, active: bool | None, limit: int) -> list[dict[str, Any]]:
    """Alerts, newest first."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).alerts(  # type: ignore[type-abstract]
            db, charger_id=charger, active=active, limit=limit
        )
    return [asdict(alert) for alert in found]


@router.get("/alerts")
async def get_alerts(
    resources: ResourcesDep,
    charger: str | None = None,
    active: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Any:
    """What is wrong at chargers, newest first: events of monitors, and errors of connectors."""
    return Json(await alerts(resources, charger=charger, active=active, limit=limit))


@router.post("/alerts/{alert_id}/clear")
async def clear_alert(alert_id: int, resources: ResourcesDep) -> Any:
    """The operator has seen to it. It rises again when the charger says it again."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).clear_alert(alert_id, db)  # type: ignore[type-abstract]
    if found is None:
        raise not_found("alert", str(alert_id))
    return Json(asdict(found))


# --- monitors -----------------------------------------------------------------------------------------------------


async def _report_monitors(resources: Resources, charger_id: str) -> None:
    """Have the charger report them all: what it has is what it says."""
    outcome = await ask(resources, charger_id, ReportMonitors(await _number(resources)))
    if _status(outcome) == "EmptyResultSet":
        async with resources.unit_of_work() as db:
            await resources.get(Watch).forget_monitors(charger_id, db)  # type: ignore[type-abstract]


@router.get("/chargers/{charger_id}/monitors")
async def get_monitors(charger_id: str, resources: ResourcesDep, refresh: bool = False) -> Any:
    """The monitors that the charger reported; with `refresh` it is asked to report them again, which takes a moment."""
    if refresh:
        await _report_monitors(resources, charger_id)
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).monitors(charger_id, db)  # type: ignore[type-abstract]
    return Json([_monitor_document(monitor) for monitor in found])


@router.post("/chargers/{charger_id}/monitors")
async def post_monitors(charger_id: str, body: MonitorsBody, resources: ResourcesDep) -> Any:
    """Set monitors; the answer is the charger's, with the id of each. One that it does not take is 409."""
    outcome = await ask(resources, charger_id, SetMonitors(tuple(each.monitor() for each in body.monitors)))
    await _report_monitors(resources, charger_id)
    return Json((outcome.payload or {}).get("setMonitoringResult", []))


@router.delete("/chargers/{charger_id}/monitors/{monitor_id}", status_code=204)
async def delete_monitor(charger_id: str, monitor_id: int, resources: ResourcesDep) -> None:
    """Remove a monitor."""
    await ask(resources, charger_id, ClearMonitors((monitor_id,)))
    await _report_monitors(resources, charger_id)


@router.patch("/chargers/{charger_id}/monitoring")
async def patch_monitoring(charger_id: str, body: MonitoringBody, resources: ResourcesDep) -> Any:
    """Set the monitoring base, the level, or both."""
    if body.base is not None:
        await ask(resources, charger_id, SetMonitoringBase(body.base))
    if body.level is not None:
        await ask(resources, charger_id, SetMonitoringLevel(body.level))
    return Json(body.model_dump(exclude_none=True))


def _monitor_document(monitor: Monitor) -> dict[str, Any]:
    name = asdict(monitor.variable)
    name.pop("attribute")
    return {"id": monitor.id, **name, **{k: v for k, v in asdict(monitor).items() if k not in ("id", "variable")}}


# --- displays -----------------------------------------------------------------------------------------------------


async def _report_messages(resources: Resources, charger_id: str) -> None:
    outcome = await ask(resources, charger_id, ListMessages(await _number(resources)))
    if _status(outcome) == "Unknown":
        async with resources.unit_of_work() as db:
            await resources.get(Watch).forget_messages(charger_id, db)  # type: ignore[type-abstract]


@router.get("/chargers/{charger_id}/display-messages")
async def get_messages(charger_id: str, resources: ResourcesDep, refresh: bool = False) -> Any:
    """The messages that the charger reported (MessageInfoType); with `refresh` it is asked again."""
    if refresh:
        await _report_messages(resources, charger_id)
    async with resources.unit_of_work() as db:
        return Json(list(await resources.get(Watch).messages(charger_id, db)))  # type: ignore[type-abstract]


@router.post("/chargers/{charger_id}/display-messages", status_code=201)
async def post_message(charger_id: str, body: MessageBody, resources: ResourcesDep) -> Any:
    """Show a text on the charger's display."""
    await ask(resources, charger_id, ShowMessage(**body.model_dump()))
    await _report_messages(resources, charger_id)
    return Json(body.model_dump(by_alias=True, exclude_none=True), status_code=201)


@router.delete("/chargers/{charger_id}/display-messages/{message_id}", status_code=204)
async def delete_message(charger_id: str, message_id: int, resources: ResourcesDep) -> None:
    """Take a message away."""
    await ask(resources, charger_id, RemoveMessage(message_id))
    await _report_messages(resources, charger_id)


# --- cost ---------------------------------------------------------------------------------------------------------


class CostBody(BaseModel):
    """Whether drivers see at this charger what they pay."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


@router.put("/chargers/{charger_id}/cost")
async def put_cost(charger_id: str, body: CostBody, resources: ResourcesDep) -> Any:
    """Have a charger told what each charge costs, while it runs and at its end (2.0.1, block I); off at first."""
    async with resources.unit_of_work() as db:
        if not await resources.get(Watch).show_cost(charger_id, body.enabled, db):  # type: ignore[type-abstract]
            raise not_found("charger", charger_id)
    return Json(body.model_dump())


@router.get("/chargers/{charger_id}/cost")
async def get_cost(charger_id: str, resources: ResourcesDep) -> Any:
    """Whether drivers see at this charger what they pay."""
    async with resources.unit_of_work() as db:
        return Json({"enabled": await resources.get(Watch).shows_cost(charger_id, db)})  # type: ignore[type-abstract]


# --- customers ----------------------------------------------------------------------------------------------------


@router.post("/chargers/{charger_id}/customer-information", status_code=202)
async def post_customer(charger_id: str, body: CustomerBody, resources: ResourcesDep) -> Any:
    """Have a charger report what it keeps of a customer, clear it, or both; the report comes under `request_id`."""
    token = IdToken(body.token, body.token_type) if body.token is not None else None
    async with resources.unit_of_work() as db:
        watch = resources.get(Watch)  # type: ignore[type-abstract]
        number = await watch.next_request(db)
        if body.report:
            await watch.ask_customer(charger_id, number, db)
    await ask(resources, charger_id, AskCustomer(number, body.report, body.clear, token, body.customer))
    return Json({"request_id": number}, status_code=202)


@router.get("/chargers/{charger_id}/customer-information/{request_id}")
async def get_customer(charger_id: str, request_id: int, resources: ResourcesDep) -> Any:
    """What the charger has said so far; kept for a day."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).customer(charger_id, request_id, db)  # type: ignore[type-abstract]
    if found is None:
        raise not_found("request", str(request_id))
    return Json(asdict(found))
