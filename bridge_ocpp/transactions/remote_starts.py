"""Remote starts of versions whose transactions do not name them: remembered when asked, found at the next start."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.port import StartCharging
from bridge_ocpp.tables import RemoteStartRow, TransactionRow

WINDOW = timedelta(minutes=5)
"""How long after a remote start a start with the same token still is its own."""


async def remember(db: AsyncSession, charger_key: str, command: StartCharging, *, now: datetime) -> None:
    """Write a remote start down before it is sent: the start may come before the answer."""
    db.add(
        RemoteStartRow(
            charger_key=charger_key,
            token_key=command.id_token.value.casefold(),
            evse_id=command.evse_id,
            remote_start_id=command.remote_start_id,
            asked_at=now,
        )
    )


async def forget(db: AsyncSession, charger_key: str, command: StartCharging) -> None:
    """The charger refused it."""
    await db.execute(
        delete(RemoteStartRow).where(
            col(RemoteStartRow.charger_key) == charger_key,
            col(RemoteStartRow.remote_start_id) == command.remote_start_id,
        )
    )


async def forget_old(db: AsyncSession, *, now: datetime) -> None:
    """A start that a charger queued may come a day later, not more."""
    await db.execute(delete(RemoteStartRow).where(col(RemoteStartRow.asked_at) < now - timedelta(days=1)))


async def remote_start_of(db: AsyncSession, row: TransactionRow, *, received: datetime) -> int | None:
    """The outstanding remote start that this new transaction answers, used up; None for a start at the charger."""
    asked = col(RemoteStartRow.asked_at)
    oldest = (
        select(col(RemoteStartRow.id))
        .where(
            col(RemoteStartRow.charger_key) == row.charger_key,
            col(RemoteStartRow.token_key) == row.token_key,
            or_(col(RemoteStartRow.evse_id).is_(None), col(RemoteStartRow.evse_id) == row.evse_id),
            or_(
                asked.between(received - WINDOW, received),
                asked.between(row.started_at - WINDOW, row.started_at + WINDOW),
            ),
        )
        .order_by(asked)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = delete(RemoteStartRow).where(col(RemoteStartRow.id) == oldest)
    return await db.scalar(statement.returning(col(RemoteStartRow.remote_start_id)))
