"""What a charge costs, for the driver who stands at the charger: told while it runs, and in the answer to its end.

It is what the Session says, which pricing has computed: a driver and an eMSP never see two prices.
"""

from datetime import timedelta
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from bridge_ocpp.port import ChargerPort, TellCost, WatchBook
from ocpi_hub.base.jobs import job, ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.chargers.telling import owner_of
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import SESSIONS
from ocpi_hub.wire import json as wire_json

log = structlog.get_logger()


async def of(transaction_id: str, db: AsyncSession) -> Decimal | None:
    """The total of a transaction's Session, taxes included where they are known; None where it has no price."""
    link = await db.scalar(select(SessionLink).where(SessionLink.transaction_id == transaction_id))
    if link is None or link.session_id is None:
        return None
    kept = await reading.get(db, SESSIONS, owner=owner_of(link), object_id=link.session_id)
    total = wire_json.loads(kept.document).get("total_cost") if kept is not None else None
    if total is None:
        return None
    return Decimal(str(total.get("incl_vat", total["excl_vat"])))


async def changed(resources: Resources, link: SessionLink, db: AsyncSession) -> None:
    """The Session has another total: its charger is told once this is committed, if it shows costs."""
    if await resources.get(WatchBook).shows_cost(link.charger_id, db):  # type: ignore[type-abstract]
        ring_after_commit(db, tell, str(link.transaction_id))


@job("chargers.tell_cost")
async def tell(resources: Resources, transaction_id: str) -> None:
    """Tell the charger what its transaction costs now. A lost bell is no matter: the next one says more."""
    async with resources.unit_of_work() as db:
        link = await db.scalar(select(SessionLink).where(SessionLink.transaction_id == transaction_id))
        total = await of(transaction_id, db)
    if link is None or total is None or link.ended_at is not None:
        return
    within = timedelta(seconds=resources.settings.charger_timeout)
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    outcome = await port.ask(link.charger_id, TellCost(transaction_id, total), within=within)
    if not outcome.accepted:
        log.info("cost.not_told", charger=link.charger_id, outcome=outcome.status.value)
