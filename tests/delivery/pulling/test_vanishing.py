"""What is missing from a partner's full list: reported, kept, or put out of sight, and never deleted."""

import pytest

from tests.delivery.hub import kept
from tests.world import faults, objects


async def full(crawl):
    return (await crawl.again("locations", full=True))["locations"]


async def test_what_vanished_is_reported_with_since_when_and_stays(crawl, hub, emsp):
    crawl.offer("L1", "L2", "L3")
    await crawl.pull()
    crawl.offer("L1")
    run = await full(crawl)
    assert (run.outcome, run.vanished) == ("done", 2)
    first = await crawl.missing()
    assert [(m.key, m.since, m.document) for m in first] == [(one, run.ended_at, None) for one in ("l2", "l3")]
    assert set(await crawl.kept()) == {"L1", "L2", "L3"}
    hub.clock.advance(60)
    assert (await full(crawl)).vanished == 2
    assert [m.since for m in await crawl.missing()] == [m.since for m in first], "missing since the first time"
    crawl.offer("L1", "L2")
    assert (await full(crawl)).vanished == 1
    hub.clock.advance(60)
    await hub.put_location("L3", source=crawl.id, name="Told again")
    told_again = hub.clock()
    run = await full(crawl)
    assert [(m.key, m.since) for m in await crawl.missing()] == [("l3", run.ended_at)]
    assert run.ended_at > told_again > first[1].since, "it was there in between"


async def test_only_a_full_run_tells_and_only_of_this_partner_s_objects(crawl, hub):
    crawl.offer("L1")
    await crawl.pull()
    await hub.put_location("OURS")
    await hub.put_location("THEIRS", owner=("BE", "BEC"), source="another-platform")
    crawl.cpo.objects["locations"] = []
    assert (await crawl.again("locations"))["locations"].vanished == 0
    assert await crawl.missing() == []
    assert (await full(crawl)).vanished == 1


async def test_what_is_listed_but_bad_has_not_vanished(crawl):
    crawl.offer("L1")
    await crawl.pull()
    crawl.offer("L1", coordinates={"latitude": "north", "longitude": "5"}, last_updated="2026-03-01T12:00:00Z")
    run = await full(crawl)
    assert (run.bad, run.vanished) == (1, 0)


async def test_a_run_that_failed_tells_nothing(crawl):
    crawl.offer("L1", "L2", "L3")
    await crawl.pull()
    crawl.cpo.misbehave(faults.status(500), module="locations")
    assert (await full(crawl)).outcome == "failed"
    assert await crawl.missing() == []


async def test_sessions_and_cdrs_drop_off_a_list_and_have_not_vanished(crawl):
    crawl.cpo.objects |= {"sessions": [objects.session()], "cdrs": [objects.cdr()]}
    await crawl.pull()
    crawl.cpo.objects |= {"sessions": [], "cdrs": []}
    await crawl.again(full=True)
    assert await crawl.missing() == []


@pytest.mark.parametrize("module", ["locations", "tariffs"])
async def test_out_of_sight_until_it_is_listed_again(crawl, hub, emsp, module):
    emsp_id = await hub.connect(emsp)
    one, two = (getattr(objects, module[:-1])(name) for name in ("ONE", "TWO"))
    await crawl.profile(vanished="hide")
    crawl.cpo.objects[module] = [one, two]
    await crawl.pull()
    await hub.drain(emsp_id)
    crawl.cpo.objects[module] = [one]
    assert (await crawl.again(module, full=True))[module].vanished == 1
    assert set(await crawl.kept(module)) == {"ONE"}
    await hub.drain(emsp_id)
    deleted = [h.path for h in emsp.told(module, "DELETE")]
    assert deleted == (["NL/CPO/TWO"] if module == "tariffs" else []), "a Location has no DELETE"
    assert (await crawl.again(module, full=True))[module].vanished == 1
    crawl.cpo.objects[module] = [one, two]
    run = (await crawl.again(module, full=True))[module]
    assert (run.new, run.vanished) == (1, 0)
    assert set(await crawl.kept(module)) == {"ONE", "TWO"}
    await hub.drain(emsp_id)
    assert set(kept(emsp, module)) == {"NL/CPO/ONE", "NL/CPO/TWO"}


async def test_what_was_hidden_comes_back_when_the_operator_says_keep(crawl):
    await crawl.profile(vanished="hide")
    crawl.offer("L1", "L2")
    await crawl.pull()
    crawl.offer("L1")
    await full(crawl)
    assert set(await crawl.kept()) == {"L1"}
    await crawl.profile(vanished="keep")
    assert (await full(crawl)).vanished == 1
    assert (await crawl.kept())["L2"] == objects.location("L2")
    assert [(m.key, m.document) for m in await crawl.missing()] == [("l2", None)]


async def test_an_empty_list_hides_nothing(crawl):
    await crawl.profile(vanished="hide")
    crawl.offer("L1", "L2")
    await crawl.pull()
    crawl.cpo.objects["locations"] = []
    assert (await full(crawl)).vanished == 2
    assert set(await crawl.kept()) == {"L1", "L2"}, "such a list is more likely broken than true"
