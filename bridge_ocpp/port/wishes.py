"""What a driver wishes for a running charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Preference:
    """What a driver prefers (OCPI ChargingPreferences): Wh since the start of the transaction, until a time in UTC.

    `fast`: as fast as can be (profile type FAST)."""

    departure_at: datetime | None = None
    energy_wh: Decimal | None = None
    fast: bool = False
