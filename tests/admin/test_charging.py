"""Sites, profiles and reservations as operators' scripts use them, over real HTTP with real simulated chargers."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge_ocpp.simulator import SimulatedCharger
from tests.admin.house import look_until, problem
from tests.world.chargers import LOCATION, running


async def added(hub, charger_id):
    body = {"id": charger_id, "location": LOCATION | {"id": "L1"}, "evses": [{"uid": f"{charger_id}-A"}]}
    answer = await hub.admin("POST", "/chargers", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["password"]


async def test_a_site_from_put_to_removal(hub, bridge):
    password = await added(hub, "BOX-1")
    site = {"limit_a": 20, "chargers": ["BOX-1"], "minimum_a": 6}
    put = await hub.admin("PUT", "/sites/Garage", site)
    assert put.status_code == 200
    body = put.json()
    assert (body["id"], body["limit_a"], body["chargers"], body["minimum_a"]) == ("Garage", 20, ["BOX-1"], 6)
    assert (body["limit_now_a"], body["external_limit"], body["over_limit"]) == (20, None, True)
    assert body["limits"][0]["state"] == "offline"
    assert body["limits"][0]["counts_a"] == 32  # nobody has told it less yet
    box = SimulatedCharger(bridge.url, "BOX-1", password=password, sample_every=0.2)
    async with running(box):
        shown = await look_until(hub, "/sites/garage", lambda found: not found["over_limit"])
        assert (shown["limits"][0]["state"], shown["limits"][0]["evse_uid"]) == ("free", "BOX-1-A")
        await hub.admin("PUT", "/tokens/CARD1", {"status": "Accepted"})
        assert await box.swipe(1, "CARD1") == "Accepted"
        shown = await look_until(hub, "/sites/garage", lambda found: found["limits"][0]["limit_a"] == 20)
        assert shown["counts_a"] == {"site": {"L1": 20, "L2": 20, "L3": 20}}
        until_then = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        limited = await hub.admin("PUT", "/sites/Garage/external-limit", {"limit_w": 6900, "expires_at": until_then})
        assert (limited.json()["limit_now_a"], limited.json()["external_limit"]["limit_a"]) == (10, 10)
        await look_until(hub, "/sites/garage", lambda found: found["limits"][0]["counts_a"] == 10)
        lifted = await hub.admin("PUT", "/sites/Garage/external-limit", {})
        assert (lifted.json()["limit_now_a"], lifted.json()["external_limit"]) == (20, None)
        assert [one["id"] for one in (await hub.admin("GET", "/sites")).json()] == ["Garage"]
        found = (await hub.admin("GET", "/charging-profiles?charger=box-1")).json()
        assert {(one["charger"], one["purpose"]) for one in found} >= {("BOX-1", "TxDefaultProfile")}
        assert (await hub.admin("DELETE", "/sites/GARAGE")).status_code == 204
        await look_until(hub, "/charging-profiles?charger=BOX-1", lambda found: found == [])
    problem(await hub.admin("GET", "/sites/Garage"), 404, "not_found")
    problem(await hub.admin("DELETE", "/sites/Garage"), 404, "not_found")
    problem(await hub.admin("PUT", "/sites/Garage/external-limit", {"limit_a": 5, "seconds": 60}), 404, "not_found")


async def test_a_site_that_cannot_be_meant_names_its_field(hub):
    await added(hub, "BOX-1")
    for site, field in (
        ({"chargers": ["BOX-1"]}, "limit_a"),
        ({"limit_a": 10, "chargers": ["BOX-9"]}, "chargers"),
        ({"limit_a": 10, "chargers": ["BOX-1"], "colour": "red"}, "colour"),
    ):
        error = problem(await hub.admin("PUT", "/sites/S", site), 422, "invalid")
        assert error["details"][0]["field"] == field
    assert (await hub.admin("GET", "/sites")).json() == []
    assert (await hub.admin("PUT", "/sites/S", {"limit_a": 10, "chargers": ["BOX-1"]})).status_code == 200
    error = problem(await hub.admin("PUT", "/sites/T", {"limit_a": 10, "chargers": ["BOX-1"]}), 422, "invalid")
    assert "belongs to the site" in error["message"]
    for limit in ({"limit_a": 5}, {"limit_a": 5, "limit_w": 5, "seconds": 5}, {"limit_a": -1, "seconds": 5},
                  {"limit_a": 5, "expires_at": "2026-01-01T00:00:00"}):  # fmt: skip
        problem(await hub.admin("PUT", "/sites/S/external-limit", limit), 422, "invalid")


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_what_an_operator_calls_by_hand_is_in_the_lists(hub, bridge, protocol):
    password = await added(hub, "BOX-1")
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 12.5}]}
    profile = {"stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
    calls = {
        "ocpp1.6": (
            ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles":
             {"chargingProfileId": 42, **profile, "chargingSchedule": schedule}}),
            ("ReserveNow", {"connectorId": 1, "expiryDate": later, "idTag": "CARD1", "reservationId": 7}),
            ("CancelReservation", {"reservationId": 7}),
            ("ClearChargingProfile", {"id": 42}),
        ),
        "ocpp2.0.1": (
            ("SetChargingProfile", {"evseId": 1, "chargingProfile":
             {"id": 42, **profile, "chargingSchedule": [{"id": 1, **schedule}]}}),
            ("ReserveNow", {"id": 7, "evseId": 1, "expiryDateTime": later,
             "idToken": {"idToken": "CARD1", "type": "ISO14443"}}),
            ("CancelReservation", {"reservationId": 7}),
            ("ClearChargingProfile", {"chargingProfileId": 42}),
        ),
    }[protocol]  # fmt: skip

    async def call(number):
        action, payload = calls[number]
        answer = await hub.admin("POST", "/chargers/BOX-1/calls", {"action": action, "payload": payload})
        assert answer.json()["result"]["status"] == "Accepted", answer.text

    box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol=protocol)
    async with running(box):
        await call(0)
        await call(1)
        [kept] = (await hub.admin("GET", "/charging-profiles?charger=BOX-1")).json()
        assert (kept["id"], kept["evse_uid"], kept["stack_level"]) == (42, "BOX-1-A", 1)
        assert kept["schedule"] == {"unit": "A", "periods": [{"start": 0, "limit": 12.5}]}
        [reserved] = (await hub.admin("GET", "/reservations?charger=BOX-1")).json()
        assert reserved == {
            "id": 7, "charger": "BOX-1", "evse_uid": "BOX-1-A", "evse_id": 1, "status": "Active", "id_token": "CARD1",
            "expires_at": later,
        }  # fmt: skip
        await call(2)
        await call(3)
        assert (await hub.admin("GET", "/reservations")).json()[0]["status"] == "Cancelled"
        assert (await hub.admin("GET", "/charging-profiles")).json() == []
        assert (await hub.admin("GET", "/reservations?charger=BOX-2")).status_code == 404


async def test_what_cars_need_is_shown(hub, bridge):
    password = await added(hub, "BOX-1")
    ac = {"energyAmount": 20_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 400}
    leaves = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    needs = {"requestedEnergyTransfer": "AC_three_phase", "departureTime": leaves, "acChargingParameters": ac}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 12.5}]}
    box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol="ocpp2.1")
    async with running(box):
        assert (await hub.admin("GET", "/charging-needs")).json() == []
        said = await box.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
        assert said["status"] == "NoChargingProfile"
        plan = {"evseId": 1, "timeBase": leaves, "chargingSchedule": schedule}
        assert await box.call("NotifyEVChargingSchedule", plan) == {"status": "Accepted"}
        [shown] = (await hub.admin("GET", "/charging-needs?charger=box-1")).json()
        assert (await hub.admin("GET", "/charging-needs?charger=BOX-2")).status_code == 404
    assert shown.pop("told_at") > "2026"
    assert shown == {
        "charger": "BOX-1", "evse_uid": "BOX-1-A", "evse_id": 1, "transaction": None, "schedule_follows": "never",
        "departure_at": leaves, "energy_wh": 20_000, "maximum_a": 16, "maximum_w": None, "minimum_a": 6,
        "minimum_w": None, "needs": needs, "plan_fits": True,
        "plan": {"unit": "A", "periods": [{"start": 0, "limit": 12.5}],
                 "start_at": leaves.replace("Z", "+00:00")},
    }  # fmt: skip
