"""How alembic reaches the database: over asyncpg, one migration run at a time.

The upgrade of a hub passes the URL in and needs no models. Only who writes a migration compares with them:
`OCPI_HUB_DATABASE_URL=… alembic revision --autogenerate -m "what it does"`.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData, text

from ocpi_hub.base.database import open_engine
from ocpi_hub.base.settings import Settings

# Any number will do, as long as every hub uses the same: processes that migrate at once wait for each other.
_LOCK = 2_210_221


def _database_url() -> str:
    given = context.config.attributes.get("database_url")
    if given is not None:
        return str(given)
    url = Settings().database_url
    if url is None:
        raise SystemExit("set OCPI_HUB_DATABASE_URL")
    return url.get_secret_value()


def _metadata() -> MetaData | None:
    if context.config.cmd_opts is None:
        given: MetaData | None = context.config.attributes.get("metadata")
        return given
    from migrations.tables import metadata

    return metadata


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=_metadata(), compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        context.run_migrations()


async def _online() -> None:
    engine = open_engine(_database_url(), pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


def _offline() -> None:
    context.configure(dialect_name="postgresql", target_metadata=_metadata(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_online())
