"""Reading what is kept: one object, those with an id, a page of a list. What a caller may see is a Sight, given here.

Lists are in the order of arrival, which never changes for an object: a crawl that follows `Page.last` neither
loses nor repeats what stays, however much is written meanwhile (transport_and_format, "Paginated response").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ocpi_hub.objects import statements
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.tables import Kept
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.paging import PageQuery

FAR = 1000
"""From this offset on it is asked first how many there are, to walk from the nearer end."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: the objects of these owners, and those kept for these readers (`cc/pid` folded).

    `only` is the one owner that was asked for, out of all that may be seen. Of these objects only those of owners that
    are `among` some (None: any), and none of those that are `barred`.
    """

    owners: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    only: str | None = None
    among: frozenset[str] | None = None
    barred: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, *, owners: Iterable[PartyId] = (), readers: Iterable[PartyId] = (), only: PartyId | None = None
    ) -> "Sight":
        return cls(
            owners=frozenset(party.key for party in owners),
            readers=frozenset(party.key for party in readers),
            only=only.key if only else None,
        )

    def filters(self) -> dict[str, list[str] | str]:
        """The values for the conditions of statements.py."""
        found: dict[str, list[str] | str] = {"owners": sorted(self.owners)}
        if self.readers:
            found["readers"] = sorted(self.readers)
        found |= {"only": self.only} if self.only else {}
        found |= {"among": sorted(self.among)} if self.among is not None else {}
        return found | ({"barred": sorted(self.barred)} if self.barred else {})


@dataclass(frozen=True, slots=True)
class Page:
    """Documents as JSON text, the number of all that match, and, unless the list ends here, where to go on after."""

    documents: list[str]
    total: int
    last: int | None


async def get(
    db: AsyncSession, kind: Kind, *, owner: PartyId, object_id: str, token_type: str | None = None
) -> Kept | None:
    """The object that `owner` calls `object_id` (a token: with this type, RFID if none is given)."""
    table = statements.table_of(kind)
    query = select(kind.table).where(
        table.c.key == kind.object_key(object_id, token_type), table.c.owner_key == owner.key
    )
    found: Kept | None = await db.scalar(query.execution_options(populate_existing=True))
    return found


async def find(
    db: AsyncSession, kind: Kind, object_id: str, *, token_type: str | None = None, sight: Sight | None = None
) -> list[Kept]:
    """The objects with this id, of whatever owner, in order of arrival; only what `sight` shows when it is given.

    A token's uid without a type finds its tokens of every type.
    """
    table = statements.table_of(kind)
    if kind.typed and token_type is None:
        named = table.c.uid_key == object_id.lower()
    else:
        named = table.c.key == kind.object_key(object_id, token_type)
    filters = sight.filters() if sight is not None else {}
    query = select(kind.table).where(named, *statements.seen(table, frozenset(filters))).order_by(table.c.pk)
    return list(await db.scalars(query.execution_options(populate_existing=True), filters))


async def page(
    engine: AsyncEngine, kind: Kind, *, query: PageQuery, sight: Sight | None = None, after: int | None = None
) -> Page:
    """A part of the list of what `sight` shows (None: everything), with `last_updated` inside of the query's dates.

    `after` is the `last` of the page before and then stands in place of the query's offset: deep pages cost what
    the first one costs. What an offset skips is walked through, from the nearer end of the list where it is counted.
    `engine` is one of database.alone(): a page is one statement, or two where its end must be known first.
    """
    dates = {"date_from": query.date_from, "date_to": query.date_to}
    filters: dict[str, Any] = {name: when for name, when in dates.items() if when is not None}
    if sight is not None:
        filters |= sight.filters()
    asked = frozenset(filters)
    place = {"after": after} if after is not None else {"skip": query.offset} if query.offset else {}
    ways = asked | frozenset(place)
    if after is None and query.offset >= FAR and statements.has_count(kind, asked):
        counted: int = (await statements.total(kind, asked).alone(engine, filters))[0].total
        if 2 * query.offset > counted:
            ways |= frozenset({"from_end"})
    rows = await statements.page(kind, ways).alone(engine, filters | place | {"take": query.limit + 1})
    total: int = rows[0].total
    if rows[0].pk is None:  # the one row that only says how many there are
        return Page(documents=[], total=total, last=None)
    shown = rows[: query.limit]
    return Page(
        documents=[row.document for row in shown],
        total=total,
        last=shown[-1].pk if len(rows) > len(shown) else None,
    )
