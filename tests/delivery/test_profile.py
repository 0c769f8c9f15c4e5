"""Delivery in a partner's own way: what it is sent, how, and whether it is told again. Real partners, real HTTP."""

import pytest
from aiohttp import web

from ocpi_hub.objects.kinds import SESSIONS, TOKENS
from ocpi_hub.partners import presence, register
from tests.delivery.hub import kept
from tests.world import faults, objects
from tests.world.partner import Partner


async def profile(hub, platform_id, **wishes):
    async with hub.resources.unit_of_work() as db:
        await register.set_profile(db, hub.resources, platform_id, wishes)


async def shown(hub, platform_id):
    async with hub.resources.unit_of_work() as db:
        return await register.show(db, platform_id)


def names_as_sent(heard):
    """Notes the header names of each request in the case that they came in over the wire."""

    async def note(request: web.Request):
        heard.append([name.decode() for name, _ in request.raw_headers])

    return note


@pytest.mark.parametrize(("case", "expected"), [("canonical", "X-Request-ID"), ("lower", "x-request-id")])
async def test_header_names_in_the_specification_s_case_or_small(hub, emsp, case, expected):
    id_ = await hub.connect(emsp)
    await profile(hub, id_, header_case=case)
    names = []
    emsp.misbehave(names_as_sent(names), module="locations")
    await hub.put_location()
    await hub.drain(id_)
    assert expected in names[0]
    if case == "canonical":
        assert {"Authorization", "X-Correlation-ID", "OCPI-to-party-id", "OCPI-from-country-code"} <= set(names[0])
    else:
        assert not [name for name in names[0] if name.startswith(("X-", "OCPI", "Auth"))]


async def test_nulls_and_times_as_the_partner_wants_them(hub, emsp, other):
    wishing, plain = await hub.connect(emsp), await hub.connect(other)
    await profile(hub, wishing, nulls="explicit", times="milliseconds")
    await hub.put_location(vendor={"x": 1.50})
    for platform_id in (wishing, plain):
        await hub.drain(platform_id)
    [spoken] = kept(emsp, "locations").values()
    assert (spoken["last_updated"], spoken["operator"], spoken["images"]) == ("2026-03-01T10:00:00.000Z", None, [])
    assert spoken["vendor"] == {"x": 1.5}
    assert kept(other, "locations")["NL/CPO/LOC1"] == objects.location(vendor={"x": 1.5})


async def test_a_partner_that_wants_patch_gets_it_and_put_where_it_knows_nothing(hub, emsp, cpo):
    id_, cpo_id = await hub.connect(emsp), await hub.connect(cpo)
    for one in (id_, cpo_id):
        await profile(hub, one, push="patch")
    emsp.misbehave(faults.refuses(2003, "unknown location"), module="locations", method="PATCH", times=1)
    await hub.put_location()
    await hub.drain(id_)
    assert [h.method for h in emsp.told("locations")] == ["PATCH", "PUT"]
    await hub.put_location(name="Renamed", last_updated="2026-03-01T11:00:00Z")
    await hub.put(SESSIONS, objects.session())
    await hub.put(TOKENS, objects.token())
    await hub.drain(id_)
    await hub.drain(cpo_id)
    assert [h.method for h in emsp.told("locations")] == ["PATCH", "PUT", "PATCH"]
    assert emsp.told("locations")[-1].json["name"] == "Renamed"
    assert [h.method for h in emsp.told("sessions")] == ["PUT"], "a PATCH would append its periods again"
    assert [(h.method, h.query) for h in cpo.told("tokens")] == [("PATCH", {"type": "RFID"})]
    assert await hub.owed() == []


@pytest.mark.parametrize("answer", [faults.refuses(2000, "no PATCH", code=405), faults.status(405), faults.status(501)])
async def test_a_partner_that_knows_no_patch_is_asked_once_and_put_from_then_on(hub, emsp, answer):
    id_ = await hub.connect(emsp)
    await profile(hub, id_, push="patch")
    emsp.misbehave(answer, module="locations", method="PATCH")
    await hub.put_location()
    await hub.drain(id_)
    await hub.put_location(name="Renamed", last_updated="2026-03-01T11:00:00Z")
    await hub.drain(id_)
    assert [h.method for h in emsp.told("locations")] == ["PATCH", "PUT", "PUT"]
    assert await hub.owed() == []
    partner = await shown(hub, id_)
    assert partner["learned"]["takes_patch"]["value"] is False
    assert partner["learned"]["takes_patch"]["how"] == "HTTP 405 or 501 to PATCH locations"
    assert partner["profile_in_force"]["takes_patch"] is False


@pytest.mark.parametrize(("wish", "path"), [("always", "/NL/CPO/LOC1/"), ("never", "/NL/CPO/LOC1")])
async def test_slashes_at_the_end(hub, emsp, wish, path):
    id_ = await hub.connect(emsp)
    await profile(hub, id_, trailing_slash=wish)
    asked = []

    async def note(request: web.Request):
        asked.append(request.path)

    emsp.misbehave(note, module="locations")
    await hub.put_location()
    await hub.drain(id_)
    assert asked == [f"/ocpi/receiver/locations{path}"]


def only_with_slash():
    async def answer(request: web.Request):
        if request.path.endswith("/"):
            return None
        return web.Response(status=307, headers={"Location": f"{request.path}/"})

    return answer


async def test_a_redirect_to_a_slash_is_followed_once_and_learned(hub, emsp):
    id_ = await hub.connect(emsp)
    emsp.misbehave(only_with_slash(), module="locations")
    await hub.put_location()
    await hub.drain(id_)
    assert len(emsp.told("locations")) == 2
    learned = (await shown(hub, id_))["learned"]["trailing_slash"]
    assert (learned["value"], learned["how"]) == ("always", "a redirect of PUT locations")
    await hub.put_location("LOC2")
    await hub.drain(id_)
    assert len(emsp.told("locations")) == 3
    assert set(kept(emsp, "locations")) == {"NL/CPO/LOC1", "NL/CPO/LOC2"}


async def test_what_the_operator_set_goes_before_what_was_learned(hub, emsp):
    id_ = await hub.connect(emsp)
    await profile(hub, id_, trailing_slash="never")
    emsp.misbehave(only_with_slash(), module="locations")
    await hub.put_location()
    await hub.drain(id_)
    document = await shown(hub, id_)
    assert document["profile"] == {"trailing_slash": "never"}
    assert document["learned"]["trailing_slash"]["value"] == "always"
    assert document["profile_in_force"]["trailing_slash"] == "never"
    assert document["profile_in_force"]["push_retry"] == "all"


@pytest.mark.parametrize(
    ("push_retry", "left"),
    [("all", {"locations", "cdrs"}), ("state", {"locations"}), ("cdr", {"cdrs"}), ("none", set())],
)
async def test_what_failed_is_told_again_or_not(hub, emsp, push_retry, left):
    id_ = await hub.connect(emsp)
    await profile(hub, id_, push_retry=push_retry)
    emsp.misbehave(faults.status(500))
    await hub.put_location()
    await hub.put_cdr()
    await hub.drain(id_)
    owed = await hub.owed()
    assert {one.kind for one in owed if one.dead_at is None} == left
    dead = [one.kind for one in owed if one.dead_at is not None]
    assert dead == ([] if "cdrs" in left else ["cdrs"]), "a CDR is money and waits for the operator"


async def test_one_that_fetches_what_it_missed_is_not_told_it_on_its_return(hub, emsp):
    id_ = await hub.connect(emsp, status="OFFLINE")
    await profile(hub, id_, push_retry="cdr")
    await hub.put_location()
    await hub.put_cdr()
    assert {one.kind for one in await hub.owed()} == {"cdrs", "locations"}
    async with hub.resources.unit_of_work() as db:
        assert await presence.came_back(db, id_, hub.clock())
    await hub.drain(id_)
    assert [h.method for h in emsp.told("cdrs")] == ["POST"]
    assert emsp.told("locations") == []
    assert await hub.owed() == []


async def test_the_encoding_that_the_operator_sets_is_the_only_one(hub):
    async with Partner(("EMSP", "DE", "MSP"), understands={"raw"}) as emsp:
        id_ = await hub.connect(emsp)
        await profile(hub, id_, token_encoding="raw")
        await hub.put_location()
        await hub.drain(id_)
        assert len(emsp.told("locations")) == 1
        assert emsp.told("locations")[0].headers["Authorization"].removeprefix("Token ") in emsp.accepts
