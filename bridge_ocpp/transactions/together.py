"""The plain news of many running transactions in a few statements: meter values that go on, in a state that goes on.

That is what almost all messages are. Whatever is more than that, or turns out to be, is left to taking.py: `Plain` is
made only for what nobody but the meter has to know of, and a row that does not fit it is not touched here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.clock import Judged, Said, judge_within
from bridge_ocpp.dialects.words import Metered, Stage, TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.meter import Reading, is_register
from bridge_ocpp.transactions import counting
from bridge_ocpp.transactions.register import Standing


@dataclass(frozen=True, slots=True)
class Plain:
    """News that only adds meter values. `digest` is None where the message is no event of the transaction."""

    ocpp_id: str
    hearing: Hearing
    judged: Judged
    said: Said
    readings: tuple[Reading, ...]
    digest: str | None = None
    seq_no: int | None = None
    state: str | None = None
    evse_id: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names the transaction: the charger and its id there."""
        return self.hearing.speaker.key, self.ocpp_id


def plain(told: TransactionTold | Metered, hearing: Hearing) -> Plain | None:
    """The message as plain news, or None: it needs more than this room does."""
    if told.ocpp_id is None or any(reading.signed is not None for reading in told.readings):
        return None
    if not all(is_register(reading) for reading in told.readings) and not any(map(is_register, told.readings)):
        return None
    speaker, received = hearing.speaker, hearing.received
    if isinstance(told, Metered):
        judged = speaker.judge(told.said, received=received)
        found = Plain(told.ocpp_id, hearing, judged, told.said, told.readings)
        return None if judged.flags or not told.readings else found
    more = (told.id_token, told.remote_start_id, told.reservation_id)
    if told.stage is not Stage.UPDATED or any(item is not None for item in more):
        return None
    judged = speaker.judge(told.said, received=received, offline=told.offline)
    if judged.flags or (judged.live and speaker.behind_since is not None):
        return None
    state = None if told.charging_state is None else told.charging_state.value
    return Plain(
        told.ocpp_id,
        hearing,
        judged,
        told.said,
        told.readings,
        told.digest,
        told.seq_no,
        state,
        told.evse_id,
    )


async def take_loose(db: AsyncSession, told: list[list[dict[str, Any]]]) -> list[None]:
    """Write down the readings of many messages that belong to no transaction."""
    await counting.keep_loose(db, [row for rows in told for row in rows])
    return [None] * len(told)


async def take_plain(db: AsyncSession, news: list[Plain]) -> list[str | None]:
    """Write down what is plain, in one transaction; the id of each one's transaction, or None: it was not written."""
    rows = await _rows(db, news)
    fits = [
        Fit(item, row, standing)
        for item in news
        if (row := rows.get(item.key)) and (standing := _goes_on(row, item)) is not None
    ]
    if fits:
        columns = (_columns(_events(fits), 8), _columns(_samples(fits), 13), _columns(list(map(_counted, fits)), 4))
        await _run(db, _WRITTEN, [column for group in columns for column in group])
    taken = {id(fit.item): str(fit.row.id) for fit in fits}
    return [taken.get(id(item)) for item in news]


class Fit(NamedTuple):
    """News, the row of the transaction that it fits, and where its register stands afterwards."""

    item: Plain
    row: Any
    standing: Standing


_UPDATED = Stage.UPDATED.value
_sample = itemgetter(
    *("transaction_id", "fingerprint", "charger_key", "evse_id", "at", "said_at", "received_at"),
    *("measurand", "value", "unit", "phase", "context", "location"),
)

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
    found = await _run(db, _ROWS, [[item.key[0] for item in news], [item.key[1] for item in news]])
    return {(row.charger_key, row.ocpp_id): row for row in found}


def _goes_on(row: Any, item: Plain) -> Standing | None:
    """Where the register stands afterwards, when state, place and register go on where they stood."""
    if item.state is not None and item.state != row.charging_state:
        return None
    if item.evse_id is not None and item.evse_id != row.evse_id:
        return None
    standing: Standing | None = Standing(row.meter_begin, row.meter_last_at, row.energy_wh)
    for at, reading in _registers(item):
        standing = standing and standing.after(at, reading.value, reading.context)
    return standing


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
        (row.id, item.digest, _UPDATED, item.seq_no, item.said.at, item.judged.at, item.hearing.received, item.state)
        for item, row, _ in fits
        if item.digest is not None
    ]


def _samples(fits: list[Fit]) -> list[tuple[Any, ...]]:
    return [
        _sample(
            {
                **counting.values_of(reading, message=item.said, judged=item.judged, hearing=item.hearing),
                "transaction_id": row.id,
                "evse_id": row.evse_id,
            }
        )
        for item, row, _ in fits
        for reading in item.readings
    ]


def _counted(fit: Fit) -> tuple[str, Decimal | None, datetime | None, datetime | None]:
    item, row, standing = fit
    state_at = row.state_at
    if item.state is not None and (state_at is None or item.judged.at >= state_at):
        state_at = item.judged.at
    return row.id, standing.energy_wh, standing.last_at, state_at


def _columns(rows: list[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
