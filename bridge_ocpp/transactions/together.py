"""The plain news of many running transactions in a few statements: meter values that go on, in a state that goes on.

That is what almost all messages are. Whatever is more than that, or turns out to be, is left to taking.py: `Plain` is
made only for what nobody but the meter has to know of, and a row that does not fit it is not touched here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.clock import EARLIEST, Judged, Said, judge_within
from bridge_ocpp.dialects.words import Metered, Stage, TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.meter import BEGIN, Reading, is_register
from bridge_ocpp.transactions import counting


@dataclass(frozen=True, slots=True)
class Plain:
    """News that only adds meter values. `digest` is None where the message is no event of the transaction."""

    charger_key: str
    ocpp_id: str
    received: datetime
    judged: Judged
    said: Said
    readings: tuple[Reading, ...]
    digest: str | None = None
    seq_no: int | None = None
    state: str | None = None
    evse_id: int | None = None


def plain(told: TransactionTold | Metered, hearing: Hearing) -> Plain | None:
    """The message as plain news, or None: it needs more than this room does."""
    if told.ocpp_id is None or any(reading.signed is not None for reading in told.readings):
        return None
    if not all(is_register(reading) for reading in told.readings) and not any(map(is_register, told.readings)):
        return None
    speaker, received = hearing.speaker, hearing.received
    if isinstance(told, Metered):
        said = newest(told)
        judged = speaker.judge(said, received=received)
        found = Plain(speaker.key, told.ocpp_id, received, judged, said, told.readings)
        return None if judged.flags or not told.readings else found
    more = (told.id_token, told.remote_start_id, told.reservation_id)
    if told.stage is not Stage.UPDATED or any(item is not None for item in more):
        return None
    judged = speaker.judge(told.said, received=received, offline=told.offline)
    if judged.flags or (judged.live and speaker.behind_since is not None):
        return None
    state = None if told.charging_state is None else told.charging_state.value
    return Plain(
        speaker.key,
        told.ocpp_id,
        received,
        judged,
        told.said,
        told.readings,
        told.digest,
        told.seq_no,
        state,
        told.evse_id,
    )


def newest(told: Metered) -> Said:
    """The time of a message that has none of its own: that of its newest reading."""
    return max((reading.said for reading in told.readings), key=_moment, default=Said(None))


def _moment(said: Said) -> datetime:
    return said.at or EARLIEST


async def take_loose(db: AsyncSession, told: list[list[dict[str, Any]]]) -> list[None]:
    """Write down the readings of many messages that belong to no transaction."""
    await counting.keep_loose(db, [row for rows in told for row in rows])
    return [None] * len(told)


async def take_plain(db: AsyncSession, news: list[Plain]) -> list[str | None]:
    """Write down what is plain, in one transaction; the id of each one's transaction, or None: it was not written."""
    rows = await _rows(db, news)
    fits = [(item, row) for item in news if (row := rows.get((item.charger_key, item.ocpp_id))) and _goes_on(row, item)]
    if fits:
        counted = [_counted(item, row) for item, row in fits]
        columns = (_columns(_events(fits), 8), _columns(_samples(fits), 13), _columns(counted, 4))
        await _run(db, _WRITTEN, [column for group in columns for column in group])
    taken = {id(item): str(row.id) for item, row in fits}
    return [taken.get(id(item)) for item in news]


Fit = tuple[Plain, Any]
"""News and the row of the transaction that it fits."""
_UPDATED = Stage.UPDATED.value

_ROWS = """
SELECT t.charger_key, t.ocpp_id, t.id, t.evse_id, t.charging_state, t.state_at, t.meter_begin, t.meter_last_at,
       t.energy_wh
FROM unnest($1::varchar[], $2::varchar[]) AS n(charger_key, ocpp_id)
JOIN ocpp_transaction t ON t.charger_key = n.charger_key AND t.ocpp_id = n.ocpp_id AND t.stray_key = ''
WHERE t.start_seen AND t.start_told AND t.ended_at IS NULL AND t.told_at IS NULL AND t.settle_at IS NULL
ORDER BY t.id FOR UPDATE OF t
"""
_WRITTEN = """
WITH event AS (
  INSERT INTO ocpp_transaction_event
    (transaction_id, digest, stage, seq_no, said_at, at, received_at, charging_state, verdict)
  SELECT *, 'null'::jsonb
  FROM unnest($1::varchar[], $2::varchar[], $3::varchar[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
              $7::timestamptz[], $8::varchar[])
  ON CONFLICT DO NOTHING
), sample AS (
  INSERT INTO ocpp_sample
    (transaction_id, fingerprint, charger_key, evse_id, at, said_at, received_at, measurand, value, unit, phase,
     context, location, signed)
  SELECT *, 'null'::jsonb
  FROM unnest($9::varchar[], $10::uuid[], $11::varchar[], $12::int[], $13::timestamptz[], $14::timestamptz[],
              $15::timestamptz[], $16::varchar[], $17::numeric[], $18::varchar[], $19::varchar[], $20::varchar[],
              $21::varchar[])
  ON CONFLICT DO NOTHING
)
UPDATE ocpp_transaction t
SET energy_wh = n.energy_wh, meter_last_at = n.meter_last_at, state_at = n.state_at
FROM unnest($22::varchar[], $23::numeric[], $24::timestamptz[], $25::timestamptz[])
  AS n(id, energy_wh, meter_last_at, state_at)
WHERE t.id = n.id
"""
"""Content that is written already is written once; what it changed then is what it would change now."""


async def _run(db: AsyncSession, sql: str, columns: Sequence[list[Any]]) -> Any:
    return await (await db.connection()).exec_driver_sql(sql, tuple(columns))


async def _rows(db: AsyncSession, news: list[Plain]) -> dict[tuple[str, str], Any]:
    """The running transactions that the news is about, locked in one order."""
    found = await _run(db, _ROWS, [[item.charger_key for item in news], [item.ocpp_id for item in news]])
    return {(row.charger_key, row.ocpp_id): row for row in found}


def _goes_on(row: Any, item: Plain) -> bool:
    """Whether state, place and register go on where they stood."""
    if item.state is not None and item.state != row.charging_state:
        return False
    if item.evse_id is not None and item.evse_id != row.evse_id:
        return False
    at, value = row.meter_last_at, (row.meter_begin or 0) + (row.energy_wh or 0)
    for when, reading in _registers(item):
        if row.meter_begin is None or at is None or reading.context == BEGIN or when < at or reading.value < value:
            return False
        at, value = when, reading.value
    return True


def _registers(item: Plain) -> list[tuple[datetime, Reading]]:
    """The readings of the running total with the time that counts, in order of time."""
    found = [
        (judge_within(reading.said, message=item.said, judged=item.judged), reading)
        for reading in item.readings
        if is_register(reading)
    ]
    return sorted(found, key=lambda pair: pair[0])


def _events(fits: list[Fit]) -> list[tuple[Any, ...]]:
    return [
        (row.id, item.digest, _UPDATED, item.seq_no, item.said.at, item.judged.at, item.received, item.state)
        for item, row in fits
        if item.digest is not None
    ]


def _samples(fits: list[Fit]) -> list[tuple[Any, ...]]:
    return [
        (
            row.id,
            reading.fingerprint(),
            item.charger_key,
            row.evse_id,
            judge_within(reading.said, message=item.said, judged=item.judged),
            reading.said.at,
            item.received,
            reading.measurand,
            reading.value,
            reading.unit,
            reading.phase,
            reading.context,
            reading.location,
        )
        for item, row in fits
        for reading in item.readings
    ]


def _counted(item: Plain, row: Any) -> tuple[str, Decimal | None, datetime | None, datetime | None]:
    """The energy is the newest register less the first, for each of these goes on where it stood."""
    energy, last_at, state_at = row.energy_wh, row.meter_last_at, row.state_at
    for when, reading in _registers(item):
        energy, last_at = reading.value - (row.meter_begin or 0), when
    if item.state is not None and (state_at is None or item.judged.at >= state_at):
        state_at = item.judged.at
    return row.id, energy, last_at, state_at


def _columns(rows: list[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
