"""A master card was shown to a charger that knows no such cards: what runs there is stopped from here."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import ChargerBook, ChargerPort, StopCharging, TransactionFilter
from ocpi_hub.base.jobs import job, ring_after_commit
from ocpi_hub.base.resources import Resources

log = structlog.get_logger()


@job("chargers.stop_all")
async def stop_all(resources: Resources, charger_id: str) -> None:
    """Stop every running transaction of a charger; the driver who is not heard shows the card again."""
    book = resources.get(ChargerBook)  # type: ignore[type-abstract]
    async with resources.unit_of_work() as db:
        charger = await book.charger(charger_id, db)
        running = await book.transactions(TransactionFilter(charger_id=charger_id, active=True), db)
    if charger is None or charger.knows_masters:
        return
    within = timedelta(seconds=resources.settings.charger_timeout)
    for transaction in running:
        port = resources.get(ChargerPort)  # type: ignore[type-abstract]
        outcome = await port.ask(charger_id, StopCharging(transaction.id), within=within)
        log.info("master.stops", charger=charger_id, transaction=transaction.id, outcome=outcome.status.value)


def ring(db: AsyncSession, charger_id: str) -> None:
    """Have it done once `db` has committed."""
    ring_after_commit(db, stop_all, charger_id)
