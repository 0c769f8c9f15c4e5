"""The journal itself: written behind, bounded, lost rather than waited for, and pruned. Real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import journal
from ocpi_hub.partners.jobs import prune_journal
from ocpi_hub.partners.journal import IN, Journal, Note
from ocpi_hub.partners.tables import Message, MessageBody
from ocpi_hub.wire.headers import PartyId
from tests.world.hub import Hub, running_hub


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url) as running:
        yield running


def note(hub: Hub, number: int = 1, **changes: Any) -> Note:
    plain: dict[str, Any] = {
        "at": hub.clock(),
        "direction": IN,
        "correlation_id": f"c-{number}",
        "request_id": f"r-{number}",
        "method": "PUT",
        "path": "DE/MSP/04A1",
        "rule": "broadcast",
        "module": "tokens",
        "from_party": PartyId("DE", "MSP"),
        "request_body": b'{"uid":"04A1"}',
    }
    return Note(**(plain | changes))


async def kept(resources: Resources, table: Any = Message) -> int:
    async with resources.sessions() as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


async def becomes(resources: Resources, count: int) -> None:
    async with asyncio.timeout(10):
        while await kept(resources) != count:
            await asyncio.sleep(0.02)


async def test_notes_are_written_behind_and_masked(hub: Hub) -> None:
    noted = hub.resources.one(Journal)
    for number in range(journal.AT_ONCE + 5):
        noted.note(note(hub, number))
    assert await kept(hub.resources) == 0
    await becomes(hub.resources, journal.AT_ONCE + 5)
    async with hub.resources.sessions() as db:
        row = (await db.scalars(select(Message).where(Message.correlation_id == "c-7"))).one()
        body = await db.get(MessageBody, row.id)
    assert (row.path, row.from_party, row.to_party) == ("DE/MSP/***", "DE/MSP", None)
    assert body is not None
    assert (body.request, body.response) == ('{"uid":"***"}', None)


async def test_what_waits_is_written_when_the_process_stops(database_url: str, redis_url: str) -> None:
    async with running_hub(database_url, redis_url) as hub:
        hub.resources.one(Journal).note(note(hub))
    async with running_hub(database_url, redis_url) as hub:
        assert await kept(hub.resources) == 1


async def test_memory_is_bounded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_NOTES", 3)
    noted = hub.resources.one(Journal)
    for number in range(10):
        noted.note(note(hub, number))
    await becomes(hub.resources, 3)
    monkeypatch.setattr(journal, "MOST_BYTES", 1)
    for number in range(10):
        noted.note(note(hub, number))
    await becomes(hub.resources, 4)


async def test_a_long_body_is_cut(hub: Hub) -> None:
    hub.resources.one(Journal).note(note(hub, request_body=b'{"x":"' + b"y" * 10**6 + b'"}', module="locations"))
    await becomes(hub.resources, 1)
    async with hub.resources.sessions() as db:
        body = (await db.scalars(select(MessageBody))).one()
    assert body.request is not None
    assert len(body.request) < journal.LONGEST_BODY + 100


async def test_without_a_database_notes_are_dropped_and_nobody_notices(
    hub: Hub, databases: Any, database_url: str
) -> None:
    noted = hub.resources.one(Journal)
    await kept(hub.resources)
    async with hub.resources.unit_of_work() as db:
        await db.execute(Message.__table__.delete())  # type: ignore[attr-defined]
    await hub.resources.engine.dispose()
    name = database_url.rpartition("/")[2].partition("?")[0]
    await asyncio.to_thread(databases.execute, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        noted.note(note(hub, 1))
        async with asyncio.timeout(10):
            await noted.idle()
    finally:
        await asyncio.to_thread(databases.execute, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    noted.note(note(hub, 2))
    await becomes(hub.resources, 1)


@pytest.mark.parametrize(
    ("changed", "messages", "bodies"), [({"journal_days": 0}, 0, 0), ({"journal_bodies": 0}, 1, 0), ({}, 1, 1)]
)
async def test_an_operator_may_do_without(
    database_url: str, redis_url: str, changed: dict[str, Any], messages: int, bodies: int
) -> None:
    async with running_hub(database_url, redis_url, **changed) as hub:
        hub.resources.one(Journal).note(note(hub))
    async with running_hub(database_url, redis_url) as hub:
        assert await kept(hub.resources) == messages
        assert await kept(hub.resources, MessageBody) == bodies


async def test_bodies_go_first_and_notes_later(hub: Hub) -> None:
    for number, age in enumerate((timedelta(0), timedelta(hours=80), timedelta(days=31))):
        hub.resources.one(Journal).note(note(hub, number, at=hub.clock() - age))
    await becomes(hub.resources, 3)
    await prune_journal(hub.resources)
    async with hub.resources.sessions() as db:
        assert set(await db.scalars(select(Message.correlation_id))) == {"c-0", "c-1"}
    assert await kept(hub.resources, MessageBody) == 1
