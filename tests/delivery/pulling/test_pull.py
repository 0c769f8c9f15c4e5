"""Pulling a real partner: what is kept, who hears of it, when, and how it goes on after a kill."""

import asyncio
from datetime import timedelta

import pytest

from ocpi_hub.delivery.pulling import book, jobs, running
from ocpi_hub.delivery.pulling.book import LEASE
from ocpi_hub.objects.kinds import LOCATIONS
from ocpi_hub.partners import presence
from ocpi_hub.wire.types import parse_datetime
from tests.delivery.hub import kept
from tests.world import faults, objects
from tests.world.partner import Partner


async def test_a_newcomer_is_pulled_page_by_page_and_its_objects_are_kept(crawl, hub):
    crawl.offer("L1", "L2", "L3", "L4", "L5")
    assert await crawl.look() == [], "it may still be writing down our credentials token"
    runs = {run.module: run for run in await crawl.pull()}
    assert set(runs) == {"tariffs", "locations", "sessions", "cdrs"}, "a CPO owns no tokens"
    run = runs["locations"]
    assert (run.outcome, run.why, run.full, run.pages, run.total) == ("done", "handshake", True, 3, 5)
    assert (run.objects, run.new, run.bad, run.flags) == (5, 5, 0, [])
    assert await crawl.kept() == {one: objects.location(one) for one in ("L1", "L2", "L3", "L4", "L5")}
    assert crawl.asked("tariffs")[0].query == {"limit": "100"}
    first = crawl.asked()[0]
    assert first.query == {"limit": "2"}, "its X-Limit was learned from the first list"
    assert (first.headers["OCPI-to-party-id"], first.headers["OCPI-from-party-id"]) == ("CPO", "HUB")


async def test_what_is_pulled_is_told_like_what_is_pushed_and_only_when_it_changed(crawl, hub, emsp):
    emsp_id = await hub.connect(emsp)
    crawl.offer("L1")
    await crawl.pull()
    await hub.drain(emsp_id)
    assert kept(emsp, "locations") == {"NL/CPO/L1": objects.location("L1")}
    emsp.heard.clear()
    runs = await crawl.again("locations", full=True)
    assert (runs["locations"].same, runs["locations"].changed) == (1, 0)
    await hub.drain(emsp_id)
    assert emsp.told("locations") == []
    crawl.offer("L1", name="Renamed", last_updated="2026-03-01T11:00:00Z")
    runs = await crawl.again("locations", full=True)
    assert runs["locations"].changed == 1
    await hub.drain(emsp_id)
    assert [h.json["name"] for h in emsp.told("locations")] == ["Renamed"]


async def test_what_is_older_than_what_is_kept_never_overwrites(crawl, hub):
    await hub.put_location("L1", name="Newer", last_updated="2026-03-01T11:00:00Z", source=crawl.id)
    crawl.offer("L1", name="Older", last_updated="2026-03-01T10:59:59Z")
    run = {run.module: run for run in await crawl.pull()}["locations"]
    assert (run.older, run.new, run.changed) == (1, 0, 0)
    assert (await crawl.kept())["L1"]["name"] == "Newer"
    crawl.offer("L1", name="Changed in the same second", last_updated="2026-03-01T11:00:00Z")
    assert (await crawl.again("locations"))["locations"].changed == 1


async def test_sessions_and_cdrs_reach_only_the_owner_of_their_token(crawl, hub, emsp):
    emsp_id = await hub.connect(emsp)
    async with Partner(("EMSP", "FR", "OTH"), name="Another") as other:
        other_id = await hub.connect(other)
        crawl.cpo.objects |= {"sessions": [objects.session()], "cdrs": [objects.cdr()]}
        runs = {run.module: run for run in await crawl.pull()}
        for platform_id in (emsp_id, other_id):
            await hub.drain(platform_id)
        assert [h.json["id"] for h in emsp.told("sessions")] == ["SESSION1"]
        assert [h.json["id"] for h in emsp.told("cdrs")] == ["CDR1"]
        assert other.told("sessions") == other.told("cdrs") == []
    asked = crawl.asked("sessions")[0].query
    back = hub.clock() - parse_datetime(asked["date_from"])
    assert timedelta(days=29) < back < timedelta(days=31), "the past of sessions has no end"
    assert runs["cdrs"].new == 1


async def test_a_cdr_that_is_kept_with_other_content_is_a_bad_object(crawl, hub):
    await hub.put_cdr()
    crawl.cpo.objects["cdrs"] = [objects.cdr(total_energy=11), objects.cdr("CDR2")]
    run = {run.module: run for run in await crawl.pull()}["cdrs"]
    assert (run.bad, run.new) == (1, 1)
    assert "kept with other content" in run.problems[0]["reason"]


async def test_bad_objects_are_written_down_and_the_good_ones_kept(crawl):
    good, foreign = objects.location("GOOD"), objects.location("FOREIGN", owner=("NL", "XYZ"))
    broken = objects.location("BROKEN", coordinates={"latitude": "north", "longitude": "5"})
    crawl.cpo.page_size = 50
    crawl.cpo.objects["locations"] = [broken, good, foreign, "text", None, [], {}]
    run = {run.module: run for run in await crawl.pull()}["locations"]
    assert (run.outcome, run.new, run.bad) == ("done", 1, 6)
    assert set(await crawl.kept()) == {"GOOD"}
    assert [problem["index"] for problem in run.problems] == [0, 2, 3, 4, 5, 6]
    assert run.problems[0]["object"] == "BROKEN"
    assert "coordinates.latitude: must be degrees" in run.problems[0]["reason"]
    assert "NL/XYZ is no CPO of this platform" in run.problems[1]["reason"]


async def test_a_token_s_uid_is_in_no_report(hub):
    async with Partner(("EMSP", "DE", "MSP")) as emsp:
        id_ = await hub.connect(emsp)
        emsp.objects["tokens"] = [objects.token("SECRET1", whitelist="SOMETIMES"), objects.token("T2")]
        await jobs.look(hub.resources)
        hub.clock.advance(6)
        await jobs.pull(hub.resources, id_)
        async with hub.resources.sessions() as db:
            [run] = [run for run in await book.runs(db, id_, limit=10) if run.module == "tokens"]
        assert (run.new, run.bad) == (1, 1)
        assert "SECRET1" not in str(run.model_dump())


async def test_numbers_in_quotes_are_read_where_the_profile_says_so(crawl):
    tariff = objects.tariff()
    tariff["elements"][0]["price_components"][0]["price"] = "0.50"
    crawl.cpo.objects["tariffs"] = [tariff]
    assert {run.module: run.bad for run in await crawl.pull()}["tariffs"] == 1
    await crawl.profile(numeric_strings=True)
    assert (await crawl.again("tariffs"))["tariffs"].new == 1


async def test_after_that_only_what_changed_is_asked_for_with_an_overlap(crawl, hub):
    crawl.offer("L1")
    [run] = [run for run in await crawl.pull() if run.module == "locations"]
    entry = await crawl.entry()
    assert entry.watermark == run.watermark <= run.began_at
    assert entry.full is False
    wait = (entry.due_at - hub.clock()).total_seconds()
    assert 0.89 * 4 * 3600 < wait < 1.11 * 4 * 3600, "hours, not minutes, and not all at once"
    assert await crawl.due() == []
    hub.clock.advance(wait)
    [run] = [run for run in await crawl.due() if run.module == "locations"]
    assert (run.why, run.full) == ("schedule", False)
    assert parse_datetime(crawl.asked()[-1].query["date_from"]) == entry.watermark - timedelta(minutes=5)


async def test_the_whole_list_is_pulled_again_at_long_intervals(crawl, hub):
    crawl.offer("L1")
    await crawl.profile(pull={"locations": {"every": 86400, "full_every": 3 * 86400}})
    await crawl.pull()
    full = []
    for _ in range(4):
        hub.clock.advance(1.1 * 86400)
        full += [run.full for run in await crawl.due() if run.module == "locations"]
    assert full.count(True) == 1
    assert full.count(False) >= 2


async def test_a_module_can_be_switched_off(crawl, hub):
    await crawl.profile(pull={"locations": {"on": False}})
    crawl.offer("L1")
    assert "locations" not in {run.module for run in await crawl.pull()}
    assert (await crawl.again("locations"))["locations"].new == 1, "the operator's own wish goes before the switch"
    await crawl.profile(pull={"locations": {"every": 600}})
    assert (await crawl.again("locations"))["locations"].outcome == "done"
    assert (await crawl.entry()).due_at - hub.clock() < timedelta(seconds=661)


async def test_who_comes_back_is_pulled_at_once(crawl, hub):
    crawl.offer("L1")
    await crawl.pull()
    async with hub.resources.unit_of_work() as db:
        await presence.went_offline(db, crawl.id, hub.clock())
    assert await crawl.due() == []
    crawl.offer("L1", "L2")
    async with hub.resources.unit_of_work() as db:
        await presence.came_back(db, crawl.id, hub.clock())
    runs = {run.module: run for run in await crawl.due()}
    assert (runs["locations"].why, runs["locations"].full) == ("outage", False)
    assert "date_from" in crawl.asked()[-1].query


async def test_nobody_pulls_who_is_offline_suspended_or_gone(crawl, hub):
    crawl.offer("L1")
    await crawl.look()
    hub.clock.advance(6)
    async with hub.resources.unit_of_work() as db:
        await presence.went_offline(db, crawl.id, hub.clock())
    assert await crawl.look() == []
    await jobs.pull(hub.resources, crawl.id)
    assert crawl.asked() == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.status(503), "HTTP 503"),
        (faults.html(), "not OCPI"),
        (faults.refuses(2001, "no lists here"), "OCPI 2001"),
        (faults.data({"not": "a list"}), "the answer's data is no list"),
        (faults.drops(), "the connection was closed"),
    ],
)
async def test_a_list_that_cannot_be_read_fails_and_is_tried_again_later(crawl, hub, fault, said):
    crawl.cpo.misbehave(fault, module="locations")
    run = {run.module: run for run in await crawl.pull()}["locations"]
    assert run.outcome == "failed"
    assert said in run.error
    entry = await crawl.entry()
    assert (entry.failures, entry.full, entry.watermark) == (1, True, None)
    assert timedelta(seconds=100) < entry.due_at - hub.clock() < timedelta(seconds=140)
    crawl.cpo.behave()
    crawl.offer("L1")
    hub.clock.advance(140)
    [run] = [run for run in await crawl.due() if run.module == "locations"]
    assert (run.outcome, run.full, run.new) == ("done", True, 1)
    assert (await crawl.entry()).failures == 0


async def test_null_is_an_empty_list(crawl):
    crawl.cpo.misbehave(faults.data(None), module="locations")
    run = {run.module: run for run in await crawl.pull()}["locations"]
    assert (run.outcome, run.objects) == ("done", 0)


async def test_a_run_that_was_killed_goes_on_where_it_was(crawl, hub):
    crawl.offer("L1", "L2", "L3", "L4", "L5")
    await crawl.look()
    hub.clock.advance(6)
    for _ in range(2):  # tariffs are done, then the first page of locations
        async with hub.resources.unit_of_work() as db:
            task = await book.take(db, crawl.id, hub.resources.settings, at=hub.clock())
        assert task is not None
        if task.kind is LOCATIONS:
            assert await running._page(hub.resources, task, running.Crawl())
        else:
            await running.run(hub.resources, task)
    assert set(await crawl.kept()) == {"L1", "L2"}
    assert await crawl.look() == [], "the process that had it may still be at it"
    hub.clock.advance(LEASE.total_seconds() + 1)
    run = {run.module: run for run in await crawl.due()}["locations"]
    assert (run.outcome, run.pages, run.objects, run.new) == ("done", 3, 5, 5)
    assert [h.query.get("offset") for h in crawl.asked()] == [None, "2", "4"], "no page was asked for twice"


async def test_a_process_that_stops_leaves_its_run_to_the_next_one(crawl, hub):
    crawl.offer("L1", "L2", "L3")
    gate = asyncio.Event()
    crawl.cpo.misbehave(faults.held(gate), module="locations")
    await crawl.look()
    hub.clock.advance(6)
    working = asyncio.create_task(jobs.pull(hub.resources, crawl.id))
    await crawl.cpo.hears("locations", "GET")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    gate.set()
    assert (await crawl.entry()).leased_until is None
    assert {run.module: run.outcome for run in await crawl.due()}["locations"] == "done"
    assert set(await crawl.kept()) == {"L1", "L2", "L3"}


async def test_one_process_at_a_time_has_a_platform(crawl, hub):
    crawl.offer("L1")
    gate = asyncio.Event()
    crawl.cpo.misbehave(faults.held(gate), module="tariffs")
    await crawl.look()
    hub.clock.advance(6)
    first = asyncio.create_task(jobs.pull(hub.resources, crawl.id))
    await crawl.cpo.hears("tariffs", "GET")
    await jobs.pull(hub.resources, crawl.id)
    assert crawl.asked() == [], "the second one found it taken"
    gate.set()
    await first
    assert len(crawl.asked()) == len(crawl.asked("tariffs")) == 1


async def test_one_that_lost_its_lease_writes_nothing_more(crawl, hub):
    crawl.offer("L1", "L2", "L3")
    await crawl.profile(pull={"tariffs": {"on": False}})
    await crawl.look()
    hub.clock.advance(6)
    async with hub.resources.unit_of_work() as db:
        late = await book.take(db, crawl.id, hub.resources.settings, at=hub.clock())
    hub.clock.advance(LEASE.total_seconds() + 1)
    runs = {run.module: run for run in await crawl.due()}
    assert runs["locations"].new == 3
    await running.run(hub.resources, late)
    assert runs["locations"].objects == {run.module: run for run in await crawl.runs()}["locations"].objects


async def test_what_the_operator_asks_for_during_a_run_follows_it(crawl, hub):
    crawl.offer("L1")
    await crawl.pull()
    gate = asyncio.Event()
    crawl.cpo.misbehave(faults.held(gate), module="locations")
    asking = asyncio.create_task(crawl.again("locations"))
    await crawl.cpo.hears_until(lambda: len(crawl.asked()) == 2)
    async with hub.resources.unit_of_work() as db:
        assert await book.ask(db, crawl.id, module="locations", full=True, at=hub.clock()) == ["locations"]
    gate.set()
    await asking
    assert [run.full for run in await crawl.runs() if run.module == "locations"] == [True, False, True]


async def test_a_partner_that_leaves_is_forgotten(crawl, hub):
    await crawl.pull()
    async with hub.resources.unit_of_work() as db:
        await book.forget(db, crawl.id)
        assert await book.entries(db, crawl.id) == []
