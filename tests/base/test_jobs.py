"""Jobs: tasks that stay functions, bells that may be lost, the runner of a worker process and the schedules."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import kombu.pools
import pytest
import redis.asyncio
import structlog.testing

from ocpi_hub.base import jobs
from ocpi_hub.base.database import Bell
from ocpi_hub.base.jobs import Bellringer, Runner, celery, celery_broker_url, job, run_schedules, scheduled, use_broker
from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.settings import Settings

THINGS: Any = object()  # what a job gets as its resources, where it does not use them


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs and schedules of one test only."""
    monkeypatch.setattr(jobs, "JOBS", {})
    monkeypatch.setattr(jobs, "SCHEDULES", [])
    names = set(celery.tasks)
    yield
    for name in set(celery.tasks) - names:
        celery.tasks.unregister(name)


# --- the runner ---------------------------------------------------------------------------------------------------


async def test_equal_bells_run_one_after_the_other_and_others_beside_them() -> None:
    running: list[str] = []
    most: list[int] = []
    gate = asyncio.Event()

    @job("test.work")
    async def work(resources: Any, name: str) -> None:
        assert name not in running
        running.append(name)
        most.append(len(running))
        await gate.wait()
        running.remove(name)

    runner = Runner(THINGS)
    for name in ("a", "b", "a"):
        runner.submit("test.work", (name,))
    while len(most) < 2:
        await asyncio.sleep(0)
    for _ in range(3):
        runner.submit("test.work", ("a",))
    gate.set()
    await runner.idle()
    assert len(most) == 3, "a once, b once, and a once more for the bells that rang meanwhile"
    assert most[:2] == [1, 2]


async def test_a_bell_that_rings_while_its_job_fails_is_not_lost() -> None:
    runs = 0

    @job("test.fails")
    async def fails(resources: Any) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            runner.submit("test.fails", ())
            raise RuntimeError("the database went away")

    runner = Runner(THINGS)
    with structlog.testing.capture_logs() as lines:
        runner.submit("test.fails", ())
        await runner.idle()
    assert runs == 2
    assert [line["event"] for line in lines] == ["job.failed"]


async def test_breadth_is_bounded() -> None:
    now = most = 0

    @job("test.broad")
    async def broad(resources: Any, n: int) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    runner = Runner(THINGS, at_once=5)
    await runner.ring([("test.broad", (n,)) for n in range(50)])
    await runner.idle()
    assert most == 5


async def test_an_unknown_job_is_said_and_harms_nothing() -> None:
    runner = Runner(THINGS)
    with structlog.testing.capture_logs() as lines:
        runner.submit("test.of_a_newer_release", ("x",))
        await runner.idle()
    assert [line["event"] for line in lines] == ["job.unknown"]


async def test_a_key_error_in_a_job_is_a_failure_and_not_an_unknown_job() -> None:
    @job("test.key")
    async def key(resources: Any) -> None:
        raise KeyError("x")

    runner = Runner(THINGS)
    with structlog.testing.capture_logs() as lines:
        runner.submit("test.key", ())
        await runner.idle()
    assert [line["event"] for line in lines] == ["job.failed"]


async def test_closing_waits_and_then_cancels() -> None:
    ended: list[str] = []

    @job("test.quick")
    async def quick(resources: Any) -> None:
        await asyncio.sleep(0.02)
        ended.append("quick")

    @job("test.long")
    async def long(resources: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.02)
            ended.append("wound down")
            raise

    runner = Runner(THINGS)
    runner.submit("test.quick", ())
    runner.submit("test.long", ())
    began = perf_counter()
    await runner.aclose(grace=0.2)
    assert ended == ["quick", "wound down"]
    assert perf_counter() - began < 30, "the job would have slept for a minute"


def test_a_task_outside_of_a_worker_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    @job("test.outside")
    async def outside(resources: Any) -> None: ...

    monkeypatch.setattr(jobs, "_submit", None)
    with pytest.raises(RuntimeError, match="outside of a worker process"):
        celery.tasks["test.outside"]()


def test_a_task_hands_its_ids_over(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Bell] = []

    @job("test.ids")
    async def ids(resources: Any, *given: Any) -> None: ...

    monkeypatch.setattr(jobs, "_submit", lambda name, given: handed.append((name, given)))
    celery.tasks["test.ids"]("p1", 2)
    assert handed == [("test.ids", ("p1", 2))]


# --- bells over the broker ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://localhost:6379/3", "redis://localhost:6379/3"),
        ("rediss://u:p@host/0", "rediss://u:p@host/0"),
        ("unix:///run/hub/valkey.sock", "redis+socket:///run/hub/valkey.sock?virtual_host=0"),
        ("unix:///run/hub/valkey.sock?db=2", "redis+socket:///run/hub/valkey.sock?virtual_host=2"),
    ],
)
def test_the_broker_is_the_valkey(url: str, broker: str) -> None:
    assert celery_broker_url(url) == broker


@pytest.fixture
def broker(redis_url: str) -> Iterator[str]:
    use_broker(redis_url)
    yield redis_url
    kombu.pools.reset()


async def received(redis_url: str, count: int) -> list[dict[str, Any]]:
    """The messages that wait in the queue, once there are so many."""
    async with redis.asyncio.from_url(redis_url) as client, asyncio.timeout(5):
        while await client.llen("ocpi_hub") < count:
            await asyncio.sleep(0.01)
        return [json.loads(message) for message in await client.lrange("ocpi_hub", 0, -1)]


async def test_bells_reach_the_queue_and_equal_ones_once(broker: str) -> None:
    ringer = Bellringer()
    await ringer([("delivery.drain", ("p1",)), ("delivery.drain", ("p1",))])
    await ringer.aclose()
    [message] = await received(broker, 1)
    assert message["headers"]["task"] == "delivery.drain"
    assert message["content-type"] == "application/json"


async def test_many_bells_go_as_one_message(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bells: list[Bell] = [("delivery.drain", (f"p{n}",)) for n in range(250)]
    ringer = Bellringer()
    await ringer(bells)
    await ringer.aclose()
    messages = await received(broker, 3)
    assert [message["headers"]["task"] for message in messages] == ["bells"] * 3
    handed: list[Bell] = []
    monkeypatch.setattr(jobs, "_submit", lambda name, ids: handed.append((name, ids)))
    for message in messages:
        args, _, _ = json.loads(base64.b64decode(message["body"]))
        celery.tasks["bells"](*args)
    assert sorted(handed) == sorted(bells)


async def test_bells_that_ring_while_others_are_on_their_way_ring_together(broker: str) -> None:
    ringer = Bellringer()
    await ringer([("delivery.drain", ("p1",))])
    await received(broker, 1)
    for number in range(50):
        await ringer([("delivery.drain", (f"p{number % 5}",))])
    await ringer.aclose()
    assert [message["headers"]["task"] for message in await received(broker, 2)].count("bells") == 1


async def test_bells_still_reach_the_queue_after_the_broker_lost_its_memory(broker: str) -> None:
    """X2: nothing is declared in the broker that a FLUSHALL could take away."""
    ringer = Bellringer()
    await ringer([("delivery.drain", ("p1",))])
    await ringer.aclose()
    async with redis.asyncio.from_url(broker) as client:
        await client.flushall()
    await ringer([("delivery.drain", ("p2",))])
    await ringer.aclose()
    assert len(await received(broker, 1)) == 1


async def test_bells_reach_the_queue_after_every_connection_was_cut(broker: str) -> None:
    ringer = Bellringer()
    await ringer([("delivery.drain", ("p1",))])
    await ringer.aclose()
    async with redis.asyncio.from_url(broker) as client:
        await client.client_kill_filter(_type="normal", skipme=True)
    await ringer([("delivery.drain", ("p2",))])
    await ringer.aclose()
    assert len(await received(broker, 2)) == 2


async def test_without_a_broker_bells_are_lost_soon_and_nobody_waits() -> None:
    """X3: whoever rings goes on at once; the loss is said; the process can end."""
    use_broker("redis://127.0.0.1:1/0")
    ringer = Bellringer()
    threads = threading.active_count()
    began = perf_counter()
    with structlog.testing.capture_logs() as lines:
        await ringer([("delivery.drain", ("p1",))])
        await ringer.aclose()
    assert perf_counter() - began < 30, "nobody waits for the broker's own patience"
    assert [(line["event"], line["bells"]) for line in lines] == [("bell.lost", 1)]
    assert threading.active_count() <= threads + 1
    kombu.pools.reset()


# --- schedules ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def resources(database_url: str, redis_url: str) -> Any:
    settings = Settings(_env_file=None, database_url=database_url, redis_url=redis_url, sweep_interval=0.01)
    async with open_resources(settings) as opened:
        yield opened


async def test_schedules_run_while_this_process_leads(resources: Resources) -> None:
    runs: list[str] = []
    leads = False

    @scheduled(lambda _: 0.01)
    async def often(_: Resources) -> None:
        runs.append("often")

    @scheduled(lambda _: 60)
    async def seldom(_: Resources) -> None:
        runs.append("seldom")

    async def leader() -> bool:
        return leads

    running = asyncio.create_task(run_schedules(resources, leader=leader))
    await asyncio.sleep(0.05)
    assert runs == []
    leads = True
    async with asyncio.timeout(5):
        while runs.count("often") < 3:
            await asyncio.sleep(0.01)
    assert runs.count("seldom") == 1
    running.cancel()
    await asyncio.wait([running])


async def test_a_schedule_that_fails_runs_again_and_never_beside_itself(resources: Resources) -> None:
    runs = now = 0

    @scheduled(lambda _: 0.001)
    async def fails(_: Resources) -> None:
        nonlocal runs, now
        assert now == 0
        now += 1
        await asyncio.sleep(0.03)
        now -= 1
        runs += 1
        raise RuntimeError("the database went away")

    async def leader() -> bool:
        return True

    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(run_schedules(resources, leader=leader))
        async with asyncio.timeout(5):
            while runs < 3:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
    assert {line["event"] for line in lines} == {"schedule.failed"}
    assert {line["exc_info"] for line in lines} == {True}


async def test_a_cancelled_run_takes_its_schedules_with_it(resources: Resources) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @scheduled(lambda _: 60)
    async def long(_: Resources) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def leader() -> bool:
        return True

    running = asyncio.create_task(run_schedules(resources, leader=leader))
    await began.wait()
    running.cancel()
    await asyncio.wait([running])
    assert ended.is_set()
