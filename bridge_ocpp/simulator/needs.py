"""A car that says what it needs, and the schedule that it follows then (OCPP 2.x, K15 to K17; 2.1: K18)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.car import Car
from bridge_ocpp.simulator.contract import why
from bridge_ocpp.simulator.meter import LEAST_A, Evse, Payload, stamp
from bridge_ocpp.simulator.stack import Kept

PATIENCE = 60.0
"""Seconds that a car waits for a schedule that it was promised (K15.FR.08)."""
DC_VOLTAGE = 400
TUPLES = 24
"""Periods that this charger can tell a car."""


class Needs:
    """What the cars at one charger need. `patience` is how long one waits for the schedule that it was promised.

    `answered` is what the central system said last; `plans` are the schedules that cars have told.
    """

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.patience = PATIENCE
        self.answered: str | None = None
        self.plans: list[Payload] = []
        self._cars: dict[int, tuple[Car, datetime]] = {}

    def plugged(self, place: Evse, car: Car) -> None:
        """A car with needs is there. It takes nothing before it knows its schedule."""
        self._cars[place.number] = car, self.charger.now() + timedelta(seconds=car.departs_in)
        if place.charge is not None:
            place.charge.wants_wh, place.charge.waits = car.wants_wh, True

    def gone(self, evse: int) -> None:
        self._cars.pop(evse, None)

    def soc(self, place: Evse) -> Decimal | None:
        """How full the battery of the car there is, in percent, where a car would say it (DC)."""
        if place.number not in self._cars or place.charge is None:
            return None
        car, _ = self._cars[place.number]
        got = place.charge.got_wh(place.meter_wh)
        return min(car.soc + got * 100 / car.battery_wh, Decimal(100)).quantize(Decimal("0.1")) if car.dc else None

    def departure(self, evse: int) -> datetime | None:
        """When the car there wants to leave."""
        return self._cars[evse][1] if evse in self._cars else None

    async def tell(self, place: Evse) -> None:
        """Say what the car needs; it waits for a schedule that is promised, and charges at once where none is."""
        charge, (car, departs) = place.charge, self._cars[place.number]
        if charge is None:
            return
        told = {"evseId": place.number, "maxScheduleTuples": TUPLES, "chargingNeeds": self._words(place, car, departs)}
        kwh = (car.wants_wh / 1000).normalize()
        self.charger.tell("needs", f"EVSE {place.number} wants {kwh:f} kWh by {departs:%H:%M:%S}")
        answer = await self.charger.say("NotifyEVChargingNeeds", told)
        self.answered = str(answer.get("status") or answer.get("error") or "no answer")
        self.charger.tell("needs", self.answered)
        if self.answered == "Accepted":
            await self._wait(place)
        charge.waits = False
        self.charger.meter_now()
        await self.charger.obey()

    async def _wait(self, place: Evse) -> None:
        """Until its schedule is there, or the car has no more patience."""
        charge, end = place.charge, self.charger.now() + timedelta(seconds=self.patience)
        while charge is place.charge and charge is not None and charge.waits and self.charger.now() < end:
            await self.charger.until(min(end, self.charger.now() + timedelta(seconds=0.1)))

    def _words(self, place: Evse, car: Car, departs: datetime) -> Payload:
        """ChargingNeedsType; whole numbers, as 2.0.1 has them."""
        words: Payload = {"departureTime": stamp(departs)}
        if car.dc:
            words["requestedEnergyTransfer"] = "DC"
            words["dcChargingParameters"] = {
                "evMaxCurrent": int(place.power_w / DC_VOLTAGE),
                "evMaxVoltage": DC_VOLTAGE,
                "evMaxPower": int(self._most_w(place)),
                "energyAmount": int(car.wants_wh),
                "evEnergyCapacity": int(car.battery_wh),
                "stateOfCharge": int(car.soc),
                "fullSoC": 100,
                "bulkSoC": 80,
            }
            return words
        names = {1: "AC_single_phase", 2: "AC_two_phase", 3: "AC_three_phase"}
        words["requestedEnergyTransfer"] = names[place.phases]
        words["acChargingParameters"] = {
            "energyAmount": int(car.wants_wh),
            "evMinCurrent": int(LEAST_A),
            "evMaxCurrent": int(self._most_a(place)),
            "evMaxVoltage": 400 if place.phases > 1 else place.voltage,
        }
        return words

    def transfer(self, evse: int) -> str | None:
        """How the car there takes its energy, as EnergyTransferModeEnumType; None where no car has said so."""
        if evse not in self._cars:
            return None
        car, departs = self._cars[evse]
        return str(self._words(self.charger.evses[evse], car, departs)["requestedEnergyTransfer"])

    @staticmethod
    def _most_a(place: Evse) -> Decimal:
        return place.most_a if place.car_a is None else min(place.most_a, place.car_a)

    def _most_w(self, place: Evse) -> Decimal:
        return self._most_a(place) * place.voltage * place.phases

    # --- the schedule -----------------------------------------------------------------------------------------------

    async def schedule_came(self, place: Evse, kept: Kept) -> None:
        """A profile for this car: it chooses one of its schedules and says how it will charge (K15.FR.09, K16)."""
        charge = place.charge
        if charge is None or place.number not in self._cars:
            return
        now, (_, departs) = self.charger.now(), self._cars[place.number]
        kept.choose(self._best(place, kept, now, departs))
        periods, energy = self._plan(place, now, departs)
        unit = kept.schedule["chargingRateUnit"]
        factor = place.voltage * place.phases if unit == "W" else 1
        schedule: Payload = {
            "id": int(kept.schedule.get("id", kept.id)),
            "chargingRateUnit": unit,
            "duration": max(int((departs - now).total_seconds()), 0),
            "chargingSchedulePeriod": [{"startPeriod": at, "limit": float(limit * factor)} for at, limit in periods],
        }
        told: Payload = {"timeBase": stamp(now), "evseId": place.number, "chargingSchedule": schedule}
        if self.charger.protocol == "ocpp2.1":
            told["selectedChargingScheduleId"] = schedule["id"]
        self.plans.append(told)
        missing = (
            charge.wants_wh - charge.got_wh(place.meter_wh) - energy if charge.wants_wh is not None else Decimal(0)
        )
        short = "" if missing < 1 else f", {missing / 1000:.3f} kWh too little"
        words = ", ".join(f"{limit:f} A from {at} s" for at, limit in periods)
        self.charger.tell("schedule", f"EVSE {place.number} follows {words}{short}")
        charge.waits = False
        answer = await self.charger.say("NotifyEVChargingSchedule", told)
        if answer.get("status") != "Accepted":
            self.charger.tell("schedule", f"the plan was not taken: {why(answer)}")

    def _best(self, place: Evse, kept: Kept, now: datetime, departs: datetime) -> int:
        """The schedule that brings most of what is wanted; of equals, the first, for that is how they are ordered."""
        energies = []
        for number in range(len(kept.schedules)):
            kept.choose(number)
            energies.append(self._plan(place, now, departs)[1])
        return energies.index(max(energies))

    def _plan(self, place: Evse, now: datetime, departs: datetime) -> tuple[list[tuple[int, Decimal]], Decimal]:
        """From which second on the car draws how many A per phase until it leaves or is full; and the Wh that gives."""
        charge = place.charge
        wanted = Decimal("Infinity")
        if charge is not None and charge.wants_wh is not None:
            wanted = max(charge.wants_wh - charge.got_wh(place.meter_wh), Decimal(0))
        if wanted <= 0 or departs <= now:
            return [(0, Decimal(0))], Decimal(0)
        steps = self.charger.stack.steps(place, now, departs)
        periods: list[tuple[int, Decimal]] = []
        energy = Decimal(0)
        ends: list[Any] = [start for start, _ in steps[1:]]
        for (start, limit), end in zip(steps, [*ends, departs], strict=True):
            amperes = min(limit, self._most_a(place))
            amperes = amperes if amperes >= LEAST_A else Decimal(0)
            periods.append((int((start - now).total_seconds()), amperes))
            power = amperes * place.voltage * place.phases
            seconds = Decimal((end - start) / timedelta(microseconds=1)) / 1_000_000
            if power > 0 and energy + power * seconds / 3600 >= wanted:
                full = (start - now).total_seconds() + float((wanted - energy) * 3600 / power)
                return [*periods, (int(full) + 1, Decimal(0))][:TUPLES], wanted
            energy += power * seconds / 3600
        return periods[:TUPLES], energy
