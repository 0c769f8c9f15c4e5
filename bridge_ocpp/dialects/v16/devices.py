"""The device in OCPP 1.6: configuration keys, reset, availability, triggers, the local list. Pure tables.

A configuration key is a variable of one component of its own.
"""

from collections.abc import Mapping
from typing import Any

from bridge_ocpp import ocppj
from bridge_ocpp.dialects.alike import TAKEN, UNABLE
from bridge_ocpp.dialects.device_words import Reported, Unsayable, Wish
from bridge_ocpp.dialects.v16.core import LONGEST_ID_TAG, id_tag_info
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, outcome
from bridge_ocpp.port import (
    ChangeAvailability,
    ClearCache,
    GetBaseReport,
    GetLocalListVersion,
    GetVariables,
    LocalListEntry,
    Outcome,
    OutcomeStatus,
    Reset,
    SendLocalList,
    SetVariables,
    Transaction,
    TransferData,
    Trigger,
    VariableName,
)

COMPONENT = "ConfigurationKey"
INBOUND: Mapping[str, Inbound] = {}

WISHES: Mapping[Wish, tuple[VariableName, ...]] = {
    wish: (VariableName(key, COMPONENT),)
    for wish, key in {
        Wish.HEARTBEAT_INTERVAL: "HeartbeatInterval",
        Wish.PING_INTERVAL: "WebSocketPingInterval",
        Wish.METER_INTERVAL: "MeterValueSampleInterval",
        Wish.MEASURANDS: "MeterValuesSampledData",
        Wish.ALIGNED_INTERVAL: "ClockAlignedDataInterval",
        Wish.ALIGNED_MEASURANDS: "MeterValuesAlignedData",
        Wish.STOP_MEASURANDS: "StopTxnSampledData",
        Wish.LOCAL_LIST: "LocalAuthListEnabled",
        Wish.LOCAL_OFFLINE: "LocalAuthorizeOffline",
        Wish.LOCAL_PREAUTHORIZE: "LocalPreAuthorize",
    }.items()
}

LIMITS: Mapping[str, VariableName] = {
    "get_variables": VariableName("GetConfigurationMaxKeys", COMPONENT),
    "local_list": VariableName("LocalAuthListMaxLength", COMPONENT),
    "send_local_list": VariableName("SendLocalListMaxLength", COMPONENT),
}


def invites(action: str, payload: Payload) -> frozenset[str]:
    """What a call of ours asks a charger to send, also while its boot is pending (1.6, 4.2)."""
    if action in ("TriggerMessage", "ExtendedTriggerMessage"):
        asked = str(payload["requestedMessage"])
        extended = _EXTENDED_ASKS.get(asked) if action == "ExtendedTriggerMessage" else None
        return frozenset({extended or asked})
    return _FOLLOWING.get(action, frozenset())


_EXTENDED_ASKS = {
    "SignChargePointCertificate": "SignCertificate",
    "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
}
"""What comes of ExtendedTriggerMessage under another name (security whitepaper, 5.4)."""
_PLAIN = frozenset(
    {
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    }
)
_EXTENDED = {
    "LogStatusNotification": "LogStatusNotification",
    "SignChargePointCertificate": "SignChargePointCertificate",
    "SignedFirmwareStatusNotification": "FirmwareStatusNotification",
}
"""What only ExtendedTriggerMessage asks for, and its word for it."""
_FOLLOWING = {
    "GetDiagnostics": frozenset({"DiagnosticsStatusNotification"}),
    "GetLog": frozenset({"LogStatusNotification"}),
    "UpdateFirmware": frozenset({"FirmwareStatusNotification"}),
    "SignedUpdateFirmware": frozenset({"SignedFirmwareStatusNotification"}),
}

# --- configuration keys --------------------------------------------------------------------------------------------


def _get(command: GetVariables, _: Transaction | None) -> Payload:
    return {"key": [name.variable for name in command.names]}


def _keys(payload: Payload) -> Outcome:
    found = [_key(item) for item in payload.get("configurationKey") or ()]
    unknown = [Reported(VariableName(key, COMPONENT), "UnknownVariable") for key in payload.get("unknownKey") or ()]
    return Outcome(OutcomeStatus.ACCEPTED, payload={"variables": [item.plain() for item in (*found, *unknown)]})


def _key(item: Payload) -> Reported:
    return Reported(
        VariableName(item["key"], COMPONENT),
        value=item.get("value"),
        mutability="ReadOnly" if item["readonly"] is True else "ReadWrite",
    )


def _set(command: SetVariables, _: Transaction | None) -> Payload:
    (setting,) = command.settings
    return {"key": setting.name.variable, "value": setting.value}


def _was_set(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload={"variables": [{"status": payload["status"]}]})


# --- the device as a whole -----------------------------------------------------------------------------------------


def _reset(command: Reset, _: Transaction | None) -> Payload:
    if command.evse_id is not None:
        raise Unsayable("OCPP 1.6 resets a charger as a whole")
    return {"type": "Soft" if command.when_idle else "Hard"}


def _availability(command: ChangeAvailability, _: Transaction | None) -> Payload:
    return {"connectorId": command.evse_id or 0, "type": "Operative" if command.operative else "Inoperative"}


def _trigger(command: Trigger, _: Transaction | None) -> Payload:
    if command.message not in _PLAIN | _EXTENDED.keys():
        known = ", ".join(sorted(_PLAIN | _EXTENDED.keys()))
        raise Unsayable(f"OCPP 1.6 asks for no {command.message}; it does for {known}")
    payload: dict[str, Any] = {"requestedMessage": _EXTENDED.get(command.message, command.message)}
    if command.evse_id is not None:
        payload["connectorId"] = command.evse_id
    return payload


def _extended_trigger(command: Trigger) -> str | None:
    return "ExtendedTriggerMessage" if command.message in _EXTENDED else None


def _transfer(command: TransferData, _: Transaction | None) -> Payload:
    payload: dict[str, Any] = {"vendorId": command.vendor_id}
    if command.message_id is not None:
        payload["messageId"] = command.message_id
    if command.data is not None:
        # 1.6 carries text only: anything else travels as JSON.
        payload["data"] = command.data if isinstance(command.data, str) else ocppj.dumps(command.data)
    return payload


# --- the local list ------------------------------------------------------------------------------------------------


def _list(command: SendLocalList, _: Transaction | None) -> Payload:
    return {
        "listVersion": command.version,
        "updateType": "Full" if command.full else "Differential",
        "localAuthorizationList": [_entry(entry) for entry in command.entries if _fits(entry)],
    }


def _fits(entry: LocalListEntry) -> bool:
    return 0 < len(entry.id_token.value) <= LONGEST_ID_TAG


def _entry(entry: LocalListEntry) -> Payload:
    if entry.verdict is None:
        return {"idTag": entry.id_token.value}
    return {"idTag": entry.id_token.value, "idTagInfo": id_tag_info(entry.verdict)}


def _list_version(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload={"version": int(payload["listVersion"])})


_WHEN_IT_CAN = {**TAKEN, "Scheduled": OutcomeStatus.SCHEDULED}

OUTBOUND: Mapping[type, Outbound] = {
    GetVariables: Outbound("GetConfiguration", _get, _keys),
    SetVariables: Outbound("ChangeConfiguration", _set, _was_set, at_most=1),
    GetBaseReport: Outbound("GetConfiguration", lambda _command, _about: {}, _keys),
    Reset: Outbound("Reset", _reset, outcome(TAKEN)),
    ChangeAvailability: Outbound("ChangeAvailability", _availability, outcome(_WHEN_IT_CAN)),
    Trigger: Outbound("TriggerMessage", _trigger, outcome({**TAKEN, **UNABLE}), instead=_extended_trigger),
    ClearCache: Outbound("ClearCache", lambda _command, _about: {}, outcome(TAKEN)),
    TransferData: Outbound("DataTransfer", _transfer, outcome(TAKEN)),
    GetLocalListVersion: Outbound("GetLocalListVersion", lambda _command, _about: {}, _list_version),
    SendLocalList: Outbound(
        "SendLocalList", _list, outcome({**TAKEN, **UNABLE, "VersionMismatch": OutcomeStatus.VERSION_MISMATCH})
    ),
}
