"""A hub's delivery for the tests: real database, real partners, a clock that the test moves, and drains by hand."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import col, select

from ocpi_hub.base.database import Bell
from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.base.settings import Settings
from ocpi_hub.delivery import jobs, publish
from ocpi_hub.delivery.tables import Attempt, Outage, Owed
from ocpi_hub.objects.kinds import CDRS, KINDS, LOCATIONS, Kind
from ocpi_hub.objects.writing import Written
from ocpi_hub.partners.tables import Endpoint, Party, Platform
from ocpi_hub.wire.headers import PartyId
from tests.world import objects
from tests.world.partner import Partner

CPO = PartyId("NL", "CPO")


class Clock:
    """A clock that stands unless it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Hub:
    """The hub as delivery sees it. Bells are collected in `bells`; `drain` and `sweep` answer them by hand."""

    def __init__(self, resources: Resources, clock: Clock, bells: list[Bell]) -> None:
        self.resources = resources
        self.clock = clock
        self.bells = bells

    async def connect(self, partner: Partner, *, status: str = "CONNECTED", modules: set[str] | None = None) -> str:
        """Register a partner as the handshake would have; `modules` limits its RECEIVER endpoints. Gives its id."""
        platform_id = f"platform-{partner.party[2].lower()}-{secrets.token_hex(3)}"
        sealed = Vault.of(self.resources.settings).seal(partner.issue())
        async with self.resources.unit_of_work() as db:
            db.add(
                Platform(
                    id=platform_id,
                    name=partner.name,
                    status=status,
                    version="2.2.1",
                    versions_url=partner.versions_url,
                    their_credentials_token=sealed,
                    created_at=self.clock(),
                    registered_at=self.clock(),
                    status_changed_at=self.clock(),
                )
            )
            await db.flush()
            for role, country_code, party_id in (partner.party, *partner.more):
                db.add(
                    Party(
                        platform_id=platform_id,
                        key=f"{country_code}/{party_id}".lower(),
                        country_code=country_code,
                        party_id=party_id,
                        role=role,
                        changed_at=self.clock(),
                    )
                )
            for line in partner.endpoints:
                if line["role"] == "SENDER" or modules is None or line["identifier"] in modules:
                    db.add(
                        Endpoint(
                            platform_id=platform_id, identifier=line["identifier"], role=line["role"], url=line["url"]
                        )
                    )
        return platform_id

    async def put(self, kind: Kind, document: Mapping[str, Any], *, source: str | None = None) -> Written:
        """Publish one object in one transaction."""
        async with self.resources.unit_of_work() as db:
            return await publish.put(
                db,
                kind,
                owner=kind.owner_of(document),
                document=document,
                source=source,
                at=self.clock(),
                correlation_id=f"corr-{secrets.token_hex(4)}",
            )

    async def put_location(self, location_id: str = "LOC1", *, source: str | None = None, **changes: Any) -> Written:
        return await self.put(LOCATIONS, objects.location(location_id, **changes), source=source)

    async def put_cdr(self, cdr_id: str = "CDR1", **changes: Any) -> Written:
        return await self.put(CDRS, objects.cdr(cdr_id, **changes))

    async def drain(self, platform_id: str) -> None:
        await jobs.drain(self.resources, platform_id)

    async def sweep(self) -> list[Bell]:
        """One sweep; gives the bells that it rang, and leaves them to the test."""
        self.bells.clear()
        await jobs.sweep(self.resources)
        return list(self.bells)

    async def work(self) -> None:
        """One sweep, and every job that it rang for."""
        from ocpi_hub.base.jobs import JOBS

        for name, ids in await self.sweep():
            await JOBS[name](self.resources, *ids)

    async def owed(self, platform_id: str | None = None) -> list[Owed]:
        async with self.resources.sessions() as db:
            query = select(Owed).order_by(col(Owed.lane))
            if platform_id is not None:
                query = query.where(Owed.platform_id == platform_id)
            return list(await db.scalars(query))

    async def attempts(self) -> list[Attempt]:
        async with self.resources.sessions() as db:
            return list(await db.scalars(select(Attempt).order_by(col(Attempt.id))))

    async def outage(self, platform_id: str) -> Outage | None:
        async with self.resources.sessions() as db:
            return await db.get(Outage, platform_id)

    async def status(self, platform_id: str) -> str:
        async with self.resources.sessions() as db:
            platform = await db.get(Platform, platform_id)
            assert platform is not None
            return platform.status


def settings(database_url: str, redis_url: str, **changes: Any) -> Settings:
    values = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": "a secret key for tests only",
        "partner_networks": "127.0.0.0/8",
        "partner_timeout": 2,
    }
    return Settings(_env_file=None, **(values | changes))


@asynccontextmanager
async def open_hub(database_url: str, redis_url: str, **changes: Any) -> AsyncIterator[Hub]:
    clock = Clock()
    bells: list[Bell] = []

    async def ring(rung: list[Bell]) -> None:
        bells.extend(rung)

    async with open_resources(settings(database_url, redis_url, **changes), clock=clock, ring=ring) as resources:
        yield Hub(resources, clock, bells)


def kept(partner: Partner, module: str) -> dict[str, Any]:
    """What the partner keeps of a module, by path."""
    return {path: document for (found, path), document in partner.kept.items() if found == module}


__all__ = ["CPO", "KINDS", "Clock", "Hub", "json", "kept", "open_hub", "settings"]
