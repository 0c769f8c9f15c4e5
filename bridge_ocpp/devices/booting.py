"""What is owed to a charger that has booted, or that is connected again."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.devices import errands
from bridge_ocpp.devices.tables import AvailabilityRow, ReportRow, VariableRow
from bridge_ocpp.tables import ChargerRow

SETTLING = timedelta(seconds=5)
"""What a charger has to say after it came, such as the statuses of its connectors, comes first."""


async def provision(db: AsyncSession, charger_key: str, *, now: datetime, spread: float) -> None:
    """A boot was accepted: ask what the charger is made of where that is not known for its firmware, and see to wishes.

    What only a reboot could change is looked at again.
    """
    due = now + SETTLING + errands.delay_of(charger_key, spread)
    row = await db.get(ChargerRow, charger_key)
    report = await db.get(ReportRow, charger_key)
    known = report is not None and report.state != "ASKED"
    if row is not None and (report is None or not known or report.firmware_version != row.firmware_version):
        await errands.owe(db, charger_key, "report", due_at=due)
    mine = col(VariableRow.charger_key) == charger_key
    waits = (mine, col(VariableRow.wish_state) == "REBOOT_REQUIRED")
    await db.execute(update(VariableRow).where(*waits).values(wish_state="SET"))
    await errands.owe(db, charger_key, "wishes", due_at=due)


async def returned(db: AsyncSession, charger_key: str, *, now: datetime, spread: float) -> None:
    """The charger is connected again: what is owed is due, and whether it is as available as it should be."""
    due = now + SETTLING + errands.delay_of(charger_key, spread)
    await errands.wake(db, charger_key, due_at=due)
    wanted = select(col(AvailabilityRow.evse_id)).where(col(AvailabilityRow.charger_key) == charger_key).limit(1)
    if await db.scalar(wanted) is not None:
        await errands.owe(db, charger_key, "availability", due_at=due)
