"""What operators see and wish of devices (port.DeviceBook), on the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import errands
from bridge_ocpp.devices import reports, variables
from bridge_ocpp.devices.tables import AvailabilityRow, ReportRow, VariableRow
from bridge_ocpp.devices.variables import key_of, name_of
from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.errands.tables import ErrandRow
from bridge_ocpp.port import (
    AvailabilityRecord,
    ChangeAvailability,
    ReportRecord,
    VariableName,
    VariableRecord,
    VariableSetting,
)
from bridge_ocpp.speaker import ACCEPTED, PENDING, REJECTED
from bridge_ocpp.tables import ChargerRow

LOOK_AGAIN = timedelta(seconds=30)
"""When a wish is looked at that is told directly as well: the errand is for a charger that could not be told."""
ITEMS = ("get_variables", "set_variables")
OWNED = (VariableRow, ReportRow, AvailabilityRow, ErrandRow)
"""What goes with a charger."""


class Shelf:
    """Implements port.DeviceBook."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now

    async def variables(
        self, charger_id: str, db: AsyncSession, *, search: str | None = None, differing: bool = False
    ) -> Sequence[VariableRecord]:
        charger = await _charger(charger_id, db)
        query = select(VariableRow).where(col(VariableRow.charger_key) == charger.key)
        if search:
            words = func.concat(col(VariableRow.component), ".", col(VariableRow.variable)).icontains(
                search, autoescape=True
            )
            query = query.where(words)
        if differing:
            query = query.where(
                col(VariableRow.wanted).is_not(None),
                or_(col(VariableRow.wish_state) != "DONE", col(VariableRow.wish_state).is_(None)),
            )
        rows = await db.scalars(query.order_by(col(VariableRow.name_key)))
        return [_record(row) for row in rows]

    async def report(self, charger_id: str, db: AsyncSession) -> ReportRecord | None:
        row = await db.get(ReportRow, (await _charger(charger_id, db)).key)
        if row is None:
            return None
        return ReportRecord(row.state, row.asked_at, row.completed_at, row.firmware_version, row.detail)

    async def next_report(self, charger_id: str, db: AsyncSession) -> int:
        return await reports.next_id(db, (await _charger(charger_id, db)).key)

    async def report_again(self, charger_id: str, db: AsyncSession) -> None:
        charger = await _charger(charger_id, db)
        await errands.owe(db, charger.key, "report", due_at=self._now())

    async def wish(self, charger_id: str, settings: Sequence[VariableSetting], db: AsyncSession) -> None:
        charger = await _charger(charger_id, db)
        dialect = DIALECTS.get(charger.protocol or "")
        if dialect is None:
            raise ValueError("the charger has never been here: which variables it has is not known")
        homed = [_homed(setting, dialect.own_component) for setting in settings]
        await variables.wish(db, charger.key, homed, by="operator", at=self._now())
        await errands.owe(db, charger.key, "wishes", due_at=self._now() + LOOK_AGAIN)

    async def unwish(self, charger_id: str, names: Sequence[VariableName], db: AsyncSession) -> int:
        charger = await _charger(charger_id, db)
        dialect = DIALECTS.get(charger.protocol or "")
        own = dialect.own_component if dialect is not None else ""
        keys = {key_of(replace(name, component=own) if own else name) for name in names}
        count = 0
        for row in await variables.wished(db, charger.key):
            if row.name_key in keys:
                row.wanted = row.wanted_by = row.wanted_at = row.wish_state = row.wish_detail = None
                count += 1
        return count

    async def want_available(self, charger_id: str, command: ChangeAvailability, db: AsyncSession) -> None:
        charger = await _charger(charger_id, db)
        place = (charger.key, command.evse_id or 0, command.connector_id or 0)
        if place[1] == 0:  # the whole charger: what was wished of its parts is overtaken
            await db.execute(delete(AvailabilityRow).where(col(AvailabilityRow.charger_key) == charger.key))
        row = await db.get(AvailabilityRow, place, with_for_update=True)
        if row is None:
            row = AvailabilityRow(
                charger_key=place[0], evse_id=place[1], connector_id=place[2], operative=True, wanted_at=self._now()
            )
            db.add(row)
        row.operative, row.wanted_at, row.outcome, row.told_at = command.operative, self._now(), None, None
        await db.flush()
        await errands.owe(db, charger.key, "availability", due_at=self._now() + LOOK_AGAIN)

    async def availabilities(self, charger_id: str, db: AsyncSession) -> Sequence[AvailabilityRecord]:
        charger = await _charger(charger_id, db)
        query = (
            select(AvailabilityRow)
            .where(col(AvailabilityRow.charger_key) == charger.key)
            .order_by(col(AvailabilityRow.evse_id), col(AvailabilityRow.connector_id))
        )
        return [
            AvailabilityRecord(row.evse_id, row.connector_id, row.operative, row.wanted_at, row.outcome, row.told_at)
            for row in await db.scalars(query)
        ]

    async def clear_cache(self, charger_id: str, db: AsyncSession) -> None:
        charger = await _charger(charger_id, db)
        await errands.owe(db, charger.key, "cache", due_at=self._now())

    async def set_boot_status(self, charger_id: str, word: str, db: AsyncSession) -> None:
        if word not in (ACCEPTED, PENDING, REJECTED):
            raise ValueError("boot_status is Accepted, Pending or Rejected")
        charger = await _charger(charger_id, db, lock=True)
        if charger.boot_status != word:
            charger.boot_status = word
            await errands.owe(db, charger.key, "boot", due_at=self._now())

    async def set_items_per_message(self, charger_id: str, limits: Mapping[str, int], db: AsyncSession) -> None:
        charger = await _charger(charger_id, db, lock=True)
        charger.items_per_message = dict(limits)


async def _charger(charger_id: str, db: AsyncSession, *, lock: bool = False) -> ChargerRow:
    row = await db.get(ChargerRow, charger_id.casefold(), with_for_update=lock or None)
    if row is None:
        raise KeyError(charger_id)
    return row


def _homed(setting: VariableSetting, own: str) -> VariableSetting:
    if own:
        return replace(setting, name=replace(setting.name, component=own))
    if not setting.name.component:
        raise ValueError(f"{setting.name.variable}: the variables of this charger belong to components; name one")
    return setting


def _record(row: VariableRow) -> VariableRecord:
    return VariableRecord(
        name_of(row),
        row.value,
        mutability=row.mutability,
        data_type=row.data_type,
        unit=row.unit,
        min_limit=row.min_limit,
        max_limit=row.max_limit,
        values=row.values_list,
        secret=row.secret,
        reported_at=row.reported_at,
        wanted=row.wanted,
        wanted_by=row.wanted_by,
        wanted_at=row.wanted_at,
        wish_state=row.wish_state,
        wish_detail=row.wish_detail,
    )
