"""Events: the charger said so, and it is true from this commit on. Times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge_ocpp.port.words import ConnectorStatus, Sample, StateChange, Transaction


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
    """A connector changed; only real changes are events. EVSE 0 is the charger as a whole, connector 0 an EVSE."""

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
