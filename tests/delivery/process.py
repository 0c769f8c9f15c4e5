"""A real Celery worker in a process of its own, as `ocpi-hub worker` runs it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil

_CODE = """
from ocpi_hub.base.settings import Settings
from ocpi_hub.worker import run_worker
run_worker(Settings(_env_file=None), lambda: print("ready", flush=True))
print("ended", flush=True)
"""


class Worker:
    """A running worker; `lines` is everything that it said on standard error, `said` on standard output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.said: list[str] = []
        self._news = asyncio.Condition()
        self._reading = [
            asyncio.create_task(self._read(process.stderr, self.lines)),
            asyncio.create_task(self._read(process.stdout, self.said)),
        ]

    async def _read(self, stream: Any, lines: list[str]) -> None:
        async for line in stream:
            async with self._news:
                lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()

    async def says(self, text: str, *, within: float = 45) -> None:
        """Wait for a line that contains this text."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: any(text in line for line in [*self.lines, *self.said]))

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9 of the worker's main process."""
        self.process.send_signal(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM, and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        code = await self.process.wait()
        await asyncio.wait(self._reading)
        return code


@asynccontextmanager
async def worker(database_url: str, redis_url: str, *, ready: str = "ready", **settings: Any) -> AsyncIterator[Worker]:
    """Start a worker and wait until it says `ready`; kill what is left of it afterwards."""
    values = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": "a secret key for tests only",
        "partner_networks": "127.0.0.0/8",
        "partner_timeout": 2,
    } | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OCPI_HUB_")}
    environment |= {f"OCPI_HUB_{name.upper()}": str(value) for name, value in values.items()}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CODE, env=environment, stdout=pipe, stderr=pipe
    )
    running = Worker(process)
    try:
        await running.says(ready)
        yield running
    finally:
        if process.returncode is None:
            left = running.children()
            running.kill()
            await process.wait()
            psutil.wait_procs(left, timeout=5)
