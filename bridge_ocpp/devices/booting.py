"""What is owed to chargers that have booted, or that are connected again: for many as for one."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import errands
from bridge_ocpp.devices.tables import AvailabilityRow, ReportRow, VariableRow
from bridge_ocpp.tables import ChargerRow, any_of

SETTLING = timedelta(seconds=5)
"""What a charger has to say after it came, such as the statuses of its connectors, comes first."""


async def provision(db: AsyncSession, *charger_keys: str, now: datetime, spread: float) -> None:
    """Boots were accepted: ask what a charger is made of where that is not known for its firmware, and see to wishes.

    What only a reboot could change is looked at again.
    """
    if not charger_keys:
        return
    asked = select(col(ReportRow.charger_key)).where(
        col(ReportRow.charger_key) == col(ChargerRow.key),
        col(ReportRow.state) != "ASKED",
        col(ReportRow.firmware_version).is_not_distinct_from(col(ChargerRow.firmware_version)),
    )
    unknown = select(col(ChargerRow.key)).where(col(ChargerRow.key) == any_of(charger_keys), ~asked.exists())
    due = {(key, "report"): _turn(key, now, spread) for key in await db.scalars(unknown)}
    await errands.owe_all(db, due | {(key, "wishes"): _turn(key, now, spread) for key in charger_keys})
    mine = col(VariableRow.charger_key) == any_of(charger_keys)
    waits = (mine, col(VariableRow.wish_state) == "REBOOT_REQUIRED")
    await db.execute(
        update(VariableRow).where(*waits).values(wish_state="SET").execution_options(synchronize_session=False)
    )


async def returned(db: AsyncSession, *charger_keys: str, now: datetime, spread: float) -> None:
    """Chargers are connected again: what is owed is due, and whether they are as available as they should be."""
    due = {key: _turn(key, now, spread) for key in charger_keys}
    await errands.wake(db, due)
    mine = col(AvailabilityRow.charger_key) == any_of(charger_keys)
    wanted = await db.scalars(select(col(AvailabilityRow.charger_key)).where(mine).distinct())
    await errands.owe_all(db, {(key, "availability"): due[key] for key in wanted})


def _turn(charger_key: str, now: datetime, spread: float) -> datetime:
    return now + SETTLING + errands.delay_of(charger_key, spread)
