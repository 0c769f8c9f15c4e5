"""Upkeep in OCPP 2.0.1: firmware (block L), logs (block N), cost (block I). Pure tables, no decisions."""

from collections.abc import Mapping

from bridge_ocpp.dialects.alike import whole
from bridge_ocpp.dialects.upkeep import UPDATING, PublicationTold, firmware_told, get_log, log_told, retries, update
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, nothing, outcome
from bridge_ocpp.port import (
    FetchDiagnostics,
    FetchSecurityLog,
    Outcome,
    OutcomeStatus,
    PublishFirmware,
    TellCost,
    Transaction,
    UnpublishFirmware,
    UpdateFirmware,
    UpdateSignedFirmware,
)


def _publication(payload: Payload) -> PublicationTold:
    """`statusInfo` is 2.1's."""
    info = payload.get("statusInfo") or {}
    reason = ": ".join(info[key] for key in ("reasonCode", "additionalInfo") if info.get(key))
    uris = tuple(payload.get("location") or ())
    return PublicationTold(payload["status"], whole(payload.get("requestId")), uris, reason)


INBOUND: Mapping[str, Inbound] = {
    "FirmwareStatusNotification": Inbound(firmware_told, nothing),
    "LogStatusNotification": Inbound(log_told, nothing),
    "PublishFirmwareStatusNotification": Inbound(_publication, nothing),
}


def _cost(command: TellCost, about: Transaction | None) -> Payload:
    return {"totalCost": command.total, "transactionId": about.ocpp_id if about else ""}


def _told(payload: Payload) -> Outcome:
    return Outcome(OutcomeStatus.ACCEPTED, payload=payload)  # the answer has no fields


def _publish(command: PublishFirmware, _: Transaction | None) -> Payload:
    payload = {"location": command.location, "checksum": command.checksum, "requestId": command.request_id}
    return payload | retries(command)


_UNPUBLISHED = {
    "Unpublished": OutcomeStatus.ACCEPTED,
    "NoFirmware": OutcomeStatus.UNKNOWN,
    "DownloadOngoing": OutcomeStatus.REJECTED,
}

OUTBOUND: Mapping[type, Outbound] = {
    TellCost: Outbound("CostUpdated", _cost, _told),
    UpdateFirmware: Outbound("UpdateFirmware", update, outcome(UPDATING)),
    UpdateSignedFirmware: Outbound("UpdateFirmware", update, outcome(UPDATING)),
    PublishFirmware: Outbound("PublishFirmware", _publish, outcome(UPDATING)),
    UnpublishFirmware: Outbound(
        "UnpublishFirmware", lambda command, _: {"checksum": command.checksum}, outcome(_UNPUBLISHED)
    ),
    FetchDiagnostics: Outbound("GetLog", lambda command, _: get_log("DiagnosticsLog", command), outcome(UPDATING)),
    FetchSecurityLog: Outbound("GetLog", lambda command, _: get_log("SecurityLog", command), outcome(UPDATING)),
}
