"""The device in OCPP 2.0.1: variables, reports, reset, availability, triggers, the local list. Pure tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from bridge_ocpp.clock import read_time
from bridge_ocpp.dialects.alike import TAKEN, UNABLE
from bridge_ocpp.dialects.device_words import Reported, ReportPart, Unsayable, Wish
from bridge_ocpp.dialects.v201.core import id_token_info, said_token
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.port import (
    ChangeAvailability,
    ClearCache,
    GetBaseReport,
    GetLocalListVersion,
    GetReport,
    GetVariables,
    LocalListEntry,
    Outcome,
    OutcomeStatus,
    Reset,
    SendLocalList,
    SetNetworkProfile,
    SetVariables,
    Transaction,
    TransferData,
    Trigger,
    VariableName,
)

COMPONENT = ""

WISHES: Mapping[Wish, tuple[VariableName, ...]] = {
    Wish.HEARTBEAT_INTERVAL: (VariableName("HeartbeatInterval", "OCPPCommCtrlr"),),
    Wish.PING_INTERVAL: (VariableName("WebSocketPingInterval", "OCPPCommCtrlr"),),
    Wish.METER_INTERVAL: (VariableName("TxUpdatedInterval", "SampledDataCtrlr"),),
    Wish.MEASURANDS: (VariableName("TxUpdatedMeasurands", "SampledDataCtrlr"),),
    Wish.ALIGNED_INTERVAL: (VariableName("Interval", "AlignedDataCtrlr"),),
    Wish.ALIGNED_MEASURANDS: (VariableName("Measurands", "AlignedDataCtrlr"),),
    Wish.STOP_MEASURANDS: (
        VariableName("TxStartedMeasurands", "SampledDataCtrlr"),
        VariableName("TxEndedMeasurands", "SampledDataCtrlr"),
    ),
    Wish.LOCAL_LIST: (VariableName("Enabled", "LocalAuthListCtrlr"),),
    Wish.LOCAL_OFFLINE: (VariableName("LocalAuthorizeOffline", "AuthCtrlr"),),
    Wish.LOCAL_PREAUTHORIZE: (VariableName("LocalPreAuthorize", "AuthCtrlr"),),
    Wish.MASTER_GROUP: (VariableName("MasterPassGroupId", "AuthCtrlr"),),
}

LIMITS: Mapping[str, VariableName] = {
    "get_variables": VariableName("ItemsPerMessage", "DeviceDataCtrlr", variable_instance="GetVariables"),
    "set_variables": VariableName("ItemsPerMessage", "DeviceDataCtrlr", variable_instance="SetVariables"),
    "get_variables_bytes": VariableName("BytesPerMessage", "DeviceDataCtrlr", variable_instance="GetVariables"),
    "set_variables_bytes": VariableName("BytesPerMessage", "DeviceDataCtrlr", variable_instance="SetVariables"),
    "local_list": VariableName("Entries", "LocalAuthListCtrlr", attribute="MaxSet"),
    "send_local_list": VariableName("ItemsPerMessage", "LocalAuthListCtrlr"),
    "send_local_list_bytes": VariableName("BytesPerMessage", "LocalAuthListCtrlr"),
}


def invites(action: str, payload: Payload) -> frozenset[str]:
    """What a call of ours asks a charger to send, also while its boot is pending (B02.FR.02)."""
    if action == "TriggerMessage":
        asked = str(payload["requestedMessage"])
        return frozenset({_TRIGGERED.get(asked, asked)})
    return _FOLLOWING.get(action, frozenset())


_TRIGGERED = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
}
_FOLLOWING = {
    "GetBaseReport": frozenset({"NotifyReport"}),
    "GetReport": frozenset({"NotifyReport"}),
    "GetMonitoringReport": frozenset({"NotifyMonitoringReport"}),
    "CustomerInformation": frozenset({"NotifyCustomerInformation"}),
    "GetLog": frozenset({"LogStatusNotification"}),
    "UpdateFirmware": frozenset({"FirmwareStatusNotification"}),
    "GetDisplayMessages": frozenset({"NotifyDisplayMessages"}),
    "GetChargingProfiles": frozenset({"ReportChargingProfiles"}),
}

# --- variables --------------------------------------------------------------------------------------------------


def _named(name: VariableName) -> dict[str, Any]:
    if not name.component:
        raise Unsayable(f"{name.variable}: the variables of OCPP 2.x belong to components; name one")
    component: dict[str, Any] = {"name": name.component}
    if name.component_instance:
        component["instance"] = name.component_instance
    if name.evse_id:
        component["evse"] = _evse(name.evse_id, name.connector_id or None)
    variable = {"name": name.variable}
    if name.variable_instance:
        variable["instance"] = name.variable_instance
    return {"component": component, "variable": variable}


def _evse(evse_id: int, connector_id: int | None) -> dict[str, Any]:
    return {"id": evse_id} if connector_id is None else {"id": evse_id, "connectorId": connector_id}


def name_of(said: Payload, attribute: str = "Actual") -> VariableName:
    """The variable of a component that an item is about."""
    component, variable = said["component"], said["variable"]
    evse = component.get("evse") or {}
    return VariableName(
        variable["name"],
        component["name"],
        component.get("instance") or "",
        variable.get("instance") or "",
        int(evse.get("id", 0)),
        int(evse.get("connectorId", 0)),
        attribute,
    )


def _asked(name: VariableName) -> Payload:
    attribute = {} if name.attribute == "Actual" else {"attributeType": name.attribute}
    return {**_named(name), **attribute}


def _get(command: GetVariables, _: Transaction | None) -> Payload:
    return {"getVariableData": [_asked(name) for name in command.names]}


def _set(command: SetVariables, _: Transaction | None) -> Payload:
    return {
        "setVariableData": [{**_asked(wish.name), "attributeValue": wish.value} for wish in command.settings],
    }


def _results(field: str) -> Any:
    def read(payload: Payload) -> Outcome:
        found = [_result(item) for item in payload[field]]
        return Outcome(OutcomeStatus.ACCEPTED, payload={"variables": [item.plain() for item in found]})

    return read


def _result(item: Payload) -> Reported:
    info = item.get("attributeStatusInfo") or {}
    detail = ": ".join(str(info[key]) for key in ("reasonCode", "additionalInfo") if info.get(key))
    return Reported(
        name_of(item, item.get("attributeType") or "Actual"),
        item["attributeStatus"],
        item.get("attributeValue"),
        detail=detail or None,
    )


# --- reports ----------------------------------------------------------------------------------------------------


def _part(payload: Payload) -> ReportPart:
    return ReportPart(
        int(payload["requestId"]),
        int(payload["seqNo"]),
        bool(payload.get("tbc", False)),
        read_time(payload.get("generatedAt")),
        tuple(variable for item in payload.get("reportData") or () for variable in _variables(item)),
    )


def _variables(item: Payload) -> Iterable[Reported]:
    kind = item.get("variableCharacteristics") or {}
    for attribute in item["variableAttribute"]:
        yield Reported(
            name_of(item, attribute.get("type") or "Actual"),
            value=attribute.get("value"),
            mutability=attribute.get("mutability") or "ReadWrite",
            data_type=kind.get("dataType"),
            unit=kind.get("unit"),
            min_limit=_text(kind.get("minLimit")),
            max_limit=_text(kind.get("maxLimit")),
            values=kind.get("valuesList"),
        )


def _text(number: Any) -> str | None:
    return None if number is None else str(number)


def _base_report(command: GetBaseReport, _: Transaction | None) -> Payload:
    return {"requestId": command.request_id, "reportBase": command.base}


def _report(command: GetReport, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"requestId": command.request_id}
    if command.criteria:
        payload["componentCriteria"] = list(command.criteria)
    if command.names:
        payload["componentVariable"] = [
            _named(name) if name.variable else {"component": _named(name)["component"]} for name in command.names
        ]
    return payload


INBOUND: Mapping[str, Inbound] = {"NotifyReport": Inbound(_part, nothing)}

# --- the device as a whole -----------------------------------------------------------------------------------------


def _reset(command: Reset, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"type": "OnIdle" if command.when_idle else "Immediate"}
    if command.evse_id is not None:
        payload["evseId"] = command.evse_id
    return payload


def _availability(command: ChangeAvailability, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"operationalStatus": "Operative" if command.operative else "Inoperative"}
    if command.evse_id:
        payload["evse"] = _evse(command.evse_id, command.connector_id or None)
    return payload


def _trigger(command: Trigger, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"requestedMessage": command.message}
    if command.evse_id:
        connector = command.connector_id or (1 if command.message == "StatusNotification" else None)
        payload["evse"] = _evse(command.evse_id, connector)
    return payload


def _transfer(command: TransferData, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"vendorId": command.vendor_id}
    if command.message_id is not None:
        payload["messageId"] = command.message_id
    if command.data is not None:
        payload["data"] = command.data
    return payload


def _network(command: SetNetworkProfile, _: Transaction | None) -> Payload:
    return {"configurationSlot": command.slot, "connectionData": dict(command.profile)}


# --- the local list ------------------------------------------------------------------------------------------------


def _list(command: SendLocalList, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {
        "versionNumber": command.version,
        "updateType": "Full" if command.full else "Differential",
    }
    if command.entries:  # an empty list is no list (D01.FR.03: a full update without one clears it)
        payload["localAuthorizationList"] = [_entry(entry) for entry in command.entries]
    return payload


def _entry(entry: LocalListEntry) -> Payload:
    if entry.verdict is None:
        return {"idToken": said_token(entry.id_token)}
    return {"idToken": said_token(entry.id_token), "idTokenInfo": id_token_info(entry.verdict)}


def _list_version(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload={"version": int(payload["versionNumber"])})


_WHEN_IT_CAN = {**TAKEN, "Scheduled": OutcomeStatus.SCHEDULED}

_REPORTING = outcome({**TAKEN, **UNABLE, "EmptyResultSet": OutcomeStatus.UNAVAILABLE})

OUTBOUND: Mapping[type, Outbound] = {
    GetVariables: Outbound("GetVariables", _get, _results("getVariableResult")),
    SetVariables: Outbound("SetVariables", _set, _results("setVariableResult")),
    GetBaseReport: Outbound("GetBaseReport", _base_report, _REPORTING),
    GetReport: Outbound("GetReport", _report, _REPORTING),
    Reset: Outbound("Reset", _reset, outcome(_WHEN_IT_CAN)),
    ChangeAvailability: Outbound("ChangeAvailability", _availability, outcome(_WHEN_IT_CAN)),
    Trigger: Outbound("TriggerMessage", _trigger, outcome({**TAKEN, **UNABLE})),
    ClearCache: Outbound("ClearCache", lambda _command, _about: {}, outcome(TAKEN)),
    TransferData: Outbound("DataTransfer", _transfer, outcome(TAKEN)),
    SetNetworkProfile: Outbound("SetNetworkProfile", _network, outcome(TAKEN)),
    GetLocalListVersion: Outbound("GetLocalListVersion", lambda _command, _about: {}, _list_version),
    SendLocalList: Outbound(
        "SendLocalList", _list, outcome({**TAKEN, "VersionMismatch": OutcomeStatus.VERSION_MISMATCH})
    ),
}
