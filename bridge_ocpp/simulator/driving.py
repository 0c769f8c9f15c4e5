"""What happens between a driver, a car and a charger: cards, charges, what the meter shows, and what profiles allow."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from websockets.exceptions import ConnectionClosed

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.device import Device
from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload
from bridge_ocpp.simulator.outbox import Outbox
from bridge_ocpp.simulator.security import Safe
from bridge_ocpp.simulator.speech import Speech
from bridge_ocpp.simulator.stack import Stack
from bridge_ocpp.simulator.upkeep import Workshop
from bridge_ocpp.simulator.watching import Watch


class Driven(Box):
    """A charger as drivers know it, and as the central system drives it from afar."""

    speech: Speech
    evses: dict[int, Evse]
    device: Device
    stack: Stack
    outbox: Outbox
    watch: Watch
    workshop: Workshop
    safe: Safe
    smart: bool
    refused: frozenset[str]
    inoperative: set[int]
    restart_when_idle: bool
    sample_every: float | None

    def charging(self) -> bool:
        return any(evse.charge is not None for evse in self.evses.values())

    async def swipe(self, evse: int, token: str) -> str:
        """Hold a card to the reader: authorise and start, or stop what this card or another of its group has started.

        Returns the verdict, such as `Accepted` or `Invalid`.
        """
        running = self.evses[evse].charge
        if running is not None:
            return await self._swipe_to_stop(running, token)
        await self.set_status(evse, "Preparing")
        verdict, group = await self._verdict(token)
        self.tell("card", verdict)
        if verdict != "Accepted":
            await self.set_status(evse, "Available")
            return verdict
        await self.charge_begins(evse, token, group=group)
        return verdict

    async def _swipe_to_stop(self, charge: Charge, token: str) -> str:
        if token.casefold() == charge.token.casefold():
            await self.charge_ends(charge.evse)
            return "Accepted"
        verdict, group = await self._verdict(token)
        self.tell("card", verdict)
        masters = self.device.named("AuthCtrlr", "MasterPassGroupId")
        master = group is not None and masters is not None and group == masters.value
        if verdict == "Accepted" and group is not None and (master or group == charge.group):
            await self.charge_ends(charge.evse, reason="MasterPass" if master else "Local")
        return verdict

    async def _verdict(self, token: str) -> tuple[str, str | None]:
        """Ask; away from the central system, or where the list goes first, what is known of the token decides."""
        first = self.device.value("LocalPreAuthorize") == "true"
        known = self.device.knows(token)
        if first and known == "Accepted":
            return known, self.device.group_of(token)
        try:
            answer = await self.call(*self.speech.authorize(token))
        except (ConnectionError, ConnectionClosed, TimeoutError):
            unknown = self.device.value("AllowOfflineTxForUnknownId") == "true"
            if known is None or self.device.value("LocalAuthorizeOffline") != "true":
                return "Accepted" if unknown else "Invalid", None
            return known, self.device.group_of(token)
        verdict = self.speech.verdict(answer)
        self.device.remembered[token.casefold()] = verdict
        return verdict, self.speech.group(answer)

    async def charge_begins(
        self,
        evse: int,
        token: str,
        *,
        remote_start_id: int | None = None,
        profile: Payload | None = None,
        group: str | None = None,
    ) -> None:
        """A car is plugged in and charges; a remote start may bring a `profile` for it."""
        place = self.evses[evse]
        now = self.now()
        place.read(now)
        place.charge = Charge(evse, token, now, place.read(now), remote_start_id=remote_start_id, group=group)
        charge = place.charge
        profile = None if profile is None else dict(profile)
        if profile is not None and self.smart and not self.refuses(profile["chargingProfilePurpose"]):
            self.stack.put(evse, profile, key=self.speech.profile_key)
        self.outbox.put(lambda: self.speech.started(charge), lambda answer: self.speech.name_charge(charge, answer))
        await self.outbox.flush()
        if profile is not None:
            profile["transactionId"] = charge.ocpp_id
        await self.set_status(evse, "SuspendedEVSE" if place.drawn_w(now) == 0 else "Charging")
        self.tell("charge", f"EVSE {evse} charges at {(place.drawn_w(now) / 1000).normalize():f} kW")
        await self.obey()
        self.soon(self._sampling(place, charge))

    async def _sampling(self, place: Evse, charge: Charge) -> None:
        while True:
            await asyncio.sleep(self.sample_every or float(self.device.value("MeterValueSampleInterval")) or 60.0)
            if place.charge is not charge:
                return
            at = self.now()
            await self.obey()
            self.sample(place, at)
            await self.outbox.flush()

    def sample(self, place: Evse, at: datetime) -> None:
        """Queue what the meter shows."""
        if place.charge is not None:
            meter = place.read(at)
            drawn = Drawn(place.drawn_w(at), place.drawn_a(at), place.offered_a(at), place.phases)
            self._must_say(self.speech.sampled, place.charge, at, meter, drawn)

    def meter_now(self) -> None:
        """Read every meter: what comes after is drawn at another power."""
        for place in self.evses.values():
            place.read(self.now())

    def refuses(self, purpose: str) -> bool:
        return purpose in self.refused

    async def obey(self) -> None:
        """Say which charges the profiles hold back, and measure those whose current has changed."""
        at = self.now()
        for place in self.evses.values():
            charge = place.charge
            if charge is None or charge.suspended:
                continue
            held, offered = place.drawn_w(at) == 0, place.offered_a(at)
            if charge.offered_a not in (None, offered):
                self.tell("limit", f"EVSE {place.number} may draw {offered:f} A")
                self.sample(place, at)
            charge.offered_a, charge.held = offered, held
            await self.set_status(place.number, "SuspendedEVSE" if held else "Charging")
        await self.outbox.flush()

    async def suspend(self, evse: int) -> None:
        """The car is full: it stays plugged in and takes no more power."""
        place = self.evses[evse]
        if place.charge is not None:
            at = self.now()
            place.read(at)
            place.charge.suspended = True
            self.sample(place, at)
            await self.outbox.flush()
            await self.set_status(evse, "SuspendedEV")

    async def charge_ends(self, evse: int, *, reason: str = "Local") -> None:
        """Stop the charge at an EVSE and let the car drive away."""
        place = self.evses[evse]
        charge = place.charge
        if charge is None:
            return
        at = self.now()
        meter = place.read(at)
        place.charge = None
        self.stack.ended(charge.ocpp_id)
        charge.stop_reason = reason
        self._must_say(self.speech.stopped, charge, at, meter)
        await self.outbox.flush()
        self.tell("charge", f"EVSE {evse} stopped after {(meter - charge.meter_start) / 1000:f} kWh")
        await self.set_status(evse, "Finishing")
        await self.set_status(evse, "Unavailable" if evse in self.inoperative else "Available")
        if self.restart_when_idle and not self.charging():
            self.soon(self.restart("ImmediateReset"))

    async def set_status(self, evse: int, status: str) -> None:
        """Change what the EVSE says of itself."""
        place = self.evses[evse]
        if place.status != status:
            place.status = status
            await self.say(*self.speech.status(place, self.now()))

    def _must_say(self, say: Callable[..., tuple[str, Payload]], charge: Charge, *facts: Any) -> None:
        self.outbox.put(lambda: say(charge, *facts), self._heard_cost)

    def _heard_cost(self, answer: Payload) -> None:
        if answer.get("totalCost") is not None:
            self.watch.cost(answer["totalCost"])

    # -- what the central system asks for ----------------------------------------------------------------------------

    def free_evse(self, number: int | None) -> Evse | None:
        wanted = [self.evses[number]] if number in self.evses else [] if number else list(self.evses.values())
        return next((e for e in wanted if e.charge is None and e.status not in ("Faulted", "Unavailable")), None)

    def charge_named(self, ocpp_id: int | str) -> Charge | None:
        charges = (evse.charge for evse in self.evses.values() if evse.charge is not None)
        return next((charge for charge in charges if str(charge.ocpp_id) == str(ocpp_id)), None)

    async def unlocked(self, evse: int) -> None:
        if evse in self.evses:
            await self.charge_ends(evse, reason="UnlockCommand")

    async def reserve(self, evse: int | None, reservation: int, token: str) -> str:
        place = self.free_evse(evse)
        if place is None:
            return "Occupied"
        place.reservation = (reservation, token)
        self.soon(self.set_status(place.number, "Reserved"))
        return "Accepted"

    async def release(self, reservation: int) -> bool:
        for place in self.evses.values():
            if place.reservation is not None and place.reservation[0] == reservation:
                place.reservation = None
                self.soon(self.set_status(place.number, "Available"))
                return True
        return False

    def change_availability(self, number: int | None, *, operative: bool) -> str:
        """One EVSE, or all of them: Accepted, or Scheduled where a car charges; Rejected for one that there is not."""
        if number is not None and number not in self.evses:
            return "Rejected"
        status = "Accepted"
        for evse in self.evses.values():
            if number not in (None, evse.number):
                continue
            (self.inoperative.discard if operative else self.inoperative.add)(evse.number)
            if evse.charge is not None:
                status = "Scheduled"
            else:
                self.soon(self.set_status(evse.number, "Available" if operative else "Unavailable"))
        return status
