"""Upkeep in OCPP 1.6: Firmware Management, and the security whitepaper's signed firmware and logs. Pure tables."""

from collections.abc import Mapping
from typing import Any

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.upkeep import UPDATING, LogTold, firmware_told, get_log, log_told, retries, update
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.port import (
    FetchDiagnostics,
    FetchSecurityLog,
    Outcome,
    OutcomeStatus,
    UpdateFirmware,
    UpdateSignedFirmware,
)

INBOUND: Mapping[str, Inbound] = {
    "FirmwareStatusNotification": Inbound(firmware_told, nothing),
    "SignedFirmwareStatusNotification": Inbound(firmware_told, nothing),
    "DiagnosticsStatusNotification": Inbound(lambda p: LogTold("DiagnosticsStatusNotification", p["status"]), nothing),
    "LogStatusNotification": Inbound(log_told, nothing),
}


def _update(command: UpdateFirmware, _: object) -> Payload:
    """The charger installs what it has fetched: where a time to install is set, it fetches no earlier."""
    fetch_at = max(command.retrieve_at, command.install_at or command.retrieve_at)
    return {"location": command.location, "retrieveDate": write_time(fetch_at), **retries(command)}


def _diagnostics(command: FetchDiagnostics, _: object) -> Payload:
    payload: dict[str, Any] = {"location": command.url, **retries(command)}
    if command.since is not None:
        payload["startTime"] = write_time(command.since)
    if command.until is not None:
        payload["stopTime"] = write_time(command.until)
    return payload


def _updating(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload=payload)  # the answer has no fields: whoever answers does it


def _uploading(payload: Payload) -> Outcome:
    """GetDiagnostics.conf: without a file name there is nothing to upload."""
    if not payload.get("fileName"):
        return Outcome(OutcomeStatus.REJECTED, "the charger has no diagnostics", payload)
    return Outcome(OutcomeStatus.ACCEPTED, payload=payload)


OUTBOUND: Mapping[type, Outbound] = {
    UpdateFirmware: Outbound("UpdateFirmware", _update, _updating),
    UpdateSignedFirmware: Outbound("SignedUpdateFirmware", update, outcome(UPDATING)),
    FetchDiagnostics: Outbound("GetDiagnostics", _diagnostics, _uploading),
    FetchSecurityLog: Outbound("GetLog", lambda command, _: get_log("SecurityLog", command), outcome(UPDATING)),
}
