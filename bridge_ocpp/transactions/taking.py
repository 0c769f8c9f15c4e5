"""What becomes of a message about a transaction: found or made, merged, counted, told.

Messages come doubled, late and shuffled. Content is the key, never a message id: the same news changes nothing. What
names a transaction that we never gave is kept apart as a stray, suspect, and is never guessed onto another.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.clock import WRONG, Judged
from bridge_ocpp.dialects.words import ConnectorTold, Metered, Stage, TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import ChargingState, ConnectorStatus, HubPort, IdToken, Verdict
from bridge_ocpp.records import kept_verdict, read_verdict
from bridge_ocpp.speaker import Speaker
from bridge_ocpp.tables import TRANSACTION_NUMBER, ChargerRow, ConnectorRow, TransactionEventRow, TransactionRow
from bridge_ocpp.transactions import counting, telling, unended
from bridge_ocpp.transactions.merging import MISSING_EVENTS, NO_START, flag, merge
from bridge_ocpp.transactions.remote_starts import remote_start_of

STATES: dict[str, ChargingState] = {
    ConnectorStatus.PREPARING: ChargingState.EV_CONNECTED,
    ConnectorStatus.CHARGING: ChargingState.CHARGING,
    ConnectorStatus.SUSPENDED_EV: ChargingState.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE: ChargingState.SUSPENDED_EVSE,
    ConnectorStatus.FINISHING: ChargingState.EV_CONNECTED,
}
"""What the status of a connector says about the transaction at it, where connectors have so many words."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to the same news before."""

    ocpp_id: str
    verdict: Verdict | None


async def take(db: AsyncSession, told: TransactionTold, hearing: Hearing, verdict: Verdict | None) -> TransactionRow:
    """Take note of news of a transaction; the row as it stands afterwards."""
    speaker = hearing.speaker
    judged = speaker.judge(told.said, received=hearing.received, offline=told.offline)
    row = await _row_of(db, told, hearing, judged)
    if not await _is_news(db, row, told, hearing, judged, verdict):
        return row
    unended.goes_on(row)
    began = not row.start_seen and told.stage is Stage.STARTED
    changed = merge(row, told, hearing, judged, verdict)
    if began and told.remote_start_id is None and not speaker.echoes_remote_start:
        row.remote_start_id = await remote_start_of(db, row, received=hearing.received)
    if began and not row.stray_key:
        await unended.followed(db, row, hearing)
        if row.charging_state is None:
            await _first_state(db, row, hearing)
    counted = row.energy_wh
    new = await counting.keep(db, row, told.readings, message=told.said, judged=judged, hearing=hearing)
    await counting.count(db, row, new)
    changed = changed or row.energy_wh != counted
    if judged.live and speaker.behind_since is not None:
        await _caught_up(db, speaker)
    await telling.tell(db, row, new, hearing, changed=changed, began=began)
    return row


async def metered(db: AsyncSession, told: Metered, hearing: Hearing) -> None:
    """Keep meter values; those of a transaction belong to it, the others to their EVSE."""
    row = await _locked(db, hearing.speaker.key, told.ocpp_id) if told.ocpp_id is not None else None
    judged = hearing.speaker.judge(told.said, received=hearing.received)
    if row is None:
        await counting.keep_loose(db, counting.loose_rows(told, judged=judged, hearing=hearing))
        return
    new = await counting.keep(db, row, told.readings, message=told.said, judged=judged, hearing=hearing)
    if not new:
        return
    unended.goes_on(row)
    counted = row.energy_wh
    flag(row, *judged.flags)
    await counting.count(db, row, new)
    await telling.tell(db, row, new, hearing, changed=row.energy_wh != counted, began=False)


async def status_changed(db: AsyncSession, told: ConnectorTold, at: datetime, hearing: Hearing) -> None:
    """A connector's status says what happens in the transaction at it, where the version has no better word."""
    if told.status is ConnectorStatus.AVAILABLE and told.evse_id:
        await unended.left(db, told, at, hearing)
    state = STATES.get(told.status)
    if state is None or told.evse_id == 0:
        return
    query = (
        select(TransactionRow)
        .where(
            col(TransactionRow.charger_key) == hearing.speaker.key,
            col(TransactionRow.evse_id) == told.evse_id,
            col(TransactionRow.ended_at).is_(None),
            col(TransactionRow.start_told),
        )
        .order_by(col(TransactionRow.started_at).desc())
        .limit(1)
        .with_for_update()
    )
    row = await db.scalar(query)
    if row is None or row.charging_state == state:
        return
    unended.goes_on(row)
    await _state_is(db, row, state, at=max(at, row.started_at), hearing=hearing)
    await telling.tell(db, row, [], hearing, changed=True, began=False)


async def answered(db: AsyncSession, told: TransactionTold, hearing: Hearing) -> Answered | None:
    """The earlier answer to the same news, so that nobody is asked again; None for news that is new."""
    event, transaction, speaker = TransactionEventRow, TransactionRow, hearing.speaker
    named = (
        col(transaction.start_key) == told.digest if told.ocpp_id is None else col(transaction.ocpp_id) == told.ocpp_id
    )
    query = (
        select(col(transaction.ocpp_id), col(event.verdict))
        .join(transaction, col(transaction.id) == col(event.transaction_id))
        .where(col(transaction.charger_key) == speaker.key, named, col(event.digest) == told.digest)
    )
    if told.ocpp_id is None and _says_nothing(speaker.judge(told.said, received=hearing.received)):
        query = query.where(col(transaction.ended_at).is_(None))
    found = (await db.execute(query)).first()
    if found is None:
        return None
    return Answered(found[0], read_verdict(found[1]))


async def verdict_at_start(db: AsyncSession, row: TransactionRow, token: IdToken) -> Verdict | None:
    """What was said of this token as the transaction began; None where it began with another one, or unasked."""
    if row.token_key != token.value.casefold():
        return None
    event = TransactionEventRow
    kept = select(col(event.verdict)).where(
        col(event.transaction_id) == row.id, col(event.stage) == Stage.STARTED, col(event.verdict).is_not(None)
    )
    return read_verdict(await db.scalar(kept.order_by(col(event.id)).limit(1)))


async def settle_due(db: AsyncSession, hub: HubPort, *, now: datetime, limit: int = 1) -> int:
    """Tell the ends whose missing messages did not come in time, or that never came; how many. They are flagged."""
    query = (
        select(TransactionRow)
        .where(col(TransactionRow.settle_at) <= now)
        .order_by(col(TransactionRow.settle_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(await db.scalars(query))
    for row in rows:
        if row.ended_at is None:
            await unended.over(db, row, now=now)
        else:
            flag(row, MISSING_EVENTS)
        await telling.tell_end(db, row, hub, now=now)
    return len(rows)


# --- finding and making ------------------------------------------------------------------------------------------


async def _row_of(db: AsyncSession, told: TransactionTold, hearing: Hearing, judged: Judged) -> TransactionRow:
    """The transaction that the news is about, locked; made when there is none yet."""
    key = hearing.speaker.key
    if told.ocpp_id is None:
        row = await _locked_start(db, key, told.digest)
        if row is not None and row.ended_at is not None and _says_nothing(judged):
            row.start_key = None  # a charger that counts no time begins each charge with the same words
            await db.flush()
            row = None
        if row is None:
            number = str(await db.scalar(select(TRANSACTION_NUMBER.next_value())))
            await _insert(db, told, hearing, judged, ocpp_id=number, start_key=told.digest)
            row = await _locked_start(db, key, told.digest)
    else:
        row = await _locked(db, key, told.ocpp_id)
        if row is not None and _is_another(row, told, judged):
            hearing.speaker.note("a transaction id used again")
            row.stray_key = row.id  # it is over; what comes under its name now is about the new one
            await db.flush()
            row = None
        if row is None:
            # A charger that counts its messages names its transactions itself; one that does not got the name from
            # us, and a name that we never gave belongs to nothing.
            stray = "" if told.seq_no is not None else told.digest
            await _insert(db, told, hearing, judged, ocpp_id=told.ocpp_id, stray_key=stray)
            row = await _locked(db, key, told.ocpp_id, stray_key=stray)
    if row is None:
        raise RuntimeError("a transaction vanished while it was being written")
    return row


def _is_another(row: TransactionRow, told: TransactionTold, judged: Judged) -> bool:
    """Whether a start is that of another transaction: it comes after this one had started and ended."""
    over = row.ended_at is not None and row.start_seen and not _says_nothing(judged)
    return over and told.stage is Stage.STARTED and judged.at > (row.ended_at or judged.at)


def _says_nothing(judged: Judged) -> bool:
    """Whether a time tells no two moments apart: there is none, or the clock was never set or stands still."""
    return not WRONG.isdisjoint(judged.flags)


async def _locked(db: AsyncSession, key: str, ocpp_id: str, *, stray_key: str = "") -> TransactionRow | None:
    query = select(TransactionRow).where(
        col(TransactionRow.charger_key) == key,
        col(TransactionRow.ocpp_id) == ocpp_id,
        col(TransactionRow.stray_key) == stray_key,
    )
    return await db.scalar(query.with_for_update())


async def _locked_start(db: AsyncSession, key: str, start_key: str) -> TransactionRow | None:
    query = select(TransactionRow).where(
        col(TransactionRow.charger_key) == key, col(TransactionRow.start_key) == start_key
    )
    return await db.scalar(query.with_for_update())


async def _insert(
    db: AsyncSession,
    told: TransactionTold,
    hearing: Hearing,
    judged: Judged,
    *,
    ocpp_id: str,
    start_key: str | None = None,
    stray_key: str = "",
) -> None:
    """Make the row, unless the same news makes it at the same moment on another connection."""
    seen = told.stage is Stage.STARTED
    statement = insert(TransactionRow).values(
        id=str(uuid4()),
        charger_key=hearing.speaker.key,
        charger_id=hearing.speaker.id,
        ocpp_id=ocpp_id,
        stray_key=stray_key,
        start_key=start_key,
        started_at=judged.at,
        started_received_at=hearing.received,
        suspect=not seen,
        flags=[] if seen else [NO_START],
    )
    await db.execute(statement.on_conflict_do_nothing())


async def _is_news(
    db: AsyncSession,
    row: TransactionRow,
    told: TransactionTold,
    hearing: Hearing,
    judged: Judged,
    verdict: Verdict | None,
) -> bool:
    """Write the message down; False when it has been written down before."""
    statement = insert(TransactionEventRow).values(
        transaction_id=row.id,
        digest=told.digest,
        stage=told.stage,
        seq_no=told.seq_no,
        said_at=told.said.at,
        at=judged.at,
        received_at=hearing.received,
        charging_state=told.charging_state,
        verdict=kept_verdict(verdict),
    )
    return await db.scalar(statement.on_conflict_do_nothing().returning(col(TransactionEventRow.id))) is not None


async def _first_state(db: AsyncSession, row: TransactionRow, hearing: Hearing) -> None:
    """Where messages carry no state: what the connector said last before the start."""
    status = await db.scalar(
        select(col(ConnectorRow.status)).where(
            col(ConnectorRow.charger_key) == row.charger_key,
            col(ConnectorRow.evse_id) == row.evse_id,
            col(ConnectorRow.connector_id) == row.connector_id,
        )
    )
    state = STATES.get(status or "")
    if state is not None:
        await _state_is(db, row, state, at=row.started_at, hearing=hearing)


async def _state_is(
    db: AsyncSession, row: TransactionRow, state: ChargingState, *, at: datetime, hearing: Hearing
) -> None:
    row.charging_state, row.state_at = state, at
    statement = insert(TransactionEventRow).values(
        transaction_id=row.id,
        digest=f"{at.isoformat()} {state}",
        at=at,
        received_at=hearing.received,
        charging_state=state,
    )
    await db.execute(statement.on_conflict_do_nothing())


async def _caught_up(db: AsyncSession, speaker: Speaker) -> None:
    """A message made just now: a charger's queue is first in, first out, so nothing older is outstanding."""
    await db.execute(update(ChargerRow).where(col(ChargerRow.key) == speaker.key).values(behind_since=None))
    speaker.behind_since = None
