"""A worker that is killed in the middle of a list, and the next one that goes on there; with no bell at all."""

import asyncio
from datetime import timedelta

import psutil
from aiohttp import web
from sqlmodel import select, update

from ocpi_hub.base.resources import open_resources
from ocpi_hub.delivery.pulling import book
from ocpi_hub.delivery.pulling.tables import Pull, PullRun
from tests.delivery.hub import Hub, settings
from tests.delivery.process import worker
from tests.world import objects
from tests.world.partner import Partner


async def test_kill_9_in_the_middle_of_a_list_costs_one_page(database_url, redis_url, cpo: Partner):
    cpo.objects["locations"] = [objects.location(f"L{n}") for n in range(6)]
    gate = asyncio.Event()

    async def holds_the_third_page(request: web.Request) -> None:
        if request.query.get("offset") == "4":
            await gate.wait()

    cpo.misbehave(holds_the_third_page, module="locations")
    cpo.endpoints = [e for e in cpo.endpoints if e["identifier"] in ("credentials", "locations")]
    async with open_resources(settings(database_url, redis_url)) as resources:
        hub = Hub(resources, resources.clock, [])
        id_ = await hub.connect(cpo)
        async with resources.unit_of_work() as db:
            await book.ask(db, id_, module=None, full=False, at=hub.clock())

        async with worker(database_url, redis_url, partner_timeout=30) as first:
            await cpo.hears_until(lambda: any(h.query.get("offset") == "4" for h in cpo.told("locations")), within=45)
            left = first.children()
            first.kill()
            await first.process.wait()
            for child in left:
                if child.is_running():
                    child.kill()
            psutil.wait_procs(left, timeout=10)
        async with resources.unit_of_work() as db:  # as if the lease had run out
            await db.execute(update(Pull).values(leased_until=hub.clock() - timedelta(seconds=1)))
        gate.set()

        async with worker(database_url, redis_url), asyncio.timeout(45):
            while True:
                async with resources.sessions() as db:
                    run = (await db.scalars(select(PullRun))).one()
                if run.outcome != "running":
                    break
                await asyncio.sleep(0.05)
    assert (run.outcome, run.pages, run.objects, run.new, run.why) == ("done", 3, 6, 6, "operator")
    assert [h.query.get("offset") for h in cpo.told("locations")] == [None, "2", "4", "4"]
