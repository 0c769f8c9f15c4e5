"""The doorway between the OCPP tower and the business side: events out, commands in, records to look at.

Shaped like OCPP 2.0.1 (charger -> EVSE -> connector), which can hold 1.6 too. Standard library only (the
database session is a type, nothing more). New events and commands are new classes; the Protocols never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

# --- words -------------------------------------------------------------------------------------------------


class ConnectorStatus(StrEnum):
    """What a connector is doing: 1.6's finer words and 2.0.1's five, in one list."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class ChargingState(StrEnum):
    """What happens in a transaction (OCPP 2.0.1 ChargingStateEnumType)."""

    CHARGING = "Charging"
    EV_CONNECTED = "EVConnected"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    IDLE = "Idle"


class AuthStatus(StrEnum):
    """The answer to "may this token charge here?" (OCPP 2.0.1 AuthorizationStatusEnumType)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    CONCURRENT_TX = "ConcurrentTx"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    NO_CREDIT = "NoCredit"
    NOT_ALLOWED_TYPE_EVSE = "NotAllowedTypeEVSE"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"
    UNKNOWN = "Unknown"


class OutcomeStatus(StrEnum):
    """How asking a charger ended. Everything but ACCEPTED means that the charger did not do it."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    OCCUPIED = "OCCUPIED"
    FAULTED = "FAULTED"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN_TRANSACTION = "UNKNOWN_TRANSACTION"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"
    OFFLINE = "OFFLINE"
    TIMEOUT = "TIMEOUT"
    FAILED = "FAILED"
    INVALID = "INVALID"
    """A RawCall whose payload breaks the schema of the version that the charger speaks: it was not sent."""


@dataclass(frozen=True, slots=True)
class IdToken:
    """A driver's token as a charger names it. `type` is OCPP 2.0.1's IdTokenEnumType (1.6 tokens: ISO14443)."""

    value: str
    type: str = "ISO14443"


@dataclass(frozen=True, slots=True)
class Where:
    """A place at a charger. `evse_id` counts from 1; None is the whole charger."""

    charger_id: str
    evse_id: int | None = None
    connector_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a token may charge; `group` is the parent or group id token, `expires_at` UTC."""

    status: AuthStatus
    group: IdToken | None = None
    expires_at: datetime | None = None
    message: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is AuthStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value. Units are normalised: Wh, W, A, V, Percent, Celsius, Hz, var, varh, VA, VAh.

    `measurand` is OCPP's name (`Energy.Active.Import.Register`, …). `signed` is the signed meter value as it came.
    """

    at: datetime
    measurand: str
    value: Decimal
    unit: str
    phase: str | None = None
    context: str = "Sample.Periodic"
    location: str = "Outlet"
    signed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """From `at` (UTC) on, the transaction is in `state`."""

    at: datetime
    state: ChargingState


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction as it stands. `id` is ours (stable, unique); `ocpp_id` is what the charger calls it.

    Energy is in Wh. `energy_wh` is what was delivered so far; None where no meter value is known yet.
    `suspect` marks what cannot be trusted (no start seen, impossible clock or meter); `flags` say why.
    """

    id: str
    charger_id: str
    ocpp_id: str
    evse_id: int
    connector_id: int
    id_token: IdToken | None
    started_at: datetime
    ended_at: datetime | None = None
    energy_wh: Decimal | None = None
    charging_state: ChargingState | None = None
    stop_reason: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    group: IdToken | None = None
    suspect: bool = False
    flags: tuple[str, ...] = ()


# --- events: the charger said so, and it is true from this commit on -----------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a charger said or that happened to its connection; `at` is UTC."""

    charger_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChargerBooted(Event):
    """A boot that was accepted. `protocol` is the OCPP subprotocol, such as `ocpp1.6`."""

    vendor: str
    model: str
    protocol: str
    serial_number: str | None = None
    firmware_version: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChargerOnline(Event):
    """The charger's socket is open again (`online`) or gone (not `online`)."""

    online: bool


@dataclass(frozen=True, slots=True)
class ConnectorStatusChanged(Event):
    """A connector changed; only real changes are events. EVSE 0, connector 0 is the charger as a whole."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus
    error_code: str | None = None
    info: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionStarted(Event):
    """A transaction began. Told once."""

    transaction: Transaction


@dataclass(frozen=True, slots=True)
class TransactionUpdated(Event):
    """New samples, another charging state, or a token presented later. `samples` are only the new ones."""

    transaction: Transaction
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionEnded(Event):
    """The transaction is over. `samples` and `states` are all that is known, in order of time."""

    transaction: Transaction
    samples: tuple[Sample, ...] = ()
    states: tuple[StateChange, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionCorrected(Event):
    """Facts that came after `TransactionEnded` was told: the whole picture again, for a correction."""

    transaction: Transaction
    samples: tuple[Sample, ...] = ()
    states: tuple[StateChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ReservationChanged(Event):
    """A reservation ended without a transaction: `status` is Expired or Removed."""

    reservation_id: int
    status: str


# --- commands: what the business side wants of a charger ------------------------------------------------------


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
    charging_profile: Mapping[str, Any] | None = None


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


# --- records: what an operator looks at ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectorRecord:
    """One connector and the status it last said; EVSE 0 is the charger as a whole, where it speaks of itself."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus | None
    error_code: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChargerRecord:
    """A charger as the bridge knows it."""

    id: str
    online: bool
    security_profile: int
    boot_status: str
    last_seen_at: datetime | None = None
    protocol: str | None = None
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    connectors: tuple[ConnectorRecord, ...] = ()
    quirks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One OCPP frame, secrets masked. `direction` is `in` (from the charger) or `out`."""

    at: datetime
    direction: str
    kind: str
    action: str | None
    message_id: str
    payload: Any


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions: None is any."""

    charger_id: str | None = None
    token: str | None = None
    active: bool | None = None
    limit: int = 200
    offset: int = 0


@dataclass(frozen=True, slots=True)
class NewCharger:
    """A charger to register. `password` is what it will present by HTTP Basic (8 to 64 characters)."""

    id: str
    password: str | None
    security_profile: int = 1
    connectors: tuple[tuple[int, int], ...] = field(default=())


# --- the three Protocols ------------------------------------------------------------------------------------------


class HubPort(Protocol):
    """What the business side implements and the bridge calls, inside the bridge's open transaction."""

    async def heard(self, event: Event, db: AsyncSession) -> None:
        """Take note of an event. All that follows from it is written to `db`; raising undoes the whole message."""

    async def may_charge(self, token: IdToken, where: Where, db: AsyncSession) -> Verdict:
        """Decide about a token within the business side's own time budget; never raises for a partner's fault."""


class ChargerPort(Protocol):
    """What the bridge implements and the business side calls, from any process."""

    async def ask(self, charger_id: str, command: Command, *, within: timedelta) -> Outcome:
        """Ask the charger and wait for its answer. Never raises for the charger's fault: the Outcome says it."""


class ChargerBook(Protocol):
    """The bridge's records, for operators and for placing chargers; rows are written to the caller's transaction."""

    async def register(self, charger: NewCharger, db: AsyncSession) -> None:
        """Raises KeyError when the id exists (ids compare case-insensitively)."""

    async def remove(self, charger_id: str, db: AsyncSession) -> bool: ...

    async def set_password(self, charger_id: str, password: str, db: AsyncSession) -> bool: ...

    async def chargers(self, db: AsyncSession) -> Sequence[ChargerRecord]: ...

    async def charger(self, charger_id: str, db: AsyncSession) -> ChargerRecord | None: ...

    async def transactions(self, which: TransactionFilter, db: AsyncSession) -> Sequence[Transaction]:
        """Oldest first."""

    async def transaction(
        self, transaction_id: str, db: AsyncSession
    ) -> tuple[Transaction, tuple[Sample, ...], tuple[StateChange, ...]] | None: ...

    async def frames(self, charger_id: str, db: AsyncSession, *, limit: int = 100) -> Sequence[FrameRecord]:
        """Newest first."""
