"""What is owed to a charger until it is done: a row that survives a crash, owed in somebody else's transaction.

A storm of chargers that return is served one after another (`delay_of`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zlib import crc32

from sqlalchemy import and_, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.errands.tables import ErrandRow

FIRST_WAIT = timedelta(seconds=10)


def delay_of(charger_key: str, spread: float) -> timedelta:
    """When a charger's turn is, within `spread` seconds: always the same for one, evenly spread over many."""
    return timedelta(seconds=spread * crc32(charger_key.encode()) / 2**32)


async def owe(db: AsyncSession, charger_key: str, kind: str, *, due_at: datetime) -> None:
    """Owe an errand; one that is owed already is done at the earlier of both moments, and once more if it runs."""
    await owe_all(db, {(charger_key, kind): due_at})


_OWED = """
INSERT INTO ocpp_errand (charger_key, kind, due_at, attempts)
SELECT charger_key, kind, due_at, 0
FROM unnest($1::varchar[], $2::varchar[], $3::timestamptz[]) AS n(charger_key, kind, due_at)
ORDER BY charger_key, kind
ON CONFLICT (charger_key, kind) DO UPDATE
SET version = ocpp_errand.version + 1, due_at = least(ocpp_errand.due_at, excluded.due_at), attempts = 0, detail = NULL
"""
_WOKEN = """
UPDATE ocpp_errand e SET due_at = n.due_at, attempts = 0
FROM unnest($1::varchar[], $2::timestamptz[]) AS n(charger_key, due_at)
WHERE e.charger_key = n.charger_key AND e.due_at > n.due_at
"""


async def owe_all(db: AsyncSession, due: Mapping[tuple[str, str], datetime]) -> None:
    """The same for many, by charger and kind, in one statement."""
    if due:
        columns = [key for key, _ in due], [kind for _, kind in due], list(due.values())
        await (await db.connection()).exec_driver_sql(_OWED, columns)


async def wake(db: AsyncSession, due: Mapping[str, datetime]) -> None:
    """Chargers are back: what is owed to each is due by then, however long it had been put off."""
    await (await db.connection()).exec_driver_sql(_WOKEN, (list(due), list(due.values())))


async def forget(db: AsyncSession, charger_key: str, kind: str) -> None:
    """Nothing of this kind is owed any more."""
    mine = and_(col(ErrandRow.charger_key) == charger_key, col(ErrandRow.kind) == kind)
    await db.execute(delete(ErrandRow).where(mine))
