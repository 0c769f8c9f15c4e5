"""A PUT as one statement: what is kept, owed and rung is what three statements in a transaction make of it."""

import asyncio
from typing import Any

from sqlmodel import col, select, text

from ocpi_hub.delivery import publish
from ocpi_hub.objects.kinds import LOCATIONS, SESSIONS, Kind
from ocpi_hub.objects.tables import KeptCount, KeptLocation
from ocpi_hub.objects.writing import Written
from ocpi_hub.partners import agreements
from ocpi_hub.partners.agreements import Given
from ocpi_hub.partners.directory import Directory
from tests.delivery.hub import CPO, Hub
from tests.world import objects
from tests.world.partner import Partner

SAME = {"id", "lane", "key", "path"}


async def put_alone(
    hub: Hub, document: dict[str, Any], *, kind: Kind = LOCATIONS, source: str | None = None
) -> Written:
    return await publish.put_alone(
        hub.resources,
        kind,
        owner=kind.owner_of(document),
        document=document,
        source=source,
        at=hub.clock(),
        correlation_id="corr",
    )


async def test_it_does_what_three_statements_do(hub: Hub, emsp: Partner) -> None:
    emsp.more = [("NAP", "DE", "MSP"), ("EMSP", "de", "two")]  # one party in two fitting roles is told once
    platform_id = await hub.connect(emsp)
    written = [await put_alone(hub, objects.location("ONE")), await hub.put_location("TWO")]
    assert [(one.created, one.changed, one.owner) for one in written] == [(True, True, CPO)] * 2
    owed = await hub.owed()
    assert sorted(row.lane for row in owed) == [
        f"de/{who}:locations/nl/cpo/{id_}" for who in ("msp", "two") for id_ in ("one", "two")
    ]
    kept = {row.lane: row.model_dump(exclude={*SAME, "correlation_id"}) for row in owed}
    for who in ("msp", "two"):
        assert kept[f"de/{who}:locations/nl/cpo/one"] == kept[f"de/{who}:locations/nl/cpo/two"]
    assert hub.bells.count(("delivery.drain", (platform_id,))) == 2
    assert {bell for bell in hub.bells if bell[0] == publish.AUDIT_AGAIN} == {
        (publish.AUDIT_AGAIN, ("locations", "nl/cpo", id_)) for id_ in ("one", "two")
    }
    async with hub.resources.sessions() as db:
        rows = (await db.scalars(select(KeptLocation).order_by(col(KeptLocation.pk)))).all()
        counts = (await db.scalars(select(KeptCount.n))).all()
    assert [row.object_id for row in rows] == ["ONE", "TWO"]
    assert rows[0].model_dump(exclude={"pk", "object_id", "key", "document", "digest"}) == rows[1].model_dump(
        exclude={"pk", "object_id", "key", "document", "digest"}
    )
    assert sum(counts) == 2


async def test_the_same_content_again_owes_nothing_and_a_change_owes_anew(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    await put_alone(hub, objects.location())
    hub.bells.clear()
    again = await put_alone(hub, objects.location(last_updated="2026-03-01T11:00:00Z"))
    assert (again.created, again.changed, hub.bells) == (False, False, [])
    assert [row.version for row in await hub.owed()] == [1]
    changed = await put_alone(hub, objects.location(name="Renamed"))
    assert (changed.created, changed.changed) == (False, True)
    assert [row.version for row in await hub.owed()] == [2]
    assert [bell[0] for bell in hub.bells] == ["delivery.drain"]


async def test_the_platform_that_brought_it_is_not_told(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await put_alone(hub, objects.location(), source=platform_id)
    assert (await hub.owed(), [bell for bell in hub.bells if bell[0] == "delivery.drain"]) == ([], [])


async def test_a_session_is_owed_to_its_reader_alone(hub: Hub, emsp: Partner) -> None:
    emsp.more = [("EMSP", "DE", "TWO")]
    await hub.connect(emsp)
    await put_alone(hub, objects.session(), kind=SESSIONS)
    [owed] = await hub.owed()
    assert (owed.to_party, owed.from_party, owed.verb) == ("DE/MSP", "NL/CPO", "PUT")


async def test_agreements_that_nobody_announced_are_asked_all_the_same(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp)
    assert (await hub.resources.one(Directory).now()).agreed.plain  # the picture that a process has
    async with hub.resources.unit_of_work() as db:
        await agreements.put(db, hub.resources, "no", Given(parties=("NL/CPO", "DE/MSP"), allowed=False))
    await put_alone(hub, objects.location())
    assert await hub.owed() == []
    async with hub.resources.sessions() as db:
        assert len((await db.scalars(select(KeptLocation))).all()) == 1


async def test_agreements_change_after_the_writers_that_read_them(hub: Hub) -> None:
    """Also before the first agreement, when there is no row that could be locked."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE relation = 'agreements_version'::regclass AND NOT granted")
    async with hub.resources.sessions() as writer, hub.resources.sessions() as looker:
        await writer.execute(text(agreements.HELD_VERSION))

        async def change() -> None:
            async with hub.resources.unit_of_work() as db:
                await agreements.put(db, hub.resources, "no", Given(parties=("NL/CPO", "DE/MSP"), allowed=False))

        changing = asyncio.create_task(change())
        while not await looker.scalar(waiting):
            assert not changing.done()
            await asyncio.sleep(0.01)
        await writer.rollback()
        await changing
