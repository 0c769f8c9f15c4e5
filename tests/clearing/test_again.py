"""Audits made again: what they rest on comes later, or changes."""

import asyncio
from collections.abc import Callable
from typing import Any

from ocpi_hub.clearing import jobs
from tests.clearing.test_passing import recorded, send
from tests.clearing.test_policies import audit, codes, policy, right, wrong
from tests.modules.owned.talking import ABC
from tests.world.hub import Hub
from tests.world.objects import Json, connector, evse, location, session, tariff
from tests.world.partner import Partner

LATER = "2026-03-01T13:00:00Z"


async def until(hub: Hub, holds: Callable[[Any], bool], cdr_id: str = "C1") -> Any:
    async with asyncio.timeout(10):
        while not holds(found := await audit(hub, cdr_id)):
            await asyncio.sleep(0.01)
    return found


def changed(found: Any) -> bool:
    return bool(found["changes"])


def ended(**changes: Any) -> Json:
    total = {"excl_vat": 3.00, "incl_vat": 3.63}
    return session(owner=ABC, **({"status": "COMPLETED", "kwh": 10, "total_cost": total} | changes))


async def test_a_session_that_comes_later_and_says_something_else(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", right())
    first = await audit(hub)
    assert (first["decision"], first["changes"]) == ("passed", [])
    hub.clock.advance(60)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(status="ACTIVE", kwh=9))
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(kwh=9, last_updated=LATER))
    found = await until(hub, changed)
    [change] = found["changes"]
    assert (found["decision"], found["worst"]) == ("marked", "warning")
    assert [code for code, _ in codes(found)] == ["session_differs"]
    assert (change["because"], change["new"], change["gone"]) == (["the Session came"], ["session_differs"], [])
    assert (change["worst_before"], change["worst"]) == (None, "warning")
    assert found["audited_at"] > found["first_audited_at"] == first["first_audited_at"]
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(last_updated="2026-03-01T14:00:00Z"))
    found = await until(hub, lambda one: len(one["changes"]) == 2)
    assert (found["decision"], found["findings"], found["changes"][0]["because"]) == (
        "passed",
        [],
        ["the Session changed"],
    )


async def test_a_session_that_agrees_changes_nothing_but_the_time(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", right())
    before = await audit(hub)
    hub.clock.advance(60)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended())
    found = await until(hub, lambda one: one["audited_at"] != before["audited_at"])
    assert (found["changes"], found["decision"]) == ([], "passed")


async def test_a_location_that_comes_later(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    place = right()["cdr_location"] | {"id": "NEW", "country": "ESP"}
    await cpo.post("cdrs", "", right(cdr_location=place))
    assert codes(await audit(hub)) == [("time_zone_unknown", "cdr_location.id")]
    await cpo.put("locations", "NL/ABC/NEW", location("NEW", owner=ABC, country="ESP", time_zone="Europe/Madrid"))
    found = await until(hub, changed)
    assert (found["findings"], found["changes"][0]["gone"]) == ([], ["time_zone_unknown"])
    assert found["changes"][0]["because"] == ["the Location came"]


async def test_a_location_that_changes_is_found_within_the_hour(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """Its connector turns out to give 4.6 kW, less than the 10 kWh in an hour. A status is no such change."""
    await cpo.post("cdrs", "", right())
    before = await audit(hub)
    hub.clock.advance(60)
    await cpo.patch("locations", "NL/ABC/LOC1/EVSE1", {"status": "CHARGING", "last_updated": LATER})
    await jobs.look_again(hub.resources)
    assert (await audit(hub))["audited_at"] == before["audited_at"]
    weak = location(owner=ABC, evses=[evse(connectors=[connector(power_type="AC_1_PHASE", max_amperage=20)])])
    await cpo.put("locations", "NL/ABC/LOC1", weak | {"last_updated": "2026-03-01T14:00:00Z"})
    await jobs.look_again(hub.resources)
    found = await audit(hub)
    assert [code for code, _ in codes(found)] == ["energy_exceeds_power"]
    assert found["changes"][0]["because"] == ["the Location changed"]


async def test_a_tariff_that_comes_later_prices_what_brought_none(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    periods = [right()["charging_periods"][0] | {"tariff_id": "TARIFF1"}]
    await cpo.post("cdrs", "", right(tariffs=None, charging_periods=periods))
    assert ("tariff_unknown", "tariffs") in codes(await audit(hub))
    await cpo.put("tariffs", "NL/ABC/TARIFF1", tariff(owner=ABC))
    found = await until(hub, changed)
    assert codes(found) == [("tariff_from_here", "tariffs")]
    assert found["repriced"]["total_cost"]["excl_vat"] == 3
    assert found["changes"][0]["because"] == ["the tariffs came"]
    dear = tariff(owner=ABC, elements=[{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]}])
    await cpo.put("tariffs", "NL/ABC/TARIFF1", dear | {"last_updated": LATER})
    found = await until(hub, lambda one: len(one["changes"]) == 2)
    assert (found["decision"], found["changes"][0]["because"]) == ("marked", ["the tariffs changed"])


async def test_what_a_person_must_decide_stays_held(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_warning="hold", on_error="hold")
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(kwh=9))
    await cpo.post("cdrs", "", right())
    assert (await audit(hub))["decision"] == "held"
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(last_updated=LATER))
    found = await until(hub, changed)
    assert (found["decision"], found["worst"], found["reason"]) == ("held", None, None)
    assert emsp.told("cdrs") == []
    assert (await hub.admin("POST", "/cdrs/C1/release")).json()["decision"] == "released"


async def test_what_was_refused_is_not_looked_at_again(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="refuse")
    await cpo.post("cdrs", "", wrong())
    before = await audit(hub)
    hub.clock.advance(60)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(kwh=9))
    await jobs.look_again(hub.resources)
    assert (await audit(hub))["audited_at"] == before["audited_at"]


async def test_a_cdr_that_was_passed_on_is_audited_again_too(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await send(cpo, right())
    await recorded(hub)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(kwh=9))
    found = await until(hub, changed)
    assert ([code for code, _ in codes(found)], found["decision"]) == (["session_differs"], "marked")


async def test_a_lost_bell_is_made_up_for_within_the_hour(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", right())
    hub.resources._ring = None
    hub.clock.advance(3 * 3600)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended(kwh=9))
    assert (await audit(hub))["changes"] == []
    await jobs.look_again(hub.resources)
    assert [code for code, _ in codes(await audit(hub))] == ["session_differs"]
