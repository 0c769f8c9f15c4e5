"""What is known of a charger: what its connectors say, what it wants noted, that it lives.

Whether it is there is coming.py and going.py.
Only real changes become events. Sockets and messages are elsewhere.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj, transactions
from bridge_ocpp.clock import AHEAD, TOLERANCE, Said
from bridge_ocpp.dialects.words import ConnectorTold, Notice
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.journal import mask
from bridge_ocpp.port import ConnectorStatus, ConnectorStatusChanged
from bridge_ocpp.tables import BridgeRow, ChargerRow, ConnectorRow, NoticeRow, SampleRow
from bridge_ocpp.transactions import remote_starts
from bridge_ocpp.upkeep import alerts, reported


async def alive(db: AsyncSession, process_id: UUID, *, now: datetime, lease: timedelta) -> None:
    """This bridge process lives, and will be taken for dead when it does not say so again within `lease`."""
    until = now + lease
    statement = insert(BridgeRow).values(process_id=process_id, alive_until=until)
    await db.execute(statement.on_conflict_do_update(index_elements=["process_id"], set_={"alive_until": until}))


async def seen(db: AsyncSession, signs: list[dict[str, Any]]) -> None:
    """Write down when chargers gave their last sign of life: {"key", "last_seen_at"} each."""
    await db.execute(update(ChargerRow), signs)


async def keep_quirks(db: AsyncSession, charger_key: str, quirks: list[str]) -> None:
    """Add to what this charger does wrong."""
    row = await db.get(ChargerRow, charger_key, with_for_update=True)
    if row is not None:
        row.quirks = list(dict.fromkeys([*row.quirks, *quirks]))


async def connector_told(db: AsyncSession, told: ConnectorTold, hearing: Hearing) -> None:
    """A connector says what it is doing; one that we did not know is added. EVSE 0 is the charger as a whole."""
    speaker, at = hearing.speaker, _status_time(told.said, hearing)
    place = (speaker.key, told.evse_id, told.connector_id)
    row = await db.get(ConnectorRow, place, with_for_update=True)
    if row is None:
        statement = insert(ConnectorRow).values(
            charger_key=speaker.key, evse_id=told.evse_id, connector_id=told.connector_id
        )
        await db.execute(statement.on_conflict_do_nothing())
        row = await db.get_one(ConnectorRow, place, with_for_update=True)
    row.info, row.said_at = told.info, told.said.at
    if (row.status, row.error_code) == (told.status, told.error_code):
        return
    changed = row.status != told.status
    was_wrong = row.error_code is not None or row.status == ConnectorStatus.FAULTED
    await alerts.connector_told(db, told, hearing, was_wrong=was_wrong, at=at)
    row.status, row.error_code, row.changed_at = told.status, told.error_code, at
    event = ConnectorStatusChanged(
        speaker.id,
        at,
        evse_id=told.evse_id,
        connector_id=told.connector_id,
        status=told.status,
        error_code=told.error_code,
        info=told.info,
    )
    await hearing.hub.heard(event, db)
    if changed:
        await transactions.status_changed(db, told, at, hearing)


def _status_time(said: Said, hearing: Hearing) -> datetime:
    """The charger's time where it is near; a status is never queued, but many chargers repeat an old time with it."""
    if said.at is not None and abs(said.at - hearing.received) <= TOLERANCE:
        return said.at
    if said.at is not None and said.at > hearing.received:
        hearing.speaker.note(AHEAD)
    return hearing.received


async def noticed(db: AsyncSession, told: Notice, hearing: Hearing) -> None:
    """Keep what a charger wants noted, secrets masked."""
    db.add(
        NoticeRow(
            charger_key=hearing.speaker.key,
            topic=told.topic,
            said_at=told.said.at,
            received_at=hearing.received,
            document=ocppj.dumps(mask(told.document)),
        )
    )


async def prune(db: AsyncSession, *, now: datetime, before: datetime) -> None:
    """Let go of meter values of no transaction, remote starts that nothing followed, and bridges long dead."""
    loose = col(SampleRow.transaction_id).is_(None)
    await db.execute(delete(SampleRow).where(loose, col(SampleRow.received_at) < before))
    await db.execute(delete(BridgeRow).where(col(BridgeRow.alive_until) < now - timedelta(days=1)))
    await remote_starts.forget_old(db, now=now)
    await alerts.prune(db, now=now)
    await reported.prune(db, now=now)
