"""Upkeep in OCPP 2.0.1: firmware (block L), logs (block N), cost (block I). Pure tables, no decisions."""

from collections.abc import Mapping

from bridge_ocpp.dialects.upkeep import firmware_told, get_log, log_told, update
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.port import (
    FetchDiagnostics,
    FetchSecurityLog,
    Outcome,
    OutcomeStatus,
    TellCost,
    Transaction,
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


def _cost(command: TellCost, about: Transaction | None) -> Payload:
    return {"totalCost": command.total, "transactionId": about.ocpp_id if about else ""}


def _told(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload=payload)  # the answer has no fields


OUTBOUND: Mapping[type, Outbound] = {
    TellCost: Outbound("CostUpdated", _cost, _told),
    UpdateFirmware: Outbound("UpdateFirmware", update, outcome(_TAKEN)),
    UpdateSignedFirmware: Outbound("UpdateFirmware", update, outcome(_TAKEN)),
    FetchDiagnostics: Outbound("GetLog", lambda command, _: get_log("DiagnosticsLog", command), outcome(_TAKEN)),
    FetchSecurityLog: Outbound("GetLog", lambda command, _: get_log("SecurityLog", command), outcome(_TAKEN)),
}
