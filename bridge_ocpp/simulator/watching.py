"""What a 2.0.1 charger watches, shows and knows: monitors, messages on its display, a customer's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp


class Watch:
    """The monitors, messages and customers of one charger; `customers` are texts by their token."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.monitors: dict[int, Payload] = {}
        self.messages: dict[int, Payload] = {}
        self.customers: dict[str, str] = {}
        self.costs: list[Any] = []
        self._events = 0

    def cost(self, total: Any) -> None:
        """Show what a charge costs."""
        self.costs.append(total)
        self.charger.tell("cost", str(total))

    async def alert(self, component: str, variable: str, value: str, *, cleared: bool = False) -> None:
        """Tell of an event: of a monitor that watches this variable, or of one built in."""
        self._events += 1
        now = stamp(datetime.now(UTC))
        place = {"component": {"name": component}, "variable": {"name": variable}}
        watching = (n for n, m in self.monitors.items() if {k: m[k] for k in place} == place)
        event: Payload = {
            "eventId": self._events,
            "timestamp": now,
            "trigger": "Alerting",
            "actualValue": value,
            "cleared": cleared,
            "eventNotificationType": "HardWiredMonitor",
            **place,
        }
        for number in watching:
            event |= {"variableMonitoringId": number, "eventNotificationType": "CustomMonitor"}
            break
        await self.charger.say("NotifyEvent", {"generatedAt": now, "seqNo": 0, "eventData": [event]})

    async def report_monitors(self, request_id: int) -> None:
        """One message for each monitor, as if they were many."""
        found = list(self.monitors.items())
        for n, (number, data) in enumerate(found):
            kept = {name: data[name] for name in ("value", "type", "severity")}
            item = {
                "component": data["component"],
                "variable": data["variable"],
                "variableMonitoring": [{"id": number, "transaction": data.get("transaction", False), **kept}],
            }
            await self.charger.say(
                "NotifyMonitoringReport",
                {
                    "requestId": request_id,
                    "seqNo": n,
                    "tbc": n + 1 < len(found),
                    "generatedAt": stamp(datetime.now(UTC)),
                    "monitor": [item],
                },
            )

    async def report_customer(self, request_id: int, data: str) -> None:
        parts = [data[at : at + 512] for at in range(0, len(data), 512)] or [""]
        for n, part in enumerate(parts):
            payload = {"requestId": request_id, "seqNo": n, "tbc": n + 1 < len(parts), "data": part}
            await self.charger.say("NotifyCustomerInformation", {**payload, "generatedAt": stamp(datetime.now(UTC))})


def answer(watch: Watch, action: str, payload: Payload) -> Payload | None:
    """Blocks N and O; None for an action that is none of theirs."""
    worker = _ANSWERS.get(action)
    return None if worker is None else worker(watch, payload)


def _set_monitors(watch: Watch, payload: Payload) -> Payload:
    results = []
    for data in payload["setMonitoringData"]:
        number = data.get("id") or max(watch.monitors, default=0) + 1
        watch.monitors[number] = {**data, "value": float(data["value"])}
        named = {name: data[name] for name in ("type", "severity", "component", "variable")}
        results.append({"id": number, "status": "Accepted", **named})
    return {"setMonitoringResult": results}


def _clear_monitors(watch: Watch, payload: Payload) -> Payload:
    results = [
        {"id": number, "status": "Accepted" if watch.monitors.pop(number, None) else "NotFound"}
        for number in payload["id"]
    ]
    return {"clearMonitoringResult": results}


def _report_monitors(watch: Watch, payload: Payload) -> Payload:
    if not watch.monitors:
        return {"status": "EmptyResultSet"}
    watch.charger.soon(watch.report_monitors(payload["requestId"]))
    return {"status": "Accepted"}


def _show(watch: Watch, payload: Payload) -> Payload:
    message = payload["message"]
    watch.messages[message["id"]] = message
    watch.charger.tell("display", message["message"]["content"])
    return {"status": "Accepted"}


def _list(watch: Watch, payload: Payload) -> Payload:
    found = list(watch.messages.values())
    if not found:
        return {"status": "Unknown"}
    watch.charger.soon(
        watch.charger.say("NotifyDisplayMessages", {"requestId": payload["requestId"], "messageInfo": found})
    )
    return {"status": "Accepted"}


def _remove(watch: Watch, payload: Payload) -> Payload:
    return {"status": "Accepted" if watch.messages.pop(payload["id"], None) else "Unknown"}


def _customer(watch: Watch, payload: Payload) -> Payload:
    token = (payload.get("idToken") or {}).get("idToken") or payload.get("customerIdentifier", "")
    data = watch.customers.get(token, "")
    if payload["clear"]:
        watch.customers.pop(token, None)
    if payload["report"]:
        watch.charger.soon(watch.report_customer(payload["requestId"], data))
    return {"status": "Accepted"}


def _cost(watch: Watch, payload: Payload) -> Payload:
    watch.cost(payload["totalCost"])
    return {}


def _accepted(_watch: Watch, _payload: Payload) -> Payload:
    return {"status": "Accepted"}


_ANSWERS: dict[str, Callable[[Any, Payload], Payload]] = {
    "SetVariableMonitoring": _set_monitors,
    "ClearVariableMonitoring": _clear_monitors,
    "GetMonitoringReport": _report_monitors,
    "SetMonitoringBase": _accepted,
    "SetMonitoringLevel": _accepted,
    "SetDisplayMessage": _show,
    "GetDisplayMessages": _list,
    "ClearDisplayMessage": _remove,
    "CustomerInformation": _customer,
    "CostUpdated": _cost,
}
