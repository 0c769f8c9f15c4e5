"""Periodic event streams (2.1): which are open, and the values that came last. A stream nobody opened is not kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import port
from bridge_ocpp.devices.stream_tables import StreamRow
from bridge_ocpp.dialects.stream_words import StreamClosed, StreamOpened, StreamTold
from bridge_ocpp.hearing import Hearing

MOST_STREAMS = 50
"""Streams that one charger may keep open."""
MOST_VALUES = 100
"""Values kept of each stream: the newest."""
FARTHEST = 86_400
"""Seconds that a value may lie from the base time of its message."""


async def opened(db: AsyncSession, told: StreamOpened, hearing: Hearing) -> bool:
    """Whether the charger may send. An id that is open already is opened anew."""
    key = hearing.speaker.key
    ids = set(await db.scalars(select(col(StreamRow.stream_id)).where(col(StreamRow.charger_key) == key)))
    if told.stream_id not in ids and len(ids) >= MOST_STREAMS:
        return False
    values: dict[str, Any] = {
        "monitoring_id": told.monitoring_id,
        "interval": told.interval,
        "most_values": told.values,
        "opened_at": hearing.received,
        "heard_at": None,
        "heard": 0,
        "pending": 0,
        "values": [],
    }
    statement = insert(StreamRow).values(charger_key=key, stream_id=told.stream_id, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["charger_key", "stream_id"], set_=values))
    return True


async def closed(db: AsyncSession, told: StreamClosed, hearing: Hearing) -> None:
    """The stream is gone; closing one that was not open is no mistake."""
    mine = col(StreamRow.charger_key) == hearing.speaker.key
    await db.execute(delete(StreamRow).where(mine, col(StreamRow.stream_id) == told.stream_id))


async def told(db: AsyncSession, news: StreamTold, hearing: Hearing) -> None:
    """Keep the newest values: each happened its distance after the base time, judged like every time of a charger."""
    row = await db.get(StreamRow, (hearing.speaker.key, news.stream_id), with_for_update=True)
    if row is None:
        hearing.speaker.note("NotifyPeriodicEventStream: a stream that is not open")
        return
    base = hearing.speaker.judge(news.base, received=hearing.received).at
    near = [(distance, value) for distance, value in news.values if abs(distance) <= FARTHEST]
    values = [{"at": (base + timedelta(seconds=float(d))).isoformat(), "value": value} for d, value in near]
    row.values = [*row.values, *values][-MOST_VALUES:]
    row.heard, row.heard_at, row.pending = row.heard + len(values), hearing.received, news.pending


class Streams:
    """Implements port.StreamBook."""

    async def streams(self, charger_id: str, db: AsyncSession) -> Sequence[port.StreamRecord]:
        """The open streams of a charger, by their ids."""
        mine = col(StreamRow.charger_key) == charger_id.casefold()
        query = select(StreamRow).where(mine).order_by(col(StreamRow.stream_id))
        return [_record(row) for row in await db.scalars(query)]


def _record(row: StreamRow) -> port.StreamRecord:
    return port.StreamRecord(
        id=row.stream_id,
        monitoring_id=row.monitoring_id,
        interval=row.interval,
        most_values=row.most_values,
        opened_at=row.opened_at,
        heard_at=row.heard_at,
        heard=row.heard,
        pending=row.pending,
        values=tuple((datetime.fromisoformat(each["at"]), each["value"]) for each in row.values),
    )
