"""A battery swap station (OCPP 2.1, block S): its EVSEs are slots, all but the first hold a charged battery."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload

HESITATES = 0.2
"""Seconds between the battery that is put in and the one that is taken out."""


@dataclass(frozen=True)
class Battery:
    """A battery: what is written on it, its charge and its health in percent."""

    serial: str
    soc: int = 100
    soh: int = 97


class Slots:
    """The batteries of one station. Without any (`stocked` False) it swaps nothing. `takes` False: the driver puts the
    empty battery in and never takes one out."""

    def __init__(self, charger: Box, *, stocked: bool) -> None:
        self.charger = charger
        self.takes = True
        self.inside: dict[int, Battery | None] = dict.fromkeys(charger.evses)
        for slot in list(charger.evses)[1:] if stocked else ():
            self.inside[slot] = Battery(f"{charger.charger_id}-B{slot}")
        self.stocked = stocked and len(charger.evses) > 1
        self._drivers = count(1)

    def request(self, payload: Payload) -> Payload:
        """RequestBatterySwap: Accepted where there are a free slot and a charged battery (S02)."""
        if not self.stocked or self._free() is None or self._best() is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NoBattery"}}
        self.charger.soon(self.swap(payload["idToken"], payload["requestId"]))
        return {"status": "Accepted"}

    async def swap(self, token: Payload, request_id: int | None = None) -> None:
        """The driver puts the empty battery in, and takes a charged one out; each is told (S01, S03, S04)."""
        request_id = next(self._drivers) if request_id is None else request_id
        empty, full = self._free(), self._best()
        if empty is None or full is None:
            return
        brought = Battery(f"DRIVER-{request_id}", soc=15, soh=91)
        self.inside[empty] = brought
        await self._say("BatteryIn", empty, brought, token, request_id)
        await asyncio.sleep(HESITATES)
        battery = self.inside[full]
        assert battery is not None
        if not self.takes:
            await self._say("BatteryOutTimeout", full, battery, token, request_id)
            return
        self.inside[full] = None
        await self._say("BatteryOut", full, battery, token, request_id)

    async def _say(self, event: str, slot: int, battery: Battery, token: Payload, request_id: int) -> None:
        self.charger.tell("battery", f"{event} at slot {slot}: {battery.serial}, {battery.soc} %")
        data = {"evseId": slot, "serialNumber": battery.serial, "soC": battery.soc, "soH": battery.soh}
        told = {"batteryData": [data], "eventType": event, "idToken": token, "requestId": request_id}
        await self.charger.say("BatterySwap", told)

    def _free(self) -> int | None:
        return next((slot for slot, battery in self.inside.items() if battery is None), None)

    def _best(self) -> int | None:
        """The slot with the battery that has most."""
        found = [(battery.soc, slot) for slot, battery in self.inside.items() if battery is not None]
        return max(found)[1] if found else None
