"""A lab: the whole hub as a child process on this machine, with its admin REST; for the demo, benchmarks and tests.

Partners may live on loopback in it. Its data folder is emptied first, unless it is to go on with what is there.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from ocpi_hub.base.secrets import new_secret
from ocpi_hub.wire import json as wire_json

Document = dict[str, Any]


class LabFailed(Exception):
    """The lab cannot go on; the text says at which step and why."""


class LabHub:
    """The running hub as its operator sees it: its URLs, its process, the admin REST."""

    def __init__(
        self,
        url: str,
        ocpp_url: str,
        *,
        admin_key: str,
        http: aiohttp.ClientSession,
        process: asyncio.subprocess.Process,
    ) -> None:
        self.url = url
        self.ocpp_url = ocpp_url
        self.process = process
        self._key = admin_key
        self._http = http

    async def ask(self, verb: str, path: str, document: Document | None = None) -> Any:
        """One call of the admin REST. Raises LabFailed with the hub's own words."""
        body = wire_json.dumps(document).encode() if document is not None else None
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        async with self._http.request(verb, f"{self.url}/admin/v1{path}", data=body, headers=headers) as response:
            raw = await response.read()
            if response.status >= 300:
                raise LabFailed(f"{verb} {path} → HTTP {response.status}: {raw.decode(errors='replace')[:300]}")
            return wire_json.loads(raw) if raw else None


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    try:
        return _free_port(port) == port
    except LabFailed:
        return False


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise LabFailed("no free TCP port on 127.0.0.1")


@asynccontextmanager
async def running_lab(
    *,
    folder: Path,
    tell: Callable[[str, str], None],
    port: int = 8000,
    ocpp_port: int = 9000,
    fresh: bool = True,
    **settings: str,
) -> AsyncIterator[LabHub]:
    """Run `ocpi-hub serve` as long as the block lasts. `settings` are further ones by their names without prefix."""
    port, ocpp_port, key = _free_port(port), _free_port(ocpp_port), new_secret()
    _prepare(folder, fresh=fresh)
    given = {
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "OCPP_PORT": str(ocpp_port),
        "ADMIN_KEY": key,
        "PARTNER_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "WARNING",
        **settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OCPI_HUB_")}
    environment |= {f"OCPI_HUB_{name}": value for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ocpi_hub.cli",
        "serve",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        cwd=str(folder.parent),
        start_new_session=True,
    )
    try:
        said = await _until_ready(process, tell)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
            yield LabHub(
                f"http://127.0.0.1:{port}",
                f"ws://127.0.0.1:{ocpp_port}/ocpp",
                admin_key=key,
                http=http,
                process=process,
            )
            said.cancel()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()


def _prepare(folder: Path, *, fresh: bool) -> None:
    if fresh and folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)


async def _until_ready(process: asyncio.subprocess.Process, tell: Callable[[str, str], None]) -> "asyncio.Task[None]":
    assert process.stdout is not None
    async with asyncio.timeout(90):
        while line := (await process.stdout.readline()).decode().strip():
            tell("serve", line)
            if line == "ready":
                return asyncio.create_task(_drain(process.stdout))
    raise LabFailed(f"the hub stopped before it was ready (exit status {await process.wait()}); its words are above")


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read on, so that the hub never waits for us."""
    while await stream.readline():
        pass
