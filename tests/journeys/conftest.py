"""A whole hub in one loop: HTTP, the real bridge, jobs that run when their bells ring, and a real eMSP beside it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bridge_ocpp.bridge import Bridge
from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.journeys.points import Point, plugged_in
from tests.world import chargers, objects
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

PASSWORD = "a-good-password"
OURS = "NL/CPO"
TARIFF = objects.tariff(
    "FAST",
    elements=[
        {
            "price_components": [
                {"type": "FLAT", "price": 0.50, "vat": 21.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.45, "vat": 21.0, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6.00, "vat": 21.0, "step_size": 60},
            ]
        }
    ],
)
LOCATION = {"id": "LOC1", **chargers.LOCATION}


@dataclass
class World:
    """The cast of a journey: our hub, its bridge, one eMSP, and charge points that join."""

    hub: Hub
    bridge: Bridge
    emsp: Partner
    stack: AsyncExitStack

    async def plug_in(self, kind: type[Point], charger_id: str = "BOX-1", **body: Any) -> Point:
        """Register a charger, connect it, and wait until the eMSP knows its place."""
        body = {"location": LOCATION, "evses": [{"uid": "EVSE1"}], "tariff_ids": ["FAST"]} | body
        tariff = await self.hub.admin("PUT", "/tariffs/FAST", TARIFF)
        assert tariff.status_code == 200, tariff.text
        added = await self.hub.admin("POST", "/chargers", {"id": charger_id, "password": PASSWORD} | body)
        assert added.status_code == 201, added.text
        point = await self.stack.enter_async_context(plugged_in(kind, self.bridge.url, charger_id, password=PASSWORD))
        await self.emsp.hears("locations", "PUT")
        return point

    async def hears(self, module: str, verb: str, **wanted: Any) -> Any:
        """Wait until the eMSP has heard of an object with these fields; gives the newest such one."""

        def found() -> list[Any]:
            told = [heard.json for heard in self.emsp.told(module, verb)]
            return [document for document in told if wanted.items() <= document.items()]

        while not found():
            await self.emsp.hears(module, verb, count=len(self.emsp.told(module, verb)) + 1)
        return found()[-1]


@asynccontextmanager
async def a_world(database_url: str, redis_url: str, **changed: Any) -> AsyncIterator[World]:
    """The cast, with a hub that has these settings."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(database_url, redis_url, works=True, ocpp_port=0, **changed))
        bind(hub.resources)
        emsp = await stack.enter_async_context(Partner(("EMSP", "DE", "MSP"), name="An eMSP"))
        bridge = await stack.enter_async_context(bridge_of(hub.resources).run())
        await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
        yield World(hub, bridge, emsp, stack)


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with a_world(database_url, redis_url) as cast:
        yield cast
