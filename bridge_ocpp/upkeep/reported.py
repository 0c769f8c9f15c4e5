"""What chargers report in parts: monitors, messages on their displays, customers' data."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.dialects.monitoring import CustomerTold, MessagesTold, MonitorsTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.upkeep.watch_tables import CustomerRow, MessageRow, MonitorRow

CUSTOMERS_KEPT = timedelta(days=1)
MOST_PARTS = 1000
"""Parts of one report on a customer that are kept (512 characters each)."""


async def monitors_told(db: AsyncSession, told: MonitorsTold, hearing: Hearing) -> None:
    """Keep a part; with the last one goes what was not reported again."""
    key = hearing.speaker.key
    for monitor in told.monitors:
        name = monitor.variable
        values: dict[str, Any] = {
            "request_id": told.request_id,
            "component": name.component,
            "component_instance": name.component_instance,
            "variable": name.variable,
            "variable_instance": name.variable_instance,
            "evse_id": name.evse_id,
            "connector_id": name.connector_id,
            "type": monitor.type,
            "value": monitor.value,
            "severity": monitor.severity,
            "transaction": monitor.transaction,
        }
        statement = insert(MonitorRow).values(charger_key=key, monitor_id=monitor.id, **values)
        await db.execute(statement.on_conflict_do_update(index_elements=["charger_key", "monitor_id"], set_=values))
    if told.last:
        await _forget_others(db, MonitorRow, key, told.request_id)


async def messages_told(db: AsyncSession, told: MessagesTold, hearing: Hearing) -> None:
    """Keep a part; with the last one goes what was not reported again."""
    key = hearing.speaker.key
    for message in told.messages:
        values = {"request_id": told.request_id, "document": ocppj.dumps(message)}
        statement = insert(MessageRow).values(charger_key=key, message_id=int(message["id"]), **values)
        await db.execute(statement.on_conflict_do_update(index_elements=["charger_key", "message_id"], set_=values))
    if told.last:
        await _forget_others(db, MessageRow, key, told.request_id)


async def customer_told(db: AsyncSession, told: CustomerTold, hearing: Hearing) -> None:
    """Keep a part of what was asked for; what nobody asked for is personal data that we do not want."""
    speaker = hearing.speaker
    asked = await db.get(CustomerRow, (speaker.key, told.request_id, -1))
    if asked is None or not 0 <= told.part < MOST_PARTS:
        speaker.note("NotifyCustomerInformation that nobody asked for")
        return
    statement = insert(CustomerRow).values(
        charger_key=speaker.key,
        charger_id=speaker.id,
        request_id=told.request_id,
        part=told.part,
        data=told.data,
        last=told.last,
        at=hearing.received,
    )
    await db.execute(statement.on_conflict_do_nothing())


async def prune(db: AsyncSession, *, now: datetime) -> None:
    """Let go of customers' data."""
    await db.execute(delete(CustomerRow).where(col(CustomerRow.at) < now - CUSTOMERS_KEPT))


async def _forget_others(db: AsyncSession, table: Any, charger_key: str, request_id: int) -> None:
    mine, other = col(table.charger_key) == charger_key, col(table.request_id) != request_id
    await db.execute(delete(table).where(mine, other))
