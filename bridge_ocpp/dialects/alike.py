"""Rows and words that the tables of more than one version have alike. Pure; each version still lists its own rows."""

from collections.abc import Mapping
from typing import Any

from bridge_ocpp.clock import write_time
from bridge_ocpp.dialects.words import Beat, Inbound, Outbound, Payload, Refused, Reply, Transfer, outcome
from bridge_ocpp.ocppj import Fault
from bridge_ocpp.port import CancelReservation, OutcomeStatus, Transaction

BEYOND = 2**15
"""No EVSE and no connector has this number, or a higher one."""

# --- reading ------------------------------------------------------------------------------------------------------


def whole(value: Any) -> int | None:
    """A whole number, where one was said."""
    return None if value is None else int(value)


def place(value: Any) -> int:
    """The number of an EVSE or a connector. Raises Refused for one that no charger has."""
    number = int(value)
    if not 0 <= number < BEYOND:
        raise Refused(Fault.PROPERTY, f"there is no EVSE or connector {number}")
    return number


def cancel_meant(payload: Payload) -> CancelReservation:
    return CancelReservation(int(payload["reservationId"]))


# --- answering ----------------------------------------------------------------------------------------------------


def boot_answer(reply: Reply) -> Payload:
    return {"status": reply.boot_status, "currentTime": write_time(reply.now), "interval": reply.interval}


def _beat_answer(reply: Reply) -> Payload:
    return {"currentTime": write_time(reply.now)}


HEARTBEAT = Inbound(lambda _: Beat(), _beat_answer)
DATA_TRANSFER = Inbound(lambda payload: Transfer(payload["vendorId"]), lambda _: {"status": "UnknownVendorId"})

# --- asking -------------------------------------------------------------------------------------------------------

TAKEN: Mapping[str, OutcomeStatus] = {"Accepted": OutcomeStatus.ACCEPTED, "Rejected": OutcomeStatus.REJECTED}
UNABLE = {"NotImplemented": OutcomeStatus.NOT_SUPPORTED, "NotSupported": OutcomeStatus.NOT_SUPPORTED}
RESERVED = {
    **TAKEN,
    "Faulted": OutcomeStatus.FAULTED,
    "Occupied": OutcomeStatus.OCCUPIED,
    "Unavailable": OutcomeStatus.UNAVAILABLE,
}
UNLOCKED = {"Unlocked": OutcomeStatus.ACCEPTED, "UnlockFailed": OutcomeStatus.FAILED}


def _cancel(command: CancelReservation, _: Transaction | None) -> Payload:
    return {"reservationId": command.reservation_id}


CANCEL_RESERVATION = Outbound(
    "CancelReservation", _cancel, outcome({**TAKEN, "Rejected": OutcomeStatus.UNKNOWN_RESERVATION})
)
