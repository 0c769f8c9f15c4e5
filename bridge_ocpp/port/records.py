"""Records: what an operator looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge_ocpp.port.words import ConnectorStatus


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
    """A charger as the bridge knows it. `knows_masters`: its version has cards that only stop (2.0.1, C16)."""

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
    booted_at: datetime | None = None
    boot_reason: str | None = None
    boot_answer: str | None = None
    items_per_message: Mapping[str, int] = field(default_factory=dict)
    knows_masters: bool = False
    certificate_serial: str | None = None


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
