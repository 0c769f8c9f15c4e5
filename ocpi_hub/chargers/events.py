"""HubPort: what the bridge calls inside its open transaction. A table says which event goes where."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import (
    ChargerBooted,
    ChargerOnline,
    ConnectorStatusChanged,
    Event,
    IdToken,
    LimitChanged,
    ReservationChanged,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
    Verdict,
    Where,
)
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import authorizing, costs, evses, limits, reservations, sessions

log = structlog.get_logger()

Handler = Callable[[Resources, Any, AsyncSession], Awaitable[None]]

HEARD: dict[type[Event], Handler] = {
    ConnectorStatusChanged: evses.connector_changed,
    TransactionStarted: sessions.started,
    TransactionUpdated: sessions.updated,
    TransactionEnded: sessions.ended,
    TransactionCorrected: sessions.corrected,
    ReservationChanged: reservations.changed,
    LimitChanged: limits.changed,
}
TOGETHER: dict[type[Event], Callable[[Resources, Any, AsyncSession], Awaitable[None]]] = {
    ChargerBooted: evses.booted,
    ChargerOnline: evses.connections_changed,
}
"""What is heard of many chargers at once."""


class HubEvents:
    """The business side of the bridge (bridge_ocpp.port.HubPort)."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def heard(self, event: Event, db: AsyncSession) -> None:
        """Take note of an event; everything that follows from it is written to `db`."""
        if type(event) in TOGETHER:
            await self.heard_all([event], db)
            return
        handler = HEARD.get(type(event))
        if handler is None:
            log.info("charger.event_without_meaning", charger=event.charger_id, kind=type(event).__name__)
            return
        await handler(self._resources, event, db)

    async def heard_all(self, events: Sequence[Event], db: AsyncSession) -> None:
        """Take note of events of one kind, of a charger each; those of chargers that come in a few statements."""
        handler = TOGETHER.get(type(events[0])) if events else None
        if handler is not None:
            await handler(self._resources, events, db)
            return
        for event in events:
            await self.heard(event, db)

    async def cost_of(self, transaction_id: str, db: AsyncSession) -> Decimal | None:
        """What the transaction's Session says."""
        return await costs.of(transaction_id, db)

    async def may_charge(self, token: IdToken, where: Where, db: AsyncSession) -> Verdict:
        """Decide about a token within `authorize_timeout` seconds; a partner's fault is a refusal, not an error."""
        return await authorizing.may_charge(self._resources, token, where, db)
