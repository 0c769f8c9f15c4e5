"""The unit of work: committed at the edge, rolled back whole, bells only after the commit."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ocpi_hub.base.database import Quick, after_commit, open_engine, session_maker, unit_of_work


@pytest.fixture
async def sessions(database_url):
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE note (body text)"))
    yield session_maker(engine)
    await engine.dispose()


async def _count(sessions):
    async with sessions() as db:
        return await db.scalar(text("SELECT count(*) FROM note"))


async def test_bells_ring_once_each_and_only_after_the_commit(sessions):
    rung = []

    async def ring(bells):
        rung.append((bells, await _count(sessions)))

    async with unit_of_work(sessions, ring) as db:
        await db.execute(text("INSERT INTO note VALUES ('a')"))
        for _ in range(3):
            after_commit(db, "delivery.drain", "p1")
        after_commit(db, "delivery.drain", "p2")
        assert rung == []
    assert rung == [([("delivery.drain", ("p1",)), ("delivery.drain", ("p2",))], 1)]


async def test_a_failure_leaves_nothing_and_rings_nothing(sessions):
    rung = []

    async def ring(bells):
        rung.append(bells)

    async def fails():
        async with unit_of_work(sessions, ring) as db:
            await db.execute(text("INSERT INTO note VALUES ('a')"))
            after_commit(db, "delivery.drain", "p1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert (await _count(sessions), rung) == (0, [])


NOTE = Quick(text("INSERT INTO note VALUES (CAST(:body AS text)) RETURNING body"))


async def test_a_quick_statement_is_part_of_the_sessions_transaction(sessions):
    async with sessions() as db:
        for body in ("a", "b"):  # two transactions, which may have two connections
            assert [row.body for row in await NOTE.rows(db, {"body": body})] == [body]
            assert await _count(sessions) == ["a", "b"].index(body)
            await db.commit()
        await NOTE.rows(db, {"body": "c"})
        await db.rollback()
    assert await _count(sessions) == 2


async def test_a_quick_statement_fails_as_others_do(sessions):
    async with sessions() as db:
        with pytest.raises(KeyError):
            await NOTE.rows(db, {})
        with pytest.raises(DBAPIError) as raised:
            await Quick(text("SELECT 1 / CAST(:zero AS int)")).rows(db, {"zero": 0})
    assert raised.value.orig.sqlstate == "22012"


def test_another_database_is_refused():
    with pytest.raises(ValueError, match="postgresql://"):
        open_engine("sqlite:///hub.db")


async def test_a_time_without_a_zone_never_reaches_the_database(sessions):
    from ocpi_hub.base.database import UtcTime

    kind = UtcTime()
    with pytest.raises(ValueError, match="zone"):
        kind.process_bind_param(datetime(2026, 1, 1), None)
    assert kind.process_bind_param(datetime(2026, 1, 1, tzinfo=UTC), None) is not None
