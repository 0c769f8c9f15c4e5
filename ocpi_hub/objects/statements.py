"""The SQL of the kept tables, built once per kind: building a statement costs more than sending it.

No transaction and no rule of OCPI here; writing.py and reading.py run these.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    Executable,
    Integer,
    Select,
    Table,
    Text,
    all_,
    any_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from ocpi_hub.base.database import Quick
from ocpi_hub.objects import endings
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.tables import KeptCount

_SLOTS = 8


def table_of(kind: Kind) -> Table:
    """The table behind a kind."""
    return cast(Table, kind.table.__table__)  # type: ignore[attr-defined]


def _written_columns(kind: Kind) -> list[Column[Any]]:
    return [column for column in table_of(kind).columns if column.name not in ("pk", "replaced")]


def _named(kind: Kind) -> ColumnElement[bool]:
    table = table_of(kind)
    return (table.c.key == bindparam("named_key")) & (table.c.owner_key == bindparam("named_owner"))


@cache
def keep(kind: Kind, *, offered: bool = False) -> Quick:
    """Insert a row, or take the place of the one that is there; give back `replaced`. A new object is counted.

    An immutable object stays as it is, and so does one that is newer than what is `offered`, or that is the same at
    the same time, or that is at its end (endings.py); then no row comes back.
    """
    table, news = table_of(kind), None
    statement = insert(table).values(_given(kind))
    if offered:
        given = statement.excluded
        same_time = (given.last_updated == table.c.last_updated) & (given.digest != table.c.digest)
        news = (given.last_updated > table.c.last_updated) | same_time
    kept = _in_place(kind, statement, where=news)
    return Quick(_counting(kind, kept, [kept.c.replaced], by=1, where=kept.c.replaced.is_(None)))


def keep_if(kind: Kind, condition: ColumnElement[bool], and_then: Callable[[CTE], Sequence[CTE]]) -> Select[Any]:
    """As `keep`, where the condition holds; otherwise nothing happens, as with what stays as it is: no row comes back.

    `and_then` is given the kept row (owner_key, reader_key, replaced) and says what else the statement does.
    """
    values = _given(kind)
    given = select(*(value.label(name) for name, value in values.items())).where(condition)
    kept = _in_place(kind, insert(table_of(kind)).from_select(list(values), given))
    return _counting(kind, kept, [kept.c.replaced], by=1, where=kept.c.replaced.is_(None)).add_cte(*and_then(kept))


def _given(kind: Kind) -> dict[str, ColumnElement[Any]]:
    """The values of a row that is kept, to be bound by the names of their columns."""
    return {column.name: bindparam(column.name, type_=column.type) for column in _written_columns(kind)}


def _in_place(kind: Kind, statement: Insert, *, where: ColumnElement[bool] | None = None) -> CTE:
    """The row that is inserted or takes the place of the one that is there, unless that is there for good."""
    table = table_of(kind)
    key = [table.c.key, table.c.owner_key]
    if kind.immutable:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        if endings.guards(kind):
            where = _may_change(table, statement) if where is None else where & _may_change(table, statement)
        fresh: dict[str, Any] = {column.name: statement.excluded[column.name] for column in _written_columns(kind)}
        statement = statement.on_conflict_do_update(
            index_elements=key, set_=fresh | {"replaced": table.c.digest}, where=where
        )
    return statement.returning(table.c.owner_key, table.c.reader_key, table.c.replaced).cte("kept")


def _may_change(table: Table, statement: Insert) -> ColumnElement[bool]:
    """What endings.py says."""
    new = statement.excluded
    final = or_(*(new.status == one for one in endings.FINAL))
    goes_on = (table.c.status != endings.COMPLETED) | (final & (new.last_updated >= table.c.last_updated))
    return new.platform_id.is_(None) | ((new.reader_key == table.c.reader_key) & goes_on)


@cache
def lock(kind: Kind) -> Executable:
    """The object `named_owner`, `named_key` as it is kept, locked until the transaction ends."""
    return select(table_of(kind)).where(_named(kind)).with_for_update()


@cache
def replace(kind: Kind) -> Executable:
    """Give the row `named_pk`, which is locked, new columns."""
    table = table_of(kind)
    fresh = {column.name: bindparam(column.name, type_=column.type) for column in _written_columns(kind)}
    return update(table).where(table.c.pk == bindparam("named_pk")).values(**fresh, replaced=bindparam("replaced"))


@cache
def give(kind: Kind) -> Executable:
    """Make `new_reader` the reader of the row `named_pk`, which is locked."""
    table = table_of(kind)
    return update(table).where(table.c.pk == bindparam("named_pk")).values(reader_key=bindparam("new_reader"))


@cache
def recount(kind: Kind) -> Executable:
    """Count an object of `named_owner` for `new_reader`, who is another than `old_reader`."""
    rows = union_all(
        *(
            select(
                literal(str(kind.module)).label("module"),
                bindparam("named_owner", type_=Text).label("owner_key"),
                bindparam(name, type_=Text).label("reader_key"),
                literal(by, BigInteger).label("by"),
            )
            for name, by in (("old_reader", -1), ("new_reader", 1))
        )
    ).cte("moved")
    counts = cast(Table, KeptCount.__table__)  # type: ignore[attr-defined]
    return _count(counts, select(rows.c.module, rows.c.owner_key, rows.c.reader_key, _slot(), rows.c.by))


@cache
def forget(kind: Kind) -> Executable:
    """Delete the object `named_owner`, `named_key` and give back what it was; it is no longer counted."""
    gone = delete(table_of(kind)).where(_named(kind)).returning(*_written_columns(kind)).cte("gone")
    return _counting(kind, gone, [gone.c[column.name] for column in _written_columns(kind)], by=-1, where=true())


def seen(table: Table, asked: frozenset[str]) -> Iterator[ColumnElement[bool]]:
    """Rows of one of these `owners`, or for one of these `readers`; and of the `only` owner that is asked for, of an
    owner that is `among` these, of none that is `barred`."""
    ways = [
        column == any_(bindparam(name, type_=ARRAY(Text)))
        for name, column in (("owners", table.c.owner_key), ("readers", table.c.reader_key))
        if name in asked
    ]
    if ways:
        yield or_(*ways)
    if "only" in asked:
        yield table.c.owner_key == bindparam("only")
    if "among" in asked:
        yield table.c.owner_key == any_(bindparam("among", type_=ARRAY(Text)))
    if "barred" in asked:
        yield table.c.owner_key != all_(bindparam("barred", type_=ARRAY(Text)))


@cache
def page(kind: Kind, asked: frozenset[str]) -> Quick:
    """pk and document of at most `take` objects in order of arrival, under the conditions that are `asked`, and beside
    each the `total` of them all. A page without objects is one row that has nothing but the total.

    `asked` also says from where: `after` a pk, or with so many to `skip`; these are counted from the end of the list
    where `from_end` is asked, which only a list with a kept count can be.

    Where some are skipped, the places are found first and the documents fetched after: what stands below an OFFSET
    would be fetched for every row that is skipped.
    """
    table, count = table_of(kind), _total(kind, asked).cte("count")
    places, columns = select(table.c.pk).where(*_conditions(kind, asked)), (table.c.pk, table.c.document)
    take = bindparam("take", type_=BigInteger)
    if "from_end" in asked:
        # The count is of the same moment as the list: both are of one statement.
        rest = select(count.c.total).scalar_subquery() - bindparam("skip", type_=BigInteger)
        some = func.greatest(func.least(rest, take), 0)
        places = places.order_by(table.c.pk.desc()).limit(some).offset(func.greatest(rest - take, 0))
        # As an array, for how many they are is not known when the statement is planned.
        found = select(*columns).where(table.c.pk == any_(func.array(places.scalar_subquery())))
    elif "skip" in asked:
        near = places.order_by(table.c.pk).limit(take).offset(bindparam("skip", type_=BigInteger)).subquery("places")
        found = select(*columns).join(near, near.c.pk == table.c.pk)
    else:
        first = [table.c.pk > bindparam("after", type_=BigInteger)] if "after" in asked else []
        found = select(*columns).where(*_conditions(kind, asked), *first).order_by(table.c.pk).limit(take)
    shown = found.subquery("shown")
    return Quick(
        select(shown.c.pk, shown.c.document, count.c.total)
        .select_from(count.outerjoin(shown, true()))
        .order_by(shown.c.pk)
    )


def has_count(kind: Kind, asked: frozenset[str]) -> bool:
    """Whether the kept counts know how many objects there are under the conditions that are `asked`."""
    return kind.counted and not asked & {"date_from", "date_to"}


@cache
def total(kind: Kind, asked: frozenset[str]) -> Quick:
    """How many objects there are under the conditions that are `asked`, as `total`."""
    return Quick(_total(kind, asked))


def _total(kind: Kind, asked: frozenset[str]) -> Select[Any]:
    if has_count(kind, asked):
        counts = cast(Table, KeptCount.__table__)  # type: ignore[attr-defined]
        total = func.coalesce(func.sum(counts.c.n), 0).cast(BigInteger).label("total")
        return select(total).where(counts.c.module == str(kind.module), *seen(counts, asked))
    return select(func.count().label("total")).select_from(table_of(kind)).where(*_conditions(kind, asked))


def _conditions(kind: Kind, asked: frozenset[str]) -> Iterator[ColumnElement[bool]]:
    table = table_of(kind)
    yield from seen(table, asked)
    if "date_from" in asked:
        yield table.c.last_updated >= bindparam("date_from", type_=table.c.last_updated.type)
    if "date_to" in asked:
        yield table.c.last_updated < bindparam("date_to", type_=table.c.last_updated.type)


def _counting(
    kind: Kind, rows: CTE, columns: list[ColumnElement[Any]], *, by: int, where: ColumnElement[bool]
) -> Select[Any]:
    """`columns` of `rows`, while those of them that `where` holds for change the kept count."""
    if not kind.counted:
        return select(*columns)
    counts = cast(Table, KeptCount.__table__)  # type: ignore[attr-defined]
    changes = select(
        literal(str(kind.module)),
        rows.c.owner_key,
        func.coalesce(rows.c.reader_key, ""),
        _slot(),
        literal(by, BigInteger),
    ).where(where)
    return select(*columns).add_cte(_count(counts, changes).cte("counting"))


def _count(counts: Table, changes: Select[Any]) -> Insert:
    """Add `changes` (module, owner_key, reader_key, slot, n) to the kept counts."""
    counting = insert(counts).from_select(["module", "owner_key", "reader_key", "slot", "n"], changes)
    return counting.on_conflict_do_update(
        index_elements=list(counts.primary_key.columns), set_={"n": counts.c.n + counting.excluded.n}
    )


def _slot() -> ColumnElement[int]:
    return (func.pg_backend_pid() % _SLOTS).cast(Integer)
