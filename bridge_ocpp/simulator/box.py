"""What every part of a simulated charger needs of the whole: its clock, its voice, its EVSEs, and a restart."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from bridge_ocpp.simulator.device import Device
from bridge_ocpp.simulator.meter import Charge, Evse, Payload
from bridge_ocpp.simulator.stack import Stack

LOOKS_EVERY = 0.2
"""Seconds between two looks at the clock, where something waits for its time: a clock that may be set is no event."""


class Box(ABC):
    """A charger as its parts know it. `tell` is for whoever watches the simulation: (what, text)."""

    vendor = "Simulated"
    model = "Box"
    firmware = "1.0.0"
    charger_id: str
    boot_reason: str
    online: asyncio.Event
    tell: Callable[[str, str], None]
    evses: dict[int, Evse]
    device: Device
    stack: Stack

    @property
    @abstractmethod
    def protocol(self) -> str:
        """The version that it speaks, such as `ocpp2.1`."""

    @abstractmethod
    def now(self) -> datetime:
        """What the charger's own clock says."""

    @abstractmethod
    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the answer has left."""

    @abstractmethod
    async def call(self, action: str, payload: Payload, *, within: float = 30.0) -> Payload:
        """Say something and wait for the answer. Raises ConnectionError when offline, TimeoutError without answer."""

    @abstractmethod
    async def say(self, action: str, payload: Payload) -> Payload:
        """Say something that is not repeated when it cannot be said; the answer, {} where there is none."""

    @abstractmethod
    async def send(self, action: str, payload: Payload) -> None:
        """Say something that is never answered (2.1: SEND), where it can be said."""

    @abstractmethod
    def trigger(self, message: str, evse: int | None = None) -> bool:
        """What TriggerMessage asks for; False for a message that this charger cannot send."""

    @abstractmethod
    async def restart(self, reason: str = "Reboot", *, because: str = "RemoteReset") -> None:
        """Stop what runs, restart, and come back; what waited for a restart counts then."""

    @abstractmethod
    async def obey(self) -> None:
        """Let every car draw what it may draw now, and say what that changed."""

    @abstractmethod
    def meter_now(self) -> None:
        """Read every meter: what comes after is drawn at another power."""

    @abstractmethod
    async def set_status(self, evse: int, status: str) -> None:
        """Change what the EVSE says of itself."""

    def free_evse(self, number: int | None, token: str | None = None, group: str | None = None) -> Evse | None:
        """An EVSE where a car could charge, this one or any: one that is kept for a token is free for that token."""
        wanted = [self.evses[number]] if number in self.evses else [] if number else list(self.evses.values())
        return next((evse for evse in wanted if _is_free(evse, token, group)), None)

    def charge_named(self, ocpp_id: int | str) -> Charge | None:
        """The running charge with this id."""
        charges = (evse.charge for evse in self.evses.values() if evse.charge is not None)
        return next((charge for charge in charges if str(charge.ocpp_id) == str(ocpp_id)), None)

    def charging(self) -> bool:
        return any(evse.charge is not None for evse in self.evses.values())

    async def until(self, moment: datetime) -> None:
        """Wait until the charger's own clock says so."""
        while self.now() < moment:  # noqa: ASYNC110 - a clock that may be set is not an event
            await asyncio.sleep(min(LOOKS_EVERY, max((moment - self.now()).total_seconds(), 0.001)))


def _is_free(evse: Evse, token: str | None, group: str | None) -> bool:
    if evse.charge is not None or evse.status in ("Faulted", "Unavailable"):
        return False
    kept = evse.reservation
    return kept is None or (token is not None and kept.lets_in(token, group))
