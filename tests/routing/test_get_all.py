"""GET-All: the hub lists what it keeps of all parties, with pages of its own; row R16."""

import pytest

from tests.routing.roaming import Roaming, routed, said
from tests.world.objects import location, tariff

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC, HUB = ("NL", "ABC"), "NL/HUB"


async def test_the_hub_lists_what_was_broadcast_and_nothing_else(world: Roaming) -> None:
    await world.cpo.put("locations", "NL/ABC/A", location("A", owner=ABC), to=HUB)
    await world.cpo2.put("locations", "BE/BEC/B", location("B", owner=("BE", "BEC")), to=HUB)
    await world.cpo.put("locations", "NL/ABC/C", location("C", owner=ABC), to="DE/MSP")
    for emsp in (world.emsp, world.emsp2):
        answer = await emsp.get("locations", to=HUB)
        assert (said(answer), routed(answer)) == ((200, 1000), (emsp.here, HUB))
        owners = [(one["country_code"], one["party_id"], one["id"]) for one in answer.json()["data"]]
        assert owners == [("NL", "ABC", "A"), ("BE", "BEC", "B")]
        assert answer.headers["x-total-count"] == "2"
    assert (await world.cpo.get("locations", to=HUB)).json()["data"] == []


async def test_its_pages_are_the_hub_s_own(world: Roaming) -> None:
    for n in range(3):
        await world.cpo.put("tariffs", f"NL/ABC/T{n}", tariff(f"T{n}", owner=ABC), to=HUB)
    url = world.emsp.hub_endpoints[("tariffs", "SENDER")] + "?limit=2"
    first = await world.emsp.request("GET", url, from_="DE/MSP", to=HUB)
    link = first.headers["link"]
    assert "/sender/tariffs?" in link
    second = await world.emsp.request("GET", link[1 : link.index(">")], from_="DE/MSP", to=HUB)
    assert [one["id"] for one in first.json()["data"] + second.json()["data"]] == ["T0", "T1", "T2"]
    assert "link" not in second.headers
