"""What chargers tell of upkeep, in one set of words: firmware, logs. Beside words.py, for the upkeep blocks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.alike import TAKEN, whole
from bridge_ocpp.dialects.words import Fact
from bridge_ocpp.port import (
    FetchDiagnostics,
    FetchSecurityLog,
    OutcomeStatus,
    PublishFirmware,
    UpdateFirmware,
    UpdateSignedFirmware,
)

Retried = UpdateFirmware | UpdateSignedFirmware | PublishFirmware | FetchDiagnostics | FetchSecurityLog


@dataclass(frozen=True, slots=True)
class FirmwareTold(Fact):
    """How far a firmware update is (2.0.1 FirmwareStatusEnumType); `request_id` where the charger can name it."""

    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class LogTold(Fact):
    """How an upload goes (2.0.1 UploadLogStatusEnumType, 1.6 DiagnosticsStatus); `topic` is the message's name."""

    topic: str
    status: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class PublicationTold(Fact):
    """How far a local controller is with an image (PublishFirmwareStatusEnumType); `uris` are where it serves it."""

    status: str
    request_id: int | None = None
    uris: tuple[str, ...] = ()
    reason: str = ""


# --- what both versions say alike -----------------------------------------------------------------------------------


UPDATING = {
    **TAKEN,
    "AcceptedCanceled": OutcomeStatus.ACCEPTED,
    "InvalidCertificate": OutcomeStatus.REJECTED,
    "RevokedCertificate": OutcomeStatus.REJECTED,
}
"""What a charger says to an update, and to a log that is wanted of it."""


def firmware_told(payload: Mapping[str, Any]) -> FirmwareTold:
    return FirmwareTold(payload["status"], whole(payload.get("requestId")))


def log_told(payload: Mapping[str, Any]) -> LogTold:
    return LogTold("LogStatusNotification", payload["status"], whole(payload.get("requestId")))


def retries(command: Retried) -> dict[str, Any]:
    """How often and how soon a charger may try again, where that was said."""
    said = {"retries": command.retries, "retryInterval": command.retry_interval}
    return {name: value for name, value in said.items() if value is not None}


def image(command: UpdateFirmware | UpdateSignedFirmware) -> dict[str, Any]:
    """FirmwareType, as 2.0.1 and the security whitepaper of 1.6 have it."""
    found: dict[str, Any] = {
        "location": command.location,
        "retrieveDateTime": write_time(command.retrieve_at),
    }
    if command.install_at is not None:
        found["installDateTime"] = write_time(command.install_at)
    if isinstance(command, UpdateSignedFirmware):
        found["signingCertificate"], found["signature"] = command.signing_certificate, command.signature
    return found


def update(command: UpdateFirmware | UpdateSignedFirmware, _: object) -> dict[str, Any]:
    """2.0.1 UpdateFirmware, and 1.6 SignedUpdateFirmware."""
    return {"requestId": command.request_id, **retries(command), "firmware": image(command)}


def get_log(kind: str, command: FetchDiagnostics | FetchSecurityLog) -> dict[str, Any]:
    """GetLog, the same in 2.0.1 and in the security whitepaper of 1.6."""
    parameters: dict[str, Any] = {"remoteLocation": command.url}
    if command.since is not None:
        parameters["oldestTimestamp"] = write_time(command.since)
    if command.until is not None:
        parameters["latestTimestamp"] = write_time(command.until)
    return {"logType": kind, "requestId": command.request_id, **retries(command), "log": parameters}
