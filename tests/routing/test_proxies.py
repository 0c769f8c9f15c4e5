"""URLs of the hub that stand for partners' own: response_url, Link and Location; rows R17, R18, P5, M2, G1-G3."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from sqlalchemy import text

from ocpi_hub.routing import jobs
from tests.routing.roaming import Roaming, exactly, raw_paths, routed, said, start_session
from tests.world import faults
from tests.world.objects import cdr, location
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC = ("NL", "ABC")
LATER = "2026-03-01T12:00:00Z"


async def commanded(world: Roaming, command: str = "START_SESSION", **changes: Any) -> str:
    """The response_url that the CPO was given for a command of the eMSP."""
    body = start_session(world.emsp.result_url("c-1?x=1"), **changes)
    answer = await world.emsp.post("commands", command, body, to="NL/ABC")
    assert said(answer) == (200, 1000), answer.text
    assert answer.json()["data"] == world.cpo.command_result
    return str(world.cpo.told("commands")[-1].json["response_url"])


async def post(partner: Partner, url: str, result: str = "ACCEPTED", **kw: Any) -> tuple[int, int]:
    return said(await partner.request("POST", url, json={"result": result}, **kw))


# --- results of commands ----------------------------------------------------------------------------------------------


async def test_a_result_goes_back_through_the_hub(world: Roaming) -> None:
    seen: list[str] = []
    world.emsp.misbehave(raw_paths(seen), module="results")
    url = await commanded(world)
    assert url.startswith(f"{world.hub.url}/ocpi/2.2.1/via/commands/")
    assert len(url) <= 255

    result = b'{ "message":[],"result" : "ACCEPTED", "own":1.0 }'
    headers = {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
    answer = await world.cpo.request("POST", url, content=result, from_="NL/ABC", to="DE/MSP", headers=headers)

    assert said(answer) == (200, 1000)
    assert routed(answer) == ("NL/ABC", "DE/MSP")
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("r-1", "c-1")
    [heard] = world.emsp.told("results")
    assert seen == ["/ocpi/results/c-1?x=1"]
    assert (heard.body, routed(heard)) == (result, ("DE/MSP", "NL/ABC"))
    assert heard.headers["X-Correlation-ID"] == "c-1"
    assert heard.headers["X-Request-ID"] != "r-1"


async def test_only_the_url_in_the_body_is_changed(world: Roaming) -> None:
    theirs = world.emsp.result_url()
    document = start_session("URL") | {"z": {"response_url": "inner"}, "odd": "ODD"}
    body = json.dumps(document, indent=3).replace('"ODD"', "1.10e+2").replace('"URL"', json.dumps(theirs))
    await world.emsp.call("POST", "commands", "START_SESSION", content=body.encode(), to="NL/ABC")
    [heard] = world.cpo.told("commands")
    ours = heard.json["response_url"]
    assert ours != theirs
    assert heard.body == body.replace(json.dumps(theirs), json.dumps(ours)).encode()


async def test_no_url_is_like_another_and_none_is_kept_in_the_clear(world: Roaming) -> None:
    first, second = await commanded(world), await commanded(world)
    assert first != second
    async with world.hub.resources.sessions() as db:
        rows = " ".join(str(row) for row in await db.execute(text("SELECT * FROM proxy")))
    for secret in (first.rpartition("/")[2], second.rpartition("/")[2], "results/c-1"):
        assert secret not in rows


async def test_it_may_be_used_more_than_once(world: Roaming) -> None:
    """mod_commands: a CPO cancels a reservation at the URL of the RESERVE_NOW."""
    url = await commanded(world)
    for result in ("ACCEPTED", "CANCELED_RESERVATION"):
        assert await post(world.cpo, url, result) == (200, 1000)
    assert [heard.json["result"] for heard in world.emsp.told("results")] == ["ACCEPTED", "CANCELED_RESERVATION"]


async def test_it_is_for_the_one_that_was_asked(world: Roaming) -> None:
    url = await commanded(world)
    for foreign in (world.cpo2, world.emsp, world.emsp2):
        assert await post(foreign, url) == (404, 2001)
    assert said(await world.cpo.request("GET", url)) == (405, 2000)
    assert await post(world.cpo, url[:-1] + ("A" if url[-1] != "A" else "B")) == (404, 2001)
    assert await post(world.cpo, url + "/x") == (404, 2001)
    assert await post(world.cpo, url, token="unknown") == (401, 2000)
    assert world.emsp.told("results") == []


@pytest.mark.parametrize(
    ("command", "answered", "changes", "works", "ends"),
    [
        ("START_SESSION", {"result": "ACCEPTED", "timeout": 30}, {}, 80, 100),
        ("START_SESSION", {"result": "REJECTED", "timeout": 0}, {}, 50, 70),
        ("START_SESSION", {"result": "ACCEPTED", "timeout": "odd"}, {}, 86000, 86500),
        ("RESERVE_NOW", {"result": "ACCEPTED", "timeout": 30}, {"expiry": 7200}, 7200, 7300),
        ("RESERVE_NOW", {"result": "ACCEPTED", "timeout": 30}, {"expiry": 172800}, 172800, 172900),
        ("RESERVE_NOW", {"result": "REJECTED", "timeout": 30}, {"expiry": 7200}, 80, 100),
    ],
)
async def test_it_works_as_long_as_a_result_may_come(
    world: Roaming, command: str, answered: Any, changes: dict[str, int], works: int, ends: int
) -> None:
    world.cpo.command_result = answered
    more = {"reservation_id": "R1"}
    if "expiry" in changes:
        world.hub.clock.advance(changes["expiry"])
        more["expiry_date"] = world.hub.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        world.hub.clock.advance(-changes["expiry"])
    url = await commanded(world, command, **more)
    world.hub.clock.advance(works)
    try:
        assert await post(world.cpo, url) == (200, 1000)
        world.hub.clock.advance(ends - works)
        assert await post(world.cpo, url) == (404, 2001)
        await jobs.forget(world.hub.resources)
        async with world.hub.resources.sessions() as db:
            assert await db.scalar(text("SELECT count(*) FROM proxy")) == 0
    finally:
        world.hub.clock.advance(-ends)


@pytest.mark.parametrize(
    ("fault", "status_code"),
    [(faults.refuses(2001), 2001), (faults.status(500), 4000), (faults.status(401), 4000), (faults.drops(), 4003)],
)
async def test_what_happens_at_the_original_url_is_told_to_the_poster(
    world: Roaming, fault: faults.Fault, status_code: int
) -> None:
    url = await commanded(world)
    world.emsp.misbehave(fault, module="results")
    assert await post(world.cpo, url) == (200, status_code)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "http://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "http://8.8.8.8/x",
        "https://[::1]/x",
        "https://user:secret@example.com/x",
        "nothing",
        "",
        5,
        None,
        "https://example.com/" + "x" * 255,
    ],
)
async def test_a_response_url_where_no_partner_may_live_is_2001(world: Roaming, url: Any) -> None:
    document = start_session("x") | {"response_url": url}
    answer = await world.emsp.post("commands", "START_SESSION", document, to="NL/ABC")
    if url is None:  # it is for the CPO to miss it
        assert world.cpo.heard[0].json["response_url"] is None
        return
    assert said(answer) == (200, 2001)
    assert "response_url" in answer.json()["status_message"]
    assert world.others() == []


async def test_an_address_that_a_name_leads_to_is_judged_when_it_is_called(world: Roaming) -> None:
    """Whoever may have the token: the guard looks at the address all the same."""
    [id_] = [one["id"] for one in await world.hub.platforms() if one["name"] == world.emsp.name]

    async def hosts(*names: str) -> None:
        await world.hub.admin("PATCH", f"/partners/{id_}", {"profile": {"hosts": list(names) or None}})

    await hosts("localhost.localdomain.invalid")
    try:
        document = start_session("https://localhost.localdomain.invalid/x")
        assert said(await world.emsp.post("commands", "START_SESSION", document, to="NL/ABC")) == (200, 1000)
        url = world.cpo.told("commands")[-1].json["response_url"]
        assert await post(world.cpo, url) == (200, 4003)
    finally:
        await hosts()


@pytest.mark.parametrize("owner", [("NL", "ABC"), ("FR", "EM2")])
async def test_a_command_with_another_party_s_token_is_2001(world: Roaming, owner: tuple[str, str]) -> None:
    document = start_session(world.emsp.result_url())
    document["token"] |= {"country_code": owner[0], "party_id": owner[1]}
    answer = await world.emsp.post("commands", "START_SESSION", document, to="NL/ABC")
    assert said(answer) == (200, 2001)
    assert world.others() == []


async def test_a_result_at_the_advertised_endpoint_reaches_the_party_too(world: Roaming) -> None:
    """Many post to {commands}/{command}/{uid} instead of the response_url."""
    body = {"result": "ACCEPTED"}
    answer = await world.cpo.call("POST", "commands", "START_SESSION/17", role="SENDER", json=body, to="DE/MSP")
    assert said(answer) == (200, 1000)
    [heard] = world.emsp.heard
    assert (heard.interface, heard.module, heard.path, heard.json) == ("sender", "commands", "START_SESSION/17", body)
    nobody = await world.cpo.call("POST", "commands", "START_SESSION/17", role="SENDER", json=body)
    assert said(nobody) == (200, 2001)
    assert "response_url" in nobody.json()["status_message"]


# --- charging profiles ------------------------------------------------------------------------------------------------

PROFILE = (
    b'{"charging_profile":{"charging_rate_unit":"W","charging_profile_period":[{"start_period":0,"limit":11000.0}]},'
)


async def test_a_profile_is_set_and_its_result_comes_back(world: Roaming) -> None:
    theirs = world.emsp.result_url("p")
    body = PROFILE + f'"response_url":"{theirs}"}}'.encode()
    answer = await world.emsp.call("PUT", "chargingprofiles", "S1", content=body, to="NL/ABC")
    assert said(answer) == (200, 1000)
    [heard] = world.cpo.told("chargingprofiles")
    assert heard.body.startswith(PROFILE)
    assert await post(world.cpo, heard.json["response_url"]) == (200, 1000)
    assert world.emsp.told("results")[0].path == "p"


ENCODED: Callable[[str], str] = lambda url: quote(url, safe="")  # noqa: E731
PLAIN: Callable[[str], str] = str


@pytest.mark.parametrize("written", [ENCODED, PLAIN])
@pytest.mark.parametrize(
    ("verb", "before", "after"), [("GET", "duration=900&", ""), ("GET", "", "&duration=900"), ("DELETE", "", "")]
)
async def test_the_url_in_a_query_stands_in_too(
    world: Roaming, written: Callable[[str], str], verb: str, before: str, after: str
) -> None:
    """The specification's own example does not encode it."""
    seen: list[str] = []
    world.cpo.misbehave(raw_paths(seen))
    theirs = world.emsp.result_url("q?request_id=5678&b=2")
    path = f"S1?{before}response_url={written(theirs)}{after}"
    answer = await world.emsp.call(verb, "chargingprofiles", path, to="NL/ABC")
    assert said(answer) == (200, 1000)
    query = urlsplit(seen[0]).query
    [ours] = parse_qs(query)["response_url"]
    assert seen == [f"/ocpi/receiver/chargingprofiles/S1?{before}response_url={quote(ours, safe='')}{after}"]
    calls: list[str] = []
    world.emsp.misbehave(raw_paths(calls))
    assert await post(world.cpo, ours) == (200, 1000)
    assert calls == ["/ocpi/results/q?request_id=5678&b=2"]


async def test_a_query_s_url_is_judged_too(world: Roaming) -> None:
    answer = await world.emsp.call("DELETE", "chargingprofiles", "S1?response_url=http%3A%2F%2F10.0.0.1", to="NL/ABC")
    assert said(answer) == (200, 2001)
    assert world.cpo.heard == []


# --- next pages -------------------------------------------------------------------------------------------------------


async def test_pages_are_crawled_through_the_hub(world: Roaming) -> None:
    world.cpo.objects["locations"] = [location(f"L{n}", owner=ABC) for n in range(5)]
    world.cpo.page_size = 2
    found, answer = [], await world.emsp.get("locations", "?limit=2", to="NL/ABC")
    urls = []
    while True:
        assert said(answer) == (200, 1000)
        assert routed(answer) == ("DE/MSP", "NL/ABC")
        assert (answer.headers["x-total-count"], answer.headers["x-limit"]) == ("5", "2")
        found += [one["id"] for one in answer.json()["data"]]
        link = answer.headers.get("link")
        if link is None:
            break
        assert link.endswith('>; rel="next"')
        urls.append(link[1 : link.index(">")])
        assert urls[-1].startswith(f"{world.hub.url}/ocpi/2.2.1/via/locations/")
        answer = await world.emsp.request("GET", urls[-1], from_="DE/MSP")
    assert found == ["L0", "L1", "L2", "L3", "L4"]
    assert [heard.query.get("offset") for heard in world.cpo.heard] == [None, "2", "4"]
    assert all(routed(heard) == ("NL/ABC", "DE/MSP") for heard in world.cpo.heard)

    again = await world.emsp.request("GET", urls[0])
    assert [one["id"] for one in again.json()["data"]] == ["L2", "L3"]
    assert said(await world.emsp2.request("GET", urls[0])) == (404, 2001)
    world.hub.clock.advance(86500)
    try:
        assert said(await world.emsp.request("GET", urls[0])) == (404, 2001)
    finally:
        world.hub.clock.advance(-86500)


async def test_a_relative_link_is_understood_and_a_bad_one_left_out(world: Roaming) -> None:
    page = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z","data":[]}'
    world.cpo.misbehave(exactly(page, headers={"Link": '</ocpi/sender/locations?offset=9>; rel="next"'}), times=1)
    answer = await world.emsp.get("locations", to="NL/ABC")
    link = answer.headers["link"]
    assert said(await world.emsp.request("GET", link[1 : link.index(">")])) == (200, 1000)
    assert world.cpo.heard[-1].query == {"offset": "9"}
    for bad in ("<http://10.0.0.1/x>; rel=next", "<file:///etc/passwd>; rel=next", "nonsense"):
        world.cpo.misbehave(exactly(page, headers={"Link": bad, "X-Total-Count": "3"}), times=1)
        answer = await world.emsp.get("locations", to="NL/ABC")
        assert said(answer) == (200, 1000)
        assert "link" not in answer.headers
        assert answer.headers["x-total-count"] == "3"


# --- where a CDR is kept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
async def test_the_location_of_a_cdr_leads_through_the_hub(world: Roaming, status: int) -> None:
    where = f"{world.emsp.url}/ocpi/sender/cdrs/CDR1"
    sent = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
    world.emsp.misbehave(exactly(sent, status=status, headers={"Location": where}), times=1)
    answer = await world.cpo.post("cdrs", "", cdr(owner=ABC), to="DE/MSP")
    assert said(answer) == (status, 1000)
    url = answer.headers["location"]
    assert url.startswith(f"{world.hub.url}/ocpi/2.2.1/via/cdrs/")

    world.emsp.objects["cdrs"] = [cdr(owner=ABC)]
    read = await world.cpo.request("GET", url)
    assert (said(read), read.json()["data"]) == ((200, 1000), cdr(owner=ABC))
    assert routed(world.emsp.heard[-1]) == ("DE/MSP", "NL/ABC")
    assert said(await world.cpo2.request("GET", url)) == (404, 2001)
    world.emsp.objects.clear()
    assert said(await world.cpo.request("GET", url)) == (404, 2003)


async def test_a_platform_that_leaves_takes_its_urls_along(world: Roaming) -> None:
    async with Partner(("CPO", "DK", "BYE"), name="leaving") as leaving:
        await leaving.register(world.hub.versions_url, await world.hub.invite("leaving"))
        body = start_session(world.emsp.result_url())
        assert said(await world.emsp.post("commands", "START_SESSION", body, to="DK/BYE")) == (200, 1000)
        url = leaving.told("commands")[0].json["response_url"]
        token = leaving.hub_token
        await leaving.request("DELETE", leaving.credentials_url)
        assert await post(leaving, url, token=token) == (401, 2000)
