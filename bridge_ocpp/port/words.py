"""The words of both sides: statuses, tokens, verdicts, samples, transactions.

Shaped like OCPP 2.0.1; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


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
    """Whether a token may charge; `group` is the parent or group id token, `expires_at` UTC.

    `master`: it stops any transaction and starts none (OCPP 2.0.1, C16). Where the charger knows such cards, it is
    ACCEPTED when shown, and its group is theirs.
    """

    status: AuthStatus
    group: IdToken | None = None
    expires_at: datetime | None = None
    message: str | None = None
    master: bool = False

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
