"""mod_locations over HTTP: three levels, PUT and PATCH, last_updated carried up, who sees what."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ocpi_hub.objects.kinds import LOCATIONS
from ocpi_hub.wire import json as wire_json
from tests.modules.owned.talking import ABC, LATER, data, ids, keep, registered, said
from tests.world.hub import Hub
from tests.world.objects import connector, evse, location
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXAMPLES = Path(__file__).parents[2] / "spec_examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


async def kept(cpo: Partner, path: str = "NL/ABC/LOC1") -> Any:
    return data(await cpo.get("locations", path, role="RECEIVER"))


@pytest_asyncio.fixture(loop_scope="package")
async def loc1(cpo: Partner) -> Any:
    """LOC1 with EVSE A (connectors 1 and 2) and EVSE B is kept; given as it was sent."""
    document = location(owner=ABC, evses=[evse("A", connectors=[connector("1"), connector("2")]), evse("B")])
    assert said(await cpo.put("locations", "NL/ABC/LOC1", document)) == (201, 1000)
    return document


class TestPut:
    async def test_created_then_updated_and_read_back(self, cpo: Partner, loc1: Any) -> None:
        assert await kept(cpo) == loc1
        changed = location(owner=ABC, name="New", last_updated=LATER, evses=[evse("B")])
        answer = await cpo.put("locations", "NL/ABC/LOC1", changed)
        assert said(answer) == (200, 1000)
        assert "data" not in answer.json()
        assert await kept(cpo) == changed

    async def test_unknown_fields_and_digits_survive(self, cpo: Partner) -> None:
        text = json.dumps(location(owner=ABC, x_vendor={"nested": [1, {"a": None}]}))
        sent = text[:-1] + ', "x_number":1.1000, "x_large": 12345678901234567890123.4567890}'
        assert said(await cpo.call("PUT", "locations", "NL/ABC/LOC1", content=sent)) == (201, 1000)
        answer = await cpo.get("locations", "NL/ABC/LOC1", role="RECEIVER")
        assert wire_json.loads(answer.content)["data"] == wire_json.loads(sent)
        assert b'"x_number":1.1000' in answer.content

    async def test_ids_compare_without_case_and_travel_as_they_came(self, cpo: Partner, loc1: Any) -> None:
        assert (await kept(cpo, "nl/abc/loc1/a"))["uid"] == "A"
        again = location("Loc1", owner=("nl", "Abc"))
        assert said(await cpo.put("locations", "nl/aBc/loC1", again)) == (200, 1000)
        assert await kept(cpo) == again

    @pytest.mark.parametrize("slash", ["", "/"])
    async def test_with_and_without_a_slash_at_the_end(self, cpo: Partner, slash: str) -> None:
        assert said(await cpo.put("locations", f"NL/ABC/LOC1{slash}", location(owner=ABC))) == (201, 1000)
        assert said(await cpo.get("locations", f"NL/ABC/LOC1{slash}", role="RECEIVER")) == (200, 1000)

    async def test_an_id_with_odd_characters(self, cpo: Partner) -> None:
        odd = "a b?#%&+é"[:8]
        assert said(await cpo.put("locations", "NL/ABC/a%20b%3F%23%25%26%2B", location(odd, owner=ABC))) == (201, 1000)
        assert (await kept(cpo, "NL/ABC/A%20B%3F%23%25%26%2B"))["id"] == odd


class TestChildren:
    async def test_a_put_of_an_evse_replaces_it_whole(self, cpo: Partner, loc1: Any) -> None:
        changed = evse("A", status="CHARGING", connectors=[connector("2")], last_updated=LATER)
        assert said(await cpo.put("locations", "NL/ABC/LOC1/A", changed)) == (200, 1000)
        assert await kept(cpo) == loc1 | {"evses": [changed, loc1["evses"][1]], "last_updated": LATER}
        assert await kept(cpo, "NL/ABC/LOC1/A") == changed

    async def test_new_ones_are_created(self, cpo: Partner, loc1: Any) -> None:
        assert said(await cpo.put("locations", "NL/ABC/LOC1/C", evse("C"))) == (201, 1000)
        assert said(await cpo.put("locations", "NL/ABC/LOC1/C/7", connector("7"))) == (201, 1000)
        assert [one["uid"] for one in (await kept(cpo))["evses"]] == ["A", "B", "C"]
        assert await kept(cpo, "NL/ABC/LOC1/C/7") == connector("7")

    async def test_a_connector_is_carried_up_to_evse_and_location(self, cpo: Partner, loc1: Any) -> None:
        changed = connector("2", max_amperage=16, last_updated=LATER)
        assert said(await cpo.put("locations", "NL/ABC/LOC1/A/2", changed)) == (200, 1000)
        whole = await kept(cpo)
        assert whole["evses"][0]["connectors"] == [connector("1"), changed]
        assert (whole["evses"][0]["last_updated"], whole["last_updated"]) == (LATER, LATER)
        assert whole["evses"][1]["last_updated"] == loc1["evses"][1]["last_updated"]

    @pytest.mark.parametrize(
        ("verb", "path", "body"),
        [
            ("PUT", "NOWHERE/A", evse("A")),
            ("PUT", "LOC1/NO/1", connector("1")),
            ("PATCH", "NOWHERE", {"name": "New", "last_updated": LATER}),
            ("PATCH", "LOC1/NO", {"status": "CHARGING", "last_updated": LATER}),
            ("PATCH", "LOC1/A/9", {"max_amperage": 1, "last_updated": LATER}),
            ("GET", "NOWHERE", None),
            ("GET", "LOC1/NO", None),
            ("GET", "LOC1/A/9", None),
        ],
    )
    async def test_what_is_unknown(self, cpo: Partner, loc1: Any, verb: str, path: str, body: Any) -> None:
        assert said(await cpo.call(verb, "locations", f"NL/ABC/{path}", json=body)) == (404, 2003)
        assert await kept(cpo) == loc1


class TestPatch:
    async def test_the_specification_s_examples(self, cpo: Partner) -> None:
        sent = example("location_example")
        owner = f"{sent['country_code']}/{sent['party_id']}"
        sent |= {"country_code": "NL", "party_id": "ABC", "id": "1012"}
        sent["evses"][0]["uid"] = "3255"
        assert owner == "BE/BEC"
        assert said(await cpo.put("locations", "NL/ABC/1012", sent)) == (201, 1000)
        for path, name in (
            ("1012/3255", "location_patch_example_status"),
            ("1012", "location_patch_example_location"),
            ("1012/3255/2", "location_patch_example_tariff"),
            ("1012/3255", "location_patch_example_remove_evse"),
        ):
            assert said(await cpo.patch("locations", f"NL/ABC/{path}", example(name))) == (200, 1000)
        result = await kept(cpo, "NL/ABC/1012")
        when = "2019-06-24T12:39:09Z"
        assert (result["name"], result["last_updated"]) == ("Interparking Gent Zuid", when)
        assert (result["evses"][0]["status"], result["evses"][0]["last_updated"]) == ("REMOVED", when)
        assert result["evses"][0]["connectors"][1]["tariff_ids"] == ["15"]
        assert result["evses"][0]["connectors"][1]["last_updated"] == when
        assert result["evses"][0]["connectors"][0] == sent["evses"][0]["connectors"][0]
        assert [one["uid"] for one in result["evses"]] == ["3255", sent["evses"][1]["uid"]]

    @pytest.mark.parametrize("path", ["LOC1", "LOC1/A", "LOC1/A/1", "UNKNOWN"])
    async def test_without_last_updated(self, cpo: Partner, loc1: Any, path: str) -> None:
        answer = await cpo.patch("locations", f"NL/ABC/{path}", {"name": "New"})
        assert said(answer) == (200, 2001)
        assert "last_updated" in answer.json()["status_message"]
        assert await kept(cpo) == loc1

    @pytest.mark.parametrize(
        ("path", "changes", "message"),
        [
            ("LOC1", {"city": None}, "city: is required"),
            ("LOC1", {"coordinates": {"latitude": "1.0"}}, "coordinates.longitude: is required"),
            ("LOC1", {"id": "OTHER"}, "id: "),
            ("LOC1", {"party_id": "XYZ"}, "party_id: "),
            ("LOC1/A", {"status": "BROKEN"}, "evses.0.status: "),
            ("LOC1/A", {"uid": "B"}, "uid: "),
            ("LOC1/A", {"connectors": [{"max_amperage": 1}]}, "connectors.0.id: is required"),
            ("LOC1/B", {"last_updated": "yesterday"}, "last_updated: "),
        ],
    )
    async def test_a_result_that_is_invalid(
        self, cpo: Partner, loc1: Any, path: str, changes: Any, message: str
    ) -> None:
        answer = await cpo.patch("locations", f"NL/ABC/{path}", {"last_updated": LATER} | changes)
        assert said(answer) == (200, 2001)
        assert message in answer.json()["status_message"]
        assert await kept(cpo) == loc1


class TestSender:
    async def test_an_emsp_reads_the_list_and_every_level(self, cpo: Partner, emsp: Partner, loc1: Any) -> None:
        assert data(await emsp.get("locations")) == [loc1]
        assert data(await emsp.get("locations", "LOC1")) == loc1
        assert data(await emsp.get("locations", "loc1/a")) == loc1["evses"][0]
        assert data(await emsp.get("locations", "LOC1/A/2")) == connector("2")
        for path in ("NO", "LOC1/NO", "LOC1/A/NO"):
            assert said(await emsp.get("locations", path)) == (404, 2003)

    async def test_our_own_chargers_are_among_them(self, hub: Hub, emsp: Partner) -> None:
        await keep(hub.resources, LOCATIONS, location("OURS"))
        assert ids(await emsp.get("locations")) == ["OURS"]

    async def test_nobody_sees_what_its_role_has_no_part_in(self, hub: Hub, cpo: Partner, loc1: Any) -> None:
        assert ids(await cpo.get("locations")) == []
        assert said(await cpo.get("locations", "LOC1")) == (404, 2003)
        async with registered(hub, ("CPO", "BE", "BEC")) as other:
            assert ids(await other.get("locations")) == []
            assert said(await other.get("locations", "LOC1")) == (404, 2003)

    async def test_one_id_of_several_owners_needs_ocpi_to(
        self, hub: Hub, cpo: Partner, emsp: Partner, loc1: Any
    ) -> None:
        await keep(hub.resources, LOCATIONS, location("loc1"))
        answer = await emsp.get("locations", "LOC1")
        assert said(answer) == (200, 2001)
        assert "OCPI-to" in answer.json()["status_message"]
        ours = await emsp.get("locations", "LOC1", to="NL/CPO")
        assert (data(ours)["party_id"], ours.headers["OCPI-from-party-id"]) == ("CPO", "CPO")
        assert ids(await emsp.get("locations", to="NL/CPO")) == ["loc1"]
        assert ids(await emsp.get("locations", to=hub.party)) == ["LOC1", "loc1"]

    @pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("path", ["", "LOC1", "LOC1/A", "LOC1/A/1"])
    async def test_it_takes_no_other_verb(self, emsp: Partner, verb: str, path: str) -> None:
        assert said(await emsp.call(verb, "locations", path, role="SENDER", json={})) == (405, 2000)
