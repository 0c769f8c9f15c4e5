"""What happens between a driver, a car and a charger: cards, contracts, charges, what the meter shows, what profiles
allow.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from websockets.exceptions import ConnectionClosed

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.car import Car
from bridge_ocpp.simulator.contract import PlugAndCharge
from bridge_ocpp.simulator.dynamic import Dynamic
from bridge_ocpp.simulator.grid import Grid
from bridge_ocpp.simulator.limits import Limits
from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload
from bridge_ocpp.simulator.needs import Needs
from bridge_ocpp.simulator.outbox import Outbox
from bridge_ocpp.simulator.paying import Till
from bridge_ocpp.simulator.reserving import Reservations
from bridge_ocpp.simulator.security import Safe
from bridge_ocpp.simulator.speech import Speech
from bridge_ocpp.simulator.streams import Streams
from bridge_ocpp.simulator.swap import Slots
from bridge_ocpp.simulator.tariffs import Tariffs
from bridge_ocpp.simulator.upkeep import Workshop
from bridge_ocpp.simulator.watching import Watch


class Driven(Box):
    """A charger as drivers know it, and as the central system drives it from afar."""

    speech: Speech
    outbox: Outbox
    watch: Watch
    workshop: Workshop
    safe: Safe
    contracts: PlugAndCharge
    needs: Needs
    limits: Limits
    reservations: Reservations
    dynamic: Dynamic
    tariffs: Tariffs
    grid: Grid
    slots: Slots
    till: Till
    streams: Streams
    smart: bool
    refused: frozenset[str]
    unable: set[str]
    inoperative: set[int]
    restart_when_idle: bool
    sample_every: float | None

    async def swipe(self, evse: int, token: str, *, car: Car | None = None) -> str:
        """Hold a card to the reader: authorise and start, or stop what this card or another of its group has started.
        A `car` says what it needs when it is plugged in.

        Returns the verdict, such as `Accepted` or `Invalid`.
        """
        running = self.evses[evse].charge
        if running is not None:
            return await self._swipe_to_stop(running, token)
        verdict, group = await self._admitted(evse, token)
        if verdict == "Accepted":
            await self.charge_begins(evse, token, group=group, car=car)
        return verdict

    async def _admitted(self, evse: int, token: str) -> tuple[str, str | None]:
        """Whether this card may charge here: not at an EVSE that is kept for another, or paid for on the web."""
        if self.till.is_paid_elsewhere(evse):
            self.tell("card", "somebody pays for this EVSE on the web")
            return "PaidOnTheWeb", None
        before = self.evses[evse].status
        await self.set_status(evse, "Preparing")
        verdict, group = await self._verdict(token)
        kept = self.evses[evse].reservation
        if verdict == "Accepted" and kept is not None and not kept.lets_in(token, group):
            verdict = "Reserved"
        self.tell("card", verdict)
        if verdict != "Accepted":
            await self.set_status(evse, before)
        return verdict, group

    async def plug_and_charge(self, evse: int, car: Car) -> str:
        """Plug in a car that shows its contract instead of a card. The verdict. Raises NoContract."""
        await self.set_status(evse, "Preparing")
        try:
            verdict, group = await self.contracts.show(car)
        except BaseException:
            await self.set_status(evse, "Available")
            raise
        if verdict == "Accepted":
            await self.charge_begins(evse, str(car.emaid), shown_as="eMAID", group=group)
        else:
            await self.set_status(evse, "Available")
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
        self.tariffs.driver(token, answer.get("tariff"))
        return verdict, self.speech.group(answer)

    async def charge_begins(
        self,
        evse: int,
        token: str,
        *,
        remote_start_id: int | None = None,
        profile: Payload | None = None,
        group: str | None = None,
        shown_as: str = "ISO14443",
        car: Car | None = None,
    ) -> None:
        """A car is plugged in and charges; a remote start may bring a `profile` for it, a `car` what it needs."""
        place = self.evses[evse]
        now = self.now()
        place.read(now)
        charge = Charge(evse, token, now, place.read(now), shown_as, remote_start_id=remote_start_id, group=group)
        place.charge = charge
        if place.reservation is not None:
            charge.reservation_id, place.reservation = place.reservation.id, None
        self.tariffs.begins(charge)
        self.till.paid(evse)
        if car is not None:
            self.needs.plugged(place, car)
        profile = None if profile is None else dict(profile)
        if profile is not None and self.smart and not self.refuses(profile["chargingProfilePurpose"]):
            self.stack.put(evse, profile, key=self.speech.profile_key)
        charge.cost = self.tariffs.cost(charge, now, charge.meter_start)
        charge.tariff_id = self.tariffs.tariff_of(charge)
        self.outbox.put(
            lambda: self.speech.started(charge),
            lambda answer: self.speech.name_charge(charge, answer),
            about=charge.local_id,
        )
        await self.outbox.flush()
        if profile is not None:
            profile["transactionId"] = charge.ocpp_id
        await self.set_status(evse, "SuspendedEVSE" if place.drawn_w(now) == 0 else "Charging")
        self.tell("charge", f"EVSE {evse} charges at {(place.drawn_w(now) / 1000).normalize():f} kW")
        await self.obey()
        self.soon(self._sampling(place, charge))
        if car is not None:
            self.soon(self.needs.tell(place))

    async def _sampling(self, place: Evse, charge: Charge) -> None:
        while True:
            await asyncio.sleep(self.sample_every or float(self.device.value("MeterValueSampleInterval")) or 60.0)
            if place.charge is not charge:
                return
            at = self.now()
            if charge.is_served(place.read(at)) and not charge.suspended:
                await self.suspend(place.number)
            await self.obey()
            self.sample(place, at)
            await self.outbox.flush()

    def sample(self, place: Evse, at: datetime) -> None:
        """Queue what the meter shows."""
        if place.charge is not None:
            meter = place.read(at)
            place.charge.cost = self.tariffs.cost(place.charge, at, meter)
            place.charge.tariff_id = self.tariffs.tariff_of(place.charge)
            place.charge.soc = self.needs.soc(place)
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
            place.charge.suspended, place.charge.suspended_at = True, at
            self.tell("charge", f"the car at EVSE {evse} is full")
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
        self.needs.gone(evse)
        charge.stop_reason = reason
        charge.cost = self.tariffs.cost(charge, at, meter)
        self.tariffs.over(charge)
        self._must_say(self.speech.stopped, charge, at, meter)
        await self.outbox.flush()
        kwh = f"{charge.got_wh(meter) / 1000:f}"
        self.watch.served(charge.token, kwh)
        self.tell("charge", f"EVSE {evse} stopped after {kwh} kWh")
        if charge.cost is not None:
            total = charge.cost["totalCost"]
            self.tell("cost", f"{total['total']['exclTax']} {total['currency']} without tax, by this charger's tariff")
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
        self.outbox.put(lambda: say(charge, *facts), self._heard_cost, about=charge.local_id)

    def _heard_cost(self, answer: Payload) -> None:
        if answer.get("totalCost") is not None:
            self.watch.cost(answer["totalCost"])

    # -- what the central system asks for ----------------------------------------------------------------------------

    def stop(self, ocpp_id: int | str) -> str:
        """Stop a charge from afar: Accepted, or Rejected where there is none with this id."""
        charge = self.charge_named(ocpp_id)
        if charge is None:
            return "Rejected"
        self.soon(self.charge_ends(charge.evse, reason="Remote"))
        return "Accepted"

    async def unlocked(self, evse: int) -> None:
        if evse in self.evses:
            await self.charge_ends(evse, reason="UnlockCommand")

    async def fault(self, evse: int) -> None:
        """Something breaks: what charges there ends, a reservation is lost."""
        await self.charge_ends(evse, reason="Other")
        self.tell("fault", f"EVSE {evse} is out of order")
        await self.set_status(evse, "Faulted")
        await self.reservations.lose(evse)

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
                if not operative:
                    self.soon(self.reservations.lose(evse.number))
                self.soon(self.set_status(evse.number, "Available" if operative else "Unavailable"))
        return status
