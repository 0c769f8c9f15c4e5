"""The database: one engine per process, the unit of work, and bells that ring after a commit.

One request, message or job is one transaction; it is committed here and nowhere else. What must happen
after a commit is a bell: it rings when the commit stood, and is forgotten when it did not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, DateTime, MetaData, Row, Text, TypeDecorator, cast
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Bell = tuple[str, tuple[Any, ...]]
UnitOfWork = Callable[[], AbstractAsyncContextManager[AsyncSession]]

_BELLS = "ocpi_hub.bells"
_CONNECTION = "ocpi_hub.connection"


class UtcTime(TypeDecorator[datetime]):
    """A timestamptz that refuses a time without a zone: a naive time is a bug, not a guess."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone must not reach the database")
        return value


class JsonText(TypeDecorator[str]):
    """A json column whose Python side is the JSON text itself.

    Kept documents are written and sent as text: numbers keep every digit, unknown fields stay, and a list of a hundred
    objects is never parsed, by PostgreSQL neither (JSONB would be written out anew each time that it is read).
    """

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _as_it_is

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None]:
        return _as_it_is

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        # Read as text: the driver's own codec parses, and turns numbers into floats.
        return cast(column, Text)


def _as_it_is(value: str | None) -> str | None:
    return value


def open_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for `postgresql://…` (a unix socket as `?host=/folder`). Raises ValueError for another database.

    It holds twice `pool_size` connections at most, and keeps those that it needed: what a connection learns of its
    statements costs far more than the connection, so one that is closed after each rush would learn all day.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(f"OCPI_HUB_DATABASE_URL must be a postgresql:// URL, not {parsed.get_backend_name()}://")
    return create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"),
        pool_size=2 * pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=10,
        pool_recycle=1800,
        hide_parameters=True,  # an error's text goes to the log, and what is written may be a token
    )


def alone(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, for statements that are transactions of their own."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def apart(engine: AsyncEngine) -> AsyncEngine:
    """One more connection to the same database, for what those wait for who hold one of `engine` already.

    Close it with its `dispose()`."""
    return create_async_engine(engine.url, pool_size=1, max_overflow=0, pool_recycle=1800, hide_parameters=True)


def session_maker(engine: AsyncEngine, info: Mapping[Any, Any] | None = None) -> async_sessionmaker[AsyncSession]:
    """Sessions that keep their objects readable after the commit; each has `info` as its own."""
    return async_sessionmaker(engine, expire_on_commit=False, info=dict(info or {}))


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is not there just now, and nothing about what was asked of it.

    Classes 08 (connection) and 57P (shutdown, crash, starting up) of PostgreSQL's SQLSTATE, and a socket that fails.
    """
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(("08", "57P"))
    return isinstance(error, ConnectionError | FileNotFoundError)


class Quick:
    """A statement that is compiled once, for the few that every message needs: building and compiling one takes ten
    times as long as running it. Values are bound as they are."""

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)
        self._sql = str(compiled)
        self._names = list(compiled.positiontup or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    async def rows(self, db: AsyncSession, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """What the statement gives, in the transaction of `db`. Raises KeyError for a value that is missing."""
        bound = self._bound(values)
        connection: AsyncConnection | None = db.info.get(_CONNECTION)
        if connection is None or connection.closed:  # of the transaction before
            connection = db.info[_CONNECTION] = await db.connection()
        result = await connection.exec_driver_sql(self._sql, bound)
        return result.all() if result.returns_rows else ()

    async def alone(self, engine: AsyncEngine, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """The same as a transaction of its own: it has committed when this returns, in one round trip.

        For what is whole in one statement; nothing can be done before or after it in the same transaction. `engine` is
        one of alone().
        """
        async with engine.connect() as connection:
            return (await connection.exec_driver_sql(self._sql, self._bound(values))).all()

    def _bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(values[name] if name in values else self._fixed[name] for name in self._names)


_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]


def after_commit(db: AsyncSession, job: str, *ids: Any) -> None:
    """Ring the job named `job` with these ids once `db` has committed; equal bells ring once."""
    bells: dict[Bell, None] = db.info.setdefault(_BELLS, {})
    bells[(job, ids)] = None


@asynccontextmanager
async def unit_of_work(
    sessions: async_sessionmaker[AsyncSession], ring: Callable[[list[Bell]], Awaitable[None]]
) -> AsyncIterator[AsyncSession]:
    """One transaction: committed on leaving, rolled back on an exception; its bells ring only after the commit."""
    async with sessions() as db:
        try:
            yield db
        except BaseException:
            await db.rollback()
            raise
        await db.commit()
        bells = list(db.info.pop(_BELLS, {}))
    if bells:
        await ring(bells)
