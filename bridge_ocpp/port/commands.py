"""Commands: what the business side wants of a charger, and how asking ended.

Which message a command becomes is the dialect's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge_ocpp.port.profiles import ChargingProfile
from bridge_ocpp.port.words import IdToken


class OutcomeStatus(StrEnum):
    """How asking a charger ended. Everything but ACCEPTED means that the charger did not do it (SCHEDULED: not yet)."""

    ACCEPTED = "ACCEPTED"
    SCHEDULED = "SCHEDULED"
    """The charger will do it once its transaction is over."""
    VERSION_MISMATCH = "VERSION_MISMATCH"
    """A change of a local list that the charger does not have."""
    REJECTED = "REJECTED"
    TOO_EARLY = "TOO_EARLY"
    """The charger waits for something else before it takes this."""
    NOT_SUPPORTED = "NOT_SUPPORTED"
    OCCUPIED = "OCCUPIED"
    FAULTED = "FAULTED"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN_TRANSACTION = "UNKNOWN_TRANSACTION"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"
    UNKNOWN_PROFILE = "UNKNOWN_PROFILE"
    UNKNOWN = "UNKNOWN"
    """The charger has no such thing as the command names."""
    OFFLINE = "OFFLINE"
    TIMEOUT = "TIMEOUT"
    FAILED = "FAILED"
    INVALID = "INVALID"
    """What is asked for cannot be said in the version that the charger speaks: it was not sent."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to ask a charger; which message it becomes is the dialect's business."""


@dataclass(frozen=True, slots=True)
class StartCharging(Command):
    """Start at an EVSE for a token. `remote_start_id` comes back in the transaction where the version can."""

    id_token: IdToken
    remote_start_id: int
    evse_id: int | None = None
    connector_id: int | None = None
    group: IdToken | None = None
    charging_profile: ChargingProfile | None = None


@dataclass(frozen=True, slots=True)
class StopCharging(Command):
    """Stop the transaction with this id (ours, `Transaction.id`)."""

    transaction_id: str


@dataclass(frozen=True, slots=True)
class UnlockConnector(Command):
    """Release the cable."""

    evse_id: int
    connector_id: int = 1


@dataclass(frozen=True, slots=True)
class ReserveNow(Command):
    """Keep an EVSE (or any, when None) for a token until `expires_at` (UTC)."""

    reservation_id: int
    id_token: IdToken
    expires_at: datetime
    evse_id: int | None = None
    group: IdToken | None = None


@dataclass(frozen=True, slots=True)
class CancelReservation(Command):
    """Let a reservation go."""

    reservation_id: int


@dataclass(frozen=True, slots=True)
class RawCall(Command):
    """Any action of the version spoken, with its payload as the schema of that version wants it.

    Its outcome is ACCEPTED when the charger answered, whatever it answered; NOT_SUPPORTED (unsent) for an action that
    the version does not have, and where the charger says so by a CALLERROR.
    """

    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `payload` is the charger's answer; `error` its CALLERROR {code, description, details}."""

    status: OutcomeStatus
    detail: str = ""
    payload: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None

    @property
    def accepted(self) -> bool:
        return self.status is OutcomeStatus.ACCEPTED
