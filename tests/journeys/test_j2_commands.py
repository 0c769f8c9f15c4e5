"""J2: an eMSP starts and stops a session at our charger, and hears how it went."""

from typing import Any

import pytest

from tests.journeys.conftest import OURS, World
from tests.journeys.points import Point16, Point201
from tests.world import objects

TOKEN = objects.token("APP-1", type="APP_USER", whitelist="NEVER")


async def command(world: World, name: str, **body: Any) -> Any:
    """Send a command and give the CommandResult that comes to its response_url."""
    url = world.emsp.result_url(name)
    heard = len(world.emsp.told("results"))
    answer = await world.emsp.post("commands", name, {"response_url": url, **body}, to=OURS)
    assert answer.json()["data"]["result"] == "ACCEPTED", answer.text
    [*_, result] = await world.emsp.hears("results", "POST", count=heard + 1)
    assert result.path == name
    return result.json


def start(world: World) -> Any:
    return command(
        world, "START_SESSION", token=TOKEN, location_id="LOC1", evse_uid="EVSE1", authorization_reference="REF-1"
    )


async def test_start_and_stop_at_a_16_charger(world: World) -> None:
    box = await world.plug_in(Point16)
    assert await start(world) == {"result": "ACCEPTED"}
    action, payload = await box.asked.get()
    assert (action, payload["id_tag"], payload["connector_id"]) == ("RemoteStartTransaction", "APP-1", 1)
    assert await box.authorize("APP-1") == "Accepted"
    assert world.emsp.told("tokens", "POST") == []  # never asked about: the eMSP itself commanded it
    began = await box.begin("APP-1", world.hub.clock(), meter=1000)
    assert began.id_tag_info["status"] == "Accepted"
    session = await world.hears("sessions", "PUT", status="ACTIVE")
    assert (session["auth_method"], session["authorization_reference"]) == ("COMMAND", "REF-1")
    assert session["cdr_token"]["uid"] == "APP-1"
    assert await command(world, "STOP_SESSION", session_id=session["id"]) == {"result": "ACCEPTED"}
    action, payload = await box.asked.get()
    assert (action, payload["transaction_id"]) == ("RemoteStopTransaction", began.transaction_id)
    world.hub.clock.advance(600)
    await box.end(began.transaction_id, world.hub.clock(), meter=3000)
    cdr = await world.hears("cdrs", "POST", session_id=session["id"])
    assert (cdr["total_energy"], cdr["auth_method"], cdr["authorization_reference"]) == (2, "COMMAND", "REF-1")
    assert cdr["total_cost"] == {"excl_vat": 1.4, "incl_vat": 1.694}


async def test_start_and_stop_at_a_201_station(world: World) -> None:
    box = await world.plug_in(Point201)
    assert await start(world) == {"result": "ACCEPTED"}
    action, payload = await box.asked.get()
    assert (action, payload["evse_id"]) == ("RequestStartTransaction", 1)
    assert payload["id_token"]["id_token"] == "APP-1"
    info = {"transaction_id": "tx-1", "charging_state": "Charging", "remote_start_id": payload["remote_start_id"]}
    where = {"evse": {"id": 1, "connector_id": 1}, "id_token": payload["id_token"], "trigger_reason": "RemoteStart"}
    answer = await box.event("Started", world.hub.clock(), info, wh=0, **where)
    assert answer.id_token_info["status"] == "Accepted"
    session = await world.hears("sessions", "PUT", status="ACTIVE")
    assert (session["auth_method"], session["cdr_token"]["uid"]) == ("COMMAND", "APP-1")
    assert await command(world, "STOP_SESSION", session_id=session["id"]) == {"result": "ACCEPTED"}
    action, payload = await box.asked.get()
    assert (action, payload["transaction_id"]) == ("RequestStopTransaction", "tx-1")


@pytest.mark.parametrize("kind", [Point16, Point201])
async def test_a_charger_that_refuses_is_a_result_too(world: World, kind: Any) -> None:
    box = await world.plug_in(kind)
    box.answer = "Rejected"
    assert (await start(world))["result"] == "REJECTED"
