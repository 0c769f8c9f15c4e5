"""What chargers reported, for operators (port.WatchBook); reads, and what the operator says is seen to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.port import AlertRecord, CustomerRecord, Monitor, VariableName
from bridge_ocpp.tables import ChargerRow
from bridge_ocpp.upkeep.tables import next_request
from bridge_ocpp.upkeep.watch_tables import AlertRow, CustomerRow, MessageRow, MonitorRow

OWNED = (AlertRow, MonitorRow, MessageRow, CustomerRow)
"""What goes with a charger."""


class WatchBook:
    """Implements port.WatchBook."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now

    async def next_request(self, db: AsyncSession) -> int:
        return await next_request(db)

    async def alerts(
        self, db: AsyncSession, *, charger_id: str | None = None, active: bool | None = None, limit: int = 200
    ) -> Sequence[AlertRecord]:
        """Newest first."""
        query = select(AlertRow).order_by(col(AlertRow.id).desc()).limit(limit)
        if charger_id is not None:
            query = query.where(col(AlertRow.charger_key) == charger_id.casefold())
        if active is not None:
            cleared = col(AlertRow.cleared_at)
            query = query.where(cleared.is_(None) if active else cleared.is_not(None))
        return [_alert(row) for row in await db.scalars(query)]

    async def clear_alert(self, alert_id: int, db: AsyncSession) -> AlertRecord | None:
        row = await db.get(AlertRow, alert_id, with_for_update=True)
        if row is None:
            return None
        row.cleared_at = row.cleared_at or self._now()
        return _alert(row)

    async def alert_counts(self, db: AsyncSession) -> Mapping[int | None, int]:
        standing = col(AlertRow.cleared_at).is_(None)
        counts = select(col(AlertRow.severity), func.count()).where(standing).group_by(col(AlertRow.severity))
        return dict(list(await db.execute(counts)))

    async def monitors(self, charger_id: str, db: AsyncSession) -> Sequence[Monitor]:
        mine = col(MonitorRow.charger_key) == charger_id.casefold()
        rows = await db.scalars(select(MonitorRow).where(mine).order_by(col(MonitorRow.monitor_id)))
        return [_monitor(row) for row in rows]

    async def forget_monitors(self, charger_id: str, db: AsyncSession) -> None:
        await db.execute(delete(MonitorRow).where(col(MonitorRow.charger_key) == charger_id.casefold()))

    async def messages(self, charger_id: str, db: AsyncSession) -> Sequence[Mapping[str, Any]]:
        mine = col(MessageRow.charger_key) == charger_id.casefold()
        rows = await db.scalars(select(MessageRow).where(mine).order_by(col(MessageRow.message_id)))
        return [ocppj.loads(row.document) for row in rows]

    async def forget_messages(self, charger_id: str, db: AsyncSession) -> None:
        await db.execute(delete(MessageRow).where(col(MessageRow.charger_key) == charger_id.casefold()))

    async def shows_cost(self, charger_id: str, db: AsyncSession) -> bool:
        mine = col(ChargerRow.key) == charger_id.casefold()
        return bool(await db.scalar(select(col(ChargerRow.shows_cost)).where(mine)))

    async def show_cost(self, charger_id: str, shows: bool, db: AsyncSession) -> bool:
        row = await db.get(ChargerRow, charger_id.casefold(), with_for_update=True)
        if row is not None:
            row.shows_cost = shows
        return row is not None

    async def ask_customer(self, charger_id: str, request_id: int, db: AsyncSession) -> None:
        key = charger_id.casefold()
        db.add(CustomerRow(charger_key=key, charger_id=charger_id, request_id=request_id, part=-1, at=self._now()))
        await db.flush()

    async def customer(self, charger_id: str, request_id: int, db: AsyncSession) -> CustomerRecord | None:
        row = CustomerRow
        mine = (col(row.charger_key) == charger_id.casefold()) & (col(row.request_id) == request_id)
        parts = list(await db.scalars(select(row).where(mine).order_by(col(row.part))))
        if not parts:
            return None
        last = parts[-1]
        return CustomerRecord(
            request_id,
            parts[0].charger_id,
            "".join(part.data for part in parts),
            complete=last.last and len(parts) == last.part + 2,
            asked_at=parts[0].at,
        )


def _alert(row: AlertRow) -> AlertRecord:
    return AlertRecord(
        id=row.id or 0,
        charger=row.charger_id,
        **row.model_dump(exclude={"id", "charger_key", "charger_id", "subject"}),
    )


def _monitor(row: MonitorRow) -> Monitor:
    name = VariableName(
        row.variable,
        row.component,
        row.component_instance,
        row.variable_instance,
        row.evse_id,
        row.connector_id,
    )
    return Monitor(name, row.type, row.value, row.severity, transaction=row.transaction, id=row.monitor_id)
