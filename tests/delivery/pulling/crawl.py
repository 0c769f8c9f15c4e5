"""Pulling one CPO by hand: what is due is done when a test says so."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from ocpi_hub.delivery.pulling import book, jobs
from ocpi_hub.delivery.pulling.tables import MissingObject, Pull, PullRun
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.partners import register
from ocpi_hub.wire.json import loads
from ocpi_hub.wire.paging import PageQuery
from tests.delivery.hub import Hub
from tests.world import objects
from tests.world.partner import Heard, Partner


@dataclass
class Crawl:
    """A hub and the CPO that it pulls."""

    hub: Hub
    cpo: Partner
    id: str

    async def look(self) -> list[str]:
        """One look; gives the platforms that it rang for."""
        self.hub.bells.clear()
        await jobs.look(self.hub.resources)
        return [ids[0] for name, ids in self.hub.bells if name == "delivery.pull"]

    async def pull(self) -> list[PullRun]:
        """Enter what is new, let it become due, and do it; gives the runs, oldest first."""
        await self.look()
        self.hub.clock.advance(6)
        return await self.due()

    async def due(self) -> list[PullRun]:
        """Do what is due now; gives the runs that it did or went on with."""
        before = {run.id for run in await self.runs() if run.ended_at is not None}
        for platform_id in await self.look():
            await jobs.pull(self.hub.resources, platform_id)
        return [run for run in await self.runs() if run.id not in before]

    async def again(self, module: str | None = None, *, full: bool = False) -> dict[str, PullRun]:
        """Pull because the operator wants it; gives the runs by module."""
        self.hub.clock.advance(1)
        async with self.hub.resources.unit_of_work() as db:
            await book.ask(db, self.id, module=module, full=full, at=self.hub.clock())
        return {run.module: run for run in await self.due()}

    async def runs(self) -> list[PullRun]:
        async with self.hub.resources.sessions() as db:
            return list(await db.scalars(select(PullRun).order_by(col(PullRun.id))))

    async def entry(self, module: str = "locations") -> Pull:
        async with self.hub.resources.sessions() as db:
            found = await db.get(Pull, (self.id, module))
            assert found is not None
            return found

    async def missing(self) -> list[MissingObject]:
        async with self.hub.resources.sessions() as db:
            return list(await db.scalars(select(MissingObject).order_by(col(MissingObject.key))))

    async def profile(self, **wishes: Any) -> None:
        async with self.hub.resources.unit_of_work() as db:
            await register.set_profile(db, self.hub.resources, self.id, wishes)

    async def shown(self) -> dict[str, Any]:
        async with self.hub.resources.unit_of_work() as db:
            return await register.show(db, self.id)

    async def kept(self, module: str = "locations") -> dict[str, Any]:
        """What the hub keeps of a module, by id."""
        kind = KINDS[module]
        page = await reading.page(self.hub.resources.alone, kind, query=PageQuery(limit=1000))
        documents = [loads(text) for text in page.documents]
        assert page.total == len(documents)
        return {document[kind.key_field]: document for document in documents}

    def asked(self, module: str = "locations") -> list[Heard]:
        return [heard for heard in self.cpo.told(module, "GET") if heard.interface == "sender"]

    def offer(self, *ids: str, **changes: Any) -> None:
        """The CPO's list of locations."""
        self.cpo.objects["locations"] = [objects.location(one, **changes) for one in ids]
