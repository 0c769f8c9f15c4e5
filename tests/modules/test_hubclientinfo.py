"""HubClientInfo over real HTTP, with real partners (mod_hub_client_info; rows H1-H4, H6, H7, C14, V6).

H5 is in tests/delivery/test_alive.py.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select

from ocpi_hub.delivery import jobs
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.partners import presence, register
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire.headers import PartyId
from tests.world.hub import Hub, running_hub
from tests.world.partner import Heard, Partner

OWN = ("NL/CPO", "CPO", "CONNECTED")  # the party of the hub's own chargers
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    """A hub whose bells start their jobs, and whose list has been kept once, as each second."""
    async with running_hub(database_url, redis_url, works=True) as running:
        await jobs.keep_list(running.resources)
        yield running


@pytest.fixture
async def cpo() -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "ABC"), name="A CPO", informed=True) as partner:
        yield partner


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "XYZ"), name="An eMSP", informed=True) as partner:
        yield partner


async def join(hub: Hub, partner: Partner, name: str | None = None) -> str:
    """Register a partner by its handshake. Gives the platform's id."""
    invitation = await hub.invitation(name or partner.name)
    answer = await partner.register(hub.versions_url, invitation.credentials_token)
    assert answer.json()["status_code"] == 1000
    return invitation.platform_id


async def listed(partner: Partner, query: str = "") -> list[dict[str, Any]]:
    answer = await partner.request("GET", partner.hub_endpoints[("hubclientinfo", "SENDER")] + query)
    assert answer.json()["status_code"] == 1000, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def short(info: dict[str, Any]) -> tuple[str, str, str]:
    return f"{info['country_code']}/{info['party_id']}", info["role"], info["status"]


async def sees(partner: Partner) -> set[tuple[str, str, str]]:
    return {short(info) for info in await listed(partner)}


async def told(partner: Partner, *wanted: tuple[str, str, str]) -> list[Heard]:
    """Wait until the partner was told each of these; gives all that it was told."""
    await partner.hears_until(lambda: set(wanted) <= {short(h.json) for h in partner.told("hubclientinfo", "PUT")})
    return partner.told("hubclientinfo", "PUT")


async def owed(hub: Hub) -> int:
    async with hub.resources.unit_of_work() as db:
        return await db.scalar(select(func.count()).select_from(Owed)) or 0


async def offline(hub: Hub, platform_id: str) -> None:
    """Take a platform offline; a push still under way would be a sign of life and bring it back, so none is."""
    async with asyncio.timeout(10):
        while await owed(hub):
            await asyncio.sleep(0.01)
    async with hub.resources.unit_of_work() as db:
        assert await presence.went_offline(db, platform_id, hub.clock())
        hub.resources.one(Directory).changed(db)


# -- H1, H3: the list -------------------------------------------------------------------------------------------------


async def test_h1_h3_the_list_has_the_parties_that_the_caller_may_talk_with(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    """Opposite roles and our own CPO; not the caller itself, not the hub (H6)."""
    await join(hub, cpo)
    await join(hub, emsp)
    async with Partner(("CPO", "BE", "OTH"), name="Another CPO", informed=True) as other:
        await join(hub, other)
        assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "CONNECTED"), ("BE/OTH", "CPO", "CONNECTED")}
        assert await sees(cpo) == {("DE/XYZ", "EMSP", "CONNECTED")}
    [info] = await listed(cpo)
    assert TIME.fullmatch(info.pop("last_updated"))
    assert info == {"country_code": "DE", "party_id": "XYZ", "role": "EMSP", "status": "CONNECTED"}


async def test_h3_a_party_in_two_roles_is_listed_twice(hub: Hub, cpo: Partner) -> None:
    await join(hub, cpo)
    async with Partner(("EMSP", "FR", "TWO"), more=(("CPO", "FR", "TWO"),), name="Both", informed=True) as both:
        await join(hub, both)
        assert await sees(both) == {OWN, ("NL/ABC", "CPO", "CONNECTED")}
        assert await sees(cpo) == {("FR/TWO", "EMSP", "CONNECTED")}
        async with Partner(("EMSP", "DE", "XYZ"), more=(("CPO", "DE", "XYZ"),), name="Both too", informed=True) as too:
            await join(hub, too)
            assert {("FR/TWO", "EMSP", "CONNECTED"), ("FR/TWO", "CPO", "CONNECTED")} <= await sees(too)


async def test_h1_pages_follow_each_other(hub: Hub, emsp: Partner) -> None:
    await hub.invite("Many", parties=[("CPO", "NL", f"P{n:02}") for n in range(7)])
    await join(hub, emsp)
    url: str | None = emsp.hub_endpoints[("hubclientinfo", "SENDER")] + "?limit=3"
    pages: list[list[str]] = []
    while url is not None:
        answer = await emsp.request("GET", url)
        assert answer.headers["x-total-count"] == "8"
        assert answer.headers["x-limit"] == "200"
        pages.append([info["party_id"] for info in answer.json()["data"]])
        url = answer.links.get("next", {}).get("url")
    assert pages == [["CPO", "P00", "P01"], ["P02", "P03", "P04"], ["P05", "P06"]]


async def test_h1_date_from_is_inclusive_and_date_to_is_not(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    platform_id = await join(hub, cpo)
    await join(hub, emsp)
    hub.clock.advance(3600)
    await offline(hub, platform_id)
    [changed] = [info for info in await listed(emsp) if info["party_id"] == "ABC"]
    at = changed["last_updated"]

    later = [short(info) for info in await listed(emsp, f"?date_from={at[:19]}Z")]
    earlier = [short(info) for info in await listed(emsp, f"?date_to={at[:19]}Z")]

    assert later == [("NL/ABC", "CPO", "OFFLINE")]
    assert earlier == [OWN]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=-1", "?offset=x", "?date_from=yesterday"])
async def test_h1_a_query_that_makes_no_sense_is_2001(hub: Hub, emsp: Partner, query: str) -> None:
    await join(hub, emsp)
    answer = await emsp.request("GET", emsp.hub_endpoints[("hubclientinfo", "SENDER")] + query)
    assert (answer.status_code, answer.json()["status_code"]) == (200, 2001)


async def test_h1_only_live_credentials_open_the_list(hub: Hub, emsp: Partner) -> None:
    await join(hub, emsp)
    url = emsp.hub_endpoints[("hubclientinfo", "SENDER")]
    assert (await emsp.request("GET", url, token=await hub.invite())).status_code == 401
    assert (await emsp.request("PUT", f"{url}/NL/ABC", json={})).status_code in (404, 405)


async def test_c14_no_routing_headers_are_needed_asked_or_given(hub: Hub, emsp: Partner, cpo: Partner) -> None:
    await join(hub, emsp)
    url = emsp.hub_endpoints[("hubclientinfo", "SENDER")]
    for to, from_ in ((None, None), ("NL/HUB", "DE/XYZ"), ("XX/YYY", "XX/ZZZ")):
        answer = await emsp.request("GET", url, to=to, from_=from_)
        assert answer.json()["status_code"] == 1000
        assert not [name for name in answer.headers if name.startswith("ocpi-")]
    await join(hub, cpo)
    for heard in await told(emsp, ("NL/ABC", "CPO", "CONNECTED")):
        assert not [name for name in heard.headers if name.lower().startswith("ocpi-")]


# -- H2: the push -----------------------------------------------------------------------------------------------------


async def test_h2_everyone_is_told_of_a_newcomer_and_of_every_change(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await join(hub, emsp)
    platform_id = await join(hub, cpo)
    [heard] = [h for h in await told(emsp, ("NL/ABC", "CPO", "CONNECTED")) if h.path == "NL/ABC"]
    body = heard.json
    assert TIME.fullmatch(body.pop("last_updated"))
    assert body == {"country_code": "NL", "party_id": "ABC", "role": "CPO", "status": "CONNECTED"}

    await offline(hub, platform_id)
    await told(emsp, ("NL/ABC", "CPO", "OFFLINE"))
    await cpo.request("GET", hub.versions_url)  # any message: alive
    await emsp.hears_until(lambda: [short(h.json)[2] for h in of(emsp)] == ["CONNECTED", "OFFLINE", "CONNECTED"])
    async with hub.resources.unit_of_work() as db:
        await register.suspend(db, hub.resources, platform_id)
    await told(emsp, ("NL/ABC", "CPO", "SUSPENDED"))
    assert emsp.told("hubclientinfo") == emsp.told("hubclientinfo", "PUT"), "nothing but PUT"
    assert not [h for h in cpo.told("hubclientinfo") if h.path == "NL/ABC"], "nobody is told of itself"


def of(partner: Partner, path: str = "NL/ABC") -> list[Heard]:
    return [heard for heard in partner.told("hubclientinfo", "PUT") if heard.path == path]


async def test_h2_both_roles_of_a_party_are_told_at_one_url(hub: Hub) -> None:
    async with (
        Partner(("EMSP", "DE", "XYZ"), more=(("CPO", "DE", "XYZ"),), name="Both", informed=True) as both,
        Partner(("EMSP", "FR", "TWO"), more=(("CPO", "FR", "TWO"),), name="Both too", informed=True) as too,
    ):
        await join(hub, both)
        await join(hub, too)
        await told(both, ("FR/TWO", "EMSP", "CONNECTED"), ("FR/TWO", "CPO", "CONNECTED"))
        assert {heard.path for heard in both.told("hubclientinfo")} == {"NL/CPO", "FR/TWO"}


async def test_h2_a_party_that_a_put_dropped_is_suspended_for_good(hub: Hub, emsp: Partner) -> None:
    await join(hub, emsp)
    async with Partner(("CPO", "NL", "ABC"), more=(("CPO", "NL", "TWO"),), name="Two CPOs", informed=True) as cpo:
        await join(hub, cpo)
        await told(emsp, ("NL/TWO", "CPO", "CONNECTED"))
        before = {info["party_id"]: info["last_updated"] for info in await listed(emsp)}
        cpo.more = ()
        hub.clock.advance(60)
        assert (await cpo.renew()).json()["status_code"] == 1000
        await told(emsp, ("NL/TWO", "CPO", "SUSPENDED"))
        assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "CONNECTED"), ("NL/TWO", "CPO", "SUSPENDED")}
        after = {info["party_id"]: info["last_updated"] for info in await listed(emsp)}
        assert after["TWO"] > before["TWO"]
        assert after["ABC"] == before["ABC"], "who did not change keeps its time"


async def test_h2_whoever_unregisters_or_is_removed_stays_on_the_list_as_suspended(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    await join(hub, emsp)
    platform_id = await join(hub, cpo)
    await cpo.request("DELETE", cpo.credentials_url)
    await told(emsp, ("NL/ABC", "CPO", "SUSPENDED"))
    async with hub.resources.unit_of_work() as db:
        await register.remove(db, hub.resources, platform_id)
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "SUSPENDED")}

    emsp.heard.clear()
    again = await hub.invite("The same party on a new connection", parties=[cpo.party])
    assert (await cpo.register(hub.versions_url, again)).json()["status_code"] == 1000
    await told(emsp, ("NL/ABC", "CPO", "CONNECTED"))
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "CONNECTED")}


async def test_v6_the_identifier_clientinfo_is_understood_and_its_url_used(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    for line in emsp.endpoints:
        if line["identifier"] == "hubclientinfo":
            line |= {"identifier": "clientinfo", "url": f"{emsp.url}/ocpi/receiver/clientinfo/"}
    await join(hub, emsp)
    await join(hub, cpo)
    heard = await emsp.hears("clientinfo", "PUT", count=2)
    assert {one.path for one in heard} == {"NL/CPO", "NL/ABC"}


async def test_h2_who_has_no_receiver_for_it_is_owed_nothing(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    emsp.endpoints = [line for line in emsp.endpoints if line["identifier"] != "hubclientinfo"]
    await join(hub, emsp)
    await join(hub, cpo)
    await told(cpo, ("DE/XYZ", "EMSP", "CONNECTED"))
    assert emsp.told("hubclientinfo") == []


# -- H4: planned ------------------------------------------------------------------------------------------------------


async def test_h4_expected_parties_of_an_invitation_are_planned_until_they_register(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    await join(hub, emsp)
    invitation = await hub.invitation("Invited", parties=[("CPO", "NL", "ABC"), ("CPO", "NL", "TWO")])
    await jobs.keep_list(hub.resources)
    await told(emsp, ("NL/ABC", "CPO", "PLANNED"), ("NL/TWO", "CPO", "PLANNED"))
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "PLANNED"), ("NL/TWO", "CPO", "PLANNED")}

    await cpo.register(hub.versions_url, invitation.credentials_token)

    await told(emsp, ("NL/ABC", "CPO", "CONNECTED"))
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "CONNECTED"), ("NL/TWO", "CPO", "PLANNED")}


async def test_h4_an_invitation_that_is_withdrawn_suspends_and_another_one_plans_again(hub: Hub, emsp: Partner) -> None:
    await join(hub, emsp)
    first = await hub.invitation("Invited", parties=[("CPO", "NL", "ABC")])
    async with hub.resources.unit_of_work() as db:
        await register.remove(db, hub.resources, first.platform_id)
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "SUSPENDED")}
    await hub.invitation("Invited again", parties=[("CPO", "NL", "ABC")])
    assert await sees(emsp) == {OWN, ("NL/ABC", "CPO", "PLANNED")}


# -- H6, H7: our own, and who comes back ------------------------------------------------------------------------------


async def test_h6_parties_of_our_own_chargers_are_listed_and_the_hub_is_not(hub: Hub, emsp: Partner) -> None:
    await join(hub, emsp)
    async with hub.resources.unit_of_work() as db:
        await register.host(db, hub.resources, PartyId("NL", "MOR"))
    await jobs.keep_list(hub.resources)
    await told(emsp, OWN, ("NL/MOR", "CPO", "CONNECTED"))
    before = await listed(emsp)
    hub.clock.advance(60)
    await jobs.keep_list(hub.resources)
    assert await listed(emsp) == before, "looking again changes nothing"
    assert {short(info) for info in before} == {OWN, ("NL/MOR", "CPO", "CONNECTED")}


async def test_h7_whoever_comes_back_is_told_the_whole_list(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await join(hub, cpo)
    platform_id = await join(hub, emsp)
    await told(emsp, OWN, ("NL/ABC", "CPO", "CONNECTED"))
    await offline(hub, platform_id)
    await told(cpo, ("DE/XYZ", "EMSP", "OFFLINE"))
    emsp.heard.clear()
    async with Partner(("CPO", "BE", "OTH"), name="Another CPO", informed=True) as other:
        await join(hub, other)
        await told(other, ("DE/XYZ", "EMSP", "OFFLINE"))
        assert emsp.told("hubclientinfo") == [], "an OFFLINE platform is owed no queue"
        await emsp.request("GET", hub.versions_url)
        await told(emsp, OWN, ("NL/ABC", "CPO", "CONNECTED"), ("BE/OTH", "CPO", "CONNECTED"))
        assert len(emsp.told("hubclientinfo", "PUT")) == 3, "each line once"
