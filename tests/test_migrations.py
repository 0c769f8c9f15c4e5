"""Migrations from empty to the models and back again, on a real PostgreSQL."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from migrations.tables import metadata
from ocpi_hub.base.database import open_engine
from ocpi_hub.embedded.migrate import alembic_config, migrate

OURS = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"


@pytest.fixture
def empty_database(databases):
    databases.execute("CREATE DATABASE migrations_test")
    yield databases.url_of("migrations_test")
    databases.execute("DROP DATABASE migrations_test WITH (FORCE)")


def ask(url, question):
    async def run():
        engine = open_engine(url, pool_size=1)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(question)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def differences(connection: Connection):
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return compare_metadata(context, metadata)


def sequences(connection: Connection):
    return set(connection.scalars(text("SELECT sequencename FROM pg_sequences")))


def test_from_empty_to_the_models_and_back(empty_database):
    migrate(empty_database)
    assert ask(empty_database, differences) == []
    assert set(metadata._sequences) <= ask(empty_database, sequences)
    migrate(empty_database)
    command.downgrade(alembic_config(empty_database), "base")
    left = ask(empty_database, lambda connection: connection.scalar(text(OURS)))
    assert left == 2, "only alembic_version and its key are left"
    migrate(empty_database)
    assert ask(empty_database, differences) == []
