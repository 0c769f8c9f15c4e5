"""A charger's report of all its variables: asked for once per firmware, put together from its parts, made wishes of."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import errands
from bridge_ocpp.devices import variables
from bridge_ocpp.devices.tables import ReportRow, VariableRow
from bridge_ocpp.dialects.device_words import ReportPart
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import Outcome
from bridge_ocpp.tables import ChargerRow

PATIENCE = timedelta(minutes=5)
"""How long the parts of a report may take before it is asked for again."""


async def next_id(db: AsyncSession, charger_key: str) -> int:
    """A request id that this charger has not been asked under."""
    newest = select(func.max(col(VariableRow.report_id))).where(col(VariableRow.charger_key) == charger_key)
    asked = select(col(ReportRow.request_id)).where(col(ReportRow.charger_key) == charger_key)
    return max(await db.scalar(newest) or 0, await db.scalar(asked) or 0) + 1


async def begin(db: AsyncSession, key: str, *, now: datetime) -> int:
    """A report is asked for anew; its request id."""
    request_id = await next_id(db, key)
    charger = await db.get(ChargerRow, key)
    firmware = charger.firmware_version if charger is not None else None
    values: dict[str, Any] = {
        "request_id": request_id,
        "state": "ASKED",
        "parts": [],
        "last_part": None,
        "firmware_version": firmware,
        "detail": None,
        "asked_at": now,
        "completed_at": None,
    }
    row = await db.get(ReportRow, key, with_for_update=True)
    if row is None:
        db.add(ReportRow(charger_key=key, **values))
    else:
        for field, value in values.items():
            setattr(row, field, value)
    await db.flush()
    return request_id


async def refused(db: AsyncSession, charger_key: str, outcome: Outcome) -> None:
    """The charger cannot report, or does not want to."""
    row = await db.get(ReportRow, charger_key, with_for_update=True)
    if row is not None:
        row.state, row.detail = "REFUSED", (outcome.detail or outcome.status.value)[:200]


async def part_told(db: AsyncSession, told: ReportPart, hearing: Hearing) -> None:
    """A part of a report; with the last missing one it is complete. Parts come doubled and in any order.

    Parts of a report that was asked for otherwise are written down and decide nothing.
    """
    key, at = hearing.speaker.key, hearing.received
    if await variables.store(db, key, told.variables, at=at, report_id=told.request_id):
        await errands.owe(db, key, "wishes", due_at=at + errands.FIRST_WAIT)
    row = await db.get(ReportRow, key, with_for_update=True)
    if row is None or row.request_id != told.request_id or row.state != "ASKED":
        return
    row.parts = sorted({*row.parts, told.seq_no})
    if not told.more:
        row.last_part = told.seq_no
    if row.last_part is not None and set(range(row.last_part + 1)) <= set(row.parts):
        await complete(db, key, told.request_id, at=at)


async def complete(db: AsyncSession, charger_key: str, request_id: int, *, at: datetime) -> None:
    """All parts are here: what was not mentioned is gone, and what a new firmware may do is wished again."""
    row = await db.get(ReportRow, charger_key, with_for_update=True)
    if row is None:
        return
    row.state, row.completed_at = "COMPLETE", at
    mine = col(VariableRow.charger_key) == charger_key
    old = or_(col(VariableRow.report_id) < request_id, col(VariableRow.report_id).is_(None))
    await db.execute(delete(VariableRow).where(mine, old, col(VariableRow.wanted).is_(None)))
    refused = col(VariableRow.wish_state).in_(("REJECTED", "NOT_SUPPORTED"))
    await db.execute(update(VariableRow).where(mine, refused).values(wish_state="WAITING"))
    await errands.forget(db, charger_key, "report")
    await errands.owe(db, charger_key, "wishes", due_at=at)
