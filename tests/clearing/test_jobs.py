"""CDRs that are on their way already: those of our own chargers, those that a bell forgot, those that never came."""

import asyncio
from typing import Any

from ocpi_hub.clearing import jobs
from ocpi_hub.objects.kinds import CDRS
from tests.clearing.test_policies import audit, codes, policy, right, wrong
from tests.modules.owned.talking import ABC, keep, registered
from tests.world.hub import Hub
from tests.world.objects import cdr, session
from tests.world.partner import Partner


async def audits(hub: Hub) -> Any:
    return (await hub.admin("GET", "/audits")).json()


async def test_a_cdr_that_is_made_here_is_marked_and_never_held(hub: Hub, emsp: Partner) -> None:
    await policy(hub, "*/*", on_warning="refuse", on_error="refuse")
    await keep(hub.resources, CDRS, cdr("OWN", total_cost={"excl_vat": 9.00}))
    [told] = await emsp.hears("cdrs", "POST")
    assert told.json["id"] == "OWN"
    async with asyncio.timeout(10):
        while not await audits(hub):
            await asyncio.sleep(0.01)
    [found] = await audits(hub)
    assert (found["cdr_id"], found["decision"], found["worst"]) == ("OWN", "marked", "error")


async def test_the_sweep_finds_what_a_bell_forgot(hub: Hub, emsp: Partner) -> None:
    hub.resources._ring = None
    for n in range(3):
        await keep(hub.resources, CDRS, cdr(f"OWN{n}", session_id=f"S{n}"))
    assert await audits(hub) == []
    await jobs.sweep(hub.resources)
    first = await audits(hub)
    assert [one["cdr_id"] for one in first] == ["OWN2", "OWN1", "OWN0"]
    assert [one["decision"] for one in first] == ["marked", "marked", "passed"], "one EVSE, one hour: they overlap"
    await jobs.sweep_everything(hub.resources)
    assert await audits(hub) == first


async def test_an_audit_that_is_asked_for_is_made_and_kept(hub: Hub) -> None:
    hub.resources._ring = None
    await keep(hub.resources, CDRS, cdr("OWN"))
    assert (await audit(hub, "own"))["decision"] == "passed"
    assert [one["cdr_id"] for one in await audits(hub)] == ["OWN"]


async def test_one_id_at_two_parties_needs_the_owner(hub: Hub, cpo: Partner) -> None:
    await cpo.post("cdrs", "", wrong("C1"))
    await keep(hub.resources, CDRS, cdr("C1"))
    answer = await hub.admin("GET", "/cdrs/C1/audit")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ambiguous")
    assert (await audit(hub, "C1", "?owner=nl/abc"))["decision"] == "marked"
    assert (await audit(hub, "C1", "?owner=NL/CPO"))["findings"] == []


async def test_a_session_without_a_cdr_after_a_day(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    now = hub.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, status in (("S1", "COMPLETED"), ("S2", "COMPLETED"), ("S3", "ACTIVE")):
        await cpo.put("sessions", f"NL/ABC/{name}", session(name, owner=ABC, status=status, last_updated=now,
                                                            end_date_time=now))  # fmt: skip
    await cpo.post("cdrs", "", right("C2", session_id="s2"))
    await jobs.look_for_missing(hub.resources)
    assert (await hub.admin("GET", "/missing-cdrs")).json() == []
    hub.clock.advance(25 * 3600)
    for _ in range(2):
        await jobs.look_for_missing(hub.resources)
        [found] = (await hub.admin("GET", "/missing-cdrs")).json()
    assert (found["session_id"], found["owner"], found["emsp"]) == ("S1", "NL/ABC", "DE/MSP")
    assert (found["finding"]["code"], found["finding"]["severity"]) == ("cdr_missing", "warning")
    await cpo.post("cdrs", "", right("C1", session_id="S1"))
    await jobs.look_for_missing(hub.resources)
    assert (await hub.admin("GET", "/missing-cdrs")).json() == []


async def test_a_reader_that_reads_for_itself_finds_what_is_released(hub: Hub, cpo: Partner) -> None:
    """An eMSP that registers later, after the release, GETs the CDR from the list."""
    await policy(hub, "*/*", on_error="hold")
    await cpo.post("cdrs", "", wrong())
    assert (await hub.admin("POST", "/cdrs/C1/release")).status_code == 200
    async with registered(hub, ("EMSP", "DE", "MSP")) as late:
        assert (await late.get("cdrs")).json()["data"] == [wrong()]
    assert ("cost_differs", "total_cost.excl_vat") in codes(await audit(hub))
