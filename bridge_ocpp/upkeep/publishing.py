"""Images that local controllers publish: asked when the controller is there, followed by what it says.

An image that was published is so until the controller has taken it back (UnpublishFirmware), or publishes no more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import commands, ocppj, port
from bridge_ocpp.connected import Connected
from bridge_ocpp.dialects.upkeep import PublicationTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import NotPossible, Outcome, OutcomeStatus, PublicationState, PublishFirmware, UnpublishFirmware
from bridge_ocpp.tables import ChargerRow
from bridge_ocpp.upkeep.errands import MOST_ATTEMPTS, Errand, unasked
from bridge_ocpp.upkeep.publishing_tables import PublicationRow
from bridge_ocpp.upkeep.tables import next_request

OPEN = (PublicationState.WAITING, PublicationState.ASKED, PublicationState.RUNNING)
FAILURES = {
    "DownloadFailed": "the download failed",
    "InvalidChecksum": "the image's MD5 is another than the checksum",
    "PublishFailed": "the controller could not publish it",
}


class Publishing:
    """Publications as one of the foreman's trades."""

    async def due(self, db: AsyncSession, here: Sequence[str], *, now: datetime, patience: timedelta) -> list[Errand]:
        """What to ask of the controllers connected `here`; each is asked for one image at a time."""
        await _too_late(db, now=now, patience=patience)
        if not here:
            return []
        row = PublicationRow
        busy = (PublicationState.ASKED, PublicationState.RUNNING)
        rows = await db.scalars(
            select(row)
            .where(col(row.state) == PublicationState.WAITING, col(row.charger_key).in_(here))
            .where(col(row.charger_key).not_in(select(col(row.charger_key)).where(col(row.state).in_(busy))))
            .order_by(col(row.created_at), col(row.request_id))
            .with_for_update(skip_locked=True)
        )
        errands: dict[str, Errand] = {}
        for found in rows:
            if found.charger_key not in errands:
                _become(found, PublicationState.ASKED, now=now)
                found.attempts, found.asked_at = found.attempts + 1, now
                errands[found.charger_key] = Errand(found.id, found.charger_key, _command(found))
        return list(errands.values())

    async def asked(self, db: AsyncSession, errand: Errand, outcome: Outcome, *, now: datetime) -> None:
        """What the controller said to the request. Its first progress may have come before."""
        row = await db.get(PublicationRow, errand.row, with_for_update=True)
        if row is None or row.state != PublicationState.ASKED:
            return
        if outcome.accepted:
            _become(row, PublicationState.RUNNING, now=now)
        elif outcome.status is OutcomeStatus.OFFLINE:
            row.attempts -= 1
            _become(row, PublicationState.WAITING, now=now)
        elif outcome.status is OutcomeStatus.TIMEOUT and row.attempts < MOST_ATTEMPTS:
            _become(row, PublicationState.WAITING, now=now, detail="it did not answer")
        else:
            _become(row, PublicationState.FAILED, now=now, detail=outcome.detail or outcome.status.value)


# --- what the controller says -----------------------------------------------------------------------------------------


async def told(db: AsyncSession, told: PublicationTold, hearing: Hearing) -> None:
    """How far it is: by its number, or of the one that it was asked for last."""
    row = PublicationRow
    query = select(row).where(col(row.charger_key) == hearing.speaker.key, col(row.asked_at).is_not(None))
    if told.request_id is not None:
        query = query.where(col(row.request_id) == told.request_id)
    found = await db.scalar(query.order_by(col(row.asked_at).desc()).limit(1).with_for_update())
    if found is None:
        document: dict[str, object] = {"status": told.status, "requestId": told.request_id, "location": told.uris}
        unasked(db, "PublishFirmwareStatusNotification", document, hearing)
        return
    if told.status == "Idle" or found.state == PublicationState.WITHDRAWN:
        return
    found.progress = told.status
    if told.status in FAILURES:
        reason = FAILURES[told.status] + (f": {told.reason}" if told.reason else "")
        _become(found, PublicationState.FAILED, now=hearing.received, detail=reason)
        found.uris = "[]"
    elif told.status == "Published":
        _become(found, PublicationState.PUBLISHED, now=hearing.received)
        found.uris = ocppj.dumps(list(told.uris))
    elif found.state != PublicationState.PUBLISHED:
        _become(found, PublicationState.RUNNING, now=hearing.received)  # from a failure, too: it tries again by itself


async def unpublish(connection: Connected, command: UnpublishFirmware, *, within: float) -> Outcome:
    """Have an image taken back; one that the controller does not have is served no more either."""
    outcome = await commands.execute(connection, command, within=within)
    if outcome.accepted or outcome.status is OutcomeStatus.UNKNOWN:
        key, now = connection.speaker.key, connection.desk.now()
        await connection.desk.ledger.write(lambda db: _withdrawn(db, key, command.checksum, now=now))
    return outcome


async def _withdrawn(db: AsyncSession, charger_key: str, checksum: str, *, now: datetime) -> None:
    row = PublicationRow
    mine = (col(row.charger_key) == charger_key, col(row.checksum) == checksum.lower())
    gone = {"state": PublicationState.WITHDRAWN, "uris": "[]", "detail": None, "changed_at": now}
    asked = update(row).where(*mine, col(row.state).in_((*OPEN[1:], PublicationState.PUBLISHED)))
    await db.execute(asked.values(gone).execution_options(synchronize_session=False))


async def _too_late(db: AsyncSession, *, now: datetime, patience: timedelta) -> None:
    """What did not happen in time: no answer (asked again), no end (given up)."""
    row = PublicationRow
    asked = (col(row.state) == PublicationState.ASKED) & (col(row.asked_at) < now - patience)
    late = col(row.state).in_(OPEN) & (col(row.deadline) < now)
    changes = (
        (late, PublicationState.FAILED, "it was not published in time"),
        (asked & (col(row.attempts) >= MOST_ATTEMPTS), PublicationState.FAILED, "it did not answer"),
        (asked, PublicationState.WAITING, None),
    )
    for which, state, detail in changes:
        values = {"state": state, "detail": detail, "changed_at": now}
        await db.execute(update(row).where(which).values(values).execution_options(synchronize_session=False))


def _become(row: PublicationRow, state: PublicationState, *, now: datetime, detail: str | None = None) -> None:
    row.state, row.detail, row.changed_at = state, detail and detail[:500], now


def _command(row: PublicationRow) -> PublishFirmware:
    return PublishFirmware(row.request_id, row.location, row.checksum, row.retries, row.retry_interval)


# --- for operators ----------------------------------------------------------------------------------------------------


class PublicationBook:
    """Implements port.PublicationBook."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now

    async def publish(self, wanted: port.NewPublication, db: AsyncSession) -> port.Publication:
        charger = await db.get(ChargerRow, wanted.charger.casefold(), with_for_update=True)
        if charger is None:
            raise NotPossible(f"there is no charger {wanted.charger}", [wanted.charger])
        checksum, now, row = wanted.checksum.lower(), self._now(), PublicationRow
        same = select(row).where(col(row.charger_key) == charger.key, col(row.checksum) == checksum)
        standing = (*OPEN, PublicationState.PUBLISHED)
        if await db.scalar(same.where(col(row.state).in_(standing)).limit(1)) is not None:
            raise NotPossible(f"{charger.id} publishes this image already", [charger.id], busy=True)
        made = PublicationRow(
            id=str(uuid4()),
            charger_key=charger.key,
            charger_id=charger.id,
            location=wanted.location,
            checksum=checksum,
            retries=wanted.retries,
            retry_interval=wanted.retry_interval,
            request_id=await next_request(db),
            state=PublicationState.WAITING,
            deadline=now + timedelta(seconds=wanted.give_up_after),
            created_at=now,
            changed_at=now,
        )
        db.add(made)
        await db.flush()
        return _record(made)

    async def publications(
        self, db: AsyncSession, *, charger_id: str | None = None, limit: int = 100
    ) -> Sequence[port.Publication]:
        row = PublicationRow
        query = select(row).order_by(col(row.created_at).desc(), col(row.request_id).desc()).limit(limit)
        if charger_id is not None:
            query = query.where(col(row.charger_key) == charger_id.casefold())
        return [_record(found) for found in await db.scalars(query)]

    async def publication(self, publication_id: str, db: AsyncSession) -> port.Publication | None:
        row = await db.get(PublicationRow, publication_id)
        return None if row is None else _record(row)

    async def cancel(self, publication_id: str, db: AsyncSession) -> bool:
        row = await db.get(PublicationRow, publication_id, with_for_update=True)
        if row is None or row.state != PublicationState.WAITING:
            return False
        _become(row, PublicationState.WITHDRAWN, now=self._now(), detail="taken back before it was asked for")
        return True


def _record(row: PublicationRow) -> port.Publication:
    return port.Publication(
        id=row.id,
        charger=row.charger_id,
        location=row.location,
        checksum=row.checksum,
        state=PublicationState(row.state),
        progress=row.progress,
        detail=row.detail,
        uris=tuple(ocppj.loads(row.uris)),
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
