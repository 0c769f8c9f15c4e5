"""Smart charging in OCPP 1.6: profiles set, asked for and cleared. Connector 0 is the charger as a whole. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.charging import (
    CLEARED,
    composite,
    read_said_profile,
    read_said_schedule,
    said_profile,
    said_schedule,
    transaction_of,
)
from bridge_ocpp.dialects.words import Outbound, Payload, outcome
from bridge_ocpp.port import (
    ChargingProfile,
    ClearProfiles,
    Command,
    GetComposite,
    Outcome,
    OutcomeStatus,
    Purpose,
    SetProfile,
    Transaction,
)

WORDS = {
    Purpose.STATION: "ChargePointMaxProfile",
    Purpose.DEFAULT: "TxDefaultProfile",
    Purpose.TRANSACTION: "TxProfile",
}
PURPOSES = {word: purpose for purpose, word in WORDS.items()}


def written(profile: ChargingProfile, about: Transaction | None) -> dict[str, Any]:
    """A ChargingProfile."""
    said = said_profile(profile, id_name="chargingProfileId", purposes=WORDS)
    transaction = transaction_of(profile, about)
    if transaction is not None:
        said["transactionId"] = int(transaction)
    return said | {"chargingSchedule": said_schedule(profile.schedule)}


def _set(command: SetProfile, about: Transaction | None) -> Payload:
    return {"connectorId": command.evse_id, "csChargingProfiles": written(command.charging_profile, about)}


def _clear(command: ClearProfiles, _: Transaction | None) -> Payload:
    if command.profile_id is not None:
        return {"id": command.profile_id}
    said: dict[str, Any] = {}
    if command.evse_id is not None:
        said["connectorId"] = command.evse_id
    if command.purpose is not None:
        said["chargingProfilePurpose"] = WORDS.get(command.purpose, command.purpose.value)
    if command.stack_level is not None:
        said["stackLevel"] = command.stack_level
    return said


def _composite(command: GetComposite, _: Transaction | None) -> Payload:
    unit = {} if command.unit is None else {"chargingRateUnit": command.unit.value}
    return {"connectorId": command.evse_id, "duration": command.duration} | unit


def _composite_heard(payload: Payload) -> Outcome:
    said = payload.get("chargingSchedule")
    return composite(read_said_schedule(said, start=payload.get("scheduleStart")) if said else None, payload)


SET = {**TAKEN, "NotSupported": OutcomeStatus.NOT_SUPPORTED}

OUTBOUND: Mapping[type, Outbound] = {
    SetProfile: Outbound("SetChargingProfile", _set, outcome(SET)),
    ClearProfiles: Outbound("ClearChargingProfile", _clear, outcome(CLEARED)),
    GetComposite: Outbound("GetCompositeSchedule", _composite, _composite_heard),
}

# --- what an operator's own call says, in the same words -----------------------------------------------------


def _set_meant(payload: Payload) -> Command:
    profile = read_said_profile(payload["csChargingProfiles"], id_name="chargingProfileId", purposes=PURPOSES)
    return SetProfile(int(payload["connectorId"]), profile)


def _clear_meant(payload: Payload) -> Command:
    purpose = payload.get("chargingProfilePurpose")
    return ClearProfiles(
        payload.get("id"),
        payload.get("connectorId"),
        PURPOSES[purpose] if purpose else None,
        payload.get("stackLevel"),
    )


MEANT: Mapping[str, Callable[[Payload], Command]] = {
    "SetChargingProfile": _set_meant,
    "ClearChargingProfile": _clear_meant,
}
