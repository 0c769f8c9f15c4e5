"""The stories that the journal tells: a trace of each message, in-headers → rule → out-headers (row R21). Real HTTP."""

import asyncio
from typing import Any

import pytest

from ocpi_hub.delivery import jobs
from ocpi_hub.partners.journal import Journal
from tests.routing.roaming import Roaming, said, start_session
from tests.world import faults
from tests.world.objects import cdr, cdr_token, location, session, token

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC, HUB = ("NL", "ABC"), "NL/HUB"
SECRETS = ("04A1B2C3D4E5F6", "DE-MSP-C12345678-5", "DE-0001")


async def story(world: Roaming, correlation_id: str, count: int) -> list[dict[str, Any]]:
    """The messages under one correlation id, once there are so many of them."""
    async with asyncio.timeout(30):
        while True:
            await world.hub.resources.one(Journal).idle()
            told = await world.hub.admin("GET", f"/messages/{correlation_id}")
            if told.status_code == 200 and len(told.json()["messages"]) >= count:
                break
            await asyncio.sleep(0.02)
    messages: list[dict[str, Any]] = told.json()["messages"]
    assert len(messages) == count, messages
    for secret in (*SECRETS, *(p.hub_token for p in world.everybody), *(t for p in world.everybody for t in p.accepts)):
        assert str(secret) not in told.text
    return messages


def short(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["direction"], one["rule"], one["from"], one["to"], one["http_status"], one["ocpi_status"]


def ids(name: str) -> dict[str, str]:
    return {"X-Correlation-ID": f"story-{name}", "X-Request-ID": f"request-{name}"}


async def test_direct_has_two_hops_with_the_ids_of_both(world: Roaming) -> None:
    document = location("LOC1", owner=ABC)
    await world.cpo.put("locations", "NL/ABC/LOC1", document, to="de/msp", headers=ids("direct"))
    came, went = await story(world, "story-direct", 2)
    assert short(came) == ("in", "direct", "NL/ABC", "de/msp", 201, 1000)
    assert short(went) == ("out", "direct", "NL/ABC", "DE/MSP", 201, 1000)
    assert (came["platform"]["name"], went["platform"]["name"]) == ("NL/ABC", "DE/MSP")
    assert (came["request_id"], came["request_id_in"]) == ("request-direct", None)
    assert went["request_id"] == world.emsp.heard[0].headers["X-Request-ID"]
    assert went["request_id_in"] == "request-direct"
    assert (came["interface"], came["module"], came["method"]) == ("RECEIVER", "locations", "PUT")
    assert came["path"] == "NL/ABC/LOC1"
    assert went["path"] == f"{world.emsp.url}/ocpi/receiver/locations/NL/ABC/LOC1"
    assert '"uid": "EVSE1"' in came["request_body"].replace('":"', '": "')
    assert '"status_code"' in came["response_body"]


async def test_a_broadcast_and_its_pushes_are_one_story(world: Roaming) -> None:
    await world.cpo.put("locations", "NL/ABC/LOC1", location("LOC1", owner=ABC), to=HUB, headers=ids("broadcast"))
    came, *went = await story(world, "story-broadcast", 4)
    assert short(came) == ("in", "broadcast", "NL/ABC", HUB, 201, 1000)
    assert {short(one) for one in went} == {
        ("out", "push", HUB, emsp, 201, 1000) for emsp in ("DE/MSP", "FR/EM2", "AT/EM3")
    }


async def test_a_session_is_told_to_the_owner_of_its_token(world: Roaming) -> None:
    document = session("S1", owner=ABC, cdr_token=cdr_token())
    await world.cpo.put("sessions", "NL/ABC/S1", document, headers=ids("session"))
    came, went = await story(world, "story-session", 2)
    assert short(came) == ("in", "open:token", "NL/ABC", HUB, 201, 1000)
    assert short(went) == ("out", "push", "NL/ABC", "DE/MSP", 201, 1000)


async def test_authorize_of_everyone_shows_everyone_who_was_asked(world: Roaming) -> None:
    world.emsp2.authorizes["04A1B2C3D4E5F6"] = {"allowed": "BLOCKED", "token": token(owner=("FR", "EM2"))}
    path = "04A1B2C3D4E5F6/authorize"
    await world.cpo.call("POST", "tokens", path, role="SENDER", json={}, headers=ids("authorize"))
    came, *went = await story(world, "story-authorize", 4)
    assert short(came) == ("in", "open:token", "NL/ABC", "FR/EM2", 200, 1000)
    assert came["path"] == "***/authorize"
    assert {short(one) for one in went} == {
        ("out", "open:token", "NL/ABC", "DE/MSP", 404, 2004),
        ("out", "open:token", "NL/ABC", "FR/EM2", 200, 1000),
        ("out", "open:token", "NL/ABC", "AT/EM3", 404, 2004),
    }


async def test_a_command_and_its_result(world: Roaming) -> None:
    body = start_session(world.emsp.result_url("c-1"), token=token())
    await world.emsp.post("commands", "START_SESSION", body, to="NL/ABC", headers=ids("command"))
    url = world.cpo.heard[-1].json["response_url"]
    result = await world.cpo.request("POST", url, json={"result": "ACCEPTED"}, headers=ids("command"))
    assert said(result) == (200, 1000)
    came, went, called, passed = await story(world, "story-command", 4)
    assert [one["rule"] for one in (came, went, called, passed)] == ["direct", "direct", "callback", "callback"]
    assert called["path"] == "via/commands/***"
    assert url.rpartition("/")[2] not in str([came, went, called, passed])
    assert passed["path"].endswith("/ocpi/results/c-1")
    assert (passed["from"], passed["to"]) == ("NL/ABC", "DE/MSP")


async def test_get_all_and_what_the_hub_answers_itself(world: Roaming) -> None:
    await world.emsp.get("locations", to=HUB, headers=ids("get-all"))
    [came] = await story(world, "story-get-all", 1)
    assert short(came) == ("in", "get-all", "DE/MSP", HUB, 200, 1000)
    await world.emsp.request("GET", world.emsp.hub_endpoints[("hubclientinfo", "SENDER")], headers=ids("here"))
    [came] = await story(world, "story-here", 1)
    assert (came["rule"], came["from"], came["to"]) == ("here", None, None)


async def test_what_did_not_arrive_says_why(world: Roaming) -> None:
    world.emsp.misbehave(faults.status(503))
    await world.cpo.post("cdrs", "", cdr(owner=ABC), to="DE/MSP", headers=ids("fails"))
    came, went = await story(world, "story-fails", 2)
    assert (came["http_status"], came["ocpi_status"]) == (200, 4000)
    assert "HTTP 503" in came["reason"]
    assert went["http_status"] == 503

    await world.cpo.post("cdrs", "", cdr(owner=ABC), to="XX/XXX", headers=ids("nobody"))
    [came] = await story(world, "story-nobody", 1)
    assert (came["ocpi_status"], came["reason"]) == (4001, "the receiver XX/XXX is not known here")


async def test_a_partner_that_is_not_there_has_no_status(world: Roaming) -> None:
    world.emsp.misbehave(faults.drops())
    await world.cpo.post("cdrs", "", cdr(owner=ABC), to="DE/MSP", headers=ids("gone"))
    came, went = await story(world, "story-gone", 2)
    assert (went["http_status"], went["ocpi_status"]) == (None, None)
    assert went["reason"]
    assert came["ocpi_status"] == 4003


async def test_who_is_not_let_in_is_noted_without_what_it_sent(world: Roaming) -> None:
    answer = await world.cpo.put(
        "locations", "NL/ABC/LOC1", location(), token="wrong-and-secret", headers=ids("refused")
    )
    assert answer.status_code == 401
    [came] = await story(world, "story-refused", 1)
    assert (came["rule"], came["http_status"], came["platform"], came["request_body"]) == ("refused", 401, None, None)
    assert "wrong-and-secret" not in str(came)


async def test_handshakes_and_probes(world: Roaming) -> None:
    answer = await world.emsp3.request("GET", world.emsp3.hub_versions or "", headers=ids("versions"))
    assert answer.status_code == 200
    [came] = await story(world, "story-versions", 1)
    assert (came["rule"], came["module"]) == ("handshake", "versions")

    [partner] = [one for one in await world.hub.platforms() if one["name"] == "AT/EM3"]
    assert (await world.hub.admin("POST", f"/partners/{partner['id']}/rotate")).status_code == 200
    await world.hub.resources.one(Journal).idle()
    newest = (await world.hub.admin("GET", "/messages?rule=handshake&limit=20")).json()
    [put] = [one for one in newest if (one["direction"], one["method"]) == ("out", "PUT")][:1]
    told = await story(world, put["correlation_id"], 3)
    assert [one["module"] for one in told] == ["versions", "details", "credentials"]
    assert '"token":"***"' in told[-1]["request_body"].replace(" ", "")

    await jobs.probe(world.hub.resources, partner["id"])
    await world.hub.resources.one(Journal).idle()
    [probed] = (await world.hub.admin("GET", f"/messages?rule=probe&platform={partner['id']}")).json()
    assert (probed["module"], probed["ocpi_status"]) == ("versions", 1000)


async def test_what_is_pulled(world: Roaming) -> None:
    world.cpo2.objects["locations"] = [location("PULLED", owner=("BE", "BEC"))]
    [partner] = [one for one in await world.hub.platforms() if one["name"] == "BE/BEC"]
    assert (await world.hub.admin("POST", f"/partners/{partner['id']}/pull")).status_code in (200, 202)
    await world.cpo2.hears("locations", "GET")
    pulled: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not pulled:
            await world.hub.resources.one(Journal).idle()
            found = await world.hub.admin("GET", f"/messages?rule=pull&module=locations&platform={partner['id']}")
            pulled = found.json()
    assert (pulled[0]["direction"], pulled[0]["interface"], pulled[0]["ocpi_status"]) == ("out", "SENDER", 1000)


# --- looking for them -------------------------------------------------------------------------------------------------


async def found(world: Roaming, query: str) -> list[str]:
    await world.hub.resources.one(Journal).idle()
    answer = await world.hub.admin("GET", f"/messages?{query}")
    assert answer.status_code == 200, answer.text
    return [one["correlation_id"] for one in answer.json() if one["correlation_id"].startswith("find-")]


async def test_messages_are_found_by_who_whom_when_and_how_they_ended(world: Roaming) -> None:
    since = f"{world.hub.clock():%Y-%m-%dT%H:%M:%S.%fZ}"

    def named(name: str) -> dict[str, str]:
        return {"X-Correlation-ID": f"find-{name}"}

    await world.cpo.put("locations", "NL/ABC/LOC1", location(owner=ABC), to="DE/MSP", headers=named("a"))
    await world.cpo.put("tariffs", "NL/ABC/T1", {"no": "tariff"}, to=HUB, headers=named("b"))
    await world.cpo2.get("tokens", to="FR/EM2", headers=named("c"))

    at = f"date_from={since}&"
    assert await found(world, at) == ["find-c", "find-c", "find-b", "find-a", "find-a"]
    assert await found(world, at + "party=fr/em2") == ["find-c", "find-c"]
    assert await found(world, at + "platform=de/msp") == ["find-a"]
    assert await found(world, at + "module=Tariffs") == ["find-b"]
    assert await found(world, at + "status=2001") == await found(world, at + "status=failed") == ["find-b"]
    assert await found(world, at + "status=201") == ["find-a", "find-a"]
    assert await found(world, at + "correlation_id=find-c&rule=direct") == ["find-c", "find-c"]
    assert await found(world, f"date_to={since}&limit=1000") == []


async def test_pages_follow_each_other(world: Roaming) -> None:
    for _ in range(5):
        await world.emsp.get("tariffs", headers={"X-Correlation-ID": "page-1"})
    await world.hub.resources.one(Journal).idle()
    seen: list[str] = []
    query = "/messages?correlation_id=page-1&limit=2"
    before = ""
    while True:
        answer = await world.hub.admin("GET", query + before)
        seen += [one["id"] for one in answer.json()]
        if "x-next" not in answer.headers:
            break
        before = f"&before={answer.headers['x-next']}"
    assert (len(seen), len(set(seen))) == (5, 5)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("query", "status"),
    [("?status=bad", 422), ("?limit=0", 422), ("?party=nonsense", 422), ("?platform=nobody", 404), ("?what=x", 422),
     ("?date_from=2026-03-01T10:00:00", 422), ("/no-such", 404)],
)  # fmt: skip
async def test_what_cannot_be_looked_for(world: Roaming, query: str, status: int) -> None:
    answer = await world.hub.admin("GET", f"/messages{query}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
