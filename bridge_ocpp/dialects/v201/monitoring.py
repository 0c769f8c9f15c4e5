"""OCPP 2.0.1: monitoring (block N), display messages (block O), customer information. Pure tables, no decisions."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bridge_ocpp.clock import read_time, write_time
from bridge_ocpp.dialects.alike import BEYOND, whole
from bridge_ocpp.dialects.monitoring import ChargerEvent, CustomerTold, EventsTold, MessagesTold, MonitorsTold
from bridge_ocpp.dialects.v201.devices import name_of
from bridge_ocpp.dialects.words import ConnectorTold, Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.port import (
    AskCustomer,
    ClearMonitors,
    ConnectorStatus,
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
)

# --- from the charger ------------------------------------------------------------------------------------------

_TRUE, _FALSE = ("true", "1"), ("false", "0")


def _events(payload: Payload) -> EventsTold:
    events = tuple(_event(item) for item in payload["eventData"])
    statuses = tuple(status for event in events if (status := _status(event)) is not None)
    return EventsTold(events, read_time(payload.get("generatedAt")), payload, statuses)


_STATUSES = {word.value.casefold(): word for word in ConnectorStatus}


def _status(event: ChargerEvent) -> ConnectorTold | None:
    """The status of a connector, an EVSE or the whole station, told as a variable and by no StatusNotification."""
    name, status = event.variable, _STATUSES.get(event.value.casefold())
    if name.variable.casefold() != "availabilitystate" or status is None:
        return None
    component = name.component.casefold()
    if component == "connector" and 0 < name.evse_id < BEYOND and name.connector_id < BEYOND:
        return ConnectorTold(name.evse_id, name.connector_id or 1, status, event.said)
    if component == "evse" and 0 < name.evse_id < BEYOND:
        return ConnectorTold(name.evse_id, 0, status, event.said)
    return ConnectorTold(0, 0, status, event.said) if component == "chargingstation" else None


def _event(item: Payload) -> ChargerEvent:
    """A Problem that becomes true or false is an alert, too, by whatever trigger it is told (part 1, Problem)."""
    name, value = name_of(item), str(item["actualValue"])
    problem = name.variable.casefold() == "problem" and value.casefold() in (*_TRUE, *_FALSE)
    over = bool(item.get("cleared")) or (problem and value.casefold() in _FALSE)
    return ChargerEvent(
        name,
        read_time(item.get("timestamp")),
        alerting=problem or item["trigger"] == "Alerting",
        cleared=over,
        value=value,
        monitor_id=whole(item.get("variableMonitoringId")),
        severity=whole(item.get("severity")),
        tech_code=item.get("techCode"),
        tech_info=item.get("techInfo"),
    )


def _monitors(payload: Payload) -> MonitorsTold:
    found = tuple(
        Monitor(
            name_of(item),
            each["type"],
            Decimal(each["value"]),
            int(each["severity"]),
            transaction=bool(each["transaction"]),
            id=int(each["id"]),
        )
        for item in payload.get("monitor") or ()
        for each in item["variableMonitoring"]
    )
    return MonitorsTold(int(payload["requestId"]), found, last=not payload.get("tbc", False))


def _messages(payload: Payload) -> MessagesTold:
    last = not payload.get("tbc", False)
    return MessagesTold(int(payload["requestId"]), tuple(payload.get("messageInfo") or ()), last)


def _customer(payload: Payload) -> CustomerTold:
    last = not payload.get("tbc", False)
    return CustomerTold(int(payload["requestId"]), int(payload["seqNo"]), payload["data"], last)


INBOUND: Mapping[str, Inbound] = {
    "NotifyEvent": Inbound(_events, nothing),
    "NotifyMonitoringReport": Inbound(_monitors, nothing),
    "NotifyDisplayMessages": Inbound(_messages, nothing),
    "NotifyCustomerInformation": Inbound(_customer, nothing),
}

# --- to the charger ------------------------------------------------------------------------------------------------


def _set_monitors(command: SetMonitors, _: object) -> Payload:
    return {"setMonitoringData": [_monitor(monitor) for monitor in command.monitors]}


def _monitor(monitor: Monitor) -> Payload:
    name = monitor.variable
    component: dict[str, Any] = {"name": name.component}
    if name.component_instance:
        component["instance"] = name.component_instance
    if name.evse_id:
        component["evse"] = {"id": name.evse_id} | ({"connectorId": name.connector_id} if name.connector_id else {})
    variable = {"name": name.variable} | ({"instance": name.variable_instance} if name.variable_instance else {})
    said = {} if monitor.id is None else {"id": monitor.id}
    return said | {
        "transaction": monitor.transaction,
        "value": monitor.value,
        "type": monitor.type,
        "severity": monitor.severity,
        "component": component,
        "variable": variable,
    }


def _results(field: str) -> Any:
    """Taken when each of several was; what became of each stands in the payload."""

    def read(payload: Payload) -> Outcome:
        refused = sorted({item["status"] for item in payload[field]} - {"Accepted"})
        if refused:
            return Outcome(OutcomeStatus.REJECTED, ", ".join(refused), payload)
        return Outcome(OutcomeStatus.ACCEPTED, payload=payload)

    return read


def _show(command: ShowMessage, _: object) -> Payload:
    content: dict[str, Any] = {"format": command.format, "content": command.text}
    if command.language is not None:
        content["language"] = command.language
    message: dict[str, Any] = {"id": command.id, "priority": command.priority, "message": content}
    if command.state is not None:
        message["state"] = command.state
    if command.since is not None:
        message["startDateTime"] = write_time(command.since)
    if command.until is not None:
        message["endDateTime"] = write_time(command.until)
    if command.transaction is not None:
        message["transactionId"] = command.transaction
    return {"message": message}


def _ask_customer(command: AskCustomer, _: object) -> Payload:
    payload: dict[str, Any] = {
        "requestId": command.request_id,
        "report": command.report,
        "clear": command.clear,
    }
    if command.id_token is not None:
        payload["idToken"] = {"idToken": command.id_token.value, "type": command.id_token.type}
    if command.customer is not None:
        payload["customerIdentifier"] = command.customer
    return payload


_TAKEN = {
    "Accepted": OutcomeStatus.ACCEPTED,
    "EmptyResultSet": OutcomeStatus.ACCEPTED,
    "NotSupported": OutcomeStatus.NOT_SUPPORTED,
    "Rejected": OutcomeStatus.REJECTED,
    "Invalid": OutcomeStatus.REJECTED,
    "Unknown": OutcomeStatus.REJECTED,
    "UnknownTransaction": OutcomeStatus.UNKNOWN_TRANSACTION,
    "NotSupportedMessageFormat": OutcomeStatus.REJECTED,
    "NotSupportedPriority": OutcomeStatus.REJECTED,
    "NotSupportedState": OutcomeStatus.REJECTED,
}
_LISTED = _TAKEN | {"Unknown": OutcomeStatus.ACCEPTED}
"""GetDisplayMessages: Unknown means that there are none."""

OUTBOUND: Mapping[type, Outbound] = {
    SetMonitors: Outbound("SetVariableMonitoring", _set_monitors, _results("setMonitoringResult")),
    ClearMonitors: Outbound(
        "ClearVariableMonitoring", lambda command, _: {"id": list(command.ids)}, _results("clearMonitoringResult")
    ),
    SetMonitoringBase: Outbound(
        "SetMonitoringBase", lambda command, _: {"monitoringBase": command.base}, outcome(_TAKEN)
    ),
    SetMonitoringLevel: Outbound(
        "SetMonitoringLevel", lambda command, _: {"severity": command.severity}, outcome(_TAKEN)
    ),
    ReportMonitors: Outbound(
        "GetMonitoringReport", lambda command, _: {"requestId": command.request_id}, outcome(_TAKEN)
    ),
    ShowMessage: Outbound("SetDisplayMessage", _show, outcome(_TAKEN)),
    ListMessages: Outbound(
        "GetDisplayMessages", lambda command, _: {"requestId": command.request_id}, outcome(_LISTED)
    ),
    RemoveMessage: Outbound("ClearDisplayMessage", lambda command, _: {"id": command.id}, outcome(_TAKEN)),
    AskCustomer: Outbound("CustomerInformation", _ask_customer, outcome(_TAKEN)),
}
