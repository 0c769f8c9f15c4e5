"""Chargers in a workshop: simulated ones that connect, and the operator's book."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from bridge_ocpp.book import UpkeepBook
from bridge_ocpp.port import FirmwareJob, FirmwareTask, NewFirmwareJob
from bridge_ocpp.simulator import SimulatedCharger
from tests.bridge.conftest import PASSWORD, Place
from tests.world.waiting import until

IMAGE = "https://images.example/box-2.0.0.bin"


class Yard:
    """The bridge, the operator's book, and chargers that can be brought in."""

    def __init__(self, place: Place, stack: AsyncExitStack) -> None:
        self.place = place
        self.book = UpkeepBook(now=place.clock)
        self._stack = stack

    async def charger(self, charger_id: str, protocol: str = "ocpp1.6", *, ends: str = "Installed") -> SimulatedCharger:
        """A charger that is registered, connected and has booted."""
        await self.place.register(charger_id)
        box = SimulatedCharger(
            self.place.bridge.url, charger_id, password=PASSWORD, protocol=protocol, sample_every=60.0
        )
        box.workshop.ends, box.workshop.pace = ends, 0.0
        await self._stack.enter_async_context(_running(box))
        return box

    async def start(self, *chargers: str, **wanted: Any) -> str:
        async with self.place.work() as db:
            new = NewFirmwareJob(**({"location": IMAGE, "chargers": chargers} | wanted))
            return (await self.book.start_firmware(new, db)).id

    async def job(self, job_id: str) -> FirmwareJob:
        async with self.place.work() as db:
            found = await self.book.firmware_job(job_id, db)
        assert found is not None
        return found

    async def task(self, job_id: str, charger_id: str) -> FirmwareTask:
        return next(task for task in (await self.job(job_id)).tasks if task.charger == charger_id)

    async def job_is(self, job_id: str, true: Callable[[FirmwareJob], bool]) -> FirmwareJob:
        """Go round until it is so; the job."""

        async def looked() -> FirmwareJob | None:
            await self.place.bridge.go_round()
            job = await self.job(job_id)
            return job if true(job) else None

        found: FirmwareJob = await until(looked, within=15)
        return found


@asynccontextmanager
async def _running(box: SimulatedCharger) -> AsyncIterator[None]:
    task = asyncio.create_task(box.run())
    try:
        async with asyncio.timeout(10):
            await box.online.wait()
        yield
    finally:
        task.cancel()


@pytest.fixture
async def yard(place: Place) -> AsyncIterator[Yard]:
    async with AsyncExitStack() as stack:
        yield Yard(place, stack)
