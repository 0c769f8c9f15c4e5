"""Profiles that change while they hold, and who goes first (OCPP 2.1: K21 to K29, Q, aFRR)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Charge, Evse, Payload
from bridge_ocpp.simulator.needs import Needs
from bridge_ocpp.simulator.stack import Kept

PRIORITY = "PriorityCharging"


class Dynamic:
    """What 2.1 adds to the profiles of one charger. `signal` is the last one of the grid (aFRR)."""

    def __init__(self, charger: Box, needs: Needs) -> None:
        self.charger = charger
        self.needs = needs
        self.signal: int | None = None
        self.allowed: dict[str, list[str]] = {}
        self._pulling: set[int] = set()

    # --- priority ---------------------------------------------------------------------------------------------------

    def use_priority(self, payload: Payload) -> Payload:
        """UsePriorityCharging: the priority profile counts for this charge, or no longer (K22)."""
        charge = self.charger.charge_named(payload["transactionId"])
        if charge is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
        if payload["activate"] and not self._has_profile(charge.evse):
            return {"status": "NoProfile"}
        self.charger.meter_now()
        charge.prefers = payload["activate"]
        self.charger.soon(self.charger.obey())
        return {"status": "Accepted"}

    async def prefer(self, evse: int, *, on: bool = True) -> bool:
        """The driver presses the button: this car first (K21). False where there is no profile for it."""
        charge = self.charger.evses[evse].charge
        if charge is None or not self._has_profile(evse):
            return False
        self.charger.meter_now()
        charge.prefers = on
        self.charger.tell("priority", f"EVSE {evse} {'goes first' if on else 'is one of all again'}")
        told = {"transactionId": str(charge.ocpp_id), "activated": on}
        await self.charger.say("NotifyPriorityCharging", told)
        await self.charger.obey()
        return True

    def _has_profile(self, evse: int) -> bool:
        return any(one.purpose == PRIORITY and one.evse in (0, evse) for one in self.charger.stack.kept)

    # --- dynamic profiles -------------------------------------------------------------------------------------------

    def update(self, payload: Payload) -> Payload:
        """UpdateDynamicSchedule: another limit for a profile of kind Dynamic, from now on (K28)."""
        kept = self.charger.stack.numbered(int(payload["chargingProfileId"]))
        if kept is None or not _is_dynamic(kept):
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownProfile"}}
        self._take(kept, payload["scheduleUpdate"])
        self.charger.soon(self.charger.obey())
        return {"status": "Accepted"}

    def _take(self, kept: Kept, update: Payload) -> None:
        self.charger.meter_now()
        kept.schedule["chargingSchedulePeriod"][0] |= update
        kept.updated_at = self.charger.now()
        said = ", ".join(f"{name} {value}" for name, value in update.items())
        self.charger.tell("dynamic", f"profile {kept.id}: {said}")

    async def pull(self, kept: Kept) -> None:
        """Ask for a new limit as often as a dynamic profile says, while it is kept (K29)."""
        every = kept.said.get("dynUpdateInterval")
        if not _is_dynamic(kept) or not every or kept.id in self._pulling:
            return
        self._pulling.add(kept.id)
        try:
            while True:
                await asyncio.sleep(float(every))
                found = self.charger.stack.numbered(kept.id)
                if found is None or not _is_dynamic(found):
                    return
                answer = await self.charger.say("PullDynamicScheduleUpdate", {"chargingProfileId": found.id})
                if "error" in answer:
                    self.charger.tell("dynamic", f"profile {found.id} is not updated: {answer['error']}")
                    return
                if answer.get("status") == "Accepted" and answer.get("scheduleUpdate"):
                    self._take(found, answer["scheduleUpdate"])
                    await self.charger.obey()
        finally:
            self._pulling.discard(kept.id)

    # --- how energy may flow ----------------------------------------------------------------------------------------

    def allow(self, payload: Payload) -> Payload:
        """NotifyAllowedEnergyTransfer: a car that takes its energy in a way that is not allowed says anew what it
        needs, and takes nothing until it knows (Q01)."""
        charge = self.charger.charge_named(payload["transactionId"])
        if charge is None:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
        ways = list(payload["allowedEnergyTransfer"])
        self.allowed[str(charge.ocpp_id)] = ways
        own = self.needs.transfer(charge.evse)
        self.charger.tell("needs", f"EVSE {charge.evse} may charge by {', '.join(ways)}")
        if own is not None:
            self.charger.meter_now()
            charge.waits = own not in ways
            self.charger.soon(self.charger.obey() if charge.waits else self.needs.tell(self.charger.evses[charge.evse]))
        return {"status": "Accepted"}

    # --- the grid's frequency -----------------------------------------------------------------------------------------

    def hear_signal(self, payload: Payload) -> Payload:
        """AFRRSignal: the cars whose profile says so follow it by their curve; Rejected where there is none (Q10)."""
        followers = [(place, curve) for place in self.charger.evses.values() if (curve := self._curve(place))]
        if not followers:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "NoProfile"}}
        self.signal = int(payload["signal"])
        self.charger.meter_now()
        for place, (period, charge) in followers:
            power = _on_curve(period["v2xSignalWattCurve"], self.signal) + Decimal(str(period.get("v2xBaseline", 0)))
            charge.most_w = power
            self.charger.tell("signal", f"{self.signal}: EVSE {place.number} may draw {max(power, Decimal(0)):f} W")
        self.charger.soon(self.charger.obey())
        return {"status": "Accepted"}

    def _curve(self, place: Evse) -> tuple[Payload, Charge] | None:
        """The period in force that has this EVSE follow signals, and the charge."""
        for kept in self.charger.stack.kept:
            if place.charge is None or kept.purpose != "TxProfile" or kept.evse != place.number:
                continue
            period = kept.period(self.charger.now(), place)
            if period and period.get("operationMode") == "CentralFrequency" and period.get("v2xSignalWattCurve"):
                return period, place.charge
        return None


def _is_dynamic(kept: Kept) -> bool:
    return bool(kept.said["chargingProfileKind"] == "Dynamic")


def _on_curve(curve: list[Any], signal: int) -> Decimal:
    """W for a signal: a straight line between two points, and the nearest point beyond them."""
    points = sorted((int(point["signal"]), Decimal(str(point["power"]))) for point in curve)
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= signal <= x1 and x1 > x0:
            return y0 + (y1 - y0) * (signal - x0) / (x1 - x0)
    return points[0][1] if signal < points[0][0] else points[-1][1]
