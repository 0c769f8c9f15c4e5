"""Reservations as chargers know them: taken, given up, used, expired. Written by this file only.

Whoever asked for them, a partner or an operator by a call of his own, they are the same to the charger.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.words import ReservationTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import CancelReservation, ReservationChanged, ReservationRecord, ReserveNow
from bridge_ocpp.tables import ReservationRow, TransactionRow

ACTIVE = "Active"


async def taken(db: AsyncSession, command: ReserveNow, hearing: Hearing) -> None:
    """The charger took a reservation; one with the same id is replaced."""
    values = {
        "charger_id": hearing.speaker.id,
        "evse_id": command.evse_id,
        "id_token": command.id_token.value,
        "status": ACTIVE,
        "expires_at": command.expires_at,
        "changed_at": hearing.received,
    }
    key = {"charger_key": hearing.speaker.key, "reservation_id": command.reservation_id}
    statement = insert(ReservationRow).values(**key, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


async def cancelled(db: AsyncSession, command: CancelReservation, hearing: Hearing) -> None:
    """The charger let a reservation go because it was asked to."""
    await _now(db, command.reservation_id, "Cancelled", hearing)


async def told(db: AsyncSession, fact: ReservationTold, hearing: Hearing) -> None:
    """A reservation ended without a transaction."""
    await _now(db, fact.reservation_id, fact.status, hearing)
    event = ReservationChanged(hearing.speaker.id, hearing.received, fact.reservation_id, fact.status)
    await hearing.hub.heard(event, db)


async def _now(db: AsyncSession, reservation_id: int, status: str, hearing: Hearing) -> None:
    row = ReservationRow
    statement = update(row).where(
        col(row.charger_key) == hearing.speaker.key,
        col(row.reservation_id) == reservation_id,
        col(row.status) == ACTIVE,
    )
    await db.execute(statement.values(status=status, changed_at=hearing.received))


async def listed(db: AsyncSession, charger_id: str | None, *, now: datetime) -> list[ReservationRecord]:
    """Reservations, newest first; those that a transaction used and those that ran out say so."""
    row, transaction = ReservationRow, TransactionRow
    used = (
        select(col(transaction.id))
        .where(
            col(transaction.charger_key) == col(row.charger_key),
            col(transaction.reservation_id) == col(row.reservation_id),
        )
        .exists()
    )
    query = select(row, used).order_by(col(row.changed_at).desc(), col(row.reservation_id).desc()).limit(500)
    if charger_id is not None:
        query = query.where(col(row.charger_key) == charger_id.casefold())
    return [_record(found, used=bool(is_used), now=now) for found, is_used in await db.execute(query)]


def _record(row: ReservationRow, *, used: bool, now: datetime) -> ReservationRecord:
    status = row.status
    if status == ACTIVE and used:
        status = "Used"
    elif status == ACTIVE and row.expires_at <= now:
        status = "Expired"
    return ReservationRecord(row.reservation_id, row.charger_id, row.evse_id, row.id_token, status, row.expires_at)
