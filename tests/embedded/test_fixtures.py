"""The tests' own servers: a database per test from a template, and an empty Valkey."""

import redis.asyncio
from sqlalchemy import text

from ocpi_hub.base.database import open_engine


async def _rows(database_url: str) -> int:
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE only_here (id int)"))
        found = await connection.scalar(text("SELECT count(*) FROM only_here"))
    await engine.dispose()
    return int(found or 0)


async def test_a_database_of_its_own(database_url: str) -> None:
    assert await _rows(database_url) == 0


async def test_another_database_of_its_own(database_url: str) -> None:
    assert await _rows(database_url) == 0


async def test_valkey_is_empty_at_first(redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", "behind")


async def test_valkey_is_empty_again(redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url) as client:
        assert await client.dbsize() == 0
