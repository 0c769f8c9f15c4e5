"""The admin REST as scripts use it: the key, the errors, and every call over real HTTP."""

import asyncio

import httpx
import pytest

from bridge_ocpp.simulator import NotAccepted, SimulatedCharger
from ocpi_hub.simulator.emsp import SimulatedEmsp
from ocpi_hub.wire.headers import PartyId
from tests.admin.house import problem
from tests.world.chargers import LOCATION, running
from tests.world.hub import ADMIN

TARIFF = {
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.45, "step_size": 1}]}],
}


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/partners"), ("POST", "/chargers"), ("GET", "/cdrs"), ("DELETE", "/tokens/X"), ("GET", "/attempts")],
)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic the-tests-admin-key", "the-tests-admin-key"])
async def test_only_the_operator_comes_in(hub, verb, path, header):
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": header} if header else {}
        problem(await client.request(verb, f"{hub.url}/admin/v1{path}", headers=headers), 401, "unauthorized")


async def test_openapi_needs_no_key_and_names_the_calls(hub):
    async with httpx.AsyncClient() as client:
        document = (await client.get(f"{hub.url}/admin/v1/openapi.json")).json()
    for path in (
        "/partners",
        "/partners/connect",
        "/chargers/{charger_id}/calls",
        "/transactions",
        "/cdrs",
        "/attempts",
    ):
        assert path in document["paths"]


async def test_a_partner_from_invitation_to_removal(hub):
    invited = await hub.admin("POST", "/partners", {"name": "GreenApp"})
    assert invited.status_code == 201
    body = invited.json()
    assert body["status"] == "PLANNED"
    assert body["versions_url"] == hub.versions_url
    emsp = SimulatedEmsp(PartyId("DE", "APP"), "GreenApp")
    async with emsp.serving():
        await emsp.register(body["versions_url"], body["credentials_token"])
        shown = (await hub.admin("GET", f"/partners/{body['id']}")).json()
        assert (shown["status"], shown["version"], shown["owed"]) == ("CONNECTED", "2.2.1", 0)
        assert shown["parties"][0]["party_id"] == "APP"
        assert body["credentials_token"] not in str(shown)
        assert (await hub.admin("GET", "/partners/greenapp")).json()["id"] == body["id"]
        suspended = await hub.admin("PATCH", f"/partners/{body['id']}", {"suspended": True})
        assert suspended.json()["status"] == "SUSPENDED"
        assert (await hub.admin("PATCH", f"/partners/{body['id']}", {"suspended": False})).json()[
            "status"
        ] == "CONNECTED"
        assert (await hub.admin("POST", f"/partners/{body['id']}/rotate")).status_code == 200
        await emsp.issue_token("04AA", whitelist="ALWAYS")
        assert (await hub.admin("DELETE", f"/partners/{body['id']}")).status_code == 204
    assert (await hub.admin("GET", "/partners")).json() == []
    problem(await hub.admin("GET", f"/partners/{body['id']}"), 404, "not_found")


async def test_a_partner_that_cannot_be_reached_is_told_by_its_step(hub):
    body = {"name": "Nobody", "versions_url": "http://127.0.0.1:9/versions", "credentials_token": "x"}
    error = problem(await hub.admin("POST", "/partners/connect", body), 502, "handshake_failed")
    assert error["details"]["step"] == "versions"
    assert (await hub.admin("GET", "/partners")).json() == []


async def test_bad_bodies_are_told_by_their_field(hub):
    error = problem(await hub.admin("POST", "/partners", {"name": ""}), 422, "invalid")
    assert error["details"][0]["field"] == "name"
    problem(await hub.admin("POST", "/partners", {"name": "X", "colour": "red"}), 422, "invalid")
    problem(await hub.admin("POST", "/chargers", {"id": "BOX 1"}), 422, "invalid")
    problem(await hub.admin("POST", "/chargers", {"id": "BOX-1", "password": "short"}), 422, "invalid")
    error = problem(await hub.admin("POST", "/chargers", {"id": "BOX-1", "location": {"city": "Ede"}}), 422, "invalid")
    assert "location.address" in error["message"]
    assert (await hub.admin("GET", "/chargers")).json() == []
    problem(await hub.admin("PUT", "/tariffs/T", {"currency": "EUR", "elements": []}), 422, "invalid")
    problem(await hub.admin("GET", "/nothing"), 404, "not_found")
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": "Bearer the-tests-admin-key", "Content-Type": "application/json"}
        url = f"{hub.url}/admin/v1/tariffs/T"
        problem(await client.put(url, content=b'{"currency":', headers=headers), 400, "not_json")
        problem(await client.put(url, content=b"[" * 100_000, headers=headers), 400, "not_json")


async def test_what_cannot_be_kept_is_never_an_error_of_ours(hub):
    for verb, path, body in (
        ("GET", "/transactions?charger=%00", None),
        ("GET", "/chargers/%00", None),
        ("GET", "/cdrs?offset=99999999999999999999", None),
        ("GET", "/audits?offset=99999999999999999999", None),
        ("POST", "/partners", {"name": "a\u0000"}),
        ("PUT", "/tokens/X9", {"group_id": "\u0000"}),
        ("POST", "/chargers", {"id": "NUL", "tariff_ids": ["\u0000"]}),
    ):
        problem(await hub.admin(verb, path, body), 422, "invalid")


async def test_our_own_data_is_what_partners_can_read(hub):
    body = {"id": "BOX-1", "location": LOCATION | {"country": "NL"}}
    assert "alpha-3" in problem(await hub.admin("POST", "/chargers", body), 422, "invalid")["message"]
    body = {"id": "BOX-1", "location": LOCATION, "evses": [{"connectors": [{"standard": "NOPE"}]}]}
    assert "IEC_62196_T2" in problem(await hub.admin("POST", "/chargers", body), 422, "invalid")["message"]
    added = (await hub.admin("POST", "/chargers", {"id": "BOX-1", "location": LOCATION, "tariff_ids": ["FAST"]})).json()
    assert "FAST" in added["warnings"][0]
    await hub.admin("PUT", "/tariffs/FAST", TARIFF)
    assert (await hub.admin("GET", "/chargers/BOX-1")).json()["warnings"] == []


async def test_a_charger_from_adding_to_removal(hub, bridge):
    assert (await hub.admin("PUT", "/tariffs/FAST", TARIFF)).status_code == 200
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1", "location": LOCATION, "tariff_ids": ["FAST"]})
    assert added.status_code == 201
    password = added.json()["password"]
    problem(await hub.admin("POST", "/chargers", {"id": "box-1"}), 409, "exists")
    problem(await hub.admin("DELETE", "/tariffs/FAST"), 422, "invalid")
    problem(await hub.admin("POST", "/chargers/BOX-1/calls", {"action": "Reset", "payload": {"type": "Soft"}}), 409,
            "charger_offline")  # fmt: skip
    box = SimulatedCharger(bridge.url, "BOX-1", password=password)
    async with running(box):
        shown = (await hub.admin("GET", "/chargers/BOX-1")).json()
        assert (shown["online"], shown["ocpp_version"], shown["vendor"]) == (True, "1.6", "Simulated")
        assert shown["evses"][0]["connectors"][0]["status"] == "Available"
        answer = await hub.admin("POST", "/chargers/BOX-1/calls", {"action": "ClearCache", "payload": {}})
        assert answer.json() == {"result": {"status": "Accepted"}}
        box.unable.add("DataTransfer")
        unknown = await hub.admin(
            "POST", "/chargers/BOX-1/calls", {"action": "DataTransfer", "payload": {"vendorId": "com.example"}}
        )
        assert unknown.json()["error"]["code"] == "NotImplemented"
        problem(await hub.admin("POST", "/chargers/BOX-1/calls", {"action": "Reset", "payload": {"type": "Loud"}}), 422,
                "invalid_payload")  # fmt: skip
        problem(await hub.admin("POST", "/chargers/BOX-1/calls", {"action": "Dance"}), 422, "unknown_action")
        frames = await journalled(hub, "BOX-1", {"BootNotification", "ClearCache"})
        assert password not in str(frames)
    assert (await hub.admin("DELETE", "/chargers/BOX-1")).status_code == 204
    assert (await hub.admin("GET", "/chargers")).json() == []
    problem(await hub.admin("GET", "/chargers/BOX-1/messages"), 404, "not_found")


async def test_own_cards_and_what_they_charge(hub, bridge):
    assert (await hub.admin("PUT", "/tokens/CARD1", {"status": "Accepted"})).status_code == 201
    assert (await hub.admin("PUT", "/tokens/CARD2", {"status": "Blocked"})).status_code == 201
    problem(await hub.admin("PUT", "/tokens/CARD3", {"status": "Fine"}), 422, "invalid")
    assert [card["uid"] for card in (await hub.admin("GET", "/tokens")).json()] == ["CARD1", "CARD2"]
    await hub.admin("PUT", "/tariffs/FAST", TARIFF)
    added = await hub.admin("POST", "/chargers", {"id": "BOX-2", "location": LOCATION, "tariff_ids": ["FAST"]})
    box = SimulatedCharger(
        bridge.url, "BOX-2", password=added.json()["password"], protocol="ocpp2.0.1", sample_every=0.1
    )
    async with running(box):
        assert await box.swipe(1, "CARD2") == "Blocked"
        assert await box.swipe(1, "CARD3") in ("Unknown", "Invalid")
        assert await box.swipe(1, "card1") == "Accepted"
        active = (await hub.admin("GET", "/transactions?active=true&charger=box-2")).json()
        assert len(active) == 1
        await box.charge_ends(1)
    (transaction,) = (await hub.admin("GET", "/transactions")).json()
    assert (transaction["charger"], transaction["id_token"], transaction["reason"]) == ("BOX-2", "card1", "Local")
    assert transaction["cdr_id"] is not None
    alone = (await hub.admin("GET", f"/transactions/{transaction['id']}")).json()
    assert {sample["measurand"] for sample in alone["samples"]} == {"Energy.Active.Import.Register"}
    cdrs = await hub.admin("GET", "/cdrs")
    assert cdrs.headers["X-Total-Count"] == "1"
    assert cdrs.json()[0]["id"] == transaction["cdr_id"]
    assert (await hub.admin("DELETE", "/tokens/CARD1")).status_code == 204
    problem(await hub.admin("GET", "/tokens/CARD1"), 404, "not_found")


async def test_an_unknown_charger_is_not_let_in(hub, bridge):
    box = SimulatedCharger(bridge.url, "STRANGER", password="whatever-it-is")
    with pytest.raises(NotAccepted, match="401"):
        await box.run()


async def journalled(hub, charger_id, actions):
    """The charger's frames, once these actions are among them: the journal is written a moment later."""
    async with asyncio.timeout(10):
        while True:
            frames = (await hub.admin("GET", f"/chargers/{charger_id}/messages")).json()
            if actions <= {frame["action"] for frame in frames}:
                return frames
            await asyncio.sleep(0.1)


async def test_who_is_invited_by_the_same_name_is_invited_again(hub):
    first = (await hub.admin("POST", "/partners", {"name": "GreenApp"})).json()
    again = await hub.admin("POST", "/partners", {"name": "greenapp"})
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (201, first["id"], "PLANNED")
    assert again.json()["credentials_token"] != first["credentials_token"]
    assert len((await hub.admin("GET", "/partners")).json()) == 1
    party = {"country_code": "DE", "party_id": "APP", "role": "EMSP"}
    problem(await hub.admin("POST", "/partners", {"name": "GreenApp", "parties": [party]}), 409, "exists")


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded"])
async def test_a_body_needs_no_content_type_and_may_have_that_of_curl(hub, kind):
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": f"Bearer {ADMIN}"} | ({"Content-Type": kind} if kind else {})
        url = f"{hub.url}/admin/v1/partners"
        answer = await client.post(url, content=b'{"name": "Curl"}', headers=headers)
    assert answer.status_code == 201
