"""What a version of OCPP must have words for, so that a charger can be driven in it."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload


class Speech(Protocol):
    """Each is a message, as its action and its payload, or reads the answer to one."""

    protocol: str
    profile_key: str
    """What this version calls the id of a charging profile."""

    def data(self, vendor: str, message: str, data: str) -> tuple[str, Payload]: ...

    def status(self, evse: Evse, at: datetime) -> tuple[str, Payload]: ...

    def authorize(self, token: str) -> tuple[str, Payload]: ...

    def verdict(self, answer: Payload) -> str: ...

    def group(self, answer: Payload) -> str | None:
        """The group of the token that the answer is about."""

    def started(self, charge: Charge) -> tuple[str, Payload]: ...

    def name_charge(self, charge: Charge, answer: Payload) -> None:
        """Note what the charge is called from now on."""

    def sampled(self, charge: Charge, at: datetime, meter: Decimal, drawn: Drawn) -> tuple[str, Payload]: ...

    def metered(self, evse: Evse, at: datetime) -> tuple[str, Payload]: ...

    def stopped(self, charge: Charge, at: datetime, meter: Decimal) -> tuple[str, Payload]: ...
