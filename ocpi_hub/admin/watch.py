"""What chargers watch: alerts, monitors, and from which severity on they tell of events."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from bridge_ocpp.port import (
    AlertRecord,
    ChargerPort,
    ClearMonitors,
    Command,
    Monitor,
    Outcome,
    OutcomeStatus,
    ReportMonitors,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetMonitors,
)
from bridge_ocpp.port import WatchBook as Watch
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.watch_bodies import MonitorAnswer, MonitoringBody, MonitorsBody
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json, tags=["watch"])


# --- asking -------------------------------------------------------------------------------------------------------


async def ask(resources: Resources, charger_id: str, command: Command) -> Outcome:
    """What a charger answered to a command that it took. Raises AdminError 404, 409, 422, 502 or 504."""
    await known.charger(resources, charger_id)
    within = timedelta(seconds=resources.settings.charger_timeout)
    outcome = await resources.get(ChargerPort).ask(charger_id, command, within=within)  # type: ignore[type-abstract]
    if outcome.accepted:
        return outcome
    status, code = _PROBLEMS.get(outcome.status, (502, "not_done"))
    details = dict(outcome.error or outcome.payload or {}) or None
    said = f"{charger_id} says {outcome.detail}" if code == "rejected" and outcome.detail else outcome.detail
    raise AdminError(status, code, said or f"{charger_id}: {outcome.status.value}", details=details)


_PROBLEMS = {
    OutcomeStatus.OFFLINE: (409, "charger_offline"),
    OutcomeStatus.TIMEOUT: (504, "no_answer"),
    OutcomeStatus.NOT_SUPPORTED: (422, "not_supported"),
    OutcomeStatus.INVALID: (422, "invalid"),
    OutcomeStatus.UNKNOWN: (404, "not_found"),
    OutcomeStatus.REJECTED: (409, "rejected"),
    OutcomeStatus.UNKNOWN_TRANSACTION: (409, "rejected"),
}


async def request_number(resources: Resources) -> int:
    """A number for a request whose answer comes by itself."""
    async with resources.unit_of_work() as db:
        return await resources.get(Watch).next_request(db)  # type: ignore[type-abstract]


def status_of(outcome: Outcome) -> Any:
    return (outcome.payload or {}).get("status")


# --- alerts -------------------------------------------------------------------------------------------------------


async def alerts(resources: Resources, *, charger: str | None, active: bool | None, limit: int) -> list[dict[str, Any]]:
    """Alerts, newest first. Raises AdminError 404 for a charger that there is not."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).alerts(  # type: ignore[type-abstract]
            db, charger_id=charger, active=active, limit=limit
        )
    await known.filtered(resources, charger, found)
    return [asdict(alert) for alert in found]


async def clear_alert(resources: Resources, alert_id: int) -> dict[str, Any]:
    """The operator has seen to it. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).clear_alert(alert_id, db)  # type: ignore[type-abstract]
    if found is None:
        raise not_found("alert", str(alert_id))
    return asdict(found)


@router.get("/alerts", response_model=list[AlertRecord])
async def get_alerts(
    resources: ResourcesDep,
    charger: str | None = None,
    active: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Any:
    """What is wrong at chargers, newest first: events of monitors, and errors of connectors."""
    return Json(await alerts(resources, charger=charger, active=active, limit=limit))


@router.post("/alerts/{alert_id}/clear", response_model=AlertRecord)
async def post_clear_alert(alert_id: int, resources: ResourcesDep) -> Any:
    """The operator has seen to it. It rises again when the charger says it again."""
    return Json(await clear_alert(resources, alert_id))


# --- monitors -----------------------------------------------------------------------------------------------------


async def _report(resources: Resources, charger_id: str) -> None:
    """Have the charger report them all: what it has is what it says."""
    outcome = await ask(resources, charger_id, ReportMonitors(await request_number(resources)))
    if status_of(outcome) == "EmptyResultSet":
        async with resources.unit_of_work() as db:
            await resources.get(Watch).forget_monitors(charger_id, db)  # type: ignore[type-abstract]


async def monitors(resources: Resources, charger_id: str, *, refresh: bool = False) -> list[dict[str, Any]]:
    """What the charger reported; with `refresh` it is asked again, which takes a moment. Raises AdminError."""
    if refresh:
        await _report(resources, charger_id)
    async with resources.unit_of_work() as db:
        found = await resources.get(Watch).monitors(charger_id, db)  # type: ignore[type-abstract]
    return [_monitor_document(monitor) for monitor in found]


async def set_monitors(resources: Resources, charger_id: str, body: MonitorsBody) -> list[dict[str, Any]]:
    """Set monitors; the charger's word about each (SetMonitoringResultType). Raises AdminError."""
    outcome = await ask(resources, charger_id, SetMonitors(tuple(each.monitor() for each in body.monitors)))
    await _report(resources, charger_id)
    results: list[dict[str, Any]] = (outcome.payload or {}).get("setMonitoringResult", [])
    return results


async def remove_monitor(resources: Resources, charger_id: str, monitor_id: int) -> None:
    """Remove a monitor by the charger's id. Raises AdminError."""
    await ask(resources, charger_id, ClearMonitors((monitor_id,)))
    await _report(resources, charger_id)


async def set_monitoring(resources: Resources, charger_id: str, body: MonitoringBody) -> dict[str, Any]:
    """Set the monitoring base, the level, or both; what was set. Raises AdminError."""
    if body.base is not None:
        await ask(resources, charger_id, SetMonitoringBase(body.base))
    if body.level is not None:
        await ask(resources, charger_id, SetMonitoringLevel(body.level))
    return body.model_dump(exclude_none=True)


@router.get("/chargers/{charger_id}/monitors", response_model=list[MonitorAnswer])
async def get_monitors(charger_id: str, resources: ResourcesDep, refresh: bool = False) -> Any:
    """The monitors that the charger reported; with `refresh` it is asked to report them again, which takes a moment."""
    return Json(await monitors(resources, charger_id, refresh=refresh))


@router.post("/chargers/{charger_id}/monitors", response_model=list[dict[str, Any]])
async def post_monitors(charger_id: str, body: MonitorsBody, resources: ResourcesDep) -> Any:
    """Set monitors; the answer is the charger's, with the id of each. One that it does not take is 409."""
    return Json(await set_monitors(resources, charger_id, body))


@router.delete("/chargers/{charger_id}/monitors/{monitor_id}", status_code=204)
async def delete_monitor(charger_id: str, monitor_id: int, resources: ResourcesDep) -> None:
    """Remove a monitor."""
    await remove_monitor(resources, charger_id, monitor_id)


@router.patch("/chargers/{charger_id}/monitoring", response_model=MonitoringBody)
async def patch_monitoring(charger_id: str, body: MonitoringBody, resources: ResourcesDep) -> Any:
    """Set the monitoring base, the level, or both."""
    return Json(await set_monitoring(resources, charger_id, body))


def _monitor_document(monitor: Monitor) -> dict[str, Any]:
    name = asdict(monitor.variable)
    name.pop("attribute")
    return {"id": monitor.id, **name, **{k: v for k, v in asdict(monitor).items() if k not in ("id", "variable")}}
