"""Broadcast push through the hub: rows R4, R12-R14, and the refusals of the decision table."""

import json
from typing import Any

import pytest

from tests.routing.roaming import Roaming, routed, said
from tests.world.objects import cdr, cdr_token, location, session, tariff, token

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC, HUB = ("NL", "ABC"), "NL/HUB"
PUSHED = [
    ("locations", "NL/ABC/LOC1", location("LOC1", owner=ABC, z_own={"b": 1, "a": [0.10]})),
    ("tariffs", "NL/ABC/TAR1", tariff("TAR1", owner=ABC, z_own="x")),
]


@pytest.mark.parametrize(("module", "path", "document"), PUSHED)
async def test_what_is_pushed_to_the_hub_reaches_every_opposite_party_once(
    world: Roaming, module: str, path: str, document: Any
) -> None:
    body = json.dumps(document, indent=1).replace("0.1\n", "0.100\n").encode()
    answer = await world.cpo.call("PUT", module, path, content=body, to=HUB)
    assert (said(answer), routed(answer)) == ((201, 1000), ("NL/ABC", HUB))
    for emsp in (world.emsp, world.emsp2, world.emsp3):
        [heard] = await emsp.hears(module, "PUT")
        assert (heard.path, heard.json) == (path, document)
        assert routed(heard) == (emsp.here, HUB)
        assert heard.json["last_updated"] == document["last_updated"]
        assert (b"0.100" in heard.body) is (module == "locations")
    await world.told()
    assert [len(partner.heard) for partner in world.everybody] == [0, 0, 1, 1, 1]


async def test_an_emsp_s_token_reaches_every_cpo_and_no_emsp(world: Roaming) -> None:
    answer = await world.emsp.put("tokens", "DE/MSP/T1?type=APP_USER", token("T1", type="APP_USER"), to=HUB)
    assert (said(answer), routed(answer)) == ((201, 1000), ("DE/MSP", HUB))
    for cpo in (world.cpo, world.cpo2):
        [heard] = await cpo.hears("tokens", "PUT")
        assert (heard.path, heard.query, routed(heard)) == ("DE/MSP/T1", {"type": "APP_USER"}, (cpo.here, HUB))
    await world.told()
    assert world.others(world.cpo, world.cpo2) == []


async def test_a_removed_tariff_is_removed_everywhere(world: Roaming) -> None:
    await world.cpo.put("tariffs", "NL/ABC/T", tariff("T", owner=ABC), to=HUB)
    await world.emsp.hears("tariffs", "PUT")
    assert said(await world.cpo.call("DELETE", "tariffs", "NL/ABC/T", to=HUB)) == (200, 1000)
    for emsp in (world.emsp, world.emsp2, world.emsp3):
        await emsp.hears("tariffs", "DELETE")


@pytest.mark.parametrize("module", ["sessions", "cdrs"])
async def test_sessions_and_cdrs_are_for_the_token_s_owner_alone(world: Roaming, module: str) -> None:
    """R13: they are somebody's, and the law says so too."""
    theirs = cdr_token(owner=("FR", "EM2"))
    if module == "cdrs":
        answer = await world.cpo.post("cdrs", "", cdr(owner=ABC, cdr_token=theirs), to=HUB)
    else:
        answer = await world.cpo.put("sessions", "NL/ABC/SESSION1", session(owner=ABC, cdr_token=theirs), to=HUB)
    assert (said(answer), routed(answer)) == ((201, 1000), ("NL/ABC", HUB))
    [heard] = await world.emsp2.hears(module)
    assert routed(heard) == ("FR/EM2", "NL/ABC")
    await world.told()
    assert world.others(world.emsp2) == []
    for reader, count in ((world.emsp2, 1), (world.emsp, 0), (world.emsp3, 0), (world.cpo2, 0), (world.cpo, 1)):
        url = reader.hub_endpoints[(module, "SENDER")] + "?date_from=2020-01-01T00:00:00Z"
        listed = await reader.request("GET", url, from_=reader.here, to=HUB)
        assert len(listed.json()["data"]) == count, reader.here


# --- the decision table's refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [HUB, None])
async def test_a_get_is_never_broadcast(world: Roaming, to: str | None) -> None:
    """R14: an owner reads its own object back from the hub; nobody reads another's there, and nobody is asked."""
    await world.cpo.put("locations", "NL/ABC/LOC1", location("LOC1", owner=ABC), to=HUB)
    await world.quiet()
    own = await world.cpo.call("GET", "locations", "NL/ABC/LOC1", to=to)
    assert (said(own), routed(own)) == ((200, 1000), ("NL/ABC", HUB))
    for reader in (world.emsp, world.cpo2):
        assert said(await reader.call("GET", "locations", "NL/ABC/LOC1", to=to)) == (404, 2003)
    assert world.others() == []


@pytest.mark.parametrize(
    ("verb", "module", "path", "expected"),
    [
        ("POST", "tokens", "T1/authorize", 2001),
        ("PUT", "sessions", "S1/charging_preferences", 2001),
        ("PUT", "chargingprofiles", "S1", 2001),
        ("POST", "commands", "START_SESSION/1", 2001),
        ("PUT", "locations", "LOC1", 2000),
        ("GET", "commands", "", 2000),
        ("GET", "chargingprofiles", "S1", 2000),
    ],
)
async def test_what_is_written_to_a_sender_s_side_is_not_for_the_hub(
    world: Roaming, verb: str, module: str, path: str, expected: int
) -> None:
    answer = await world.cpo.call(verb, module, path, role="SENDER", json={}, to=HUB)
    assert said(answer) == (200 if expected == 2001 else 405, expected)
    assert routed(answer) == ("NL/ABC", HUB)
    assert world.others() == []
