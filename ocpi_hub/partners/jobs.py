"""The job of this room: the journal keeps nothing longer than it should."""

from ocpi_hub.base.jobs import scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import journal


@scheduled(lambda resources: 600.0)
async def prune_journal(resources: Resources) -> None:
    """Remove what is too old."""
    async with resources.unit_of_work() as db:
        await journal.prune(db, resources)
