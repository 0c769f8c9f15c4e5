"""Upkeep in OCPP 2.0.1: firmware (block L), logs (block N). Pure tables, no decisions."""

from collections.abc import Mapping

from bridge_ocpp.dialects.upkeep import firmware_told, get_log, log_told, update
from bridge_ocpp.dialects.words import Inbound, Outbound, nothing, outcome
from bridge_ocpp.port import (
    FetchDiagnostics,
    FetchSecurityLog,
    OutcomeStatus,
    UpdateFirmware,
    UpdateSignedFirmware,
)

INBOUND: Mapping[str, Inbound] = {
    "FirmwareStatusNotification": Inbound(firmware_told, nothing),
    "LogStatusNotification": Inbound(log_told, nothing),
}

_TAKEN = {
    "Accepted": OutcomeStatus.ACCEPTED,
    "AcceptedCanceled": OutcomeStatus.ACCEPTED,
    "Rejected": OutcomeStatus.REJECTED,
    "InvalidCertificate": OutcomeStatus.REJECTED,
    "RevokedCertificate": OutcomeStatus.REJECTED,
}

OUTBOUND: Mapping[type, Outbound] = {
    UpdateFirmware: Outbound("UpdateFirmware", update, outcome(_TAKEN)),
    UpdateSignedFirmware: Outbound("UpdateFirmware", update, outcome(_TAKEN)),
    FetchDiagnostics: Outbound("GetLog", lambda command, _: get_log("DiagnosticsLog", command), outcome(_TAKEN)),
    FetchSecurityLog: Outbound("GetLog", lambda command, _: get_log("SecurityLog", command), outcome(_TAKEN)),
}
