"""Pulling and a change of status at the same moment: neither waits for the other for ever."""

import asyncio

from ocpi_hub.delivery.pulling import book
from ocpi_hub.partners import presence


async def test_a_platform_that_goes_and_comes_while_its_runs_begin(crawl, hub):
    crawl.offer("L1")
    await crawl.look()
    hub.clock.advance(6)

    async def flap():
        for _ in range(20):
            async with hub.resources.unit_of_work() as db:
                await presence.went_offline(db, crawl.id, hub.clock())
            async with hub.resources.unit_of_work() as db:
                await presence.came_back(db, crawl.id, hub.clock())

    async def begin():
        for _ in range(20):
            async with hub.resources.unit_of_work() as db:
                task = await book.take(db, crawl.id, hub.resources.settings, at=hub.clock())
            if task is not None:
                async with hub.resources.unit_of_work() as db:
                    await book.release(db, task)

    async with asyncio.timeout(60), asyncio.TaskGroup() as both:
        both.create_task(flap())
        both.create_task(begin())
