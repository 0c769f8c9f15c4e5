"""The bridge's records for operators: chargers, transactions and the journal (port.ChargerBook).

Everything is read from and written to the caller's transaction; sockets notice by themselves.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj, passwords, records
from bridge_ocpp.config import Signing
from bridge_ocpp.devices.shelf import OWNED, Shelf
from bridge_ocpp.devices.stream_tables import StreamRow
from bridge_ocpp.devices.streams import Streams
from bridge_ocpp.port import (
    ChargerRecord,
    FrameRecord,
    NewCharger,
    Sample,
    StateChange,
    Transaction,
    TransactionFilter,
)
from bridge_ocpp.security import credentials
from bridge_ocpp.security.strongbox import Strongbox
from bridge_ocpp.security.tables import SecurityEventRow
from bridge_ocpp.smart.book import Sites
from bridge_ocpp.smart.tables import LimitRow, ProfileRow, ShareRow
from bridge_ocpp.tables import (
    BridgeRow,
    ChargerRow,
    ConnectorRow,
    FrameRow,
    NoticeRow,
    RemoteStartRow,
    ReservationRow,
    TransactionRow,
)
from bridge_ocpp.upkeep.book import UpkeepBook
from bridge_ocpp.upkeep.publishing import PublicationBook
from bridge_ocpp.upkeep.publishing_tables import PublicationRow
from bridge_ocpp.upkeep.tables import FirmwareTaskRow, LogRow
from bridge_ocpp.upkeep.watch_book import OWNED as WATCHED
from bridge_ocpp.upkeep.watch_book import WatchBook

__all__ = ["Book", "PublicationBook", "Signing", "Sites", "Streams", "Strongbox", "UpkeepBook", "WatchBook"]

LONGEST_ID = 48
"""OCPP 2.0.1, part 4: the identity of a charging station has at most 48 characters."""


_OWNED = (
    *(ConnectorRow, RemoteStartRow, NoticeRow, FrameRow, StreamRow, SecurityEventRow),
    *(*OWNED, FirmwareTaskRow, LogRow, PublicationRow),
    *WATCHED,
    *(ReservationRow, ProfileRow, LimitRow, ShareRow),
)


class Book(Shelf):
    """Implements port.ChargerBook, and port.DeviceBook by its shelf. `pepper` is the bridge's `secret`."""

    def __init__(self, pepper: bytes, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self._pepper = pepper

    async def register(self, charger: NewCharger, db: AsyncSession) -> None:
        """Raises KeyError when the id exists, ValueError for an id, a profile or a password that cannot be."""
        key = _key(charger.id)
        if not charger.id.strip() or len(charger.id) > LONGEST_ID or not charger.id.isprintable() or "/" in charger.id:
            raise ValueError(f"a charger's id has 1 to {LONGEST_ID} printable characters and no slash")
        _check_profile(charger.security_profile, password=charger.password is not None)
        if await db.get(ChargerRow, key) is not None:
            raise KeyError(charger.id)
        row = ChargerRow(key=key, id=charger.id, security_profile=charger.security_profile, registered_at=self._now())
        if charger.password is not None:
            credentials.set_password(row, charger.password, self._pepper)
        db.add(row)
        db.add_all(ConnectorRow(charger_key=key, evse_id=evse, connector_id=n) for evse, n in charger.connectors)
        await db.flush()

    async def remove(self, charger_id: str, db: AsyncSession) -> bool:
        """Its transactions and their samples stay: they are money. An open socket is closed with the next beat."""
        row = await db.get(ChargerRow, _key(charger_id), with_for_update=True)
        if row is None:
            return False
        await db.delete(row)
        for table in _OWNED:
            await db.execute(delete(table).where(col(table.charger_key) == row.key))
        await credentials.revoke_all(db, row.key, now=self._now())
        return True

    async def set_password(self, charger_id: str, password: str, db: AsyncSession) -> bool:
        """Counts from the next connection on. Raises ValueError for a password that chargers cannot carry."""
        row = await db.get(ChargerRow, _key(charger_id), with_for_update=True)
        if row is None:
            passwords.checked(password)
            return False
        credentials.set_password(row, password, self._pepper)
        return True

    async def set_profile(self, charger_id: str, profile: int, db: AsyncSession) -> bool:
        """The lowest security profile at which it may come in, from the next connection on; it may be lower than
        before. Raises ValueError for 1 and 2 where the charger has no password."""
        row = await db.get(ChargerRow, _key(charger_id), with_for_update=True)
        if row is None:
            return False
        _check_profile(profile, password=row.password_digest is not None)
        row.security_profile = profile
        return True

    async def chargers(self, db: AsyncSession) -> Sequence[ChargerRecord]:
        """All, by id."""
        rows = list(await db.scalars(select(ChargerRow).order_by(col(ChargerRow.key))))
        return await self._recorded(db, rows)

    async def charger(self, charger_id: str, db: AsyncSession) -> ChargerRecord | None:
        row = await db.get(ChargerRow, _key(charger_id))
        return None if row is None else (await self._recorded(db, [row]))[0]

    async def transactions(self, which: TransactionFilter, db: AsyncSession) -> Sequence[Transaction]:
        """Oldest first."""
        query = (
            select(TransactionRow)
            .where(*records.transactions_where(which))
            .order_by(col(TransactionRow.started_at), col(TransactionRow.id))
            .limit(which.limit)
            .offset(which.offset)
        )
        return [records.transaction(row) for row in await db.scalars(query)]

    async def transaction(
        self, transaction_id: str, db: AsyncSession
    ) -> tuple[Transaction, tuple[Sample, ...], tuple[StateChange, ...]] | None:
        row = await db.get(TransactionRow, transaction_id)
        if row is None:
            return None
        samples, states = await records.samples_of(db, row.id), await records.states_of(db, row.id)
        return records.transaction(row), samples, states

    async def frames(self, charger_id: str, db: AsyncSession, *, limit: int = 100) -> Sequence[FrameRecord]:
        """Newest first."""
        query = (
            select(FrameRow)
            .where(col(FrameRow.charger_key) == _key(charger_id))
            .order_by(col(FrameRow.id).desc())
            .limit(limit)
        )
        return [
            FrameRecord(row.at, row.direction, row.kind, row.action, row.message_id, ocppj.loads(row.payload))
            for row in await db.scalars(query)
        ]

    async def _recorded(self, db: AsyncSession, rows: Sequence[ChargerRow]) -> list[ChargerRecord]:
        keys = [row.key for row in rows]
        alive = set(await db.scalars(select(col(BridgeRow.process_id)).where(col(BridgeRow.alive_until) > self._now())))
        connectors: dict[str, list[ConnectorRow]] = {key: [] for key in keys}
        query = (
            select(ConnectorRow)
            .where(col(ConnectorRow.charger_key).in_(keys))
            .order_by(col(ConnectorRow.evse_id), col(ConnectorRow.connector_id))
        )
        for connector in await db.scalars(query):
            connectors[connector.charger_key].append(connector)
        return [records.charger(row, connectors[row.key], alive=row.process_id in alive) for row in rows]


def _check_profile(profile: int, *, password: bool) -> None:
    if profile not in (0, 1, 2, 3):
        raise ValueError("the security profile is 0, 1, 2 or 3")
    if profile in (1, 2) and not password:
        raise ValueError(f"security profile {profile} needs a password")


def _key(charger_id: str) -> str:
    return charger_id.casefold()
