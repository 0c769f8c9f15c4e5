"""Open routing over real HTTP: whom a message is for when it does not say it; rows R13-R15, K2, G2, M1."""

from time import perf_counter
from typing import Any

import pytest

from tests.routing.roaming import Roaming, exactly, raw_paths, routed, said, start_session
from tests.world import faults
from tests.world.objects import cdr_token, location, session, token
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC, BEC, OURS = ("NL", "ABC"), ("BE", "BEC"), ("NL", "CPO")


async def broadcast(partner: Partner, module: str, document: dict[str, Any], to: str | None = "NL/HUB") -> None:
    path = f"{partner.here}/{document.get('id', document.get('uid'))}"
    path += f"?type={document['type']}" if module == "tokens" else ""
    answer = await partner.put(module, path, document, to=to)
    assert answer.json()["status_code"] == 1000, answer.text


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [None, "NL/HUB"])
@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("START_SESSION", {}),
        ("RESERVE_NOW", {"reservation_id": "R1", "expiry_date": "2036-03-01T10:00:00Z"}),
        ("UNLOCK_CONNECTOR", {"token": None, "evse_uid": "EVSE1", "connector_id": "1"}),
    ],
)
async def test_a_command_goes_to_the_owner_of_its_location(
    world: Roaming, to: str | None, command: str, more: dict[str, Any]
) -> None:
    await broadcast(world.cpo, "locations", location("LOC1", owner=ABC))
    await broadcast(world.cpo2, "locations", location("LOC2", owner=BEC))
    await world.quiet()
    body = start_session(world.emsp.result_url(), location_id="loc2", **more)
    answer = await world.emsp.post("commands", command, body, to=to)
    assert said(answer) == (200, 1000)
    assert routed(answer) == ("DE/MSP", "BE/BEC")
    [heard] = world.cpo2.told("commands")
    assert routed(heard) == ("BE/BEC", "DE/MSP")
    assert heard.json | {"response_url": body["response_url"]} == body
    assert said(await world.cpo2.request("POST", heard.json["response_url"], json={"result": "ACCEPTED"})) == (
        200,
        1000,
    )
    assert world.cpo.told("commands") == []


async def test_a_location_that_several_have_is_2001_and_one_that_nobody_has_2003(world: Roaming) -> None:
    await broadcast(world.cpo, "locations", location("LOC1", owner=ABC))
    await broadcast(world.cpo2, "locations", location("loc1", owner=BEC))
    await world.quiet()
    body = start_session(world.emsp.result_url())
    several = await world.emsp.post("commands", "START_SESSION", body)
    assert said(several) == (200, 2001)
    assert "OCPI-to" in several.json()["status_message"]
    nobody = await world.emsp.post("commands", "START_SESSION", body | {"location_id": "LOC9"})
    assert said(nobody) == (200, 2003)
    assert world.others() == []


@pytest.mark.parametrize("to", [None, "NL/HUB"])
async def test_a_session_is_stopped_where_it_runs(world: Roaming, to: str | None) -> None:
    await broadcast(world.cpo, "sessions", session("S1", owner=ABC), to=to)
    await world.cpo2.put("sessions", "BE/BEC/S2", session("S2", owner=BEC), to="DE/MSP")  # told directly, not kept
    await world.quiet()
    for session_id, cpo in (("s1", world.cpo), ("s2", world.cpo2)):
        body = {"response_url": world.emsp.result_url(), "session_id": session_id}
        answer = await world.emsp.post("commands", "STOP_SESSION", body, to=to)
        assert (said(answer), routed(answer)) == ((200, 1000), ("DE/MSP", cpo.here))
        assert len(cpo.told("commands")) == 1
        theirs = body | {"response_url": world.emsp2.result_url()}
        foreign = await world.emsp2.post("commands", "STOP_SESSION", theirs, to=to)
        assert foreign.json()["data"]["result"] == "UNKNOWN_SESSION"
        assert len(cpo.told("commands")) == 1


async def test_a_reservation_is_cancelled_where_it_was_made(world: Roaming) -> None:
    more = {"reservation_id": "R1", "expiry_date": "2036-03-01T10:00:00Z"}
    body = start_session(world.emsp.result_url(), **more)
    assert said(await world.emsp.post("commands", "RESERVE_NOW", body, to="BE/BEC")) == (200, 1000)
    cancel = {"response_url": world.emsp.result_url(), "reservation_id": "r1"}
    answer = await world.emsp.post("commands", "CANCEL_RESERVATION", cancel)
    assert (said(answer), routed(answer)) == ((200, 1000), ("DE/MSP", "BE/BEC"))
    assert [heard.path for heard in world.cpo2.told("commands")] == ["RESERVE_NOW", "CANCEL_RESERVATION"]
    theirs = cancel | {"response_url": world.emsp2.result_url()}
    foreign = await world.emsp2.post("commands", "CANCEL_RESERVATION", theirs)
    assert foreign.json()["data"]["result"] == "REJECTED"


async def test_a_command_that_does_not_exist_is_2001_and_a_broken_one_400(world: Roaming) -> None:
    assert said(await world.emsp.post("commands", "DANCE", start_session("x"))) == (200, 2001)
    assert said(await world.emsp.call("POST", "commands", "START_SESSION", content=b"{")) == (400, 2001)
    assert said(await world.emsp.post("commands", "START_SESSION", [])) == (200, 2001)
    assert said(await world.emsp.post("commands", "START_SESSION", {"location_id": 5})) == (200, 2001)


# --- charging profiles and preferences --------------------------------------------------------------------------------


async def test_a_profile_goes_to_the_session_s_owner_and_its_changes_to_whom_set_it(world: Roaming) -> None:
    """G1, G2."""
    await broadcast(world.cpo, "sessions", session("S1", owner=ABC))
    await world.quiet()
    body = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": world.emsp.result_url()}
    active = {"start_date_time": "2026-03-01T10:00:00Z", "charging_profile": {"charging_rate_unit": "W"}}
    early = await world.cpo.call("PUT", "chargingprofiles", "S1", role="SENDER", json=active)
    assert said(early) == (200, 4001)

    answer = await world.emsp.put("chargingprofiles", "S1", body)
    assert (said(answer), routed(answer)) == ((200, 1000), ("DE/MSP", "NL/ABC"))
    for verb in ("GET", "DELETE"):
        path = f"s1?duration=60&response_url={world.emsp.result_url()}"
        assert said(await world.emsp.call(verb, "chargingprofiles", path, to="NL/HUB")) == (200, 1000)
    assert [heard.method for heard in world.cpo.told("chargingprofiles")] == ["PUT", "GET", "DELETE"]

    changed = await world.cpo.call("PUT", "chargingprofiles", "s1", role="SENDER", json=active)
    assert (said(changed), routed(changed)) == ((200, 1000), ("NL/ABC", "DE/MSP"))
    [heard] = world.emsp.told("chargingprofiles")
    assert (heard.interface, heard.json, routed(heard)) == ("sender", active, ("DE/MSP", "NL/ABC"))
    assert said(await world.emsp2.put("chargingprofiles", "S1", body)) == (200, 4001)


async def test_preferences_go_to_the_session_s_owner(world: Roaming) -> None:
    await broadcast(world.cpo, "sessions", session("S1", owner=ABC))
    await world.quiet()
    world.cpo.misbehave(exactly(b'{"data":"ACCEPTED","status_code":1000,"timestamp":"2026-03-01T10:00:00Z"}'))
    path, body = "S1/charging_preferences", {"profile_type": "GREEN"}
    answer = await world.emsp.call("PUT", "sessions", path, role="SENDER", json=body)
    assert (said(answer), answer.json()["data"]) == ((200, 1000), "ACCEPTED")
    assert [(heard.interface, heard.path) for heard in world.cpo.heard] == [("sender", path)]
    assert said(await world.emsp2.call("PUT", "sessions", path, role="SENDER", json=body)) == (200, 4001)
    wrong = await world.emsp.call("PUT", "sessions", path, role="SENDER", json=body, to="NL/HUB")
    assert said(wrong) == (200, 2001)
    assert "OCPI-to" in wrong.json()["status_message"]


# --- real-time authorization ------------------------------------------------------------------------------------------

WHERE = {"location_id": "LOC1"}


async def authorize(cpo: Partner, path: str = "T1/authorize", **kw: Any) -> Any:
    return await cpo.call("POST", "tokens", path, role="SENDER", json=WHERE, **kw)


def info(allowed: str = "ALLOWED", **more: Any) -> dict[str, Any]:
    return {"allowed": allowed, "token": token("T1"), "location": WHERE} | more


async def test_the_emsp_that_told_of_the_token_is_asked(world: Roaming) -> None:
    await broadcast(world.emsp2, "tokens", token("t1", owner=("FR", "EM2")))
    await broadcast(world.emsp3, "tokens", token("T1", owner=("AT", "EM3"), type="APP_USER", whitelist="NEVER"))
    await world.quiet()
    seen: list[str] = []
    world.emsp2.misbehave(raw_paths(seen))
    world.emsp2.authorizes["T1"] = world.emsp3.authorizes["T1"] = info(own=1.5)
    for path, emsp in (("T1/authorize", world.emsp2), ("T1/authorize?type=APP_USER", world.emsp3)):
        answer = await authorize(world.cpo, path)
        assert (said(answer), routed(answer)) == ((200, 1000), ("NL/ABC", emsp.here))
        assert answer.json()["data"] == info(own=1.5)
        [heard] = emsp.told("tokens", "POST")
        assert (heard.json, routed(heard)) == (WHERE, (emsp.here, "NL/ABC"))
    assert seen == ["/ocpi/sender/tokens/T1/authorize"]
    assert world.emsp.heard == []


async def test_a_token_that_nobody_told_of_is_asked_of_all_at_once_and_allowed_wins(world: Roaming) -> None:
    world.emsp.misbehave(faults.hangs(), module="tokens")
    world.emsp.authorizes["T1"] = info("BLOCKED")
    world.emsp2.authorizes["T1"] = info("NOT_ALLOWED")
    world.emsp3.authorizes["T1"] = info("ALLOWED", authorization_reference="REF")
    began = perf_counter()
    answer = await authorize(world.cpo)
    assert perf_counter() - began < world.hub.settings.authorize_timeout, "nobody waits for the others"
    assert (said(answer), routed(answer)) == ((200, 1000), ("NL/ABC", "AT/EM3"))
    assert answer.json()["data"]["authorization_reference"] == "REF"
    assert [len(partner.told("tokens")) for partner in world.everybody] == [0, 0, 1, 1, 1]
    for partner in (world.emsp, world.emsp2, world.emsp3):
        assert routed(partner.told("tokens")[0]) == (partner.here, "NL/ABC")


UNKNOWN = faults.refuses(2004, "unknown", code=404)
VAGUE = faults.refuses(2002, "where?")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["NOT_ALLOWED", "BLOCKED", None], "BLOCKED"),
        (["NOT_ALLOWED", None, None], "NOT_ALLOWED"),
        ([VAGUE, "NO_CREDIT", faults.status(500)], "NO_CREDIT"),
        ([VAGUE, None, faults.hangs()], (200, 2002)),
        ([None, None, None], (404, 2004)),
        ([None, faults.status(500), faults.drops()], (404, 2004)),
        ([faults.hangs(), faults.status(500), faults.drops()], (200, 4002)),
        ([faults.status(500), faults.html(), faults.status(401)], (200, 4000)),
    ],
)
async def test_the_refusal_that_says_most_is_given(world: Roaming, answers: list[Any], expected: Any) -> None:
    for partner, how in zip((world.emsp, world.emsp2, world.emsp3), answers, strict=True):
        if isinstance(how, str):
            partner.authorizes["T1"] = info(how)
        elif how is not None:
            partner.misbehave(how, module="tokens")
    answer = await authorize(world.cpo)
    if isinstance(expected, str):
        assert (said(answer), answer.json()["data"]["allowed"]) == ((200, 1000), expected)
    else:
        assert said(answer) == expected


async def test_two_that_name_one_token_are_both_asked_and_nobody_else(world: Roaming) -> None:
    for partner, owner in ((world.emsp, ("DE", "MSP")), (world.emsp2, ("FR", "EM2"))):
        await broadcast(partner, "tokens", token("T1", owner=owner))
    await world.quiet()
    world.emsp.authorizes["T1"], world.emsp2.authorizes["T1"] = info("EXPIRED"), info()
    answer = await authorize(world.cpo)
    assert (answer.json()["data"]["allowed"], routed(answer)) == ("ALLOWED", ("NL/ABC", "FR/EM2"))
    assert world.emsp3.heard == []


async def test_an_authorization_of_one_emsp_is_passed_on_as_it_is(world: Roaming) -> None:
    """K2: 404 and 2004 for an unknown token, 2002 without a location; both are relayed."""
    assert said(await authorize(world.cpo, to="DE/MSP")) == (404, 2004)
    world.emsp.misbehave(VAGUE)
    assert said(await authorize(world.cpo, to="DE/MSP")) == (200, 2002)
    assert said(await authorize(world.cpo, to="NL/HUB")) == (200, 2001)
    assert world.others(world.emsp) == []


# --- what is pushed without a receiver --------------------------------------------------------------------------------


async def test_locations_tariffs_and_tokens_without_a_receiver_are_for_everybody(world: Roaming) -> None:
    await broadcast(world.cpo, "locations", location("LOC1", owner=ABC), to=None)
    for partner in (world.emsp, world.emsp2, world.emsp3):
        [heard] = await partner.hears("locations", "PUT")
        assert routed(heard) == (partner.here, "NL/HUB")
    assert world.cpo.heard == world.cpo2.heard == []


async def test_sessions_without_a_receiver_are_for_the_token_s_owner(world: Roaming) -> None:
    document = session("S1", owner=ABC, cdr_token=cdr_token(owner=("FR", "EM2")))
    await broadcast(world.cpo, "sessions", document, to=None)
    [heard] = await world.emsp2.hears("sessions", "PUT")
    assert (heard.path, heard.json, routed(heard)) == ("NL/ABC/S1", document, ("FR/EM2", "NL/ABC"))
    await world.told()
    assert world.others(world.emsp2) == []


async def test_a_location_is_answered_in_its_owner_s_name(world: Roaming) -> None:
    await broadcast(world.cpo, "locations", location("LOC1", owner=ABC))
    answer = await world.emsp.get("locations", "loc1")
    assert (said(answer), routed(answer)) == ((200, 1000), ("DE/MSP", "NL/ABC"))
    await broadcast(world.cpo2, "locations", location("loc1", owner=BEC))
    assert said(await world.emsp.get("locations", "LOC1")) == (200, 2001)


@pytest.mark.parametrize(("body", "expected"), [(b"{", (400, 2001)), (b"[]", (200, 2001)), (b"\xff", (400, 2001))])
async def test_what_is_no_question_about_a_token_is_asked_of_nobody(
    world: Roaming, body: bytes, expected: tuple[int, int]
) -> None:
    for to in (None, "NL/HUB"):
        answer = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", content=body, to=to)
        assert said(answer) == (expected if to is None else (200, 2001))
    assert world.others() == []
