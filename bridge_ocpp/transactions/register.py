"""The register of a transaction's meter: whether a reading goes on where it stood, and what was delivered then. Pure.

The one rule of counting on, for one row (counting.py) and for many in one statement (together.py).
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bridge_ocpp.meter import BEGIN


class Standing(NamedTuple):
    """Where it stands: its first value, when it was read last (UTC), and what was delivered in between; in Wh."""

    begin: Decimal | None
    last_at: datetime | None
    energy_wh: Decimal | None

    def after(self, at: datetime, value: Decimal, context: str) -> "Standing | None":
        """Where it stands after this reading: the newest value less the first. None: it does not go on from here."""
        if self.begin is None or self.last_at is None or context == BEGIN:
            return None
        if at < self.last_at or value < self.begin + (self.energy_wh or 0):
            return None
        return Standing(self.begin, at, value - self.begin)
