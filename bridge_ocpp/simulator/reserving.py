"""EVSEs kept for a driver: until the driver comes, the reservation is cancelled, or its time is over (block H)."""

from __future__ import annotations

from datetime import datetime

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Evse, Payload, Reservation


class Reservations:
    """The reservations at one charger; each stands at its EVSE."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger

    def reserve(
        self, evse: int | None, number: int, token: str, *, expires: datetime | None = None, group: str | None = None
    ) -> str:
        """Keep an EVSE, any one for None: Accepted, or why not. The same number again is the same reservation."""
        old = self._named(number)
        place = self.charger.evses.get(evse) if evse else self.charger.free_evse(None)
        if evse and place is None:
            return "Rejected"
        if place is None or (place is not old and place.status != "Available"):
            status = None if place is None else place.status
            return status if status in ("Faulted", "Unavailable") else "Occupied"
        if old is not None and old is not place:
            old.reservation = None
            self.charger.soon(self.charger.set_status(old.number, "Available"))
        place.reservation = Reservation(number, token, expires, group)
        self.charger.tell("reserved", f"EVSE {place.number} for {token}")
        self.charger.soon(self.charger.set_status(place.number, "Reserved"))
        if expires is not None:
            self.charger.soon(self._expire(place, place.reservation, expires))
        return "Accepted"

    def release(self, number: int) -> bool:
        """Cancelled by the central system, which needs not be told."""
        place = self._named(number)
        if place is None:
            return False
        place.reservation = None
        self.charger.soon(self.charger.set_status(place.number, "Available"))
        return True

    async def lose(self, evse: int) -> None:
        """What happens to the EVSE, a fault or an order, takes its reservation away."""
        place = self.charger.evses[evse]
        if place.reservation is not None:
            number, place.reservation = place.reservation.id, None
            await self._told(number, "Removed")

    async def _expire(self, place: Evse, reservation: Reservation, at: datetime) -> None:
        await self.charger.until(at)
        if place.reservation is not reservation:
            return
        place.reservation = None
        await self.charger.set_status(place.number, "Available")
        await self._told(reservation.id, "Expired")

    async def _told(self, number: int, status: str) -> None:
        """1.6 has no word for it: the status of the connector says it."""
        self.charger.tell("reserved", f"reservation {number}: {status.lower()}")
        if self.charger.protocol != "ocpp1.6":
            told: Payload = {"reservationId": number, "reservationUpdateStatus": status}
            await self.charger.say("ReservationStatusUpdate", told)

    def _named(self, number: int) -> Evse | None:
        places = self.charger.evses.values()
        return next((p for p in places if p.reservation is not None and p.reservation.id == number), None)
