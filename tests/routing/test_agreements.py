"""Agreements over real HTTP: whom a party may not talk with does not exist for it; byte for byte, but for ids and times
(rows R9, R15, R16, H1, H4; docs/agreements.md).
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ocpi_hub.delivery import jobs
from tests.routing.roaming import Roaming, said, start_session
from tests.world.objects import cdr, cdr_token, location, session, tariff, token
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC = ("NL", "ABC")
BETWEEN = ["NL/ABC", "DE/MSP"]


async def agree(world: Roaming, name: str = "one", **body: Any) -> None:
    answer = await world.hub.admin("PUT", f"/agreements/{name}", {"parties": BETWEEN} | body)
    assert answer.status_code in (200, 201), answer.text
    await jobs.turn_agreements(world.hub.resources)


async def forget(world: Roaming, name: str = "one") -> None:
    assert (await world.hub.admin("DELETE", f"/agreements/{name}")).status_code == 204
    await jobs.turn_agreements(world.hub.resources)


@pytest_asyncio.fixture(loop_scope="package")
async def world(world: Roaming) -> AsyncIterator[Roaming]:
    """The world of this folder, which has no agreement again afterwards."""
    yield world
    for one in (await world.hub.admin("GET", "/agreements")).json():
        await forget(world, one["id"])


def bare(answer: httpx.Response, **names: str) -> tuple[int, bytes, dict[str, str]]:
    """An answer without its ids and times, and with other names in the place of names."""
    body = re.sub(rb'"timestamp": ?"[^"]*"', b'"timestamp":""', answer.content)
    headers = {name: value for name, value in answer.headers.items() if not name.startswith("x-c") and name != "date"}
    headers.pop("x-request-id")
    # The length is that of the body, whose time is without milliseconds once in a thousand answers.
    if answer.request.method != "HEAD":
        assert headers.pop("content-length") == str(len(answer.content))
    for name, other in names.items():
        body = body.replace(name.replace("_", "/").encode(), other.replace("_", "/").encode())
    return answer.status_code, body, headers


# --- by name ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("party", ["NL/ABC", "NL/CPO"])
@pytest.mark.parametrize(
    ("method", "module", "role", "path", "body"),
    [
        ("GET", "locations", "SENDER", "", None),
        ("GET", "locations", "SENDER", "LOC1", None),
        ("GET", "cdrs", "SENDER", "", None),
        ("PUT", "tokens", "RECEIVER", "DE/MSP/T1", token("T1")),
        ("PUT", "tokens", "RECEIVER", "DE/MSP/T1", {"no": "token"}),
        ("POST", "commands", "RECEIVER", "START_SESSION", {"no": "command"}),
        ("POST", "commands", "RECEIVER", "NO_SUCH", {}),
        ("DELETE", "chargingprofiles", "RECEIVER", "S1?response_url=http://127.0.0.1:1/x", None),
        ("GET", "nltnm-own", "SENDER", "anything", None),
        ("HEAD", "locations", "SENDER", "", None),
    ],
)
async def test_a_party_that_one_may_not_talk_with_is_as_unknown_as_one_that_is_not_there(
    world: Roaming, party: str, method: str, module: str, role: str, path: str, body: Any
) -> None:
    await agree(world, parties=[party, "DE/MSP"], allowed=False)
    world.emsp.hub_endpoints.setdefault((module, role), f"{world.hub.url}/ocpi/2.2.1/{role.lower()}/{module}")
    await world.quiet()

    forbidden = await world.emsp.call(method, module, path, role=role, json=body, to=party)
    unknown = await world.emsp.call(method, module, path, role=role, json=body, to="NL/XXX")

    assert bare(forbidden, **{party.replace("/", "_"): "NL_XXX"}) == bare(unknown)
    if method != "HEAD":
        assert said(unknown) == (200, 4001)
    assert world.others() == []


async def test_both_sides_are_forbidden_and_only_the_modules_that_are_named(world: Roaming) -> None:
    await agree(world, modules=["commands", "tokens"], allowed=False)
    to_cpo = await world.emsp.get("locations", to="NL/ABC")
    command = await world.emsp.post("commands", "START_SESSION", start_session(world.emsp.result_url()), to="NL/ABC")
    authorize = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", to="DE/MSP", json={})
    other = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", to="FR/EM2", json={})
    assert [said(answer)[1] for answer in (to_cpo, command, authorize, other)] == [1000, 4001, 4001, 2004]


# --- by content -------------------------------------------------------------------------------------------------------


async def ask_about_the_cpo(world: Roaming) -> dict[str, tuple[int, bytes, dict[str, str]]]:
    """Everything that the eMSP can ask about the CPO without naming it."""
    url = world.emsp.result_url()
    start = start_session(url)
    reserve = start | {"reservation_id": "R1", "expiry_date": "2036-03-01T10:00:00Z"}
    asked = {
        "list of locations": world.emsp.get("locations", to="NL/HUB"),
        "one location": world.emsp.get("locations", "LOC1"),
        "one EVSE": world.emsp.get("locations", "LOC1/EVSE1"),
        "list of tariffs": world.emsp.get("tariffs"),
        "list of sessions": world.emsp.get("sessions", "?date_from=2020-01-01T00:00:00Z"),
        "list of CDRs": world.emsp.get("cdrs"),
        "start": world.emsp.post("commands", "START_SESSION", start),
        "start at the hub": world.emsp.post("commands", "START_SESSION", start, to="NL/HUB"),
        "reserve": world.emsp.post("commands", "RESERVE_NOW", reserve),
        "stop": world.emsp.post("commands", "STOP_SESSION", {"response_url": url, "session_id": "SESSION1"}),
        "profile": world.emsp.call("GET", "chargingprofiles", f"SESSION1?duration=60&response_url={url}"),
        "preferences": world.emsp.call(
            "PUT", "sessions", "SESSION1/charging_preferences", role="SENDER", json={"profile_type": "GREEN"}
        ),
        "parties": world.emsp.request("GET", world.emsp.hub_endpoints[("hubclientinfo", "SENDER")]),
    }
    return {name: bare(await answer) for name, answer in asked.items()}


async def test_what_one_may_not_know_is_as_unknown_as_what_is_not_there(world: Roaming) -> None:
    """The same questions: when the CPO has told the hub of nothing, and when no agreement lets that through."""
    await agree(world, allowed=False)
    nothing = await ask_about_the_cpo(world)
    for module, name, document in (
        ("locations", "LOC1", location("LOC1", owner=ABC)),
        ("tariffs", "TARIFF1", tariff(owner=ABC)),
        ("sessions", "SESSION1", session(owner=ABC)),
    ):
        assert said(await world.cpo.put(module, f"NL/ABC/{name}", document, to="NL/HUB")) == (201, 1000)
    assert said(await world.cpo.post("cdrs", "", cdr(owner=ABC), to="NL/HUB")) == (201, 1000)
    await world.quiet()

    assert await ask_about_the_cpo(world) == nothing
    assert world.others() == []

    await forget(world)
    everything = await ask_about_the_cpo(world)
    assert {name for name in nothing if everything[name] == nothing[name]} == set()


async def test_a_token_that_one_may_not_know_is_as_unknown_as_one_that_nobody_told(world: Roaming) -> None:
    await agree(world, modules=["tokens"], allowed=False)
    world.emsp.authorizes["T1"] = {"allowed": "ALLOWED", "token": token("T1")}
    world.emsp2.authorizes["T1"] = {"allowed": "BLOCKED", "token": token("T1")}  # the refusal that says most

    async def ask() -> list[tuple[int, bytes, dict[str, str]]]:
        authorize = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", json={})
        return [bare(authorize), bare(await world.cpo.get("tokens"))]

    nothing = await ask()
    assert said(await world.emsp.put("tokens", "DE/MSP/T1", token("T1"), to="NL/HUB")) == (201, 1000)
    await world.quiet()
    assert await ask() == nothing
    assert {heard.path for heard in world.emsp2.told("tokens")} == {"T1/authorize"}
    assert world.emsp.heard == []

    await forget(world)
    answer = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", json={})
    assert answer.json()["data"]["allowed"] == "ALLOWED"


async def test_an_unasked_profile_for_one_that_may_not_know_finds_nobody(world: Roaming) -> None:
    profile = {"start_date_time": "2026-03-01T10:00:00Z", "charging_profile": {"charging_rate_unit": "A"}}
    url = world.emsp.result_url()
    unknown = await world.cpo.call("PUT", "chargingprofiles", "S9", role="SENDER", json=profile)
    set_ = {"charging_profile": {"charging_rate_unit": "A"}, "response_url": url}
    assert said(await world.emsp.put("chargingprofiles", "S9", set_, to="NL/ABC")) == (200, 1000)
    await agree(world, allowed=False)
    forbidden = await world.cpo.call("PUT", "chargingprofiles", "S9", role="SENDER", json=profile)
    assert bare(forbidden) == bare(unknown)


# --- what is still open -----------------------------------------------------------------------------------------------


async def test_a_url_to_call_back_ends_with_the_agreement(world: Roaming) -> None:
    body = start_session(world.emsp.result_url())
    assert said(await world.emsp.post("commands", "START_SESSION", body, to="NL/ABC")) == (200, 1000)
    url = world.cpo.told("commands")[-1].json["response_url"]
    secret = url.rpartition("/")[2]
    await agree(world, modules=["commands"], allowed=False)
    await world.quiet()

    for method in ("POST", "GET"):
        forbidden = await world.cpo.request(method, url, json={"result": "ACCEPTED"})
        unknown = await world.cpo.request(method, url.replace(secret, "x" * len(secret)), json={"result": "ACCEPTED"})
        assert bare(forbidden) == bare(unknown)
        assert said(unknown) == (404, 2001)
    assert world.emsp.told("results") == []

    await forget(world)
    assert said(await world.cpo.request("POST", url, json={"result": "ACCEPTED"})) == (200, 1000)


async def test_the_next_page_ends_with_the_agreement(world: Roaming) -> None:
    world.cpo.objects["locations"] = [location(f"LOC{n}", owner=ABC) for n in range(3)]
    world.cpo.page_size = 2
    url = (await world.emsp.get("locations", to="NL/ABC")).links["next"]["url"]
    await agree(world, modules=["locations"], allowed=False)
    assert said(await world.emsp.request("GET", url)) == (404, 2001)


# --- closed -----------------------------------------------------------------------------------------------------------


async def test_everybody_of_a_wildcard(world: Roaming) -> None:
    """A hub can be as closed as one wishes by agreements alone: nobody may, but these two."""
    await agree(world, "nobody", parties=["*", "*"], allowed=False)
    await agree(world, "two", modules=["locations"])
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", location("LOC1", owner=ABC), to="NL/HUB"))[0] == 201
    await world.told()
    assert [heard.path for heard in world.emsp.told("locations")] == ["NL/ABC/LOC1"]
    assert world.others(world.emsp) == []
    for emsp, seen in ((world.emsp, ["LOC1"]), (world.emsp2, [])):
        listed = await emsp.get("locations")
        assert [one["id"] for one in listed.json()["data"]] == seen
        parties = await emsp.request("GET", emsp.hub_endpoints[("hubclientinfo", "SENDER")])
        assert [one["party_id"] for one in parties.json()["data"]] == (["ABC"] if seen else [])
    assert said(await world.cpo.post("cdrs", "", cdr(owner=ABC, cdr_token=cdr_token()), to="NL/HUB")) == (201, 1000)
    await world.told()
    assert world.emsp.told("cdrs") == []


async def test_a_party_that_it_may_not_talk_with_is_told_nothing_by_a_partner_either(world: Roaming) -> None:
    """The other direction of each: the CPO sees no tokens of that eMSP, and has no say about it."""
    await agree(world, allowed=False)
    assert said(await world.emsp.put("tokens", "DE/MSP/T1", token("T1"), to="NL/HUB"))[0] == 201
    await world.told()
    assert world.cpo.told("tokens") == []
    assert len(world.cpo2.told("tokens")) == 1
    parties: Partner = world.cpo
    listed = await parties.request("GET", parties.hub_endpoints[("hubclientinfo", "SENDER")])
    assert {one["party_id"] for one in listed.json()["data"]} == {"EM2", "EM3"}
