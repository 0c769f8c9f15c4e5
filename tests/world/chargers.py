"""A simulated charger that runs while a test needs it, and a place for it to stand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge_ocpp.simulator import SimulatedCharger

LOCATION = {
    "name": "Damrak",
    "address": "Damrak 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": {"latitude": "52.37403", "longitude": "4.88969"},
    "time_zone": "Europe/Amsterdam",
}
"""As the admin REST takes it."""


@asynccontextmanager
async def running(box: SimulatedCharger) -> AsyncIterator[SimulatedCharger]:
    """The charger runs while the block lasts, and has booted when it begins."""
    task = asyncio.create_task(box.run())
    try:
        await asyncio.wait_for(box.online.wait(), 20)
        yield box
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
