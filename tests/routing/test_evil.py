"""A partner that is up to no good: what it may not reach through the hub, and what the hub may not be made to do."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from ocpi_hub.routing import trails
from ocpi_hub.wire.headers import PartyId
from tests.routing.roaming import Roaming, exactly, said, start_session
from tests.world.objects import location
from tests.world.ocpi import encode, routing
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC = ("NL", "ABC")
PAGE = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z","data":[]}'


async def bare(world: Roaming, me: Partner, method: str, path: str, *, to: str) -> tuple[int, int]:
    """A request whose path nobody has tidied, from the first party of `me`; gives its two statuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.hub.settings.port)
    headers = {"Host": "hub", "Connection": "close", "Authorization": encode(me.hub_token or ""), "Content-Length": "0"}
    headers |= routing(to, me.here)
    lines = [f"{method} /ocpi/2.2.1{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["status_code"]


# --- the hub's own credentials at another platform (C14, R1) --------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("module", ["credentials", "Credentials", "%63redentials", "versions", "details"])
async def test_configuration_modules_are_never_passed_on(world: Roaming, method: str, module: str) -> None:
    """GET credentials of a partner answers with the very token that the hub presents; PUT and DELETE would end it."""
    for interface in ("sender", "receiver", "via"):
        path = f"/{interface}/{module}" + ("/x" if interface == "via" else "")
        assert await bare(world, world.emsp, method, path, to="NL/ABC") == (404, 2001)
    assert world.others() == []


@pytest.mark.parametrize(
    "climbing",
    [
        "../../2.2.1/credentials",
        "%2e%2e/%2e%2e/2.2.1/credentials",
        ".%2E/.%2E/2.2.1/credentials",
        "%252e%252e/%252e%252e/2.2.1/credentials",
        "..;/..;x=1/2.2.1/credentials",
        "..%5C..%5C2.2.1%5Ccredentials",
        "..%255C..%255C2.2.1",
        "./LOC1",
        "LOC1/..",
    ],
)
async def test_no_path_climbs_out_of_the_module_that_it_names(world: Roaming, climbing: str) -> None:
    for module, interface in (("locations", "sender"), ("nltnm-own", "receiver"), ("commands", "receiver")):
        path = f"/{interface}/{module}/{climbing}"
        assert await bare(world, world.emsp, "GET", path, to="NL/ABC") == (404, 2001)
        assert await bare(world, world.emsp, "DELETE", path, to="NL/ABC") == (404, 2001)
    assert world.others() == []


async def test_ids_with_dots_are_ids(world: Roaming) -> None:
    for odd in ("a..b", "...", "v1.2", ".hidden", "a;b..", "x\\y"):
        document = location(odd, owner=ABC)
        answer = await world.cpo.put("locations", f"NL/ABC/{quote(odd, safe='')}", document, to="DE/MSP")
        assert said(answer) == (201, 1000)
        assert world.emsp.told("locations")[-1].path == f"NL/ABC/{odd}"


# --- a response_url that only the receiver would see (R17) ----------------------------------------------------------


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "query",
    [
        "response%5Furl={}",
        "%72esponse_url={}",
        "Response_URL={}",
        "response.url={}",
        "response+url={}",
        "response[url={}",
        "x=1;response_url={}",
        "response_url={}&response_url={}",
        "response_url={}&response%5Furl={}",
        "response_url={}&x=1;response_url={}",
    ],
)
async def test_no_url_in_a_query_leads_around_the_hub(world: Roaming, verb: str, query: str) -> None:
    """The CPO would call it with the credentials that it has for the hub."""
    url = quote(world.emsp.result_url(), safe="")
    path = "S1?duration=9&" + query.replace("{}", url)
    answer = await world.emsp.call(verb, "chargingprofiles", path, to="NL/ABC")
    assert said(answer) == (200, 2001)
    assert "response_url" in answer.json()["status_message"]
    assert world.others() == []


@pytest.mark.parametrize(
    ("module", "method", "tail"), [("commands", "POST", "START_SESSION"), ("chargingprofiles", "PUT", "S1")]
)
async def test_no_url_in_the_query_of_a_body_leads_around_the_hub(
    world: Roaming, module: str, method: str, tail: str
) -> None:
    body = start_session(world.emsp.result_url())
    path = f"{tail}?response_url={quote(world.emsp.result_url())}"
    answer = await world.emsp.call(method, module, path, json=body, to="NL/ABC")
    assert said(answer) == (200, 2001)
    assert world.others() == []


# --- two readings of one body (R5, R17, M3) -------------------------------------------------------------------------

VICTIMS = '"token":{"country_code":"FR","party_id":"EM2","uid":"X"}'


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (VICTIMS + ",", "", "token"),
        (VICTIMS.replace("token", "TOKEN", 1) + ",", "", "TOKEN"),
        ("", ',"response_url":"http://127.0.0.1:9/"', "response_url"),
        ("", ',"Response_Url":"http://127.0.0.1:9/"', "Response_Url"),
        ("", ',"response\\u005furl":"http://127.0.0.1:9/"', "response_url"),
        ("", ',"z":[{"a":1,"a":2}]', "a"),
    ],
)
async def test_a_command_has_one_reading(world: Roaming, before: str, after: str, named: str) -> None:
    body = json.dumps(start_session(world.emsp.result_url()))
    body = "{" + before + body[1:-1] + after + "}"
    answer = await world.emsp.call("POST", "commands", "START_SESSION", content=body.encode(), to="NL/ABC")
    assert said(answer) == (200, 2001)
    assert answer.json()["status_message"].startswith(f"{named}: ")
    assert world.others() == []


@pytest.mark.parametrize("name", ["Country_Code", "country_code", "PARTY_ID", "party_id", "ID", "id"])
async def test_an_object_has_one_owner_and_one_id(world: Roaming, name: str) -> None:
    body = "{" + f'"{name}":"EM2",' + json.dumps(location(owner=ABC))[1:]
    answer = await world.cpo.call("PUT", "locations", "NL/ABC/LOC1", content=body.encode(), to="DE/MSP")
    assert said(answer) == (200, 2001)
    assert answer.json()["status_message"].startswith(f"{name}: ")
    assert world.others() == []


async def test_fields_of_partners_own_are_spelled_as_they_like(world: Roaming) -> None:
    odd = location(owner=ABC) | {"z": {"ID": 1, "id": 2, "Token": 3}, "Name": "x"}
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", odd, to="DE/MSP")) == (201, 1000)
    assert world.emsp.told("locations")[-1].json == odd


# --- what a partner's answer may do to the hub -----------------------------------------------------------------------


@pytest.mark.parametrize("value", ["\u2603", "1\u00e9"])
async def test_a_header_that_cannot_be_sent_again_is_left_out(world: Roaming, value: str) -> None:
    for name in ("X-Total-Count", "X-Limit", "Retry-After", "Link"):
        world.cpo.misbehave(exactly(PAGE, headers={name: value}), module="locations", times=1)
        answer = await world.emsp.get("locations", to="NL/ABC")
        assert (said(answer), answer.content) == ((200, 1000), PAGE)
        assert name.lower() not in answer.headers


@pytest.mark.parametrize("reservation_id", ["ab1Z" * 5000, 5, None, {"a": 1}, ""])
async def test_what_is_no_id_leaves_no_trail_and_passes(world: Roaming, reservation_id: Any) -> None:
    """It is for the CPO to refuse; that the hub remembers who reserved what must not fail because of it."""
    body = start_session(world.emsp.result_url(), reservation_id=reservation_id)
    assert said(await world.emsp.post("commands", "RESERVE_NOW", body, to="NL/ABC")) == (200, 1000)
    assert world.cpo.told("commands")[-1].json["reservation_id"] == reservation_id


async def test_a_long_id_leaves_no_trail(world: Roaming) -> None:
    me, at = PartyId("NL", "ABC"), world.hub.clock()
    async with world.hub.resources.unit_of_work() as db:
        for length, kept in ((trails.LONGEST, 1), (trails.LONGEST + 1, 0)):
            await trails.leave(db, trails.SESSION, "x" * length, owner=me, reader=me, at=at)
            assert len(await trails.owners(db, trails.SESSION, "x" * length, reader=me, at=at)) == kept
