"""A connected charger, as those see it that ask it something: all rooms but the listener know no more of a socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from bridge_ocpp.asking import Asker
from bridge_ocpp.desk import Desk
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.ocppj import Fault
from bridge_ocpp.port import Outcome
from bridge_ocpp.schemas import Edition
from bridge_ocpp.speaker import Speaker


class Connected(Protocol):
    """Implemented by connection.Connection."""

    @property
    def speaker(self) -> Speaker: ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def edition(self) -> Edition:
        """The schemas of its version."""

    @property
    def desk(self) -> Desk: ...

    @property
    def asker(self) -> Asker: ...

    @property
    def limiting(self) -> asyncio.Lock:
        """Held while the limits of its transactions are changed."""

    async def reject_result(self, message_id: str, fault: Fault, reason: str, *, action: str) -> None:
        """Tell the charger that its CALLRESULT makes no sense, in versions that have a frame for that."""


Procedure = Callable[..., Awaitable[Outcome]]
"""Does one command over a connection: `(connection, command, *, within)`, in seconds."""
