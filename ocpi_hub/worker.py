"""The Celery worker: a prefork pool whose children each run one asyncio loop with the same Resources as the API.

A task only hands its ids over to the loop, so no slow partner holds the next task up. The schedules run in the
child that holds an advisory lock in PostgreSQL; they need no broker, and another child takes over when it dies.
"""

import asyncio
import logging
import os
import socket
import threading
import warnings
from collections.abc import Callable
from typing import Any

import structlog
from celery import signals
from celery.platforms import SecurityWarning
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import text

from ocpi_hub.base.database import Bell
from ocpi_hub.base.jobs import Runner, celery, run_schedules, run_tasks_with, use_broker
from ocpi_hub.base.log import configure_logs
from ocpi_hub.base.resources import open_resources, required_urls
from ocpi_hub.base.settings import Settings
from ocpi_hub.chargers import jobs as _chargers  # noqa: F401 - its jobs and schedules
from ocpi_hub.chargers import list_jobs as _lists  # noqa: F401 - its jobs and schedules
from ocpi_hub.chargers.binding import bind
from ocpi_hub.clearing import jobs as _clearing  # noqa: F401 - its jobs and schedules
from ocpi_hub.clearing import receiving as _receiving  # noqa: F401 - how pulled CDRs are kept
from ocpi_hub.delivery import jobs as _delivery  # noqa: F401 - its jobs and schedules
from ocpi_hub.delivery.pulling import jobs as _pulling  # noqa: F401 - its jobs and schedules
from ocpi_hub.partners import jobs as _partners  # noqa: F401 - its schedules
from ocpi_hub.routing import jobs as _routing  # noqa: F401 - its schedules

log = structlog.get_logger()

LEADERS_LOCK = 0x0C91_0001
GRACE, PATIENCE = 0.5, 1.5
"""When the worker stops: seconds that running jobs may take to end by themselves, and then to wind down."""
LAST_RESORT = 4.5
"""Seconds after which a stopping worker leaves whatever still waits: what it held is due again with its lease."""


def run_worker(settings: Settings, ready: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT. `ready` is called once the worker consumes.

    Without a broker it is not ready, but the schedules deliver meanwhile. Raises ValueError without server URLs.
    """
    _, redis_url = required_urls(settings)
    configure_logs(level=settings.log_level, form=settings.log_format)
    use_broker(redis_url)
    child = _Child(settings)
    for signal, receiver in (
        (signals.setup_logging, lambda **_: None),  # ours stands already
        (signals.worker_ready, lambda **_: ready()),
        (signals.worker_shutting_down, lambda **_: _leave_at_last()),
        (signals.worker_process_init, lambda **_: child.start()),
        (signals.worker_process_shutdown, lambda **_: child.stop()),
    ):
        signal.connect(receiver, weak=False)
    with warnings.catch_warnings():
        # Celery warns root of pickle. Only JSON is accepted here.
        warnings.simplefilter("ignore", SecurityWarning)
        worker = celery.Worker(
            pool="prefork",
            concurrency=settings.worker_processes,
            hostname=f"worker-{os.getpid()}@{socket.gethostname()}",
            loglevel=logging.getLevelName(settings.log_level),
            quiet=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
    worker.start()


def _leave_at_last() -> None:
    timer = threading.Timer(LAST_RESORT, os._exit, args=(0,))
    timer.daemon = True
    timer.start()


class _Child:
    """One process of the pool: its loop runs in a thread beside Celery's own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._working = threading.Event()

    def start(self) -> None:
        """Open the loop, after the fork, and wait until it takes jobs."""
        self._thread = threading.Thread(target=self._live, name="jobs", daemon=True)
        self._thread.start()
        self._working.wait(timeout=3)

    def stop(self) -> None:
        """End the loop, and wait for it."""
        if self._working.is_set():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=GRACE + PATIENCE + 0.5)

    def _live(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException:
            log.exception("worker.child_failed")
            os._exit(1)  # the pool starts another

    async def _work(self) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()

        async def ring(bells: list[Bell]) -> None:
            await runner.ring(bells)

        def submit(name: str, ids: tuple[Any, ...]) -> None:
            loop.call_soon_threadsafe(runner.submit, name, ids)

        async with open_resources(self._settings, ring=ring) as resources:
            bind(resources)
            runner = Runner(resources)
            run_tasks_with(submit)
            leader = _Leader(resources.engine)
            schedules = asyncio.create_task(run_schedules(resources, leader=leader.leads))
            self._working.set()
            await self._stopping.wait()
            schedules.cancel()
            await runner.aclose(grace=GRACE, patience=PATIENCE)
            await leader.aclose()


class _Leader:
    """Whether this process leads: it holds the advisory lock, on a connection that it keeps for nothing else.

    PostgreSQL gives the lock back when that connection ends, however the process ended.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._leads = False

    async def leads(self) -> bool:
        """Ask the database; False too when it does not answer."""
        try:
            if self._connection is None:
                connection = await self._engine.connect()
                self._connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if self._leads:
                await self._connection.execute(text("SELECT 1"))
            else:
                asked = await self._connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADERS_LOCK})
                self._leads = bool(asked.scalar_one())
                if self._leads:
                    log.info("worker.leads", pid=os.getpid())
        except (SQLAlchemyError, OSError) as error:
            log.warning("worker.leader_unknown", error=type(error).__name__)
            await self.aclose()
        return self._leads

    async def aclose(self) -> None:
        """Give the lock back by ending its connection."""
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None:
            try:
                await connection.invalidate()
                await connection.close()
            except (SQLAlchemyError, OSError):
                log.info("worker.leader_connection_lost")
