"""CDRs that go straight from a CPO to an eMSP: audited on their way, held or refused where a policy says so."""

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from ocpi_hub.clearing import jobs
from tests.clearing.test_policies import audit, codes, owed, policy, right, wrong
from tests.modules.owned.talking import ABC, data, registered, said
from tests.routing.roaming import exactly, routed
from tests.world import faults
from tests.world.hub import Hub
from tests.world.objects import Json, cdr_token, session
from tests.world.partner import Partner

MSP, HUB = "DE/MSP", "NL/HUB"


async def send(cpo: Partner, document: Json, *, to: str | None = MSP, raw: bytes | None = None) -> Any:
    body = {"content": raw, "headers": {"Content-Type": "application/json"}} if raw else {"json": document}
    return await cpo.call("POST", "cdrs", "", to=to, **body)


async def recorded(hub: Hub, cdr_id: str = "C1") -> Any:
    """The audit of a CDR once it is on record."""
    async with asyncio.timeout(10):
        while (answer := await hub.admin("GET", f"/cdrs/{cdr_id}/audit")).status_code == 404:
            await asyncio.sleep(0.01)
    return answer.json()


async def listed(hub: Hub, emsp: Partner) -> list[Any]:
    """What GET-All gives to its eMSP and to its CPO."""
    return list(data(await emsp.get("cdrs", to=HUB)))


async def test_it_arrives_byte_for_byte_and_is_audited(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    raw = json.dumps(wrong(), indent=3).replace('"excl_vat": 4.0', '"excl_vat": 4.0000').encode()
    answer = await send(cpo, {}, raw=raw)
    assert (said(answer)[1], routed(answer)) == (1000, ("NL/ABC", MSP))
    [told] = emsp.told("cdrs", "POST")
    assert told.body == raw
    found = await recorded(hub)
    assert (found["decision"], found["worst"], found["addressed"]) == ("marked", "error", True)
    assert ("cost_differs", "total_cost.excl_vat") in codes(found)
    assert (found["owner"], found["emsp"]) == ("NL/ABC", MSP)
    assert found["report"]["total_cost"]["excl_vat"] == 3
    assert await listed(hub, emsp) == []
    assert data(await cpo.get("cdrs", to=HUB)) == []
    assert await owed(hub) == []


async def test_without_ocpi_to_it_is_kept_and_audited(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """Open routing by the owner of cdr_token (R15): kept by the hub, and told to that eMSP."""
    assert said(await send(cpo, wrong(), to=None)) == (201, 1000)
    assert (await recorded(hub))["addressed"] is False
    assert [one["id"] for one in await listed(hub, emsp)] == ["C1"]


async def test_what_is_refused_never_arrives_and_may_come_again_mended(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "NL-ABC/DE-MSP", on_error="refuse")
    answer = await send(cpo, wrong())
    assert (said(answer), routed(answer)) == ((200, 2001), ("NL/ABC", HUB))
    assert answer.json()["status_message"] == "total_cost.excl_vat: says 4 EUR, the tariff gives 3 (and 1 more)"
    assert emsp.told("cdrs") == []
    assert (await recorded(hub))["decision"] == "refused"
    assert said(await send(cpo, right()))[1] == 1000
    assert (await recorded(hub))["decision"] == "passed"


async def test_what_is_held_waits_and_goes_on_as_it_came(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="hold")
    raw = json.dumps(wrong(), indent=1).encode()
    for _ in range(2):
        answer = await send(cpo, {}, raw=raw)
        assert (said(answer), routed(answer)) == ((201, 1000), ("NL/ABC", HUB)), "its eMSP has not seen it"
    assert emsp.told("cdrs") == []
    back = await cpo.request("GET", answer.headers["location"], from_="NL/ABC")
    assert data(back) == wrong()
    assert said(await send(cpo, wrong(remark="another")))[1] == 2001
    assert await listed(hub, emsp) == []
    released = (await hub.admin("POST", "/cdrs/C1/release", {"by": "Ada"})).json()
    assert (released["decision"], released["decided_by"]) == ("released", "Ada")
    [told] = await emsp.hears("cdrs", "POST")
    assert told.body == raw
    assert routed(told) == (MSP, "NL/ABC")
    assert told.headers["X-Correlation-ID"] != answer.headers["X-Correlation-ID"]
    async with asyncio.timeout(10):
        while (await audit(hub))["waits_to_be_sent"]:
            await asyncio.sleep(0.01)
    assert await listed(hub, emsp) == []
    assert (await hub.admin("POST", "/cdrs/C1/release")).status_code == 409


async def test_a_rejected_one_is_never_sent(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="hold")
    await send(cpo, wrong())
    assert (await hub.admin("POST", "/cdrs/C1/reject")).json()["decision"] == "rejected"
    await jobs.send_again(hub.resources)
    assert said(await send(cpo, wrong())) == (201, 1000)
    assert emsp.told("cdrs") == []
    assert said(await send(cpo, right("C2")))[1] == 1000
    assert (await recorded(hub, "C2"))["findings"] == [], "what was rejected is no duplicate"


async def test_a_released_one_is_sent_until_its_emsp_answers(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await policy(hub, "*/*", on_error="hold")
    await send(cpo, wrong())
    emsp.misbehave(faults.status(503), module="cdrs")
    await hub.admin("POST", "/cdrs/C1/release")
    await emsp.hears("cdrs", "POST")
    assert (await audit(hub))["waits_to_be_sent"] is True
    await jobs.send_again(hub.resources)
    assert len(emsp.told("cdrs")) == 1, "not twice at once"
    emsp.behave()
    hub.clock.advance(61)
    await jobs.send_again(hub.resources)
    assert len(emsp.told("cdrs")) == 2
    assert (await audit(hub))["waits_to_be_sent"] is False


async def test_what_its_emsp_does_not_take_is_not_on_record(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    emsp.misbehave(
        exactly(b'{"status_code": 2001, "timestamp": "2026-03-01T10:00:00Z", "status_message": "no"}'), module="cdrs"
    )
    assert said(await send(cpo, wrong()))[1] == 2001
    assert (await hub.admin("GET", "/audits")).json() == []


async def test_a_repeat_passes_and_is_judged_once(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await send(cpo, wrong())
    await recorded(hub)
    await policy(hub, "*/*", on_error="refuse")
    assert said(await send(cpo, wrong()))[1] == 1000
    assert len(emsp.told("cdrs", "POST")) == 2
    assert len((await hub.admin("GET", "/audits")).json()) == 1


async def test_duplicates_and_credits_are_seen_among_them(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await send(cpo, right())
    await recorded(hub)
    await send(cpo, right("C2"))
    assert ("duplicate", "session_id") in codes(await recorded(hub, "C2"))
    total = {"excl_vat": -2.00, "incl_vat": -2.42}
    await send(cpo, right("C1-C", credit=True, credit_reference_id="C1", total_cost=total))
    assert "credit_amount_differs" in [code for code, _ in codes(await recorded(hub, "C1-C"))]


async def test_a_token_of_another_emsp_is_a_warning(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await send(cpo, right(cdr_token=cdr_token(owner=("FR", "TWO"))))
    found = await recorded(hub)
    assert (found["decision"], codes(found)) == ("marked", [("addressed_elsewhere", "cdr_token")])
    assert found["emsp"] == MSP


async def test_what_is_no_cdr_passes_or_is_refused(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    broken = right(currency=None)
    assert said(await send(cpo, broken))[1] == 1000
    assert len(emsp.told("cdrs")) == 1
    await policy(hub, "*/*", on_error="hold")
    answer = await send(cpo, broken)
    assert said(answer) == (200, 2001)
    assert "currency: is required" in answer.json()["status_message"]
    assert len(emsp.told("cdrs")) == 1
    assert (await hub.admin("GET", "/audits")).json() == []


async def test_a_session_whose_cdr_was_passed_on_misses_none(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    now = hub.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = session(owner=ABC, status="COMPLETED", last_updated=now, end_date_time=now)
    await cpo.put("sessions", "NL/ABC/SESSION1", ended)
    await send(cpo, right())
    await recorded(hub)
    hub.clock.advance(25 * 3600)
    await jobs.look_for_missing(hub.resources)
    assert (await hub.admin("GET", "/missing-cdrs")).json() == []


@pytest.mark.parametrize("path", ["NL/ABC/C1", "DE/MSP/C1"])
async def test_nobody_else_reads_what_is_held(hub: Hub, cpo: Partner, emsp: Partner, path: str) -> None:
    await policy(hub, "*/*", on_error="hold")
    await send(cpo, wrong())
    assert said(await emsp.call("GET", "cdrs", path, to=HUB))[1] == 2001
    async with registered(hub, ("CPO", "BE", "BEC")) as other:
        assert said(await other.call("GET", "cdrs", path, to=HUB)) == (404, 2001)


async def test_one_that_finds_no_answer_waits_longer_each_time_and_is_stuck_in_the_end(
    hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    """Nothing of it is lost: an operator has it sent, byte for byte."""
    raw = json.dumps(wrong(), indent=1).encode()
    await policy(hub, "*/*", on_error="hold")
    await send(cpo, {}, raw=raw)
    emsp.misbehave(faults.status(503), module="cdrs")
    await hub.admin("POST", "/cdrs/C1/release")
    found = await tried(hub, 1)
    waits = []
    while found["stuck_at"] is None:
        due, since = datetime.fromisoformat(found["send_at"]), datetime.fromisoformat(found["tried_at"])
        waits.append((due - since).total_seconds())
        hub.clock.advance((due - hub.clock()).total_seconds() + 0.001)
        await jobs.send_again(hub.resources)
        found = await tried(hub, found["tries"] + 1)
    assert waits[:6] == sorted(waits[:6]), "the waits grow"
    assert 3600 * 0.8 <= max(waits) <= 3600 * 1.2 + 6
    assert len(waits) < 110, "72 hours at an hour each, and no more"
    assert (found["send_at"], found["waits_to_be_sent"], "503" in found["send_error"]) == (None, True, True)
    assert [one["cdr_id"] for one in (await hub.admin("GET", "/stuck-cdrs")).json()] == ["C1"]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert "ocpi_stuck_cdrs 1.0" in (await client.get(f"{hub.url}/metrics")).text
    heard = len(emsp.told("cdrs"))
    hub.clock.advance(7200)
    await jobs.send_again(hub.resources)
    assert len(emsp.told("cdrs")) == heard, "an operator has to say so"
    emsp.behave()
    again = await hub.admin("POST", "/cdrs/C1/send")
    assert (again.status_code, again.json()["stuck_at"], again.json()["tries"]) == (202, None, 0)
    async with asyncio.timeout(10):
        while (await audit(hub))["waits_to_be_sent"]:
            await asyncio.sleep(0.01)
    assert emsp.told("cdrs")[-1].body == raw
    assert (await hub.admin("GET", "/stuck-cdrs")).json() == []
    refused = await hub.admin("POST", "/cdrs/C1/send")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_waiting")
    assert (await hub.admin("POST", "/cdrs/C9/send")).status_code == 404


async def tried(hub: Hub, times: int) -> Any:
    """The audit once the CDR was tried so often and that try has ended."""
    async with asyncio.timeout(10):
        while True:
            found = await audit(hub)
            if found["tries"] == times and found["send_error"] is not None:
                return found
            await asyncio.sleep(0.01)
