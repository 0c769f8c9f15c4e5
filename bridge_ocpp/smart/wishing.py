"""What is wished for running transactions, written down: by drivers through the hub, by cars through their chargers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.smart.tables import WishRow

_NOTHING: Mapping[str, Any] = {
    "departure_at": None,
    "energy_wh": None,
    "fast": False,
    "maximum_a": None,
    "maximum_w": None,
    "minimum_a": None,
    "minimum_w": None,
    "phases": None,
    "dynamic": False,
    "most_periods": None,
}


async def keep(
    db: AsyncSession, transaction_id: str, source: str, *, charger_key: str, said: Mapping[str, Any], at: datetime
) -> None:
    """Write a wish down in the place of what the same source wished before; what it does not say is open again."""
    values = {**_NOTHING, "charger_key": charger_key, "told_at": at, **said}
    statement = insert(WishRow).values(transaction_id=transaction_id, source=source, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["transaction_id", "source"], set_=values))
