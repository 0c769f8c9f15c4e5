"""A hub of the tests' own: the real app on a real server in this loop, with its own database and Valkey.

async with running_hub(database_url, redis_url) as hub, Partner() as cpo:
    await cpo.register(hub.versions_url, await hub.invite())
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import uvicorn

from ocpi_hub.app import create_app
from ocpi_hub.base.database import Bell, open_engine
from ocpi_hub.base.jobs import Runner
from ocpi_hub.base.resources import Resources, open_redis, utc_now
from ocpi_hub.base.serving import server_config
from ocpi_hub.base.settings import Settings
from ocpi_hub.partners import register
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.snapshot import PlatformEntry

SECRET = "the-tests-secret-key-0123456789"
ADMIN = "the-tests-admin-key"


class Clock:
    """The real time, and more when a test says so."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Hub:
    """A running hub. `rung` are the bells that no worker answers here."""

    resources: Resources
    clock: Clock
    url: str
    rung: list[Bell]

    @property
    def settings(self) -> Settings:
        return self.resources.settings

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    @property
    def party(self) -> str:
        return f"{self.settings.country_code}/{self.settings.party_id}"

    async def invite(self, name: str = "Partner", *, parties: Iterable[tuple[str, str, str]] = ()) -> str:
        """A credentials token for a new platform."""
        return (await self.invitation(name, parties=parties)).credentials_token

    async def invitation(
        self, name: str = "Partner", *, parties: Iterable[tuple[str, str, str]] = ()
    ) -> register.Invitation:
        expected = [{"role": role, "country_code": country, "party_id": party} for role, country, party in parties]
        async with self.resources.unit_of_work() as db:
            return await register.invite(db, self.resources, name=name, parties=expected)

    async def platforms(self) -> list[dict[str, Any]]:
        """Every platform as the operator sees it."""
        async with self.resources.unit_of_work() as db:
            return await register.list_partners(db)

    async def platform(self, name: str = "Partner") -> PlatformEntry:
        snapshot = await self.resources.one(Directory).now()
        return next(platform for platform in snapshot.platforms if platform.name == name)

    async def admin(self, method: str, path: str, json: Any = None) -> httpx.Response:
        """A call of the admin REST."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            headers = {"Authorization": f"Bearer {ADMIN}"}
            return await client.request(method, f"{self.url}/admin/v1{path}", json=json, headers=headers)


def settings_for(database_url: str, redis_url: str, **changed: Any) -> Settings:
    """Settings of a lab: partners live on loopback."""
    given = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": SECRET,
        "admin_key": ADMIN,
        "partner_networks": "127.0.0.0/8",
        "partner_timeout": 3,
        "provisioning": False,
    }
    return Settings(_env_file=None, **(given | changed))  # type: ignore[call-arg]


@asynccontextmanager
async def running_hub(database_url: str, redis_url: str, *, works: bool = False, **changed: Any) -> AsyncIterator[Hub]:
    """Run a hub as long as the block lasts; `changed` are settings. With `works` its bells start their jobs here."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    listener = socket.create_server(("127.0.0.1", 0))
    settings = settings_for(database_url, redis_url, port=listener.getsockname()[1], **changed)
    rung: list[Bell] = []

    async def ring(bells: list[Bell]) -> None:
        rung.extend(bells)
        if works:
            await runner.ring(bells)

    clock = Clock()
    resources = Resources(
        settings, engine=open_engine(database_url), redis_client=open_redis(redis_url), clock=clock, ring=ring
    )
    runner = Runner(resources)
    server = uvicorn.Server(server_config(create_app(resources), host="127.0.0.1", port=settings.port))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        yield Hub(resources, clock, settings.api_url, rung)
    finally:
        server.should_exit = True
        await serving
        await runner.aclose()
        await resources.aclose()
