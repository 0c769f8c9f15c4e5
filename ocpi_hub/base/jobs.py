"""Jobs: an async function with ids becomes a Celery task and stays itself; the schedules that repair what is lost.

Celery is the alarm clock, PostgreSQL is the truth: any task may be lost or run twice. So there is no result
backend, no eta and no retry here; due times live in rows, and a leader among the workers sweeps them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.pools import producers
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.database import Bell, after_commit
from ocpi_hub.base.resources import Resources

log = structlog.get_logger()

celery = Celery("ocpi_hub", set_as_current=False)
celery.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=False,
    # One queue on the default exchange: there is no binding in the broker that could be lost with its memory.
    task_queues=[Queue("ocpi_hub", exchange="", routing_key="ocpi_hub")],  # type: ignore[no-untyped-call]
    task_default_queue="ocpi_hub",
    task_default_exchange="",
    task_default_routing_key="ocpi_hub",
    worker_prefetch_multiplier=16,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    broker_transport_options={
        "visibility_timeout": 120,
        "unacked_restore_throttle": 1,
        "max_retries": 0,
        "socket_connect_timeout": 2,
        "socket_timeout": 30,
    },
)

PEAL = "bells"
BELLS_PER_MESSAGE = 100
BELLS_EVERY = 0.02
"""Seconds between two messages of a process to the broker: a bell rings at once, those right behind it together."""

JobBody = Callable[..., Coroutine[Any, Any, Any]]
JOBS: dict[str, JobBody] = {}
_NAMES: dict[JobBody, str] = {}
F = TypeVar("F", bound=JobBody)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that the leader among the workers runs every `every` seconds (from settings, by the resources)."""

    name: str
    every: Callable[[Resources], float]
    body: Callable[[Resources], Coroutine[Any, Any, Any]]


SCHEDULES: list[Schedule] = []

_submit: Callable[[str, tuple[Any, ...]], None] | None = None


def job(name: str) -> Callable[[F], F]:
    """Make `async def body(resources, *ids)` a task. Ids travel, never documents."""

    def register(body: F) -> F:
        def task(*ids: Any) -> None:
            if _submit is None:
                raise RuntimeError("a task ran outside of a worker process")
            _submit(name, ids)

        celery.task(task, name=name, ignore_result=True)
        JOBS[name] = body
        _NAMES[body] = name
        return body

    return register


def scheduled(every: Callable[[Resources], float]) -> Callable[[F], F]:
    """Run `async def body(resources)` every so many seconds, by one leader among all workers."""

    def register(body: F) -> F:
        SCHEDULES.append(Schedule(f"{body.__module__}.{body.__name__}", every, body))
        return body

    return register


def ring_after_commit(db: AsyncSession, body: JobBody, *ids: Any) -> None:
    """Start the job `body` with these ids once `db` has committed."""
    after_commit(db, _NAMES[body], *ids)


def bell_of(body: JobBody, *ids: Any) -> Bell:
    """The bell that starts the job `body` with these ids."""
    return _NAMES[body], ids


def _peal(bells: list[Bell]) -> None:
    for name, ids in bells:
        if _submit is None:
            raise RuntimeError("a task ran outside of a worker process")
        _submit(name, tuple(ids))


celery.task(_peal, name=PEAL, ignore_result=True)


def run_tasks_with(submit: Callable[[str, tuple[Any, ...]], None]) -> None:
    """Where tasks of this worker process go: handed over at once, so that no slow partner blocks the next task."""
    global _submit
    _submit = submit


def celery_broker_url(redis_url: str) -> str:
    """The broker URL for a Valkey URL: kombu has words of its own for a unix socket."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


def use_broker(redis_url: str) -> None:
    """Point the Celery app of this process at its broker."""
    celery.conf.broker_url = celery_broker_url(redis_url)


class Bellringer:
    """Sends bells to the broker from one thread, so that a dead broker never blocks the loop.

    Equal bells that wait are sent once. What cannot be sent is dropped with a log line: the sweep finds the work.
    """

    def __init__(self) -> None:
        self._waiting: dict[Bell, None] = {}
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, bells: list[Bell]) -> None:
        self._waiting.update(dict.fromkeys(bells))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._waiting:
            bells, self._waiting = list(self._waiting), {}
            try:
                await asyncio.to_thread(_send_all, bells)
            except Exception as error:
                log.warning("bell.lost", bells=len(bells), error=type(error).__name__)
            await asyncio.sleep(BELLS_EVERY)

    async def aclose(self) -> None:
        """Wait for what is on its way."""
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=5)


def _send_all(bells: list[Bell]) -> None:
    """One bell is its job's own task; many go as one message, for messages cost more than what they start."""
    with producers[celery.connection_for_write()].acquire(block=True, timeout=5) as producer:
        for start in range(0, len(bells), BELLS_PER_MESSAGE):
            some = bells[start : start + BELLS_PER_MESSAGE]
            name, args = some[0] if len(some) == 1 else (PEAL, (some,))
            celery.send_task(name, args=args, producer=producer, retry=False, ignore_result=True)


class Runner:
    """Runs jobs on the one loop of a worker process: bounded, and one at a time per (job, ids).

    A bell that rings while its job runs makes it run once more, so nothing that became due is overlooked.
    """

    def __init__(self, resources: Resources, *, at_once: int = 200) -> None:
        self._resources = resources
        self._running: dict[Bell, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(at_once)

    def submit(self, name: str, ids: tuple[Any, ...]) -> None:
        """Start the job, or have it run again if it is running. Call from the loop's own thread."""
        bell = (name, tuple(ids))
        if bell in self._running:
            self._running[bell] = True
            return
        self._running[bell] = False
        task = asyncio.get_running_loop().create_task(self._run(bell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ring(self, bells: list[Bell]) -> None:
        """Bells of this process's own transactions need no broker."""
        for name, ids in bells:
            self.submit(name, ids)

    async def _run(self, bell: Bell) -> None:
        async with self._places:
            try:
                while True:
                    self._running[bell] = False
                    await self._once(bell)
                    if not self._running[bell]:
                        return
            finally:
                del self._running[bell]

    async def _once(self, bell: Bell) -> None:
        name, ids = bell
        body = JOBS.get(name)
        if body is None:
            log.error("job.unknown", job=name)
            return
        try:
            await body(self._resources, *ids)
        except Exception:
            log.exception("job.failed", job=name, ids=list(ids))

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def aclose(self, *, grace: float = 1, patience: float = 2) -> None:
        """Give running jobs `grace` seconds, then cancel them, with `patience` for those that put things in order."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(list(self._tasks), timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=patience)


async def run_schedules(resources: Resources, *, leader: Callable[[], Awaitable[bool]]) -> None:
    """Run every schedule when it is due, as long as `leader()` says that this process leads. Never returns."""
    loop = asyncio.get_running_loop()
    due = {schedule.name: 0.0 for schedule in SCHEDULES}
    running: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as bodies:
        while True:
            if await leader():
                for schedule in SCHEDULES:
                    busy = running.get(schedule.name)
                    if loop.time() >= due[schedule.name] and (busy is None or busy.done()):
                        due[schedule.name] = loop.time() + schedule.every(resources)
                        running[schedule.name] = bodies.create_task(_guarded(resources, schedule))
            await asyncio.sleep(min(0.5, resources.settings.sweep_interval))


async def _guarded(resources: Resources, schedule: Schedule) -> None:
    try:
        await schedule.body(resources)
    except Exception:
        log.exception("schedule.failed", schedule=schedule.name)
