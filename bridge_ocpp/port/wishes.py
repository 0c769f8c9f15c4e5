"""What is wished for a running charge, and what is asked of a charger because of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bridge_ocpp.port.commands import Command


@dataclass(frozen=True, slots=True)
class Preference:
    """What a driver prefers (OCPI ChargingPreferences): Wh since the start of the transaction, until a time in UTC.

    `fast`: as fast as can be (profile type FAST)."""

    departure_at: datetime | None = None
    energy_wh: Decimal | None = None
    fast: bool = False


@dataclass(frozen=True, slots=True)
class AnswerNeeds(Command):
    """Send the schedule that answers what the car of a running transaction said it needs (OCPP 2.0.1, K15 and K17).

    UNKNOWN where there is nothing to answer any more.
    """

    transaction_id: str
