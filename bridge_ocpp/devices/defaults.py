"""What the hub wishes of every charger, as far as it reports that it can: heartbeats, meter values, pings.

An operator's own wish always goes first; a password is never among these.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.devices.tables import VariableRow
from bridge_ocpp.devices.variables import agrees, key_of, name_of, wish
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.port import VariableSetting

HUB = "hub"


async def apply(
    db: AsyncSession, charger_key: str, dialect: Dialect, wishes: Mapping[str, str], *, at: datetime
) -> None:
    """Wish of what the charger has reported, and lets be written, what the settings say; take back what they do not."""
    wanted = {key_of(name): value for word, value in wishes.items() for name in dialect.wishes.get(word, ())}
    mine = col(VariableRow.charger_key) == charger_key
    ours = (col(VariableRow.name_key).in_(wanted)) | (col(VariableRow.wanted_by) == HUB)
    for row in await db.scalars(select(VariableRow).where(mine, ours).with_for_update()):
        value = wanted.get(row.name_key)
        if row.wanted_by not in (None, HUB) or row.reported_at is None or row.mutability == "ReadOnly":
            continue
        if value is None:
            row.wanted = row.wanted_by = row.wanted_at = row.wish_state = row.wish_detail = None
            continue
        value = _possible(value, row.values_list)
        if value and not (row.wanted is not None and agrees(row.wanted, value, row.data_type)):
            await wish(db, charger_key, [VariableSetting(name_of(row), value)], by=HUB, at=at)


def _possible(value: str, values_list: str | None) -> str:
    """The members of a list that the charger says it can; the whole value where it does not say."""
    if "," not in value or not values_list:
        return value
    able = {member.strip().casefold() for member in values_list.split(",")}
    return ",".join(member for member in value.split(",") if member.strip().casefold() in able)
