"""The variables of a charger as rows: what it reported, what is wished, and whether both agree."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.devices.tables import VariableRow
from bridge_ocpp.dialects.device_words import Reported
from bridge_ocpp.journal import is_secret
from bridge_ocpp.port import VariableName, VariableSetting

OPEN = ("WAITING", "SET", "DIFFERS")
"""States of a wish that something is still to be done about."""
BATCH = 500

_STATES: Mapping[str, str] = {
    "Accepted": "SET",
    "RebootRequired": "REBOOT_REQUIRED",
    "Rejected": "REJECTED",
    "NotSupported": "NOT_SUPPORTED",
    "UnknownComponent": "NOT_SUPPORTED",
    "UnknownVariable": "NOT_SUPPORTED",
    "NotSupportedAttributeType": "NOT_SUPPORTED",
}


def key_of(name: VariableName) -> str:
    """A name folded into one key; equal for names that differ in case only."""
    parts = (name.component, name.component_instance, str(name.evse_id), str(name.connector_id))
    return "\t".join((*parts, name.variable, name.variable_instance, name.attribute)).casefold()


def name_of(row: VariableRow) -> VariableName:
    return VariableName(
        row.variable,
        row.component,
        row.component_instance,
        row.variable_instance,
        row.evse_id,
        row.connector_id,
        row.attribute,
    )


def agrees(reported: str | None, wanted: str, data_type: str | None) -> bool:
    """Whether a charger says what is wished: numbers and booleans by value, lists without order where that is none."""
    if reported is None:
        return False
    one, other = reported.strip(), wanted.strip()
    if one.casefold() == other.casefold():
        return True
    if data_type != "SequenceList" and ("," in one or "," in other):
        return _members(one) == _members(other)
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _members(text: str) -> set[str]:
    return {part.strip().casefold() for part in text.split(",") if part.strip()}


async def store(
    db: AsyncSession, charger_key: str, found: Iterable[Reported], *, at: datetime, report_id: int | None = None
) -> bool:
    """Write down what a charger reported; whether a wish is open afterwards."""
    rows: dict[str, dict[str, Any]] = {}
    for item in found:
        if item.status == "Accepted":
            row = _values(charger_key, item, at=at, report_id=report_id)
            rows[row["name_key"]] = row
    values = list(rows.values())
    for start in range(0, len(values), BATCH):
        statement = insert(VariableRow).values(values[start : start + BATCH])
        new = statement.excluded
        kept = {
            name: new[name]
            if name in ("value", "secret", "reported_at")
            # A plain answer says the value alone; what a report said of the variable stays.
            else func.coalesce(new[name], getattr(VariableRow, name))
            for name in (
                *("value", "secret", "reported_at", "mutability", "data_type", "unit"),
                *("min_limit", "max_limit", "values_list", "report_id"),
            )
        }
        await db.execute(statement.on_conflict_do_update(index_elements=["charger_key", "name_key"], set_=kept))
    return await judge_wishes(db, charger_key, keys=set(rows))


def _values(charger_key: str, item: Reported, *, at: datetime, report_id: int | None) -> dict[str, Any]:
    name, secret = item.name, is_secret(item.name.variable)
    return {
        "charger_key": charger_key,
        "name_key": key_of(name),
        "component": name.component,
        "component_instance": name.component_instance,
        "evse_id": name.evse_id,
        "connector_id": name.connector_id,
        "variable": name.variable,
        "variable_instance": name.variable_instance,
        "attribute": name.attribute,
        "value": None if secret else item.value,
        "mutability": item.mutability,
        "data_type": item.data_type,
        "unit": item.unit,
        "min_limit": item.min_limit,
        "max_limit": item.max_limit,
        "values_list": item.values,
        "secret": secret,
        "report_id": report_id,
        "reported_at": at,
    }


async def judge_wishes(db: AsyncSession, charger_key: str, *, keys: set[str]) -> bool:
    """Compare wishes with what was just reported of these variables; whether any wish of the charger is open.

    What was true and is not any more, the charger forgot: it is wished again.
    """
    open_ = False
    for row in await wished(db, charger_key):
        if row.name_key in keys and row.wish_state in ("SET", "DONE", "DIFFERS") and row.wanted is not None:
            if row.mutability == "WriteOnly" or agrees(row.value, row.wanted, row.data_type):
                row.wish_state, row.wish_detail = "DONE", None
            else:
                row.wish_state = "WAITING" if row.wish_state == "DONE" else "DIFFERS"
                row.wish_detail = "the charger reports another value"
        open_ = open_ or row.wish_state in OPEN
    return open_


async def wished(db: AsyncSession, charger_key: str) -> Sequence[VariableRow]:
    """The variables of a charger that something is wished of, locked."""
    mine = col(VariableRow.charger_key) == charger_key
    query = select(VariableRow).where(mine, col(VariableRow.wanted).is_not(None)).with_for_update()
    return list(await db.scalars(query.execution_options(populate_existing=True)))


async def wish(
    db: AsyncSession, charger_key: str, settings: Iterable[VariableSetting], *, by: str, at: datetime
) -> None:
    """Write wishes down. One that is the same already and fulfilled stays so. Raises ValueError for a secret."""
    for setting in settings:
        name = setting.name
        if is_secret(name.variable):
            raise ValueError(f"{name.variable} holds a secret: it is never kept as a wish")
        values = {
            "wanted": setting.value,
            "wanted_by": by,
            "wanted_at": at,
            "wish_state": "WAITING",
            "wish_detail": None,
        }
        row = await db.get(VariableRow, (charger_key, key_of(name)), with_for_update=True)
        if row is None:
            fresh = _values(charger_key, Reported(name), at=at, report_id=None) | {"reported_at": None} | values
            await db.execute(insert(VariableRow).values(fresh).on_conflict_do_nothing())
            continue
        for field, value in values.items():
            setattr(row, field, value)
    await db.flush()


async def answered(
    db: AsyncSession, charger_key: str, settings: Sequence[VariableSetting], found: Sequence[Reported]
) -> None:
    """What a charger answered to being told: the state of each wish that still is the one that was sent."""
    for setting, item in zip(settings, found, strict=True):
        state = _STATES.get(item.status, "REJECTED")
        mine = (
            col(VariableRow.charger_key) == charger_key,
            col(VariableRow.name_key) == key_of(setting.name),
            col(VariableRow.wanted) == setting.value,
        )
        await db.execute(
            update(VariableRow).where(*mine).values(wish_state=state, wish_detail=item.detail and item.detail[:200])
        )
