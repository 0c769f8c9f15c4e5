"""The job of this room: what has expired is removed."""

from ocpi_hub.base.jobs import scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.routing import proxies, trails


@scheduled(lambda resources: 3600.0)
async def forget(resources: Resources) -> None:
    """Remove URLs that have expired and trails that went cold."""
    async with resources.unit_of_work() as db:
        await proxies.forget(db, resources.clock())
        await trails.forget(db, resources.clock())
