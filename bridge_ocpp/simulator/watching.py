"""What a 2.x charger watches, shows and knows: monitors, messages on its display, a customer's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp

ALL, HARD_WIRED = "All", "HardWiredOnly"
BUILT_IN = 2
"""How severe what is built in is (0 is the worst, 9 the least)."""


class Watch:
    """The monitors, messages and customers of one charger; `customers` are texts by their token.

    Of what is less severe than `level` nothing is told. `cleared` hears of monitors that are gone, `opened` of those
    whose values are to be told as a stream (2.1).
    """

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.monitors: dict[int, Payload] = {}
        self.messages: dict[int, Payload] = {}
        self.customers: dict[str, str] = {}
        self.costs: list[Any] = []
        self.base = ALL
        self.level = 9
        self.opened: Callable[[int, Payload], None] = lambda _monitor, _params: None
        self.cleared: Callable[[int], None] = lambda _monitor: None
        self._events = 0

    def served(self, token: str, kwh: str) -> None:
        """Remember a customer's charge."""
        line = f"{stamp(self.charger.now())} {kwh} kWh\n"
        self.customers[token] = self.customers.get(token, "") + line

    def cost(self, total: Any) -> None:
        """Show what a charge costs."""
        self.costs.append(total)
        self.charger.tell("cost", str(total))

    async def alert(self, component: str, variable: str, value: str, *, cleared: bool = False) -> None:
        """Tell of an event: of a monitor that watches this variable, or of one built in."""
        self._events += 1
        now = stamp(datetime.now(UTC))
        place = {"component": {"name": component}, "variable": {"name": variable}}
        watching = [(n, m) for n, m in self.monitors.items() if {k: m[k] for k in place} == place]
        if min((int(m["severity"]) for _, m in watching), default=BUILT_IN) > self.level:
            return
        event: Payload = {
            "eventId": self._events,
            "timestamp": now,
            "trigger": "Alerting",
            "actualValue": value,
            "cleared": cleared,
            "eventNotificationType": "HardWiredMonitor",
            **place,
        }
        for number, _ in watching[:1]:
            event |= {"variableMonitoringId": number, "eventNotificationType": "CustomMonitor"}
        self.charger.tell("event", f"{component}.{variable} is {value}{', over' if cleared else ''}")
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
            if self.charger.protocol == "ocpp2.1":
                item["variableMonitoring"][0]["eventNotificationType"] = "CustomMonitor"
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


def _set_monitors(watch: Watch, payload: Payload) -> Payload:
    results = []
    for data in payload["setMonitoringData"]:
        number = data.get("id") or max(watch.monitors, default=0) + 1
        watch.monitors[number] = {**data, "value": float(data["value"])}
        named = {name: data[name] for name in ("type", "severity", "component", "variable")}
        results.append({"id": number, "status": "Accepted", **named})
        if "periodicEventStream" in data:
            watch.opened(number, data["periodicEventStream"])
    return {"setMonitoringResult": results}


def _clear_monitors(watch: Watch, payload: Payload) -> Payload:
    results = []
    for number in payload["id"]:
        found = watch.monitors.pop(number, None) is not None
        if found:
            watch.cleared(number)
        results.append({"id": number, "status": "Accepted" if found else "NotFound"})
    return {"clearMonitoringResult": results}


def _base(watch: Watch, payload: Payload) -> Payload:
    """All keeps what is watched; the others leave what this charger was made with: nothing but what is built in."""
    watch.base = payload["monitoringBase"]
    if watch.base != ALL:
        _clear_monitors(watch, {"id": list(watch.monitors)})
    return {"status": "Accepted"}


def _level(watch: Watch, payload: Payload) -> Payload:
    if not 0 <= payload["severity"] <= 9:
        return {"status": "Rejected"}
    watch.level = payload["severity"]
    return {"status": "Accepted"}


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
    wanted = payload.get("id")
    found = [
        message
        for number, message in watch.messages.items()
        if (not wanted or number in wanted)
        and payload.get("priority") in (None, message["priority"])
        and payload.get("state") in (None, message.get("state"))
    ]
    if not found:
        return {"status": "Unknown"}
    watch.charger.soon(_listed(watch, payload["requestId"], found))
    return {"status": "Accepted"}


async def _listed(watch: Watch, request_id: int, found: list[Payload]) -> None:
    await watch.charger.say("NotifyDisplayMessages", {"requestId": request_id, "messageInfo": found})


def _remove(watch: Watch, payload: Payload) -> Payload:
    return {"status": "Accepted" if watch.messages.pop(payload["id"], None) else "Unknown"}


def _customer(watch: Watch, payload: Payload) -> Payload:
    token = (payload.get("idToken") or {}).get("idToken") or payload.get("customerIdentifier", "")
    data = watch.customers.get(token, "")
    if payload["clear"]:
        watch.customers.pop(token, None)
        watch.charger.device.remembered.pop(token.casefold(), None)
    if payload["report"]:
        watch.charger.soon(watch.report_customer(payload["requestId"], data))
    return {"status": "Accepted"}


def _cost(watch: Watch, payload: Payload) -> Payload:
    watch.cost(payload["totalCost"])
    return {}


ANSWERS: dict[str, Callable[[Watch, Payload], Payload]] = {
    "SetVariableMonitoring": _set_monitors,
    "ClearVariableMonitoring": _clear_monitors,
    "GetMonitoringReport": _report_monitors,
    "SetMonitoringBase": _base,
    "SetMonitoringLevel": _level,
    "SetDisplayMessage": _show,
    "GetDisplayMessages": _list,
    "ClearDisplayMessage": _remove,
    "CustomerInformation": _customer,
    "CostUpdated": _cost,
}
"""Blocks N and O, and the cost of block I."""
