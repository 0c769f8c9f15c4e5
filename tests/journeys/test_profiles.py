"""An eMSP limits its driver's session at our charger, asks what holds, hears of other limits, and lifts its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from bridge_ocpp.simulator import SimulatedCharger
from tests.journeys.conftest import LOCATION, OURS, PASSWORD, TARIFF, World
from tests.journeys.test_j2_commands import command
from tests.world import objects

TOKEN = objects.token("APP-1", type="APP_USER", whitelist="NEVER")
LIMITS = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 10}]}


@asynccontextmanager
async def charging(world: World, protocol: str) -> AsyncIterator[tuple[SimulatedCharger, str]]:
    """A simulated charger that charges for the eMSP, and its session's id."""
    assert (await world.hub.admin("PUT", "/tariffs/FAST", TARIFF)).status_code == 200
    body = {"id": "BOX-1", "password": PASSWORD, "location": LOCATION, "evses": [{"uid": "EVSE1"}]}
    assert (await world.hub.admin("POST", "/chargers", body | {"tariff_ids": ["FAST"]})).status_code == 201
    box = SimulatedCharger(
        world.bridge.url, "BOX-1", password=PASSWORD, protocol=protocol, power_w=Decimal(22_080), sample_every=0.5
    )
    task = asyncio.create_task(box.run())
    try:
        await asyncio.wait_for(box.online.wait(), 20)
        start = {"token": TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1"}
        assert await command(world, "START_SESSION", **start) == {"result": "ACCEPTED"}
        yield box, (await world.hears("sessions", "PUT", status="ACTIVE"))["id"]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def result_of(world: World, verb: str, path: str, body: Any = None, *, to: str | None = OURS) -> Any:
    """Send a request and give what comes to its response_url."""
    heard = len(world.emsp.told("results"))
    answer = await world.emsp.call(verb, "chargingprofiles", path, json=body, to=to)
    assert answer.json()["data"]["result"] == "ACCEPTED", answer.text
    [*_, result] = await world.emsp.hears("results", "POST", count=heard + 1)
    return result.json


async def offers(box: SimulatedCharger, amperes: int) -> None:
    async with asyncio.timeout(15):
        while box.evses[1].offered_a(datetime.now(UTC)) != amperes:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_profile_from_set_to_lifted(world: World, protocol: str) -> None:
    url = world.emsp.result_url("profile")
    async with charging(world, protocol) as (box, session):
        said = {"charging_profile": LIMITS, "response_url": url}
        assert await result_of(world, "PUT", session, said) == {"result": "ACCEPTED"}
        await offers(box, 10)
        [kept] = (await world.hub.admin("GET", "/charging-profiles?charger=box-1")).json()
        assert (kept["charger"], kept["evse_uid"], kept["purpose"], kept["stack_level"]) == (
            "BOX-1", "EVSE1", "TxProfile", 0,
        )  # fmt: skip
        assert kept["schedule"]["periods"] == [{"start": 0, "limit": 10}]
        assert kept["id"] == box.stack.kept[0].id
        active = await result_of(world, "GET", f"{session}?duration=900&response_url={url}", to=None)
        periods = active["profile"]["charging_profile"]["charging_profile_period"]
        assert (active["result"], periods) == ("ACCEPTED", [{"start_period": 0, "limit": 10}])
        site = {"limit_a": 8, "chargers": ["BOX-1"]}
        assert (await world.hub.admin("PUT", "/sites/Home", site)).status_code == 200
        await offers(box, 8)
        told = (await world.emsp.hears("chargingprofiles", "PUT"))[-1]
        assert told.path == session
        assert (await world.hub.admin("DELETE", "/sites/Home")).status_code == 204
        await offers(box, 10)
        path = f"{session}?response_url={quote(url, safe='')}"
        assert await result_of(world, "DELETE", path) == {"result": "ACCEPTED"}
        await offers(box, 32)
        assert await result_of(world, "DELETE", path) == {"result": "UNKNOWN"}


async def test_what_the_hub_says_at_once(world: World) -> None:
    url = world.emsp.result_url("profile")
    async with charging(world, "ocpp1.6") as (_box, session):
        unknown = await world.emsp.call("DELETE", "chargingprofiles", f"nonsense?response_url={url}", to=OURS)
        assert (unknown.status_code, unknown.json()["status_code"]) == (200, 1000)
        assert unknown.json()["data"]["result"] == "UNKNOWN_SESSION"
        for verb, path, body in (
            ("GET", f"{session}?response_url={url}", None),
            ("GET", f"{session}?duration=x&response_url={url}", None),
            ("GET", f"{session}?duration=60", None),
            ("DELETE", session, None),
            ("PUT", session, {"charging_profile": LIMITS}),
            ("PUT", session, {"response_url": url}),
            ("PUT", session, {"response_url": url, "charging_profile": LIMITS | {"charging_rate_unit": "V"}}),
        ):
            answer = await world.emsp.call(verb, "chargingprofiles", path, json=body, to=OURS)
            assert answer.json()["status_code"] == 2001, (verb, path, answer.text)
