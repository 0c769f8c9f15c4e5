"""What becomes of a CDR that a partner brings, under each policy, over HTTP and with a real eMSP that listens."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from ocpi_hub.delivery.tables import Owed
from tests.modules.owned.talking import ABC, data, ids, said
from tests.world.hub import Hub
from tests.world.objects import Json, cdr, session, tariff
from tests.world.partner import Partner

TOO_MUCH = {"excl_vat": 4.00, "incl_vat": 4.84}


def right(cdr_id: str = "C1", **changes: Any) -> Json:
    return cdr(cdr_id, owner=ABC, **changes)


def wrong(cdr_id: str = "C1", **changes: Any) -> Json:
    """It asks for 4.00, its own tariff gives 3.00: an ERROR."""
    return right(cdr_id, total_cost=TOO_MUCH, **changes)


async def policy(hub: Hub, pair: str, **actions: str) -> None:
    answer = await hub.admin("PUT", f"/audit-policies/{pair}", actions)
    assert answer.status_code == 200, answer.text


async def audit(hub: Hub, cdr_id: str = "C1", query: str = "") -> Any:
    answer = await hub.admin("GET", f"/cdrs/{cdr_id}/audit{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(found: Any) -> list[tuple[str, str]]:
    return [(one["code"], one["field"]) for one in found["findings"]]


async def owed(hub: Hub) -> list[str]:
    """The lanes of everything that any platform is owed."""
    async with hub.resources.unit_of_work() as db:
        return [row.lane for row in await db.scalars(select(Owed))]


async def test_a_right_cdr_passes(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    ended = session(owner=ABC, status="COMPLETED", kwh=10, total_cost={"excl_vat": 3.00, "incl_vat": 3.63})
    await cpo.put("sessions", "NL/ABC/SESSION1", ended)
    assert said(await cpo.post("cdrs", "", right())) == (201, 1000)
    [told] = await emsp.hears("cdrs", "POST")
    assert told.json == right()
    found = await audit(hub)
    assert (found["decision"], found["worst"], found["findings"], found["reason"]) == ("passed", None, [], None)
    assert found["repriced"]["total_cost"] == {"excl_vat": 3.0, "incl_vat": 3.63}
    assert (found["owner"], found["emsp"]) == ("NL/ABC", "DE/MSP")
    assert {line["dimension"] for line in found["report"]["lines"]} == {"FLAT", "ENERGY"}


async def test_without_a_policy_a_wrong_one_is_marked_and_told_as_it_came(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    body = json.dumps(wrong()).replace('"excl_vat": 4.0', '"excl_vat": 4.000')
    assert '"excl_vat": 4.000,' in body
    url = cpo.hub_endpoints[("cdrs", "RECEIVER")]
    assert said(await cpo.request("POST", url, content=body, from_="NL/ABC")) == (201, 1000)
    [told] = await emsp.hears("cdrs", "POST")
    assert told.json == wrong()
    assert b'"excl_vat":4.000,' in told.body.replace(b" ", b""), "the CPO's number, digit by digit"
    found = await audit(hub)
    assert (found["decision"], found["worst"]) == ("marked", "error")
    assert ("cost_differs", "total_cost.excl_vat") in codes(found)
    [number] = [one["numbers"] for one in found["findings"] if one["field"] == "total_cost.excl_vat"]
    assert (number["stated"], number["computed"]) == (4, 3)


async def test_a_refusal_says_why_and_keeps_nothing(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "NL-ABC/DE-MSP", on_error="refuse")
    answer = await cpo.post("cdrs", "", wrong())
    assert said(answer) == (200, 2001)
    message = answer.json()["status_message"]
    assert message == "total_cost.excl_vat: says 4 EUR, the tariff gives 3 (and 1 more)"
    assert ids(await emsp.get("cdrs")) == ids(await cpo.get("cdrs")) == []
    assert await owed(hub) == []
    found = await audit(hub)
    assert (found["decision"], found["reason"]) == ("refused", message)
    assert found["report"]["total_cost"]["excl_vat"] == 3
    assert said(await cpo.post("cdrs", "", right())) == (201, 1000), "mended, it may come again"
    await emsp.hears("cdrs", "POST")
    assert (await audit(hub))["decision"] == "passed"


async def test_what_is_held_waits_for_a_person(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "NL-ABC/*", on_error="hold")
    answer = await cpo.post("cdrs", "", wrong())
    assert said(answer) == (201, 1000)
    assert said(await cpo.post("cdrs", "", wrong())) == (200, 1000), "the same again changes nothing"
    assert (ids(await emsp.get("cdrs")), ids(await cpo.get("cdrs"))) == ([], ["C1"])
    assert (await emsp.get("cdrs")).headers["X-Total-Count"] == "0"
    assert data(await cpo.request("GET", answer.headers["Location"], from_="NL/ABC")) == wrong()
    assert await owed(hub) == []
    held = (await hub.admin("GET", "/audits?decision=held&worst=error")).json()
    assert [one["cdr_id"] for one in held] == ["C1"]
    released = await hub.admin("POST", "/cdrs/C1/release", {"by": "Ada"})
    assert (released.status_code, released.json()["decision"], released.json()["decided_by"]) == (
        200,
        "released",
        "Ada",
    )
    [told] = await emsp.hears("cdrs", "POST")
    assert told.json == wrong()
    assert (told.headers["OCPI-from-country-code"], told.headers["OCPI-from-party-id"]) == ABC
    assert data(await emsp.get("cdrs")) == [wrong()]
    counts = [(await one.get("cdrs")).headers["X-Total-Count"] for one in (emsp, cpo)]
    assert counts == ["1", "1"]
    again = await hub.admin("POST", "/cdrs/C1/release")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_held")
    assert len(emsp.told("cdrs", "POST")) == 1


async def test_what_is_rejected_never_arrives(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/DE-MSP", on_error="hold")
    await cpo.post("cdrs", "", wrong())
    assert (await hub.admin("POST", "/cdrs/C1/reject")).json()["decision"] == "rejected"
    assert (await hub.admin("POST", "/cdrs/C1/release")).status_code == 409
    assert said(await cpo.post("cdrs", "", right("C2"))) == (201, 1000)
    [told] = await emsp.hears("cdrs", "POST")
    assert told.json["id"] == "C2"
    assert (await audit(hub, "C2"))["findings"] == [], "what was rejected is no duplicate"


async def test_two_people_release_it_once(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="hold")
    await cpo.post("cdrs", "", wrong())
    answers = await asyncio.gather(*(hub.admin("POST", f"/cdrs/C1/{do}") for do in ("release", "reject", "release")))
    assert sorted(one.status_code for one in answers) == [200, 409, 409]


async def test_the_most_specific_policy_wins(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="refuse")
    await policy(hub, "*/DE-MSP", on_error="refuse")
    await policy(hub, "NL-ABC/*", on_error="hold")
    await cpo.post("cdrs", "", wrong("C1"))
    await policy(hub, "nl-abc/de-msp", on_error="pass")
    await cpo.post("cdrs", "", wrong("C2"))
    assert [(await audit(hub, one))["decision"] for one in ("C1", "C2")] == ["held", "marked"]
    assert (await hub.admin("DELETE", "/audit-policies/NL-ABC/DE-MSP")).status_code == 204
    assert (await hub.admin("DELETE", "/audit-policies/NL-ABC/*")).status_code == 204
    assert said(await cpo.post("cdrs", "", wrong("C3"))) == (200, 2001)
    listed = (await hub.admin("GET", "/audit-policies")).json()
    assert [(one["cpo"], one["emsp"], one["on_error"]) for one in listed] == [
        ("*", "*", "refuse"),
        ("*", "DE-MSP", "refuse"),
    ]


async def test_a_warning_has_its_own_policy(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_warning="hold", on_error="refuse")
    await cpo.post("cdrs", "", right("C1"))
    overlapping = right("C2", session_id="SESSION2", cdr_token={**right()["cdr_token"], "uid": "OTHER"})
    assert said(await cpo.post("cdrs", "", overlapping)) == (201, 1000)
    found = await audit(hub, "C2")
    assert (found["decision"], codes(found)) == ("held", [("overlap", "start_date_time")])


async def test_a_second_cdr_of_a_session_is_a_duplicate_unless_the_first_was_credited(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    await policy(hub, "*/*", on_error="refuse")
    await cpo.post("cdrs", "", right("C1"))
    refused = await cpo.post("cdrs", "", right("C2"))
    assert said(refused) == (200, 2001)
    assert refused.json()["status_message"] == "session_id: CDR C1 is for the same session"
    total = {"excl_vat": -3.00, "incl_vat": -3.63}
    credit = right("C1-credit", credit=True, credit_reference_id="C1", total_cost=total)
    assert said(await cpo.post("cdrs", "", credit)) == (201, 1000)
    assert said(await cpo.post("cdrs", "", right("C2"))) == (201, 1000)


async def test_it_is_priced_by_the_kept_tariff_where_it_brings_none(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.put("tariffs", "NL/ABC/TARIFF1", tariff(owner=ABC))
    periods = [right()["charging_periods"][0] | {"tariff_id": "TARIFF1"}]
    await cpo.post("cdrs", "", right(tariffs=None, charging_periods=periods))
    found = await audit(hub)
    assert (found["decision"], codes(found)) == ("passed", [("tariff_from_here", "tariffs")])
    await cpo.post("cdrs", "", right("C2", tariffs=None, session_id="S2"))
    assert ("tariff_unknown", "tariffs") in codes(await audit(hub, "C2"))


async def test_more_energy_than_the_connector_can_give(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """LOC1 gives 3 x 230 V x 32 A = 22.08 kW; 30 kWh in an hour is more, though less than any AC socket gives."""
    costs = {"excl_vat": 8.00, "incl_vat": 9.68}
    periods = [{"start_date_time": "2026-03-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 30}]}]
    await cpo.post("cdrs", "", right(charging_periods=periods, total_energy=30, total_cost=costs))
    found = await audit(hub)
    assert [code for code, _ in codes(found)] == ["energy_exceeds_power"]


@pytest.mark.parametrize(("country", "wanted"), [("NLD", []), ("ESP", [("time_zone_unknown", "cdr_location.id")])])
async def test_the_zone_of_an_unknown_location(
    hub: Hub, cpo: Partner, emsp: Partner, country: str, wanted: list[tuple[str, str]]
) -> None:
    place = right()["cdr_location"] | {"id": "ELSEWHERE", "country": country}
    await cpo.post("cdrs", "", right(cdr_location=place))
    found = await audit(hub)
    assert (found["decision"], codes(found)) == ("passed", wanted)


async def test_a_body_that_is_no_cdr_is_not_judged(hub: Hub, cpo: Partner) -> None:
    await policy(hub, "*/*", on_error="refuse")
    broken = await cpo.post("cdrs", "", right(currency=None))
    assert said(broken) == (200, 2001)
    assert "currency: is required" in broken.json()["status_message"]
    assert (await hub.admin("GET", "/audits")).json() == []


async def test_the_answers_to_wrong_questions(hub: Hub, cpo: Partner) -> None:
    assert (await hub.admin("GET", "/cdrs/NONE/audit")).status_code == 404
    assert (await hub.admin("POST", "/cdrs/NONE/release")).status_code == 404
    assert (await hub.admin("GET", "/audit-policies/NL-ABC/DE-MSP")).status_code == 404
    assert (await hub.admin("DELETE", "/audit-policies/NL-ABC/DE-MSP")).status_code == 404
    for pair, body in (("NLABC/*", {}), ("*/*", {"on_error": "burn"}), ("*/*", {"on_info": "hold"})):
        assert (await hub.admin("PUT", f"/audit-policies/{pair}", body)).status_code == 422
    assert (await hub.admin("GET", "/audits?worst=terrible")).status_code == 422
    assert (await hub.admin("GET", "/cdrs/C1/audit?owner=NLABC")).status_code == 422
    await cpo.post("cdrs", "", right())
    assert (await hub.admin("POST", "/cdrs/C1/reject")).json()["error"]["code"] == "not_held"
