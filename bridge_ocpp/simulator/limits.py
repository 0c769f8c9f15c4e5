"""Limits that do not come from the central system: an energy manager in the building, the grid (OCPP 2.x, K12, K13)."""

from __future__ import annotations

from decimal import Decimal

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp
from bridge_ocpp.simulator.stack import Kept

PURPOSE = "ChargingStationExternalConstraints"
FIRST_ID = 900_001
SOURCES = ("EMS", "SO", "Other")


class Limits:
    """The limits of others at one charger, by their source; each is kept as a profile of its own."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self._ids: dict[str, int] = {}

    def source_of(self, kept: Kept) -> str | None:
        """Who made this profile; None: the central system."""
        return next((source for source, number in self._ids.items() if number == kept.id), None)

    async def set(self, amperes: Decimal, *, source: str = "EMS", key: str = "id") -> None:
        """From now on the charger as a whole gives no more than this per phase, and says so."""
        number = self._ids.setdefault(source, FIRST_ID + SOURCES.index(source))
        schedule: Payload = {
            "id": number,
            "startSchedule": stamp(self.charger.now()),
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": float(amperes)}],
        }
        said: Payload = {
            key: number,
            "stackLevel": SOURCES.index(source),
            "chargingProfilePurpose": PURPOSE,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }
        self.charger.meter_now()
        self.charger.stack.put(0, said, key=key)
        self.charger.tell("limit", f"{source} allows {amperes:f} A")
        limit = {"chargingLimitSource": source, "isGridCritical": source == "SO"}
        await self.charger.say("NotifyChargingLimit", {"chargingLimit": limit, "chargingSchedule": [schedule]})
        await self.charger.obey()

    async def lift(self, *, source: str = "EMS") -> None:
        """That limit is over."""
        number = self._ids.pop(source, None)
        if number is None:
            return
        self.charger.meter_now()
        self.charger.stack.clear(id=number, evse=None, purpose=None, level=None)
        self.charger.tell("limit", f"{source} limits no more")
        await self.charger.say("ClearedChargingLimit", {"chargingLimitSource": source})
        await self.charger.obey()
