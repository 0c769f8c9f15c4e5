"""The schedule of local lists: what changed, then whose list is older."""

import asyncio

from ocpi_hub.base.jobs import job, ring_after_commit, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import listing, lists

AT_ONCE = 20
"""Chargers whose lists are sent at the same time."""


@scheduled(lambda resources: resources.settings.local_list_interval)
async def look(resources: Resources) -> None:
    """Adopt new chargers, bring the tokens of every scope up to date, and start what is due."""
    async with resources.unit_of_work() as db:
        await lists.adopt(db, at=resources.clock())
    await listing.refresh(resources)
    async with resources.unit_of_work() as db:
        for charger_key in await lists.due(db, at=resources.clock(), limit=10 * AT_ONCE):
            ring_after_commit(db, sync, charger_key)


_places = asyncio.Semaphore(AT_ONCE)


@job("chargers.sync_list")
async def sync(resources: Resources, charger_key: str) -> None:
    """Bring the list of one charger up to date."""
    async with _places:
        await lists.sync(resources, charger_key)
