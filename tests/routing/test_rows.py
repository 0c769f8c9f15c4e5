"""What a hub must leave alone, through the hub: requirements that are only seen between two platforms.

Each test is named after its rows on docs/conformance.md.
"""

from typing import Any

import pytest

from ocpi_hub.delivery import publish
from ocpi_hub.objects.kinds import KINDS
from tests.routing.roaming import Roaming, said
from tests.world.objects import cdr, cdr_token, evse, location, session, token

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC, OURS, HUB = ("NL", "ABC"), ("NL", "CPO"), "NL/HUB"


async def keep(world: Roaming, module: str, document: Any) -> None:
    """An object of our own chargers."""
    kind = KINDS[module]
    async with world.hub.resources.unit_of_work() as db:
        await publish.put(
            db,
            kind,
            owner=kind.owner_of(document),
            document=document,
            source=None,
            at=world.hub.clock(),
            correlation_id="c",
        )


@pytest.mark.parametrize("when", ["2019-06-01T00:00:00Z", "2026-03-01T10:00:00", "2026-03-01T10:00:00.123Z"])
async def test_r4_last_updated_travels_as_it_came(world: Roaming, when: str) -> None:
    await world.cpo.put("locations", "NL/ABC/LOC1", location(owner=ABC, last_updated=when), to=HUB)
    [pushed] = await world.emsp.hears("locations", "PUT")
    assert pushed.json["last_updated"] == when
    [listed] = (await world.emsp.get("locations", to=HUB)).json()["data"]
    assert listed["last_updated"] == when


async def test_l7_an_unpublished_location_reaches_emsps_with_its_rule(world: Roaming) -> None:
    """Whom to show it is for the eMSP to decide, which knows its drivers; the hub shows nothing to drivers."""
    rule = [{"uid": "04A1", "type": "RFID"}, {"group_id": "EMPLOYEES"}]
    hidden = location(owner=ABC, publish=False, publish_allowed_to=rule)
    await world.cpo.put("locations", "NL/ABC/LOC1", hidden, to=HUB)
    for emsp in (world.emsp, world.emsp2, world.emsp3):
        [pushed] = await emsp.hears("locations", "PUT")
        assert pushed.json == hidden
    assert (await world.emsp.get("locations", to=HUB)).json()["data"] == [hidden]


async def test_l8_a_location_without_an_operator_stays_without(world: Roaming) -> None:
    await world.cpo.put("locations", "NL/ABC/LOC1", location(owner=ABC), to=HUB)
    [pushed] = await world.emsp.hears("locations", "PUT")
    assert not {"operator", "suboperator", "owner"} & pushed.json.keys()


async def test_d6_d7_a_cdr_with_the_placeholder_and_signed_data_arrives_as_it_was_sent(world: Roaming) -> None:
    plain = '{"FV":"1.0","RD":[{"RV":2935.600}]} é "quoted" ' + "x" * 4900
    signed = {
        "encoding_method": "OCMF",
        "encoding_method_version": 1,
        "public_key": "3059",
        "signed_values": [{"nature": "Start", "plain_data": plain, "signed_data": "QUJD" * 1250}],
        "url": "https://example.com/check",
    }
    unknown = "1970-1-1T00:00:00Z"
    bill = cdr(owner=ABC, signed_data=signed, start_date_time=unknown, end_date_time=unknown, session_id="S1")
    assert said(await world.cpo.post("cdrs", "", bill, to=HUB)) == (201, 1000)
    [told] = await world.emsp.hears("cdrs", "POST")
    assert told.json == bill
    assert (await world.emsp.get("cdrs", to=HUB)).json()["data"] == [bill]


async def test_k3_authorize_at_an_unpublished_location_is_asked_all_the_same(world: Roaming) -> None:
    hidden = location(owner=ABC, publish=False, evses=[evse("EVSE1", status="OUTOFORDER")], opening_times={
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "08:01"}],
    })  # fmt: skip
    await world.cpo.put("locations", "NL/ABC/LOC1", hidden, to=HUB)
    await world.emsp.put("tokens", "DE/MSP/T1", token("T1"), to=HUB)
    world.emsp.authorizes["T1"] = {"allowed": "ALLOWED", "token": token("T1")}
    where = {"location_id": "LOC1", "evse_uids": ["EVSE1"]}
    answer = await world.cpo.call("POST", "tokens", "T1/authorize", role="SENDER", json=where)
    assert (said(answer), answer.json()["data"]["allowed"]) == ((200, 1000), "ALLOWED")
    [asked] = world.emsp.told("tokens", "POST")
    assert asked.json == where


class TestPreferences:
    """S1: what a driver wants of a session at our own chargers."""

    PATH = "S1/charging_preferences"
    WISH = {"profile_type": "GREEN"}  # noqa: RUF012

    async def placed(self, world: Roaming, **of_evse: Any) -> None:
        await keep(world, "locations", location("OURS", owner=OURS, evses=[evse("EVSE1", **of_evse)]))
        mine = cdr_token(owner=("DE", "MSP"))
        await keep(world, "sessions", session("S1", owner=OURS, location_id="OURS", cdr_token=mine))

    async def wish(self, world: Roaming, **kw: Any) -> Any:
        return await world.emsp.call("PUT", "sessions", self.PATH, role="SENDER", **({"json": self.WISH} | kw))

    async def test_s1_a_session_of_another_emsp_is_not_there(self, world: Roaming) -> None:
        await self.placed(world)
        answer = await world.emsp2.call("PUT", "sessions", self.PATH, role="SENDER", json=self.WISH, to="NL/CPO")
        assert said(answer) == (404, 2001)
        assert "there is no such Session" in answer.json()["status_message"]

    async def test_s1_a_wish_that_is_none_is_2001_with_its_field(self, world: Roaming) -> None:
        await self.placed(world)
        answer = await self.wish(world, to="NL/CPO", json={"profile_type": "SLOW"})
        assert said(answer) == (200, 2001)
        assert "profile_type" in answer.json()["status_message"]
