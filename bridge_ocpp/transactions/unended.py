"""Transactions whose end never came: another one began at their EVSE, or their connector is free again.

That may be a stop that is still on its way, so they wait as long as an end with gaps does; whatever is heard of one
meanwhile shows that it goes on. Then it is over, suspect and unbilled. An end that comes after all is a correction.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.words import ConnectorTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.tables import SampleRow, TransactionEventRow, TransactionRow
from bridge_ocpp.transactions.merging import NO_END, flag


async def followed(db: AsyncSession, row: TransactionRow, hearing: Hearing) -> None:
    """A transaction has begun: an EVSE charges one car, so one that began there before should have ended."""
    if row.evse_id:
        await _wait(db, row.evse_id, hearing, col(TransactionRow.id) != row.id, before=row.started_at)


async def left(db: AsyncSession, told: ConnectorTold, at: datetime, hearing: Hearing) -> None:
    """A connector became free, or an EVSE as a whole: there is no car at it any more."""
    here = col(TransactionRow.connector_id) == told.connector_id if told.connector_id else true()
    await _wait(db, told.evse_id, hearing, here, before=at)


async def _wait(
    db: AsyncSession, evse_id: int, hearing: Hearing, which: ColumnElement[bool], *, before: datetime
) -> None:
    row = TransactionRow
    statement = update(row).where(
        col(row.charger_key) == hearing.speaker.key,
        col(row.evse_id) == evse_id,
        col(row.ended_at).is_(None),
        col(row.settle_at).is_(None),
        col(row.started_at) < before,
        which,
    )
    await db.execute(
        statement.values(settle_at=hearing.received + hearing.settle_window).execution_options(
            synchronize_session=False
        )
    )


def goes_on(row: TransactionRow) -> None:
    """Something was heard of it: it does not wait for being over."""
    if row.ended_at is None:
        row.settle_at = None


async def over(db: AsyncSession, row: TransactionRow, *, now: datetime) -> None:
    """Nothing more came: it ended when it was last heard of."""
    event, sample = TransactionEventRow, SampleRow
    said = select(func.max(col(event.at))).where(col(event.transaction_id) == row.id)
    metered = select(func.max(col(sample.at))).where(col(sample.transaction_id) == row.id)
    heard = [at for at in (await db.scalar(said), await db.scalar(metered)) if at is not None]
    row.ended_at, row.ended_received_at = max(row.started_at, *heard), now
    flag(row, NO_END)
