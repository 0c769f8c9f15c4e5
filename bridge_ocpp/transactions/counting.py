"""Meter values written down, each once, and the energy that a transaction has delivered so far and in the end."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.clock import Judged, Said, judge_within
from bridge_ocpp.dialects.words import Metered
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.meter import BEGIN, METER_FLAGS, Reading, energy, is_register
from bridge_ocpp.port import Sample
from bridge_ocpp.records import samples_of
from bridge_ocpp.tables import SampleRow, TransactionRow
from bridge_ocpp.transactions.merging import flag
from bridge_ocpp.transactions.register import Standing


def values_of(reading: Reading, *, message: Said, judged: Judged, hearing: Hearing) -> dict[str, Any]:
    """A reading as the values of its row, whatever it belongs to."""
    return {
        "fingerprint": reading.fingerprint(),
        "charger_key": hearing.speaker.key,
        "ocpp_id": None,
        "at": judge_within(reading.said, message=message, judged=judged),
        "said_at": reading.said.at,
        "received_at": hearing.received,
        "measurand": reading.measurand,
        "value": reading.value,
        "unit": reading.unit,
        "phase": reading.phase,
        "context": reading.context,
        "location": reading.location,
        "signed": None if reading.signed is None else dict(reading.signed),
    }


async def keep(
    db: AsyncSession,
    row: TransactionRow,
    readings: Iterable[Reading],
    *,
    message: Said,
    judged: Judged,
    hearing: Hearing,
) -> list[Sample]:
    """Write a transaction's readings down; only those that are new, in order of time."""
    known: dict[Any, dict[str, Any]] = {}
    for reading in readings:
        values = values_of(reading, message=message, judged=judged, hearing=hearing)
        known[values["fingerprint"]] = {**values, "transaction_id": row.id, "evse_id": row.evse_id}
    if not known:
        return []
    statement = insert(SampleRow).on_conflict_do_nothing().returning(col(SampleRow.fingerprint))
    new = set(await db.scalars(statement, list(known.values())))
    samples = [_sample(values) for fingerprint, values in known.items() if fingerprint in new]
    return sorted(samples, key=lambda sample: sample.at)


def loose_rows(told: Metered, *, judged: Judged, hearing: Hearing) -> list[dict[str, Any]]:
    """Readings that belong to no transaction, or to one that we do not know, as rows."""
    message = told.said
    return [
        {
            **values_of(reading, message=message, judged=judged, hearing=hearing),
            "transaction_id": None,
            "evse_id": told.evse_id,
            "ocpp_id": told.ocpp_id,
        }
        for reading in told.readings
    ]


async def keep_loose(db: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Write loose readings down."""
    if rows:
        await db.execute(insert(SampleRow), rows)


async def count(db: AsyncSession, row: TransactionRow, new: Sequence[Sample]) -> None:
    """Bring the energy of a transaction up to date after `new` samples.

    A register that goes on where it stood (register.py) is one subtraction. Anything else is counted again from all
    samples.
    """
    registers = [sample for sample in new if is_register(sample)]
    if new and (row.ended_at is not None or not registers):
        await count_again(db, row)
        return
    for sample in registers:
        if row.meter_last_at is None and sample.context == BEGIN:
            row.meter_begin, row.meter_last_at, row.energy_wh = sample.value, sample.at, Decimal(0)
            continue
        standing = Standing(row.meter_begin, row.meter_last_at, row.energy_wh)
        after = standing.after(sample.at, sample.value, sample.context)
        if after is None:
            await count_again(db, row)
            return
        row.meter_last_at, row.energy_wh = after.last_at, after.energy_wh


async def count_again(db: AsyncSession, row: TransactionRow) -> None:
    """Count the energy from all samples, as it must be told in the end, and say what is wrong with the meter."""
    samples = await samples_of(db, row.id)
    counted = energy(samples)
    row.energy_wh = counted.wh
    flag(row, *counted.flags, cleared=METER_FLAGS)
    registers = [sample for sample in samples if is_register(sample)]
    if registers and counted.wh is not None:
        told = Decimal(0) if all(sample.context == BEGIN for sample in registers) else counted.wh
        row.meter_last_at, row.meter_begin = registers[-1].at, registers[-1].value - told


def _sample(values: dict[str, Any]) -> Sample:
    names = ("at", "measurand", "value", "unit", "phase", "context", "location", "signed")
    return Sample(**{name: values[name] for name in names})
