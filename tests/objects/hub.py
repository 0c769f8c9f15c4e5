"""The objects room as these tests use it: one transaction per call, and always the same moment of receiving."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.objects import reading, writing
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, TOKENS, Kind
from ocpi_hub.objects.reading import Page, Sight
from ocpi_hub.objects.tables import Kept
from ocpi_hub.objects.writing import Written
from ocpi_hub.wire import json
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.paging import PageQuery
from tests.world import objects

CPO, EMSP = PartyId(*objects.CPO), PartyId(*objects.EMSP)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUILDERS = {
    LOCATIONS.module: objects.location,
    TARIFFS.module: objects.tariff,
    TOKENS.module: objects.token,
    SESSIONS.module: objects.session,
    CDRS.module: objects.cdr,
}


def as_read(document: dict[str, Any]) -> Any:
    """A document as our reader gives it: fractions are Decimals."""
    return json.loads(json.dumps(document))


class Hub:
    """The objects room with one transaction per call."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    async def put(self, kind: Kind, document: dict[str, Any], *, owner: PartyId | None = None) -> Written:
        async with self.resources.unit_of_work() as db:
            return await self.put_in(db, kind, document, owner=owner)

    async def put_in(
        self, db: AsyncSession, kind: Kind, document: dict[str, Any], *, owner: PartyId | None = None
    ) -> Written:
        """The same inside of a transaction that is already open."""
        owner = owner or kind.owner_of(document)
        return await writing.put(db, kind, owner=owner, document=as_read(document), source="p1", at=AT)

    async def put_child(self, *ids: str, document: dict[str, Any]) -> Written:
        async with self.resources.unit_of_work() as db:
            return await writing.put_child(
                db, LOCATIONS, owner=CPO, ids=ids, document=as_read(document), source="p1", at=AT
            )

    async def patch(
        self, kind: Kind, *ids: str, owner: PartyId = CPO, type: str | None = None, **changes: Any
    ) -> Written:
        async with self.resources.unit_of_work() as db:
            return await writing.patch(
                db, kind, owner=owner, ids=ids, changes=as_read(changes), source="p1", at=AT, token_type=type
            )

    async def remove(self, object_id: str) -> Written | None:
        async with self.resources.unit_of_work() as db:
            return await writing.remove(db, TARIFFS, owner=CPO, object_id=object_id, at=AT)

    async def row(self, kind: Kind, object_id: str, *, owner: PartyId = CPO, type: str | None = None) -> Kept:
        async with self.resources.unit_of_work() as db:
            kept = await reading.get(db, kind, owner=owner, object_id=object_id, token_type=type)
            assert kept is not None
            return kept

    async def document(self, kind: Kind, object_id: str, **named: Any) -> Any:
        return json.loads((await self.row(kind, object_id, **named)).document)

    async def page(self, kind: Kind, *, sight: Sight | None = None, after: int | None = None, **query: Any) -> Page:
        return await reading.page(self.resources.alone, kind, query=PageQuery(**query), sight=sight, after=after)

    async def find(self, kind: Kind, object_id: str, **more: Any) -> list[Kept]:
        async with self.resources.unit_of_work() as db:
            return await reading.find(db, kind, object_id, **more)
