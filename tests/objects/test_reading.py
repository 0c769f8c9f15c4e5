"""Lists and look-ups: order, filters, who sees what, totals, and a crawl while others write."""

import asyncio
from datetime import UTC, datetime

import pytest

from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, TOKENS, Kind
from ocpi_hub.objects.reading import Page, Sight
from ocpi_hub.wire import json
from ocpi_hub.wire.headers import PartyId
from tests.objects.hub import BUILDERS, CPO, EMSP, Hub
from tests.world import objects

OTHER_CPO, OTHER_EMSP = PartyId("BE", "BEC"), PartyId("FR", "EMP")


def ids(page: Page) -> list[str]:
    return [document.get("id", document.get("uid")) for document in map(json.loads, page.documents)]


def at(hour: int) -> str:
    return f"2026-03-01T{hour:02}:00:00Z"


@pytest.fixture(params=[1, reading.FAR], ids=["far", "near"])
def far(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short lists are walked as long ones are, too: where an offset is far, from the nearer end."""
    monkeypatch.setattr(reading, "FAR", request.param)


class TestOrder:
    async def test_it_is_the_order_of_arrival_whatever_changes(self, hub: Hub) -> None:
        for name in ("C", "A", "B"):
            await hub.put(LOCATIONS, objects.location(name))
        await hub.put(LOCATIONS, objects.location("C", last_updated=at(23)))
        await hub.patch(LOCATIONS, "A", name="New", last_updated=at(22))
        assert ids(await hub.page(LOCATIONS)) == ["C", "A", "B"]

    @pytest.mark.usefixtures("far")
    async def test_offset_and_limit(self, hub: Hub) -> None:
        for n in range(5):
            await hub.put(TARIFFS, objects.tariff(f"T{n}"))
        first = await hub.page(TARIFFS, limit=2)
        middle = await hub.page(TARIFFS, limit=2, offset=2)
        last = await hub.page(TARIFFS, limit=2, offset=4)
        beyond = await hub.page(TARIFFS, limit=2, offset=9)
        assert [ids(page) for page in (first, middle, last, beyond)] == [["T0", "T1"], ["T2", "T3"], ["T4"], []]
        assert [page.total for page in (first, middle, last, beyond)] == [5, 5, 5, 5]
        assert [page.last is None for page in (first, middle, last, beyond)] == [False, False, True, True]

    @pytest.mark.usefixtures("far")
    async def test_every_offset_shows_its_part_of_the_list(self, hub: Hub) -> None:
        """From the nearer end, which nobody can tell; also where others' objects lie in between."""
        for n in range(7):
            await hub.put(LOCATIONS, objects.location(f"L{n}"))
            other = objects.location(f"O{n}", owner=(OTHER_CPO.country_code, OTHER_CPO.party_id))
            await hub.put(LOCATIONS, other, owner=OTHER_CPO)
        every, sight = [f"L{n}" for n in range(7)], Sight.of(owners=[CPO])
        for limit in (1, 3, 7, 9):
            for offset in range(9):
                page = await hub.page(LOCATIONS, limit=limit, offset=offset, sight=sight)
                assert (ids(page), page.total) == (every[offset : offset + limit], 7)
                assert (page.last is not None) == (offset + limit < 7)

    async def test_after_stands_in_place_of_the_offset(self, hub: Hub) -> None:
        for n in range(5):
            await hub.put(TARIFFS, objects.tariff(f"T{n}"))
        first = await hub.page(TARIFFS, limit=2)
        second = await hub.page(TARIFFS, limit=2, offset=2, after=first.last)
        third = await hub.page(TARIFFS, limit=2, offset=4, after=second.last)
        assert [ids(page) for page in (second, third)] == [["T2", "T3"], ["T4"]]
        assert third.last is None

    @pytest.mark.usefixtures("far")
    async def test_a_page_that_just_fits_is_the_last(self, hub: Hub) -> None:
        for n in range(4):
            await hub.put(TARIFFS, objects.tariff(f"T{n}"))
        assert (await hub.page(TARIFFS, limit=2, offset=2)).last is None


class TestDates:
    """transport_and_format: date_from is inclusive, date_to exclusive, both on last_updated."""

    @pytest.mark.parametrize(
        ("date_from", "date_to", "found"),
        [(None, None, [1, 2, 3]), (2, None, [2, 3]), (None, 2, [1]), (1, 3, [1, 2]), (2, 2, []), (4, None, [])],
    )
    async def test_the_interval(self, hub: Hub, date_from: int | None, date_to: int | None, found: list[int]) -> None:
        for hour in (1, 2, 3):
            await hub.put(CDRS, objects.cdr(f"C{hour}", last_updated=at(hour)))
        hours = {"date_from": date_from, "date_to": date_to}
        query = {name: datetime(2026, 3, 1, hour, tzinfo=UTC) for name, hour in hours.items() if hour is not None}
        page = await hub.page(CDRS, limit=2, **query)
        assert (ids(page), page.total) == ([f"C{hour}" for hour in found[:2]], len(found))

    async def test_an_object_that_changes_moves_into_the_interval(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(last_updated=at(1)))
        await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="CHARGING", last_updated=at(5))
        assert ids(await hub.page(LOCATIONS, date_from=datetime(2026, 3, 1, 4, tzinfo=UTC))) == ["LOC1"]


class TestSight:
    async def test_of_owners(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location("MINE"))
        await hub.put(LOCATIONS, objects.location("THEIRS", owner=("be", "bec")))
        for owners, seen in (([OTHER_CPO], ["THEIRS"]), ([CPO, OTHER_CPO], ["MINE", "THEIRS"]), ([], []), ([EMSP], [])):
            page = await hub.page(LOCATIONS, sight=Sight.of(owners=owners))
            assert (ids(page), page.total) == (seen, len(seen))

    @pytest.mark.parametrize("kind", [SESSIONS, CDRS], ids=str)
    async def test_of_readers(self, hub: Hub, kind: Kind) -> None:
        build = BUILDERS[kind.module]
        await hub.put(kind, build("A"))
        await hub.put(kind, build("B", cdr_token=objects.cdr_token(owner=("fr", "emp"))))
        await hub.put(kind, build("C", owner=("BE", "BEC")))
        for sight, seen in (
            (Sight.of(readers=[EMSP]), ["A", "C"]),
            (Sight.of(readers=[OTHER_EMSP]), ["B"]),
            (Sight.of(owners=[CPO], readers=[CPO]), ["A", "B"]),
            (Sight.of(owners=[OTHER_CPO], readers=[OTHER_EMSP]), ["B", "C"]),
            (Sight.of(), []),
        ):
            page = await hub.page(kind, sight=sight)
            assert (ids(page), page.total) == (seen, len(seen))
            early = await hub.page(kind, sight=sight, date_from=datetime(2020, 1, 1, tzinfo=UTC))
            assert (ids(early), early.total) == (seen, len(seen))


class TestTotals:
    async def test_they_follow_what_comes_changes_and_goes(self, hub: Hub) -> None:
        assert (await hub.page(TARIFFS)).total == 0
        for name in ("A", "B", "A", "a"):
            await hub.put(TARIFFS, objects.tariff(name))
        await hub.put(TARIFFS, objects.tariff("A", owner=("BE", "BEC")))
        assert (await hub.page(TARIFFS)).total == 3
        await hub.remove("A")
        await hub.remove("A")
        assert (await hub.page(TARIFFS)).total == 2
        assert (await hub.page(TARIFFS, sight=Sight.of(owners=[CPO]))).total == 1

    async def test_what_is_rolled_back_was_never_counted(self, hub: Hub) -> None:
        async def put_and_fail() -> None:
            async with hub.resources.unit_of_work() as db:
                await hub.put_in(db, TARIFFS, objects.tariff())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await put_and_fail()
        assert (await hub.page(TARIFFS)).total == 0

    async def test_they_are_right_after_many_writers(self, hub: Hub) -> None:
        await asyncio.gather(*(hub.put(TARIFFS, objects.tariff(f"T{n % 15}")) for n in range(60)))
        await asyncio.gather(*(hub.remove(f"T{n % 5}") for n in range(20)))
        page = await hub.page(TARIFFS)
        assert len(page.documents) == page.total == 10


class TestFind:
    async def test_an_id_of_several_owners_in_order_of_arrival(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location("loc1", owner=("BE", "BEC")))
        await hub.put(LOCATIONS, objects.location("LOC1"))
        assert [kept.owner_key for kept in await hub.find(LOCATIONS, "Loc1")] == ["be/bec", "nl/cpo"]
        seen = await hub.find(LOCATIONS, "LOC1", sight=Sight.of(owners=[CPO]))
        assert [kept.owner_key for kept in seen] == ["nl/cpo"]
        assert await hub.find(LOCATIONS, "LOC1", sight=Sight.of()) == []

    async def test_a_token_of_one_type_or_of_any(self, hub: Hub) -> None:
        await hub.put(TOKENS, objects.token("T1"))
        await hub.put(TOKENS, objects.token("t1", type="APP_USER"))
        await hub.put(TOKENS, objects.token("T1", owner=("FR", "EMP")))
        assert [kept.key for kept in await hub.find(TOKENS, "T1")] == ["t1/RFID", "t1/APP_USER", "t1/RFID"]
        assert [kept.key for kept in await hub.find(TOKENS, "T1", token_type="APP_USER")] == ["t1/APP_USER"]


async def crawl(hub: Hub, *, limit: int) -> list[str]:
    seen: list[str] = []
    after = None
    while True:
        page = await hub.page(LOCATIONS, limit=limit, after=after)
        seen += ids(page)
        if page.last is None:
            return seen
        after = page.last


async def test_a_crawl_sees_what_stays_exactly_once_while_others_write(hub: Hub) -> None:
    """X20: objects come, change and go on every page of the crawl."""
    stays = [f"L{n}" for n in range(120)]
    for name in stays:
        await hub.put(LOCATIONS, objects.location(name))
    crawling = True

    async def write() -> None:
        n = 0
        while crawling:
            n += 1
            await hub.put(LOCATIONS, objects.location(f"NEW{n}"))
            await hub.put(LOCATIONS, objects.location(f"L{n % 60}", name=f"Changed {n}", last_updated=at(n % 24)))

    writing = asyncio.create_task(write())
    seen = await crawl(hub, limit=7)
    crawling = False
    await writing
    assert [name for name in seen if name in stays] == stays
    assert len(set(seen)) == len(seen)


async def test_tariffs_that_go_during_a_crawl_shift_nothing(hub: Hub) -> None:
    for n in range(9):
        await hub.put(TARIFFS, objects.tariff(f"T{n}"))
    first = await hub.page(TARIFFS, limit=3)
    await hub.remove("T0")
    await hub.remove("T2")
    second = await hub.page(TARIFFS, limit=3, offset=3, after=first.last)
    assert ids(second) == ["T3", "T4", "T5"]
