"""A real Celery prefork worker on a real Valkey: bells, lost bells, lost brokers and lost workers."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kombu.pools
import psutil
import pytest
import redis.asyncio

from ocpi_hub.base.jobs import Bellringer, use_broker
from ocpi_hub.base.resources import open_resources
from tests.delivery.hub import Hub, kept, settings
from tests.delivery.process import Worker, worker
from tests.world import faults
from tests.world.partner import Partner

NO_BROKER = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def ringing_hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    """The API's side: real time, and bells that go to the broker."""
    ringer = Bellringer()
    use_broker(redis_url)
    async with open_resources(settings(database_url, redis_url), ring=ringer) as resources:
        hub = Hub(resources, resources.clock, [])  # type: ignore[arg-type]
        yield hub
        await ringer.aclose()
    kombu.pools.reset()


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with ringing_hub(database_url, redis_url) as opened:
        yield opened


async def until(condition: Any, *, within: float = 45) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.02)


async def nothing_owed(hub: Hub) -> None:
    async def none() -> bool:
        return not await hub.owed()

    await until(none)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


async def test_a_bell_is_told_at_once_and_the_end_is_quick(
    hub: Hub, database_url: str, redis_url: str, emsp: Partner
) -> None:
    await hub.connect(emsp)
    # The first sweep runs at once and the next after a minute: what arrives below came by a bell.
    async with worker(database_url, redis_url, sweep_interval=60) as running:
        await running.says("worker.leads")
        for n in range(5):
            await hub.put_location(f"LOC{n}")
            await emsp.hears("locations", count=n + 1)
        await nothing_owed(hub)
        children = running.children()
        assert len(children) == 2
        assert await running.terminate() == 0
        assert alive(children) == []
        assert [json.loads(line)["level"] for line in running.lines if '"warning"' in line] == []
        assert "Warning" not in "".join(running.lines)


async def test_without_a_broker_the_sweep_delivers(database_url: str, emsp: Partner) -> None:
    """X3: no broker anywhere."""
    async with (
        worker(database_url, NO_BROKER, ready="worker.leads", sweep_interval=0.2) as running,
        ringing_hub(database_url, NO_BROKER) as hub,
    ):
        await hub.connect(emsp)
        for n in range(3):
            await hub.put_location(f"LOC{n}")
            await emsp.hears("locations", count=n + 1)
        await nothing_owed(hub)
        await running.terminate()
    assert len(kept(emsp, "locations")) == 3, "each of them, by the sweep alone"


async def test_a_broker_that_forgets_everything_loses_nothing(
    hub: Hub, database_url: str, redis_url: str, emsp: Partner
) -> None:
    """X2: FLUSHALL again and again under load."""
    await hub.connect(emsp)
    async with worker(database_url, redis_url), redis.asyncio.from_url(redis_url) as client:
        for n in range(60):
            await hub.put_cdr(f"CDR{n}")
            await client.flushall()
        await emsp.hears("cdrs", count=60)
        await nothing_owed(hub)
        await hub.put_cdr("CDR-after")
        await emsp.hears("cdrs", count=61)
    assert len(kept(emsp, "cdrs")) == 61


async def test_every_cdr_arrives_though_the_worker_is_killed(
    hub: Hub, database_url: str, redis_url: str, emsp: Partner
) -> None:
    """X4: kill -9 of the worker while it delivers, twice; its leases run out, and nothing is left of it."""
    await hub.connect(emsp)
    short = {"lease": 1, "partner_timeout": 0.5, "sweep_interval": 0.2}
    emsp.misbehave(faults.slow(0.05), module="cdrs")
    for n in range(80):
        await hub.put_cdr(f"CDR{n}")
    for kills in range(2):
        async with worker(database_url, redis_url, ready="worker.leads", **short) as running:
            await emsp.hears("cdrs", count=len(emsp.told("cdrs")) + 10)
            children = running.children()
            running.kill()
            await running.process.wait()
            _, left = await asyncio.to_thread(psutil.wait_procs, children, timeout=5)
            assert left == [], kills
    assert len(await hub.owed()) > 0
    async with worker(database_url, redis_url, **short):
        await nothing_owed(hub)
    assert len(kept(emsp, "cdrs")) == 80
    assert len(emsp.told("cdrs")) <= 80 + 2 * 16, "repeated is at most what was under way"


async def test_another_child_leads_when_the_leader_dies(
    hub: Hub, database_url: str, redis_url: str, emsp: Partner
) -> None:
    await hub.connect(emsp)
    async with worker(database_url, redis_url, sweep_interval=0.2) as running:
        await running.says("worker.leads")
        os.kill(leaders(running)[0], signal.SIGKILL)
        await until(lambda: _led_twice(running))
        hub.resources._ring = None  # no bell: only the new leader's sweep can find it
        await hub.put_location()
        await emsp.hears("locations")
        await until(lambda: _two_children(running))


def leaders(running: Worker) -> list[int]:
    """The pids that said that they lead, in order."""
    return [json.loads(line)["pid"] for line in running.lines if "worker.leads" in line]


async def _led_twice(running: Worker) -> bool:
    return len(set(leaders(running))) == 2


async def _two_children(running: Worker) -> bool:
    return len(alive(running.children())) == 2


async def test_a_partner_that_hangs_delays_nobody_else(
    hub: Hub, database_url: str, redis_url: str, emsp: Partner, other: Partner
) -> None:
    """X6: while one partner answers nothing, another hears every change."""
    await hub.connect(emsp)
    await hub.connect(other)
    emsp.misbehave(faults.hangs())
    async with worker(database_url, redis_url) as running:
        for n in range(30):
            await hub.put_location(f"LOC{n}")
            await other.hears("locations", count=n + 1)
        assert emsp.told("locations"), "it was asked, and has not answered yet"
        await hub.put_cdr()
        assert await running.terminate() == 0
    assert emsp.kept == {}
    assert {one.leased_until for one in await hub.owed()} == {None}, "every lease was given back"
