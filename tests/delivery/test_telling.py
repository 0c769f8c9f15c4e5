"""Telling a partner: what is sent, what its answer means, and what the ledger keeps."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import structlog.testing

from ocpi_hub.delivery import outbox, publish
from ocpi_hub.delivery.tables import Attempt
from ocpi_hub.objects.kinds import SESSIONS, TARIFFS, TOKENS
from ocpi_hub.wire.headers import PartyId
from tests.delivery.hub import CPO, Hub, kept
from tests.world import faults, objects
from tests.world.partner import Heard, Partner


async def test_a_put_as_it_arrives(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_location(x_own_field={"kept": [1.50, "as it came"]})
    await hub.drain(platform_id)
    [push] = emsp.told("locations")
    assert (push.method, push.path) == ("PUT", "NL/CPO/LOC1")
    assert push.json == objects.location(x_own_field={"kept": [1.50, "as it came"]})
    assert b'"kept": [1.5' in push.body or b'"kept":[1.5' in push.body
    assert push.headers["OCPI-to-country-code"] == "DE"
    assert push.headers["OCPI-to-party-id"] == "MSP"
    assert push.headers["OCPI-from-country-code"] == "NL"
    assert push.headers["OCPI-from-party-id"] == "HUB"
    assert await hub.owed() == []
    [attempt] = await hub.attempts()
    assert attempt.outcome == "told"
    assert (attempt.http_status, attempt.ocpi_status, attempt.attempt) == (201, 1000, 1)
    assert (attempt.request_id, attempt.correlation_id) == (
        push.headers["X-Request-ID"],
        push.headers["X-Correlation-ID"],
    )


async def test_a_cdr_is_posted_from_its_owner_to_the_endpoint_itself(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_cdr()
    await hub.drain(platform_id)
    [push] = emsp.told("cdrs")
    assert (push.method, push.path, push.json) == ("POST", "", objects.cdr())
    assert (push.headers["OCPI-from-country-code"], push.headers["OCPI-from-party-id"]) == ("NL", "CPO")


async def test_ids_travel_as_they_came(hub: Hub, cpo: Partner) -> None:
    platform_id = await hub.connect(cpo)
    await hub.put(TOKENS, objects.token("Ab c/1?2", owner=("de", "Msp"), type="APP_USER"))
    await hub.drain(platform_id)
    [push] = cpo.told("tokens")
    assert (push.path, push.query) == ("de/Msp/Ab c/1?2", {"type": "APP_USER"})


async def test_a_removed_tariff_is_deleted(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put(TARIFFS, objects.tariff())
    await hub.drain(platform_id)
    async with hub.resources.unit_of_work() as db:
        await publish.remove(db, TARIFFS, owner=CPO, object_id="tariff1", at=hub.clock(), correlation_id="c-1")
    await hub.drain(platform_id)
    put, delete = emsp.told("tariffs")
    assert (put.method, delete.method) == ("PUT", "DELETE")
    assert (delete.path, delete.body) == ("NL/CPO/TARIFF1", b"")
    assert delete.headers["X-Correlation-ID"] == "c-1"


async def test_what_was_removed_before_it_was_told_and_came_back_is_put(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put(TARIFFS, objects.tariff())
    async with hub.resources.unit_of_work() as db:
        await publish.remove(db, TARIFFS, owner=CPO, object_id="TARIFF1", at=hub.clock(), correlation_id="c-1")
    await hub.put(TARIFFS, objects.tariff(currency="SEK"))
    await hub.drain(platform_id)
    [push] = emsp.told("tariffs")
    assert (push.method, push.json["currency"]) == ("PUT", "SEK")


async def test_twenty_changes_while_a_partner_is_slow_are_two_puts(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    gate = asyncio.Event()
    emsp.misbehave(faults.held(gate), times=1)
    await hub.put_location(name="Station 0")
    draining = asyncio.create_task(hub.drain(platform_id))
    await emsp.hears("locations")
    for n in range(1, 21):
        await hub.put_location(name=f"Station {n}")
    gate.set()
    await draining
    assert [push.json["name"] for push in emsp.told("locations")] == ["Station 0", "Station 20"]
    assert await hub.owed() == []


async def test_one_lane_is_told_by_one_drain_at_a_time(hub: Hub, emsp: Partner) -> None:
    """X8: however many drains run, an object's states arrive in order and one at a time."""
    platform_id = await hub.connect(emsp)
    under_way: dict[str, int] = {}
    overlaps: list[str] = []

    async def watch(request: Any) -> None:
        under_way[request.path] = under_way.get(request.path, 0) + 1
        if under_way[request.path] > 1:
            overlaps.append(request.path)
        await asyncio.sleep(0.003)
        under_way[request.path] -= 1

    emsp.misbehave(watch)
    publishing = True

    async def drain_on() -> None:
        while publishing:
            await hub.drain(platform_id)
            await asyncio.sleep(0)

    drains = [asyncio.create_task(drain_on()) for _ in range(4)]
    for n in range(40):
        at = f"2026-03-01T10:{n:02d}:00Z"
        for location_id in ("LOC1", "LOC2", "LOC3"):
            await hub.put_location(location_id, name=f"Station {n}", last_updated=at)
    publishing = False
    await asyncio.gather(*drains)
    await hub.drain(platform_id)
    assert overlaps == []
    for location_id in ("LOC1", "LOC2", "LOC3"):
        seen = [p.json["last_updated"] for p in emsp.told("locations") if p.path.endswith(location_id)]
        assert seen == sorted(seen)
        assert len(set(seen)) == len(seen)
        assert seen[-1] == "2026-03-01T10:39:00Z"
    assert await hub.owed() == []


async def test_several_lanes_go_at_once_and_not_more_than_eight(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    gate, most, now = asyncio.Event(), 0, 0

    async def count(_: Any) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        if now == 8:
            gate.set()
        await gate.wait()
        now -= 1

    emsp.misbehave(count)
    for n in range(20):
        await hub.put_location(f"LOC{n}")
    async with asyncio.timeout(10):
        await hub.drain(platform_id)
    assert most == 8
    assert len(kept(emsp, "locations")) == 20


# --- what an answer means -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status_code", [2000, 2001, 2002, 2003])
async def test_a_refused_state_is_written_down_and_not_repeated(hub: Hub, emsp: Partner, status_code: int) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.refuses(status_code, "evses: too many"), module="locations")
    await hub.put_location()
    await hub.drain(platform_id)
    hub.clock.advance(100_000)
    await hub.work()
    assert len(emsp.told("locations")) == 1
    assert await hub.owed() == []
    [attempt] = await hub.attempts()
    assert (attempt.outcome, attempt.http_status, attempt.ocpi_status) == ("refused", 200, status_code)
    assert attempt.message == f"HTTP 200, OCPI {status_code}: evses: too many"
    assert await hub.outage(platform_id) is None


async def test_the_next_change_after_a_refusal_is_told(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.refuses(2001), times=1)
    await hub.put_location()
    await hub.drain(platform_id)
    await hub.put_location(name="Better")
    await hub.drain(platform_id)
    assert [push.json["name"] for push in emsp.told("locations")] == ["Central Station", "Better"]
    assert await hub.owed() == []


async def test_a_refused_cdr_is_on_the_dead_letter_list(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.refuses(2001, "already exists"), module="cdrs")
    await hub.put_cdr()
    await hub.drain(platform_id)
    hub.clock.advance(100_000)
    await hub.work()
    assert len(emsp.told("cdrs")) == 1
    [dead] = await hub.owed()
    assert dead.dead_at is not None
    assert dead.last_error == "HTTP 200, OCPI 2001: already exists"


@pytest.mark.parametrize(
    "fault",
    [
        faults.refuses(3000, "database down"),
        faults.refuses(4002, "behind us nobody"),
        faults.status(500, "oops"),
        faults.html(),
        faults.redirects("/elsewhere", code=302),
        faults.says({"id": "LOC1"}),
    ],
    ids=["3000", "4002", "500", "html", "302", "not-ocpi"],
)
async def test_trouble_with_one_object_waits_by_its_lane(hub: Hub, emsp: Partner, fault: faults.Fault) -> None:
    """The lane waits by the table; the platform's other lanes do not."""
    platform_id = await hub.connect(emsp)
    emsp.misbehave(fault, times=2)
    await hub.put_location()
    await hub.drain(platform_id)
    await hub.put_location("LOC2")
    assert len(emsp.heard) == 1
    [first] = [one for one in await hub.owed() if one.key == "loc1"]
    assert timedelta(seconds=4) <= first.due_at - hub.clock() <= timedelta(seconds=6)
    assert first.last_error
    hub.clock.advance(6)
    await hub.work()
    hub.clock.advance(36)
    await hub.work()
    assert sorted(kept(emsp, "locations")) == ["NL/CPO/LOC1", "NL/CPO/LOC2"]
    assert await hub.owed() == []
    assert await hub.outage(platform_id) is None


async def test_200_with_ocpi_2001_is_no_success(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.refuses(2001, code=200))
    await hub.put_cdr()
    await hub.drain(platform_id)
    assert [attempt.outcome for attempt in await hub.attempts()] == ["refused"]


async def test_a_platform_without_the_endpoint_any_more(hub: Hub, emsp: Partner) -> None:
    from sqlalchemy import delete

    from ocpi_hub.partners.tables import Endpoint

    platform_id = await hub.connect(emsp)
    await hub.put_location()
    await hub.put_cdr()
    async with hub.resources.unit_of_work() as db:
        await db.execute(delete(Endpoint))
    await hub.drain(platform_id)
    [dead] = await hub.owed()
    assert (dead.kind, dead.last_error) == ("cdrs", "the platform has no RECEIVER endpoint for cdrs")
    assert dead.dead_at is not None
    assert emsp.heard == []


# --- messages without a kept document -----------------------------------------------------------------------------


async def owe_result(hub: Hub, platform_id: str, url: str, **more: Any) -> None:
    async with hub.resources.unit_of_work() as db:
        await outbox.owe_message(
            db,
            platform_id=platform_id,
            lane="results/1",
            url=url,
            verb="POST",
            body='{"result": "ACCEPTED"}',
            from_party=PartyId("NL", "CPO"),
            to_party=PartyId("DE", "MSP"),
            correlation_id="corr-7",
            at=hub.clock(),
            **more,
        )


async def test_a_command_result_goes_to_its_response_url(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await owe_result(hub, platform_id, emsp.result_url("77"))
    await hub.drain(platform_id)
    [result] = emsp.told("results")
    assert (result.method, result.path, result.json) == ("POST", "77", {"result": "ACCEPTED"})
    assert result.headers["X-Correlation-ID"] == "corr-7"
    assert result.headers["OCPI-from-party-id"] == "CPO"
    assert await hub.owed() == []


async def test_a_command_result_goes_to_no_host_that_is_not_the_partner_s(hub: Hub, emsp: Partner) -> None:
    """It may have been the partner's own when the command came."""
    platform_id = await hub.connect(emsp)
    async with Partner(name="elsewhere") as elsewhere:
        await owe_result(hub, platform_id, elsewhere.result_url())
        await hub.drain(platform_id)
        assert elsewhere.heard == []
    assert await hub.owed() == []


async def test_a_message_goes_before_the_states_that_wait(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    for n in range(30):
        await hub.put_location(f"LOC{n}")
    await hub.put_cdr()
    hub.clock.advance(5)
    await owe_result(hub, platform_id, emsp.result_url())
    await hub.drain(platform_id)
    assert {heard.module for heard in emsp.heard[:8]} == {"results", "cdrs", "locations"}


async def test_a_message_that_expired_is_forgotten(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(500))
    await owe_result(hub, platform_id, emsp.result_url(), expires_at=hub.clock() + timedelta(seconds=20))
    await hub.drain(platform_id)
    hub.clock.advance(21)
    await hub.work()
    assert await hub.owed() == []
    assert len(emsp.told("results")) == 1


# --- logs ---------------------------------------------------------------------------------------------------------


async def test_log_lines_name_neither_cards_nor_tokens(hub: Hub, cpo: Partner) -> None:
    platform_id = await hub.connect(cpo)
    with structlog.testing.capture_logs() as lines:
        await hub.put(TOKENS, objects.token("04DEADBEEF77"))
        cpo.misbehave(faults.refuses(2001, "no"), times=1)
        await hub.drain(platform_id)
        await hub.put(TOKENS, objects.token("04DEADBEEF77", valid=False))
        await hub.drain(platform_id)
    [secret] = cpo.accepts
    said = json.dumps(lines).lower()
    assert [line["event"] for line in lines] == ["delivery.refused", "delivery.told"]
    assert "04deadbeef77" not in said
    assert secret.lower() not in said


async def test_the_ledger_by_correlation(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(500), times=1)
    await hub.put(SESSIONS, objects.session())
    await hub.drain(platform_id)
    hub.clock.advance(10)
    await hub.work()
    attempts: list[Attempt] = await hub.attempts()
    heard: list[Heard] = emsp.told("sessions")
    assert [(one.outcome, one.attempt) for one in attempts] == [("unreachable", 1), ("told", 2)]
    assert [one.request_id for one in attempts] == [one.headers["X-Request-ID"] for one in heard]
    assert len({one.correlation_id for one in attempts}) == 1
