"""Two CPOs and three eMSPs on one hub: the five ways of routing, as the driver of a rented car would meet them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ocpi_hub.partners import register
from tests.routing.roaming import Roaming, routed, said, start_session
from tests.world import objects
from tests.world.hub import running_hub

ABC, HUB = ("NL", "ABC"), "NL/HUB"
ANYWHERE = "?date_from=2020-01-01T00:00:00Z"


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[Roaming]:
    async with (
        running_hub(database_url, redis_url, works=True) as hub,
        AsyncExitStack() as stack,
    ):
        yield await Roaming.begin(hub, stack)


async def test_broadcast_push_then_get_all(world: Roaming) -> None:
    """The CPO opens a location for everybody; one eMSP comes late and asks for all there is."""
    place = objects.location("LOC1", owner=ABC)
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", place, to=HUB)) == (201, 1000)
    for emsp in (world.emsp, world.emsp2, world.emsp3):
        [heard] = await emsp.hears("locations", "PUT")
        assert (heard.json, routed(heard)) == (place, (emsp.here, HUB))
    assert world.cpo2.told("locations") == []

    listed = await world.emsp3.get("locations", to=HUB)
    assert (listed.json()["data"], routed(listed)) == ([place], ("AT/EM3", HUB))


async def test_open_routing_and_direct_routing_make_one_charge(world: Roaming) -> None:
    """Authorized by whom nobody knew, commanded without an address, billed directly."""
    await world.cpo.put("locations", "NL/ABC/LOC1", objects.location("LOC1", owner=ABC), to=HUB)
    await world.emsp.hears("locations", "PUT")

    # Open routing: the card is a stranger's; every eMSP is asked, and one knows it.
    card = objects.token("CARD", owner=("FR", "EM2"))
    world.emsp2.authorizes["CARD"] = {"allowed": "ALLOWED", "token": card, "authorization_reference": "REF"}
    asked = await world.cpo.call("POST", "tokens", "CARD/authorize", role="SENDER", json={"location_id": "LOC1"})
    assert (asked.json()["data"]["allowed"], routed(asked)) == ("ALLOWED", ("NL/ABC", "FR/EM2"))

    # Open routing: the app starts a session where the location is; the result comes back through the hub.
    body = start_session(world.emsp.result_url("start"))
    started = await world.emsp.post("commands", "START_SESSION", body)
    assert (started.json()["data"]["result"], routed(started)) == ("ACCEPTED", ("DE/MSP", "NL/ABC"))
    [command] = world.cpo.told("commands")
    assert command.json["response_url"].startswith(world.hub.url)
    result = await world.cpo.request("POST", command.json["response_url"], json={"result": "ACCEPTED"}, from_="NL/ABC")
    assert said(result) == (200, 1000)
    [told] = world.emsp.told("results")
    assert (told.path, told.json, routed(told)) == ("start", {"result": "ACCEPTED"}, ("DE/MSP", "NL/ABC"))

    # Direct: the session and the CDR are the eMSP's alone.
    payer = objects.cdr_token(owner=("DE", "MSP"))
    session = objects.session("S1", owner=ABC, cdr_token=payer)
    assert said(await world.cpo.put("sessions", "NL/ABC/S1", session, to="DE/MSP")) == (201, 1000)
    cdr = objects.cdr("C1", owner=ABC, cdr_token=payer)
    sent = await world.cpo.post("cdrs", "", cdr, to="DE/MSP")
    assert said(sent) == (201, 1000)
    assert world.emsp.kept[("sessions", "NL/ABC/S1")] == session
    assert world.emsp.kept[("cdrs", "C1")] == cdr
    assert sent.headers["location"].startswith(f"{world.hub.url}/ocpi/2.2.1/via/cdrs/")

    # What was addressed to one stays with it.
    for reader in (world.emsp, world.emsp2, world.cpo2):
        for module in ("sessions", "cdrs"):
            url = reader.hub_endpoints[(module, "SENDER")] + ANYWHERE
            listed = await reader.request("GET", url, from_=reader.here, to=HUB)
            assert listed.json()["data"] == []

    # And the app ends it by the session's id, which the hub only saw passing.
    stopped = await world.emsp.post(
        "commands", "STOP_SESSION", {"response_url": world.emsp.result_url("stop"), "session_id": "S1"}
    )
    assert routed(stopped) == ("DE/MSP", "NL/ABC")
    assert [heard.path for heard in world.cpo.told("commands")] == ["START_SESSION", "STOP_SESSION"]


async def test_a_reservation_that_the_cpo_takes_back_hours_later(world: Roaming) -> None:
    until = "2036-03-01T10:00:00Z"
    body = start_session(world.emsp.result_url("reserve"), reservation_id="R1", expiry_date=until)
    assert said(await world.emsp.post("commands", "RESERVE_NOW", body, to="BE/BEC")) == (200, 1000)
    url = world.cpo2.told("commands")[0].json["response_url"]
    for hours, result in ((0, "ACCEPTED"), (5, "CANCELED_RESERVATION")):
        world.hub.clock.advance(hours * 3600)
        assert said(await world.cpo2.request("POST", url, json={"result": result})) == (200, 1000)
    assert [heard.json["result"] for heard in world.emsp.told("results")] == ["ACCEPTED", "CANCELED_RESERVATION"]


async def test_the_refusals(world: Roaming) -> None:
    """Nobody by that name; somebody who is away; somebody who does not understand."""
    place = objects.location("LOC1", owner=ABC)
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", place, to="XX/YYY")) == (200, 4001)
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", place, to="BE/BEC")) == (200, 4001)
    platform = await world.hub.platform("FR/EM2")
    async with world.hub.resources.unit_of_work() as db:
        await register.suspend(db, world.hub.resources, platform.id)
    assert said(await world.cpo.put("locations", "NL/ABC/LOC1", place, to="FR/EM2")) == (200, 4003)
    assert world.others() == []
