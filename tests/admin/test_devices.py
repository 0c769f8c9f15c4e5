"""The calls about devices, over real HTTP, to a simulated charger that answers from a state of its own."""

import asyncio

import pytest

from bridge_ocpp.simulator import SimulatedCharger
from tests.admin.house import problem
from tests.world.chargers import running
from tests.world.waiting import until

INTERVALS = {
    "ocpp1.6": {"variable": "HeartbeatInterval"},
    "ocpp2.0.1": {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"},
    "ocpp2.1": {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"},
}


@pytest.fixture(params=list(INTERVALS))
async def box(request, hub, bridge):
    """A charger of each version, online."""
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    charger = SimulatedCharger(
        bridge.url, "BOX-1", password=added.json()["password"], protocol=request.param, evses=2, sample_every=60
    )
    async with running(charger):
        yield charger


async def test_variables_are_read_set_and_remembered(hub, box):
    interval = INTERVALS[box.speech.protocol]
    got = await hub.admin("POST", "/chargers/BOX-1/variables/get", {"variables": [interval]})
    assert got.status_code == 200, got.text
    assert [(v["variable"], v["status"], v["value"]) for v in got.json()["variables"]] == [
        ("HeartbeatInterval", "Accepted", "300")
    ]
    done = await hub.admin("POST", "/chargers/BOX-1/variables/set", {"variables": [{**interval, "value": 120}]})
    assert done.status_code == 200, done.text
    assert [(v["status"], v["value"]) for v in done.json()["variables"]] == [("Accepted", "120")]
    assert box.device.value("HeartbeatInterval") == "120"
    listed = (await hub.admin("GET", "/chargers/BOX-1/variables?search=heartbeat")).json()
    (one,) = listed["variables"]
    assert (one["value"], one["wish"]["value"], one["wish"]["state"], one["wish"]["by"]) == (
        "120", "120", "DONE", "operator",
    )  # fmt: skip
    assert (await hub.admin("GET", "/chargers/BOX-1/variables?diff=true")).json()["variables"] == []
    forgotten = await hub.admin("POST", "/chargers/BOX-1/variables/forget", {"variables": [interval]})
    assert forgotten.json() == {"forgotten": 1}


async def test_more_than_a_charger_takes_at_once_is_one_answer(hub, box):
    """The simulated charger takes 8 (and to write, 4) of them, and was told so by the operator."""
    limits = {"get_variables": 3, "set_variables": 2}
    changed = await hub.admin("PATCH", "/chargers/BOX-1", {"items_per_message": limits})
    assert changed.json()["items_per_message"] == limits
    every = [one for one in box.device.variables if one.key and not one.secret and one.name != "Entries"]
    asked = [
        {"component": one.component, "variable": one.name, "variable_instance": one.instance}
        if box.speech.protocol != "ocpp1.6"
        else {"variable": one.key}
        for one in every
    ]
    got = (await hub.admin("POST", "/chargers/BOX-1/variables/get", {"variables": asked})).json()["variables"]
    assert [one["value"] for one in got] == [one.value for one in every]
    word = "GetConfiguration" if box.speech.protocol == "ocpp1.6" else "GetVariables"

    async def asked_often():
        frames = (await hub.admin("GET", "/chargers/BOX-1/messages?limit=200")).json()
        calls = [frame for frame in frames if frame["kind"] == "CALL" and frame["action"] == word]
        return len(calls) == -(-len(every) // 3)

    await until(asked_often)


async def test_bad_wishes_are_refused_in_words(hub, box):
    interval = INTERVALS[box.speech.protocol]
    variables = "/chargers/BOX-1/variables"
    error = problem(await hub.admin("POST", f"{variables}/set", {"variables": [interval]}), 422, "invalid")
    assert "value: missing" in error["message"]
    problem(await hub.admin("POST", f"{variables}/get", {"variables": []}), 422, "invalid")
    secret = {"variable": "AuthorizationKey", "component": "SecurityCtrlr", "value": "deadbeefdeadbeef"}
    error = problem(await hub.admin("POST", f"{variables}/set", {"variables": [secret]}), 422, "invalid")
    assert "secret" in error["message"]
    problem(await hub.admin("POST", "/chargers/BOX-9/variables/get", {"variables": [interval]}), 404, "not_found")
    problem(await hub.admin("GET", "/chargers/BOX-9/variables"), 404, "not_found")
    wrong = await hub.admin("POST", f"{variables}/set", {"variables": [{**interval, "value": "often"}]})
    assert wrong.json()["variables"][0]["status"] == "Rejected"
    listed = (await hub.admin("GET", f"{variables}?diff=true")).json()["variables"]
    assert [(one["wish"]["value"], one["wish"]["state"]) for one in listed] == [("often", "REJECTED")]


async def test_a_wish_for_a_charger_that_is_away_waits_for_it(hub, bridge):
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    box = SimulatedCharger(bridge.url, "BOX-1", password=added.json()["password"])
    async with running(box):
        pass
    await until(lambda: not bridge.connections)
    wish = {"variables": [{"variable": "HeartbeatInterval", "value": "77"}]}
    waits = await hub.admin("POST", "/chargers/BOX-1/variables/set", wish)
    assert (waits.status_code, waits.json()["variables"][0]["status"]) == (202, "Waiting")
    problem(await hub.admin("POST", "/chargers/BOX-1/variables/get", wish), 409, "charger_offline")
    async with running(box):
        hub.clock.advance(120)
        await until(lambda: box.device.value("HeartbeatInterval") == "77")


async def test_a_report_fills_the_device_model(hub, box):
    asked = await hub.admin("POST", "/chargers/BOX-1/reports", {})
    assert (asked.status_code, asked.json()["status"]) == (202, "WAITING")

    async def complete():
        document = (await hub.admin("GET", "/chargers/BOX-1/variables")).json()
        wishes = [one["wish"]["state"] for one in document["variables"] if one["wish"]]
        return document if wishes and set(wishes) == {"DONE"} else None

    document = await until(complete)
    assert document["report"]["state"] == "COMPLETE"
    names = {one["variable"] for one in document["variables"]}
    sampled = "MeterValueSampleInterval" if box.speech.protocol == "ocpp1.6" else "TxUpdatedInterval"
    assert {sampled, "HeartbeatInterval"} <= names
    secrets = [one for one in document["variables"] if one["secret"]]
    assert [one["value"] for one in secrets] == [None]
    some = await hub.admin("POST", "/chargers/BOX-1/reports", {"components": ["AuthCtrlr"]})
    if box.speech.protocol == "ocpp1.6":
        problem(some, 422, "not_supported")
    else:
        assert some.json()["status"] == "ACCEPTED"


async def test_reset_restarts_the_charger_and_says_why(hub, box):
    done = await hub.admin("POST", "/chargers/BOX-1/reset", {"type": "Immediate"})
    assert done.json()["status"] == "ACCEPTED"
    before = (await hub.admin("GET", "/chargers/BOX-1")).json()["booted_at"]

    async def again():
        shown = (await hub.admin("GET", "/chargers/BOX-1")).json()
        return shown if shown["booted_at"] != before and shown["online"] else None

    shown = await until(again)
    assert shown["boot_reason"] == (None if box.speech.protocol == "ocpp1.6" else "RemoteReset")
    one = await hub.admin("POST", "/chargers/BOX-1/reset", {"type": "OnIdle", "evse": 1})
    if box.speech.protocol == "ocpp1.6":
        problem(one, 422, "invalid")
    else:
        assert one.json()["status"] == "REJECTED"


async def test_out_of_service_and_back(hub, box):
    path = "/chargers/BOX-1/availability"
    off = await hub.admin("POST", path, {"operative": False, "evse": 2})
    assert off.json()["status"] == "ACCEPTED", off.text

    async def status_is(word):
        evses = (await hub.admin("GET", "/chargers/BOX-1")).json()["evses"]
        return [e["connectors"][0]["status"] for e in evses if e["evse_id"] == 2] == [word]

    await until(lambda: status_is("Unavailable"))
    (kept,) = (await hub.admin("GET", path)).json()
    assert (kept["evse_id"], kept["operative"], kept["outcome"]) == (2, False, "ACCEPTED")
    await hub.admin("POST", path, {"operative": True})
    await until(lambda: status_is("Available"))
    assert [one["evse_id"] for one in (await hub.admin("GET", path)).json()] == [0]
    error = problem(await hub.admin("POST", path, {"operative": True, "connector": 1}), 422, "invalid")
    assert "evse" in error["message"]
    problem(await hub.admin("POST", "/chargers/BOX-9/availability", {"operative": True}), 404, "not_found")


async def test_a_car_that_charges_is_not_thrown_out(hub, box):
    await hub.admin("PUT", "/tokens/CARD1", {})
    assert await box.swipe(1, "CARD1") == "Accepted"
    off = await hub.admin("POST", "/chargers/BOX-1/availability", {"operative": False})
    assert off.json()["status"] == "SCHEDULED"
    assert box.charging()
    await box.charge_ends(1)
    assert [evse.status for evse in box.evses.values()] == ["Unavailable", "Unavailable"]


async def test_a_charger_that_forgot_that_it_is_out_of_service_is_told_again(hub, bridge):
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    password = added.json()["password"]
    async with running(SimulatedCharger(bridge.url, "BOX-1", password=password)):
        done = await hub.admin("POST", "/chargers/BOX-1/availability", {"operative": False})
        assert done.json()["status"] == "ACCEPTED"
    await until(lambda: not bridge.connections)
    another = SimulatedCharger(bridge.url, "BOX-1", password=password)
    async with running(another):
        assert another.evses[1].status == "Available"
        hub.clock.advance(120)
        await until(lambda: another.evses[1].status == "Unavailable")


@pytest.mark.parametrize("box", ["ocpp1.6"], indirect=True)
async def test_messages_of_the_whitepaper_are_asked_for_by_its_own_trigger(hub, box):
    for message in ("LogStatusNotification", "SignChargePointCertificate"):
        asked = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": message})
        assert asked.json()["status"] == "ACCEPTED", asked.text
    box.unable.add("SignedFirmwareStatusNotification")
    unable = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": "SignedFirmwareStatusNotification"})
    problem(unable, 422, "not_supported")
    dance = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": "Dance"})
    assert "it does for BootNotification" in problem(dance, 422, "invalid")["message"]


async def test_triggers_caches_and_data_of_vendors(hub, box):
    for message in ("StatusNotification", "Heartbeat", "MeterValues", "BootNotification"):
        done = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": message})
        assert done.json()["status"] == "ACCEPTED", message
    box.unable |= {"FirmwareStatusNotification", "DataTransfer"}
    unable = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": "FirmwareStatusNotification"})
    problem(unable, 422, "not_supported")
    dance = await hub.admin("POST", "/chargers/BOX-1/trigger", {"message": "Dance"})
    assert "MeterValues" in problem(dance, 422, "invalid")["message"]
    box.device.remembered["x"] = "Accepted"
    assert (await hub.admin("POST", "/chargers/BOX-1/clear-cache")).json()["status"] == "ACCEPTED"
    assert box.device.remembered == {}
    unlocked = await hub.admin("POST", "/chargers/BOX-1/unlock", {"evse": 1})
    assert unlocked.json()["status"] == "ACCEPTED"
    transfer = {"vendor_id": "com.example", "message_id": "M", "data": {"a": 1}}
    problem(await hub.admin("POST", "/chargers/BOX-1/data-transfer", transfer), 422, "not_supported")
    problem(await hub.admin("POST", "/chargers/BOX-9/reset", {}), 404, "not_found")


async def test_network_profiles_of_2_x(hub, box):
    profile = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://hub.example.com/ocpp",
        "messageTimeout": 30,
        "securityProfile": 2,
        "ocppInterface": "Wired0",
    }
    if box.speech.protocol == "ocpp2.1":
        profile["ocppVersion"] = "OCPP21"
    answer = await hub.admin("POST", "/chargers/BOX-1/network-profiles", {"slot": 2, "profile": profile})
    if box.speech.protocol == "ocpp1.6":
        problem(answer, 422, "not_supported")
    else:
        assert answer.json()["status"] == "ACCEPTED", answer.text
        assert box.device.profiles == {2: profile}


async def test_pending_becomes_accepted_at_once(hub, bridge):
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    shown = await hub.admin("PATCH", "/chargers/BOX-1", {"boot_status": "Pending"})
    assert shown.json()["boot_status"] == "Pending"
    box = SimulatedCharger(bridge.url, "BOX-1", password=added.json()["password"], protocol="ocpp2.0.1")
    task = asyncio.create_task(box.run())
    try:

        async def pending():
            return (await hub.admin("GET", "/chargers/BOX-1")).json()["boot_answer"] == "Pending"

        await until(pending)
        assert not box.online.is_set()
        await hub.admin("PATCH", "/chargers/BOX-1", {"boot_status": "Accepted"})
        await asyncio.wait_for(box.online.wait(), 4)
    finally:
        task.cancel()
    problem(await hub.admin("PATCH", "/chargers/BOX-1", {"boot_status": "Maybe"}), 422, "invalid")
    problem(await hub.admin("PATCH", "/chargers/BOX-9", {"boot_status": "Pending"}), 404, "not_found")


async def test_an_evse_that_the_charger_does_not_have_is_404_and_nothing_is_kept(hub, box):
    orders = {"reset": {}, "availability": {"operative": False}, "trigger": {"message": "MeterValues"}, "unlock": {}}

    async def told():
        return len((await hub.admin("GET", "/chargers/BOX-1")).json()["evses"]) == 2

    await until(told)
    for order, body in orders.items():
        answer = await hub.admin("POST", f"/chargers/BOX-1/{order}", {**body, "evse": 7})
        error = problem(answer, 404, "not_found")
        assert error["message"] == "there is no EVSE 7 at BOX-1: it has 1, 2"
        if order != "reset":
            answer = await hub.admin("POST", f"/chargers/BOX-1/{order}", {**body, "evse": 2, "connector": 3})
            error = problem(answer, 404, "not_found")
            assert error["message"] == "there is no connector 3 at EVSE 2 of BOX-1: it has 1"
    assert (await hub.admin("GET", "/chargers/BOX-1/availability")).json() == []


async def test_of_a_charger_that_nothing_is_known_of_any_evse_may_be_meant(hub):
    await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    kept = await hub.admin("POST", "/chargers/BOX-1/availability", {"operative": False, "evse": 7})
    assert (kept.status_code, kept.json()["status"]) == (200, "WAITING")


async def test_a_value_that_cannot_be_said_is_refused_and_is_no_wish(hub, box):
    wish = {**INTERVALS[box.speech.protocol], "value": "1" * 3000}
    answer = await hub.admin("POST", "/chargers/BOX-1/variables/set", {"variables": [wish]})
    assert "cannot be said" in problem(answer, 422, "invalid")["message"]
    listed = (await hub.admin("GET", "/chargers/BOX-1/variables?search=heartbeat")).json()["variables"]
    assert [one["wish"] for one in listed if one["wish"]] == []


@pytest.mark.parametrize(
    "path",
    ["alerts", "logs", "transactions", "certificates", "charging-profiles", "charging-needs", "reservations"],
)
async def test_a_filter_by_a_charger_that_there_is_not_is_404(hub, path):
    await hub.admin("POST", "/chargers", {"id": "BOX-1"})
    answer = await hub.admin("GET", f"/{path}?charger=box-1")
    assert (answer.status_code, answer.json()) == (200, [])
    error = problem(await hub.admin("GET", f"/{path}?charger=BOX-9"), 404, "not_found")
    assert error["message"] == "there is no charger BOX-9"


async def test_attempts_of_a_partner_that_there_is_not_are_404(hub):
    error = problem(await hub.admin("GET", "/attempts?platform=Nobody"), 404, "not_found")
    assert error["message"] == "there is no partner Nobody"
    platform = await hub.invitation("GreenApp")
    for name in ("greenapp", platform.platform_id):
        answer = await hub.admin("GET", f"/attempts?platform={name}")
        assert (answer.status_code, answer.json()) == (200, [])
