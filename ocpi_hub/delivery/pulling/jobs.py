"""The jobs of pulling: one platform's due lists, one after the other, and the look that finds who is due.

A job may be lost or run twice: what is due stands in the rows, and one process at a time has a platform.
"""

from ocpi_hub.base.jobs import job, ring_after_commit, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery.pulling import book
from ocpi_hub.delivery.pulling.running import run


@job("delivery.pull")
async def pull(resources: Resources, platform_id: str) -> None:
    """Pull what is due of a platform."""
    while True:
        async with resources.unit_of_work() as db:
            task = await book.take(db, platform_id, resources.settings, at=resources.clock())
        if task is None:
            return
        await run(resources, task)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def look(resources: Resources) -> None:
    """Find what is due: newcomers, returners, the schedule, and runs that were cut off."""
    at = resources.clock()
    async with resources.unit_of_work() as db:
        await book.enter(db, due=at + book.SETTLING)
        for platform_id in await book.due_platforms(db, at=at):
            ring_after_commit(db, pull, platform_id)
