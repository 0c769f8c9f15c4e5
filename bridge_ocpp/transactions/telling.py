"""What the business side is told of a transaction, and when: its start once, its news, its end once, corrections."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import records
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.meter import BEGIN
from bridge_ocpp.port import (
    HubPort,
    Sample,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from bridge_ocpp.tables import TransactionEventRow, TransactionRow
from bridge_ocpp.transactions import counting
from bridge_ocpp.transactions.merging import NO_EVSE, SEQ_REUSED, flag


async def tell(
    db: AsyncSession, row: TransactionRow, new: Sequence[Sample], hearing: Hearing, *, changed: bool, began: bool
) -> None:
    """Tell what follows from a message that is written down: `new` samples, `changed` facts, a start that `began`."""
    hub, at = hearing.hub, hearing.received
    if row.stray_key:
        return
    if row.told_at is not None:
        if changed or began or any(sample.at < (row.ended_at or at) for sample in new):
            await _tell_correction(db, row, hub, at=at)
        return
    if row.start_seen and row.evse_id and not row.start_told:
        row.start_told = True
        await hub.heard(TransactionStarted(row.charger_id, at, records.transaction(row)), db)
        # What came before the start was held back until now.
        new = [s for s in await records.samples_of(db, row.id) if s.context != BEGIN]
        changed = False
    if row.ended_at is not None and row.start_told and await _is_complete(db, row):
        await tell_end(db, row, hub, now=at)
        return
    if row.ended_at is not None and row.settle_at is None:
        row.settle_at = at + hearing.settle_window
    if row.start_told and (new or changed):
        await hub.heard(TransactionUpdated(row.charger_id, at, records.transaction(row), tuple(new)), db)


async def tell_end(db: AsyncSession, row: TransactionRow, hub: HubPort, *, now: datetime) -> None:
    """Tell the end, with everything that is known. A transaction of which no place is known cannot be told."""
    row.settle_at = None
    await counting.count_again(db, row)
    if not row.evse_id:
        flag(row, NO_EVSE)
        return
    if not row.start_told:
        row.start_told = True
        await hub.heard(TransactionStarted(row.charger_id, now, records.transaction(row)), db)
    row.told_at = now
    samples, states = await records.samples_of(db, row.id), await records.states_of(db, row.id)
    await hub.heard(TransactionEnded(row.charger_id, now, records.transaction(row), samples, states), db)


async def _tell_correction(db: AsyncSession, row: TransactionRow, hub: HubPort, *, at: datetime) -> None:
    await counting.count_again(db, row)
    samples, states = await records.samples_of(db, row.id), await records.states_of(db, row.id)
    await hub.heard(TransactionCorrected(row.charger_id, at, records.transaction(row), samples, states), db)


async def _is_complete(db: AsyncSession, row: TransactionRow) -> bool:
    """Whether no message of a transaction that ended is missing, where its messages are counted."""
    if row.first_seq is None or row.last_seq is None:
        return True
    number = col(TransactionEventRow.seq_no)
    query = select(func.count(number), func.count(number.distinct())).where(
        col(TransactionEventRow.transaction_id) == row.id, number.between(row.first_seq, row.last_seq)
    )
    messages, numbers = (await db.execute(query)).one()
    if messages > numbers:
        flag(row, SEQ_REUSED)
    return bool(numbers == row.last_seq - row.first_seq + 1)
