"""What a simulated charger is made of: variables with their limits, a local list, a memory of tokens.

One list of variables serves both versions: where 1.6 has a configuration key for it, `key` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Payload = dict[str, Any]


@dataclass
class Variable:
    """A variable. `reboot`: a new value counts after a restart (`pending`). `secret`: it is written, never read."""

    component: str
    name: str
    value: str
    key: str | None = None
    instance: str = ""
    kind: str = "string"
    unit: str | None = None
    readonly: bool = False
    reboot: bool = False
    secret: bool = False
    values: str | None = None
    most: int | None = None
    pending: str | None = None

    @property
    def full_name(self) -> tuple[str, str, str]:
        """Component, variable and instance, folded."""
        return self.component.casefold(), self.name.casefold(), self.instance.casefold()

    def takes(self, value: str) -> bool:
        """Whether a value can be: a number, a boolean, members of the list, as the kind says."""
        if self.kind == "integer":
            return value.isdigit() and (self.most is None or int(value) <= self.most)
        if self.kind == "boolean":
            return value.lower() in ("true", "false")
        if self.kind == "MemberList" and self.values:
            able = self.values.split(",")
            return all(member in able for member in value.split(",") if member)
        return len(value) <= (self.most or 500)


_MEASURANDS = "Energy.Active.Import.Register,Power.Active.Import"


def _all() -> Iterator[Variable]:
    comm, data, auth = "OCPPCommCtrlr", "SampledDataCtrlr", "AuthCtrlr"
    local, device, aligned = "LocalAuthListCtrlr", "DeviceDataCtrlr", "AlignedDataCtrlr"
    number: dict[str, Any] = {"kind": "integer"}
    fixed: dict[str, Any] = {"kind": "integer", "readonly": True}
    truth: dict[str, Any] = {"kind": "boolean"}
    members: dict[str, Any] = {"kind": "MemberList", "values": _MEASURANDS}
    yield Variable(comm, "HeartbeatInterval", "300", "HeartbeatInterval", unit="s", **number)
    yield Variable(comm, "WebSocketPingInterval", "0", "WebSocketPingInterval", unit="s", **number)
    yield Variable(comm, "NetworkConfigurationPriority", "1", reboot=True)
    yield Variable("SecurityCtrlr", "BasicAuthPassword", "", "AuthorizationKey", secret=True, most=40)
    yield Variable(data, "TxUpdatedInterval", "2", "MeterValueSampleInterval", unit="s", **number)
    yield Variable(data, "TxUpdatedMeasurands", _MEASURANDS, "MeterValuesSampledData", **members)
    yield Variable(data, "TxStartedMeasurands", "Energy.Active.Import.Register", **members)
    yield Variable(data, "TxEndedMeasurands", "Energy.Active.Import.Register", "StopTxnSampledData", **members)
    yield Variable(aligned, "Interval", "0", "ClockAlignedDataInterval", unit="s", **number)
    yield Variable(aligned, "Measurands", "Energy.Active.Import.Register", "MeterValuesAlignedData", **members)
    yield Variable(auth, "LocalAuthorizeOffline", "true", "LocalAuthorizeOffline", **truth)
    yield Variable(auth, "LocalPreAuthorize", "false", "LocalPreAuthorize", **truth)
    yield Variable(auth, "OfflineTxForUnknownIdEnabled", "false", "AllowOfflineTxForUnknownId", **truth)
    yield Variable(auth, "MasterPassGroupId", "", most=36)
    yield Variable("AuthCacheCtrlr", "Enabled", "true", "AuthorizationCacheEnabled", **truth)
    yield Variable(local, "Enabled", "true", "LocalAuthListEnabled", **truth)
    yield Variable(local, "ItemsPerMessage", "20", "SendLocalListMaxLength", **fixed)
    yield Variable(local, "Entries", "0", "LocalAuthListMaxLength", most=200, **fixed)
    yield Variable(device, "ItemsPerMessage", "8", "GetConfigurationMaxKeys", instance="GetVariables", **fixed)
    yield Variable(device, "ItemsPerMessage", "4", instance="SetVariables", **fixed)
    for name in ("PnCEnabled", "ContractCertificateInstallationEnabled", "ContractCertificateUpdateEnabled"):
        yield Variable("ISO15118Ctrlr", name, "true", **truth)
    yield Variable("ISO15118Ctrlr", "CentralContractValidationAllowed", "false", **truth)
    yield Variable("TxCtrlr", "StopTxOnInvalidId", "true", "StopTransactionOnInvalidId", **truth)
    yield Variable("ConnectorPhase", "Rotation", "NotApplicable", "ConnectorPhaseRotation", reboot=True)


@dataclass
class Device:
    """The state of a charger beside its meters. `changed` is called with a variable that has a new value."""

    changed: Callable[[Variable], None] = lambda _variable: None
    variables: list[Variable] = field(default_factory=lambda: [replace(one) for one in _all()])
    list_version: int = 0
    local_list: dict[str, Payload] = field(default_factory=dict)
    remembered: dict[str, str] = field(default_factory=dict)
    profiles: dict[int, Payload] = field(default_factory=dict)

    def named(self, component: str, name: str, instance: str = "") -> Variable | None:
        """A variable of 2.x; names compare without case."""
        wanted = (component.casefold(), name.casefold(), instance.casefold())
        return next((one for one in self.variables if one.full_name == wanted), None)

    def key(self, key: str) -> Variable | None:
        """A configuration key of 1.6."""
        return next((v for v in self.variables if v.key is not None and v.key.casefold() == key.casefold()), None)

    def value(self, key: str) -> str:
        """The value in force, by its 1.6 name."""
        found = self.key(key)
        if found is None:
            raise LookupError(f"this charger has no {key}")
        return found.value

    def fix(self, key: str, value: str) -> None:
        """A value that nobody can change: it is part of how this charger was made."""
        found = self.key(key)
        if found is not None:
            found.value, found.readonly = value, True

    def set(self, variable: Variable, value: str) -> str:
        """Accepted, Rejected or RebootRequired, as both versions say it."""
        if variable.readonly or not variable.takes(value):
            return "Rejected"
        if variable.reboot:
            if value != variable.value:
                variable.pending = value
                return "RebootRequired"
            variable.pending = None
            return "Accepted"
        variable.value = value
        self.changed(variable)
        return "Accepted"

    def restarted(self) -> None:
        """What waited for a restart counts now."""
        for variable in self.variables:
            if variable.pending is not None:
                variable.value, variable.pending = variable.pending, None
                self.changed(variable)

    def knows(self, token: str) -> str | None:
        """The verdict on a token without asking: from the local list, else from memory; None: neither has it."""
        listed = self.local_list.get(token.casefold()) if self.value("LocalAuthListEnabled") == "true" else None
        if listed is not None:
            return str(listed.get("status", "Accepted"))
        return self.remembered.get(token.casefold()) if self.value("AuthorizationCacheEnabled") == "true" else None

    def group_of(self, token: str) -> str | None:
        """The group that the local list names for a token."""
        info = self.local_list.get(token.casefold()) or {}
        group = info.get("parentIdTag") or (info.get("groupIdToken") or {}).get("idToken")
        return None if group is None else str(group)

    def take_list(self, version: int, entries: list[tuple[str, Payload | None]], *, full: bool) -> str:
        """A whole list, or changes of it that must come in order: Accepted, Failed or VersionMismatch."""
        if not full and version <= self.list_version:
            return "VersionMismatch"
        result = {} if full else dict(self.local_list)
        for token, info in entries:
            if info is None:
                result.pop(token.casefold(), None)
            else:
                result[token.casefold()] = info
        most = self.key("LocalAuthListMaxLength")
        if most is None or len(result) > (most.most or 0) or len(entries) > int(self.value("SendLocalListMaxLength")):
            return "Failed"
        self.local_list, self.list_version = result, version
        most.value = str(len(result))
        return "Accepted"
