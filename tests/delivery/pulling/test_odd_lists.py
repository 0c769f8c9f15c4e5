"""Lists that are no lists: broken and foreign links, endless chains, pages that repeat, huge answers (X18)."""

import json
import resource
import zlib
from types import SimpleNamespace

import pytest
from aiohttp import web

from ocpi_hub.delivery.pulling import book, running
from tests.world import faults, objects, ocpi
from tests.world.partner import Partner


def lists(pages, *, total=None, limit=None):
    """A list that answers by the `offset` or `page` of the query: pages(query) → (objects, Link or None)."""

    async def answer(request: web.Request):
        found, link = pages(dict(request.query))
        headers = {"X-Total-Count": str(total)} if total is not None else {}
        headers |= {"X-Limit": str(limit)} if limit is not None else {}
        headers |= {"Link": link} if link is not None else {}
        return web.json_response(ocpi.envelope(found), headers=headers)

    return answer


def by_offset(every, *, size=2, link=None):
    def pages(query):
        offset = int(query.get("offset", 0))
        return every[offset : offset + size], link

    return pages


LOCATIONS = [objects.location(f"L{number}") for number in range(5)]


async def pulled(crawl, module="locations"):
    return {run.module: run for run in await crawl.pull()}[module]


@pytest.mark.parametrize(
    "link", [None, "", "nonsense", '<>; rel="next"', '<http://>; rel="next"', '</ocpi/x>; rel="last"', "<x" * 3000]
)
async def test_where_links_lead_nowhere_offsets_are_counted_and_that_is_learned(crawl, link):
    crawl.cpo.misbehave(lists(by_offset(LOCATIONS, link=link), total=5), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.new, run.flags) == ("done", 5, ["broken_link"])
    assert [h.query.get("offset") for h in crawl.asked()] == [None, "2", "4"]
    shown = await crawl.shown()
    assert shown["learned"]["link"]["value"] == "offset"
    assert shown["learned"]["link"]["how"] == "a page of locations"
    run = (await crawl.again("locations", full=True))["locations"]
    assert (run.same, run.flags) == (5, []), "what is known is not odd any more"


async def test_without_links_and_without_a_total_one_page_is_all_there_is(crawl):
    crawl.cpo.misbehave(lists(by_offset(LOCATIONS)), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.new, run.flags) == ("done", 2, ["no_total"])


async def test_relative_links_are_followed(crawl):
    def pages(query):
        page = int(query.get("page", 0))
        return LOCATIONS[2 * page : 2 * page + 2], f'<?page={page + 1}>; rel="next"' if page < 2 else None

    crawl.cpo.misbehave(lists(pages, total=5), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.new, run.flags) == ("done", 5, [])


async def test_the_token_goes_to_no_foreign_host(crawl):
    async with Partner(("CPO", "BE", "EVL"), name="Elsewhere") as elsewhere:
        link = f'<{elsewhere.url}/ocpi/sender/locations?offset=2>; rel="next"'
        crawl.cpo.misbehave(lists(by_offset(LOCATIONS, link=link), total=5), module="locations")
        run = await pulled(crawl)
        assert (run.outcome, run.new) == ("done", 5)
        assert "foreign_link" in run.flags
        assert elsewhere.heard == []
        learned = (await crawl.shown())["learned"]["link"]
        assert f"a link to 127.0.0.1:{elsewhere.port}, which is not its own host" in learned["how"]


async def test_links_to_another_host_of_the_partner_are_followed_until_it_is_none_any_more(crawl):
    async with Partner(("CPO", "BE", "OWN"), name="Elsewhere") as elsewhere:
        elsewhere.accepts = crawl.cpo.accepts
        here = f'<{elsewhere.url}/ocpi/sender/locations?offset=2>; rel="next"'
        crawl.cpo.misbehave(lists(by_offset(LOCATIONS, link=here), total=5), module="locations")
        elsewhere.misbehave(lists(by_offset(LOCATIONS, size=3), total=5), module="locations")
        await crawl.profile(hosts=[f"127.0.0.1:{elsewhere.port}"])
        run = await pulled(crawl)
        assert (run.outcome, run.new, run.flags) == ("done", 5, [])

        before = len(elsewhere.heard)
        async with crawl.hub.resources.unit_of_work() as db:
            await book.ask(db, crawl.id, module="locations", full=True, at=crawl.hub.clock())
            task = await book.take(db, crawl.id, crawl.hub.resources.settings, at=crawl.hub.clock())
            await book.advance(db, task, f"{elsewhere.url}/ocpi/sender/locations?offset=2", at=crawl.hub.clock())
            await book.release(db, task)
        await crawl.profile(hosts=None)
        [run] = await crawl.due()
        assert (run.outcome, len(elsewhere.heard)) == ("failed", before)
        assert run.error.endswith(f"at 127.0.0.1:{elsewhere.port}, which is not the partner's own host any more")


async def test_a_chain_of_links_without_an_end_is_given_up_and_flagged(crawl):
    def pages(query):
        page = int(query.get("page", 0))
        return [objects.location(f"L{page}")], f'<?page={page + 1}>; rel="next"'

    crawl.cpo.misbehave(lists(pages), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.pages, run.new) == ("failed", 20, 20)
    assert "more than 20 pages (OCPI_HUB_PULL_MOST_PAGES)" in run.error
    assert "endless" in run.flags
    assert len(await crawl.kept()) == 20, "what came so far is good"
    assert (await crawl.entry()).watermark is None


async def test_more_objects_than_the_list_says_that_it_has(crawl):
    def pages(query):
        page = int(query.get("page", 0))
        return [{"id": f"L{page}-{n}"} for n in range(600)], f'<?page={page + 1}>; rel="next"'

    crawl.cpo.misbehave(lists(pages, total=100), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.pages, run.bad) == ("failed", 3, 1800)
    assert run.error == "1800 objects, though X-Total-Count says 100"
    assert len(run.problems) == 50


@pytest.mark.parametrize("total", [None, 5])
async def test_pages_that_repeat(crawl, total):
    def pages(query):
        return LOCATIONS[:2], f'<?page={int(query.get("page", 0)) + 1}>; rel="next"'

    crawl.cpo.misbehave(lists(pages, total=total), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.error, run.pages) == ("failed", "its pages repeat", 2)
    assert "repeats" in run.flags


async def test_links_that_go_in_a_circle(crawl):
    def pages(query):
        page = int(query.get("page", 0))
        return [objects.location("L1", name=f"{page} {id(query)}")], f'<?page={1 - page}>; rel="next"'

    crawl.cpo.misbehave(lists(pages), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.error) == ("failed", "its pages repeat")


async def test_offsets_that_are_ignored(crawl):
    crawl.cpo.misbehave(lists(lambda _: (LOCATIONS[:2], None), total=5), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.error, run.pages) == ("failed", "its pages repeat", 2)


async def test_an_empty_page_is_an_end(crawl):
    def pages(query):
        page = int(query.get("page", 0))
        return LOCATIONS if page == 0 else [], f'<?page={page + 1}>; rel="next"'

    crawl.cpo.misbehave(lists(pages, total=9), module="locations")
    run = await pulled(crawl)
    assert (run.outcome, run.pages, run.new) == ("done", 2, 5)
    assert run.flags == ["incomplete"], "nothing is said to be missing from such a list"
    assert run.vanished == 0


def bomb():
    """300 MB of spaces in a third of a megabyte, packed bit by bit so that the test itself needs no memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    packed = b"".join([*(packer.compress(b" " * 2**20) for _ in range(300)), packer.flush()])

    async def answer(_: web.Request):
        return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    return answer


@pytest.mark.parametrize("fault", [bomb(), faults.endless()], ids=["bomb", "endless body"])
async def test_a_huge_answer_is_cut_off_and_takes_no_memory(crawl, fault):
    await crawl.profile(pull={module: {"on": False} for module in ("tariffs", "sessions", "cdrs")})
    crawl.cpo.misbehave(fault, module="locations")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run = await pulled(crawl)
    assert run.outcome == "failed"
    assert "larger than 16777216 bytes" in run.error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "KiB"


async def test_a_page_of_thousands_is_kept_though_it_takes_longer_than_a_lease(crawl, hub):
    every = [{"id": f"L{n}"} for n in range(3000)]
    crawl.cpo.misbehave(lists(lambda _: (every, None), total=3000), module="locations")
    held = []

    async def hold(db, task, **page):
        await book.hold(db, task, **page)
        held.append(task.leased_until - hub.clock())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "book", SimpleNamespace(**{**vars(book), "hold": hold}))
        run = await pulled(crawl)
    assert (run.outcome, run.bad) == ("done", 3000)
    assert max(held) == book.LEASE + 3000 * book.PER_OBJECT


async def test_a_partner_without_a_slash_is_followed_and_remembered(crawl):
    async def only_with_slash(request: web.Request):
        if request.path.endswith("/"):
            return None
        return web.Response(status=308, headers={"Location": f"{request.path}/?{request.query_string}"})

    crawl.cpo.misbehave(only_with_slash, module="locations")
    crawl.offer("L1")
    assert (await pulled(crawl)).new == 1
    assert (await crawl.shown())["learned"]["trailing_slash"]["value"] == "always"


async def test_a_completed_session_that_goes_on_in_a_list_is_a_bad_object(crawl):
    done = objects.session("S1", status="COMPLETED", last_updated="2026-03-01T11:00:00Z")
    crawl.cpo.objects["sessions"] = [done]
    assert (await pulled(crawl, "sessions")).new == 1
    again = {"status": "ACTIVE", "last_updated": "2026-03-01T11:30:00Z"}
    crawl.cpo.objects["sessions"] = [done | again, objects.session("S2", last_updated="2026-03-01T11:30:00Z")]
    run = (await crawl.again("sessions", full=True))["sessions"]
    assert (run.outcome, run.new, run.bad) == ("done", 1, 1)
    assert run.problems[0]["reason"].startswith("status: this Session is COMPLETED")
    assert (await crawl.kept("sessions"))["S1"] == done


async def test_a_page_size_that_the_operator_sets(crawl):
    await crawl.profile(page_size=1)
    crawl.cpo.page_size = 50
    crawl.offer("L1", "L2")
    run = await pulled(crawl)
    assert (run.pages, run.new) == (2, 2)
    assert crawl.asked()[0].query == {"limit": "1"}


async def test_decimals_survive_the_way(crawl):
    tariff = json.dumps(objects.tariff()).replace("0.25", "0.2500")

    async def answer(_: web.Request):
        body = '{"status_code":1000,"timestamp":"2026-03-01T12:00:00Z","data":[' + tariff + "]}"
        return web.Response(text=body, content_type="application/json")

    crawl.cpo.misbehave(answer, module="tariffs")
    await crawl.pull()
    kept = (await crawl.kept("tariffs"))["TARIFF1"]
    assert str(kept["elements"][0]["price_components"][1]["price"]) == "0.2500"
