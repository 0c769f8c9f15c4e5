"""Monitors, alerts, displays and customers' data over the admin REST, with a charger that really answers."""

import asyncio

import httpx
import pytest

from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.admin.house import charger, look_until, problem
from tests.world.chargers import LOCATION
from tests.world.hub import running_hub

MONITOR = {
    "component": "EVSE",
    "variable": "Temperature",
    "type": "UpperThreshold",
    "value": 60.5,
    "severity": 3,
}


FEE = {"currency": "EUR", "elements": [{"price_components": [{"type": "FLAT", "price": 2.5, "step_size": 1}]}]}


@pytest.fixture
def changed():
    return {"charger_timeout": 5}


async def test_a_monitor_from_setting_it_to_its_alert(hub, bridge):
    async with charger(hub, bridge, "BOX-1", "ocpp2.0.1") as box:
        await look_until(hub, "/chargers/BOX-1", lambda shown: shown["online"])
        set_ = await hub.admin("POST", "/chargers/box-1/monitors", {"monitors": [MONITOR, MONITOR | {"value": 70}]})
        assert [(result["id"], result["status"]) for result in set_.json()] == [(1, "Accepted"), (2, "Accepted")]
        first, second = await look_until(hub, "/chargers/BOX-1/monitors", lambda found: len(found) == 2)
        assert {name: first[name] for name in MONITOR} == MONITOR
        assert second["value"] == 70
        await box.watch.alert("EVSE", "Temperature", "61.2")
        (alert,) = (await hub.admin("GET", "/alerts?charger=BOX-1&active=true")).json()
        assert (alert["severity"], alert["value"], alert["charger"]) == (3, "61.2", "BOX-1")
        async with httpx.AsyncClient() as client:
            assert 'ocpi_charger_alerts{severity="3"} 1.0' in (await client.get(f"{hub.url}/metrics")).text
        cleared = (await hub.admin("POST", f"/alerts/{alert['id']}/clear")).json()
        assert cleared["cleared_at"] is not None
        assert (await hub.admin("DELETE", "/chargers/BOX-1/monitors/1")).status_code == 204
        await look_until(hub, "/chargers/BOX-1/monitors", lambda found: [each["id"] for each in found] == [2])
        assert (await hub.admin("DELETE", "/chargers/BOX-1/monitors/2")).status_code == 204
        assert (await hub.admin("GET", "/chargers/BOX-1/monitors?refresh=true")).json() == []
        problem(await hub.admin("DELETE", "/chargers/BOX-1/monitors/9"), 409, "rejected")
        level = await hub.admin("PATCH", "/chargers/BOX-1/monitoring", {"base": "All", "level": 4})
        assert level.json() == {"base": "All", "level": 4}


async def test_a_text_on_the_display(hub, bridge):
    async with charger(hub, bridge, "BOX-1", "ocpp2.0.1") as box:
        await look_until(hub, "/chargers/BOX-1", lambda shown: shown["online"])
        body = {"id": 7, "text": "Closed tonight", "priority": "InFront", "from": "2026-12-01T20:00:00Z"}
        assert (await hub.admin("POST", "/chargers/BOX-1/display-messages", body)).status_code == 201
        assert box.watch.messages[7]["startDateTime"] == "2026-12-01T20:00:00.000Z"
        (shown,) = await look_until(hub, "/chargers/BOX-1/display-messages", lambda found: found)
        assert shown["message"] == {"format": "UTF8", "content": "Closed tonight"}
        assert (await hub.admin("DELETE", "/chargers/BOX-1/display-messages/7")).status_code == 204
        assert (await hub.admin("GET", "/chargers/BOX-1/display-messages")).json() == []
        problem(await hub.admin("DELETE", "/chargers/BOX-1/display-messages/7"), 409, "rejected")


async def test_a_customer_is_reported_in_parts_and_cleared(hub, bridge):
    async with charger(hub, bridge, "BOX-1", "ocpp2.0.1") as box:
        await look_until(hub, "/chargers/BOX-1", lambda shown: shown["online"])
        box.watch.customers["04AA"] = "a" * 512 + "b" * 10
        path = "/chargers/BOX-1/customer-information"
        asked = await hub.admin("POST", path, {"token": "04AA", "clear": True})
        assert asked.status_code == 202
        answer = await look_until(hub, f"{path}/{asked.json()['request_id']}", lambda found: found["complete"])
        assert (answer["data"], answer["charger"]) == ("a" * 512 + "b" * 10, "BOX-1")
        assert box.watch.customers == {}
        await hub.admin("DELETE", "/chargers/BOX-1")
        problem(await hub.admin("GET", f"{path}/{asked.json()['request_id']}"), 404, "not_found")


@pytest.mark.parametrize("shows", [True, False])
async def test_a_driver_sees_what_a_charge_costs_where_that_is_switched_on(database_url, redis_url, shows):
    changed = {"works": True, "ocpp_port": 0, "session_interval": 0}
    async with running_hub(database_url, redis_url, **changed) as hub:
        bind(hub.resources)
        await hub.admin("PUT", "/tokens/04AA", {"status": "Accepted"})
        await hub.admin("PUT", "/tariffs/T", FEE)
        place = {"id": "BOX-1", "password": "secret-123", "location": LOCATION, "tariff_ids": ["T"], "evses": [{}]}
        assert (await hub.admin("POST", "/chargers", place)).status_code == 201
        assert (await hub.admin("PUT", "/chargers/BOX-1/cost", {"enabled": shows})).json() == {"enabled": shows}
        assert (await hub.admin("GET", "/chargers/BOX-1/cost")).json() == {"enabled": shows}
        async with bridge_of(hub.resources).run() as bridge, charger(hub, bridge, "BOX-1", "ocpp2.0.1") as box:
            assert await box.swipe(1, "04AA") == "Accepted"
            await box.suspend(1)
            await look_until(hub, "/transactions", lambda found: found[0]["session_id"])
            async with asyncio.timeout(10):
                while shows and not box.watch.costs:
                    await asyncio.sleep(0.02)
            told = len(box.watch.costs)
            await box.charge_ends(1)
            assert [float(cost) for cost in box.watch.costs[told:]][-1:] == ([2.5] if shows else [])
            assert all(float(cost) == 2.5 for cost in box.watch.costs)
        problem(await hub.admin("PUT", "/chargers/NONE/cost", {"enabled": True}), 404, "not_found")


async def test_a_charger_of_1_6_has_none_of_it(hub, bridge):
    async with charger(hub, bridge, "BOX-1"):
        await look_until(hub, "/chargers/BOX-1", lambda shown: shown["online"])
        problem(await hub.admin("POST", "/chargers/BOX-1/monitors", {"monitors": [MONITOR]}), 422, "not_supported")
        problem(await hub.admin("GET", "/chargers/BOX-1/display-messages?refresh=true"), 422, "not_supported")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/chargers/X/monitors", {"monitors": []}, "monitors"),
        ("/chargers/X/monitors", {"monitors": [MONITOR | {"severity": 10}]}, "severity"),
        ("/chargers/X/monitors", {"monitors": [MONITOR | {"type": "Sometimes"}]}, "type"),
        ("/chargers/X/display-messages", {"id": 1, "text": ""}, "text"),
        ("/chargers/X/customer-information", {}, "name either a token or a customer"),
        ("/chargers/X/customer-information", {"token": "T", "report": False}, "ask for a report"),
    ],
)
async def test_wrong_bodies_are_told_by_their_field(hub, path, body, said):
    assert said in problem(await hub.admin("POST", path, body), 422, "invalid")["message"]


async def test_chargers_that_are_not_there(hub):
    problem(await hub.admin("POST", "/chargers/X/monitors", {"monitors": [MONITOR]}), 404, "not_found")
    await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    problem(await hub.admin("POST", "/chargers/BOX-1/monitors", {"monitors": [MONITOR]}), 409, "charger_offline")
    problem(await hub.admin("POST", "/alerts/1/clear"), 404, "not_found")
