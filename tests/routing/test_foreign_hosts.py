"""A partner's credentials token goes to the partner's own hosts: none that a response_url, a Link or a Location names
beside them is called, unless the operator adds it (R17, R18, P5)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.routing.roaming import Roaming, exactly, said, start_session
from tests.world.objects import cdr, location
from tests.world.ocpi import decode
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC = ("NL", "ABC")


@pytest_asyncio.fixture(loop_scope="package")
async def elsewhere() -> AsyncIterator[Partner]:
    """A host that is nobody's of those who are connected; it takes any token."""
    async with Partner(("EMSP", "XX", "XXX"), name="elsewhere") as there:
        yield there


@asynccontextmanager
async def joined(world: Roaming, partner: Partner) -> AsyncIterator[None]:
    """A partner that is connected as long as the block lasts."""
    answer = await partner.register(world.hub.versions_url, await world.hub.invite(partner.name))
    assert said(answer)[1] == 1000, answer.text
    try:
        yield
    finally:
        await partner.request("DELETE", partner.credentials_url)


async def platform_of(world: Roaming, partner: Partner) -> dict[str, Any]:
    return next(one for one in await world.hub.platforms() if one["name"] == partner.name)


async def allow(world: Roaming, partner: Partner, *hosts: str) -> None:
    """The operator adds hosts to the partner's profile, or takes them back."""
    id_ = (await platform_of(world, partner))["id"]
    answer = await world.hub.admin("PATCH", f"/partners/{id_}", {"profile": {"hosts": list(hosts) or None}})
    assert answer.status_code == 200, answer.text


# --- response_url -----------------------------------------------------------------------------------------------------


async def test_a_response_url_elsewhere_is_2001_and_says_what_is_wrong(world: Roaming, elsewhere: Partner) -> None:
    url = elsewhere.result_url()
    body = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": url}
    emsp = world.emsp
    for answer in (
        await emsp.post("commands", "START_SESSION", start_session(url), to="NL/ABC"),
        await emsp.put("chargingprofiles", "S1", body, to="NL/ABC"),
        await emsp.call("GET", "chargingprofiles", f"S1?duration=9&response_url={quote(url)}", to="NL/ABC"),
        await emsp.call("DELETE", "chargingprofiles", f"S1?response_url={quote(url)}", to="NL/ABC"),
        await emsp.post("commands", "START_SESSION", start_session(world.emsp2.result_url()), to="NL/ABC"),
        await emsp.post("commands", "START_SESSION", start_session(f"{world.hub.url}/x"), to="NL/ABC"),
    ):
        assert said(answer) == (200, 2001)
        assert "response_url: 127.0.0.1:" in answer.json()["status_message"]
        assert "is none of your own hosts" in answer.json()["status_message"]
    assert world.others() == []
    assert elsewhere.heard == []


async def test_the_operator_may_add_its_host(world: Roaming, elsewhere: Partner) -> None:
    await allow(world, world.emsp, f"127.0.0.1:{elsewhere.port}")
    try:
        body = start_session(elsewhere.result_url("r"))
        assert said(await world.emsp.post("commands", "START_SESSION", body, to="NL/ABC")) == (200, 1000)
        url = world.cpo.told("commands")[-1].json["response_url"]
        elsewhere.accepts |= world.emsp.accepts
        assert said(await world.cpo.request("POST", url, json={"result": "ACCEPTED"})) == (200, 1000)
        [heard] = elsewhere.told("results")
        assert decode(heard.headers["Authorization"], encodings={"base64"}) & world.emsp.accepts
    finally:
        await allow(world, world.emsp)
    assert said(await world.cpo.request("POST", url, json={"result": "FAILED"})) == (404, 2001), "taken back"
    assert len(elsewhere.told("results")) == 1


@pytest.mark.parametrize("hosts", [["*"], ["https://x.example"], ["x.example/y"], ["a b"], ["x:0"], "x.example", [5]])
async def test_what_is_no_host_cannot_be_added(world: Roaming, hosts: Any) -> None:
    id_ = (await platform_of(world, world.emsp))["id"]
    answer = await world.hub.admin("PATCH", f"/partners/{id_}", {"profile": {"hosts": hosts}})
    assert answer.status_code == 422
    assert "profile.hosts" in answer.text


async def test_every_host_of_its_version_details_is_a_partner_s_own(world: Roaming, elsewhere: Partner) -> None:
    """Many have a host for each part of their platform; when they move, what was theirs is theirs no more."""
    async with Partner(("EMSP", "DK", "TWO"), name="several hosts") as partner:
        spread = [
            line | {"url": f"{elsewhere.url}/tokens"} if line["identifier"] == "tokens" else line
            for line in partner.endpoints
        ]
        alone, partner.endpoints = partner.endpoints, spread
        body = start_session(elsewhere.result_url())
        body["token"] |= {"country_code": "DK", "party_id": "TWO"}
        async with joined(world, partner):
            elsewhere.accepts |= partner.accepts
            assert said(await partner.post("commands", "START_SESSION", body, to="NL/ABC")) == (200, 1000)
            url = world.cpo.told("commands")[-1].json["response_url"]
            assert said(await world.cpo.request("POST", url, json={"result": "ACCEPTED"})) == (200, 1000)
            assert len(elsewhere.told("results")) == 1

            partner.endpoints = alone
            assert said(await partner.renew())[1] == 1000
            assert said(await partner.post("commands", "START_SESSION", body, to="NL/ABC")) == (200, 2001)
            assert said(await world.cpo.request("POST", url, json={"result": "ACCEPTED"})) == (404, 2001)
            assert len(elsewhere.told("results")) == 1


# --- Link -------------------------------------------------------------------------------------------------------------


def page(*ids: str) -> bytes:
    listed = ",".join(f'{{"id":"{one}"}}' for one in ids)
    return f'{{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z","data":[{listed}]}}'.encode()


async def test_a_link_elsewhere_is_not_followed_and_offsets_are_counted(world: Roaming, elsewhere: Partner) -> None:
    cpo = Partner(("CPO", "DK", "LNK"), name="links elsewhere")
    async with cpo, joined(world, cpo):
        cpo.objects["locations"] = [location(f"L{n}", owner=("DK", "LNK")) for n in range(5)]
        cpo.page_size = 2
        link = {"Link": f'<{elsewhere.url}/ocpi/sender/locations?offset=2>; rel="next"', "X-Total-Count": "5"}
        cpo.misbehave(exactly(page("L0", "L1"), headers=link), module="locations", times=1)

        answer = await world.emsp.get("locations", "?limit=2&date_from=2020-01-01T00:00:00Z", to="DK/LNK")
        found = [one["id"] for one in answer.json()["data"]]
        while "link" in answer.headers:
            url = answer.headers["link"].partition(">")[0].lstrip("<")
            assert url.startswith(f"{world.hub.url}/ocpi/2.2.1/via/locations/")
            answer = await world.emsp.request("GET", url)
            found += [one["id"] for one in answer.json()["data"]]
        assert found == ["L0", "L1", "L2", "L3", "L4"]
        assert cpo.heard[-2].query == {"limit": "2", "date_from": "2020-01-01T00:00:00Z", "offset": "2"}
        assert elsewhere.heard == []

        learned = (await platform_of(world, cpo))["learned"]["link"]
        assert learned["value"] == "offset"
        host = f"127.0.0.1:{elsewhere.port}"
        assert learned["how"] == f"a page of locations with a link to {host}, which is not its own host"


@pytest.mark.parametrize(
    ("total", "ids"), [(None, ("L0",)), ("x", ("L0",)), ("1", ("L0",)), ("5", ()), ("9" * 16, ("L0",))]
)
async def test_a_link_elsewhere_is_left_out_where_nobody_knows_that_there_is_more(
    world: Roaming, elsewhere: Partner, total: str | None, ids: tuple[str, ...]
) -> None:
    headers = {"Link": f'<{elsewhere.url}/x>; rel="next"'} | ({"X-Total-Count": total} if total else {})
    world.cpo.misbehave(exactly(page(*ids), headers=headers), module="locations", times=1)
    answer = await world.emsp.get("locations", to="NL/ABC")
    assert (said(answer), answer.content) == ((200, 1000), page(*ids))
    assert "link" not in answer.headers
    assert "link" not in (await platform_of(world, world.cpo))["learned"]
    assert elsewhere.heard == []


# --- Location ---------------------------------------------------------------------------------------------------------


async def test_a_location_elsewhere_is_left_out(world: Roaming, elsewhere: Partner) -> None:
    sent = b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
    world.emsp.misbehave(exactly(sent, status=201, headers={"Location": f"{elsewhere.url}/cdrs/1"}), times=1)
    answer = await world.cpo.post("cdrs", "", cdr(owner=ABC), to="DE/MSP")
    assert said(answer) == (201, 1000)
    assert "location" not in answer.headers
    assert elsewhere.heard == []
