"""What every part of a simulated charger needs of the whole: its clock, its voice, and that it can restart."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from bridge_ocpp.simulator.meter import Payload


class Box(ABC):
    """A charger as its parts know it. `tell` is for whoever watches the simulation: (what, text)."""

    vendor = "Simulated"
    model = "Box"
    firmware = "1.0.0"
    charger_id: str
    boot_reason: str
    online: asyncio.Event
    tell: Callable[[str, str], None]

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
    async def say(self, action: str, payload: Payload) -> None:
        """Say something that is not repeated when it cannot be said."""

    @abstractmethod
    def trigger(self, message: str) -> bool:
        """What TriggerMessage asks for; False for a message that this charger cannot send."""

    @abstractmethod
    async def restart(self, reason: str = "Reboot", *, because: str = "RemoteReset") -> None:
        """Stop what runs, restart, and come back; what waited for a restart counts then."""
