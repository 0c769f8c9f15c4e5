"""Partners that are down: one call per step of the backoff, OFFLINE after a while, everything told on return."""

import asyncio
from datetime import timedelta

import pytest

from ocpi_hub.delivery import giving_up
from ocpi_hub.delivery.tables import Outage
from ocpi_hub.objects.kinds import SESSIONS
from ocpi_hub.partners import presence
from ocpi_hub.partners.tables import Platform
from ocpi_hub.wire.parties import ConnectionStatus
from tests.delivery.hub import Hub, kept, open_hub
from tests.world import faults, objects
from tests.world.partner import Partner


def pushes(partner: Partner) -> int:
    return len([heard for heard in partner.heard if heard.module != "versions"])


async def outage_of(hub: Hub, platform_id: str) -> Outage:
    outage = await hub.outage(platform_id)
    assert outage is not None
    return outage


def waits(hub: Hub, outage: Outage) -> float:
    assert outage.retry_at is not None
    return (outage.retry_at - hub.clock()).total_seconds()


async def test_a_platform_that_is_down_costs_one_call_a_step(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(503), module="locations")  # and gives its versions: it stays CONNECTED
    for n in range(30):
        await hub.put_location(f"LOC{n}")
    await hub.drain(platform_id)
    assert pushes(emsp) == 8
    for step, wait in enumerate((5, 30, 120, 600, 1800, 3600, 3600), start=1):
        outage = await outage_of(hub, platform_id)
        assert outage.failures == step
        assert 0.8 * wait <= waits(hub, outage) <= 1.2 * wait
        hub.clock.advance(0.75 * wait)
        await hub.work()
        assert pushes(emsp) == 7 + step, "it is left alone"
        hub.clock.advance(0.5 * wait)
        await hub.work()
        assert pushes(emsp) == 8 + step, "and then tried once"
    assert await hub.status(platform_id) == "CONNECTED"
    assert len(await hub.owed()) == 30
    emsp.behave()
    hub.clock.advance(5000)
    await hub.work()
    assert len(kept(emsp, "locations")) == 30
    assert await hub.owed() == []
    assert await hub.outage(platform_id) is None


async def test_neither_a_new_lane_nor_a_fresh_change_gets_around_the_wait(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(503))
    await hub.put_location()
    await hub.drain(platform_id)
    await hub.put_location(name="Changed")
    await hub.put_location("LOC2")
    await hub.drain(platform_id)
    assert pushes(emsp) == 1
    assert await hub.sweep() == []


async def test_retry_after_is_honoured_for_the_whole_platform(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(503, headers={"Retry-After": "300"}), times=1)
    await hub.put_location()
    await hub.drain(platform_id)
    assert waits(hub, await outage_of(hub, platform_id)) == 300
    await hub.put_location("LOC2")
    hub.clock.advance(299)
    await hub.work()
    assert pushes(emsp) == 1
    hub.clock.advance(1)
    await hub.work()
    assert len(kept(emsp, "locations")) == 2


async def test_retry_after_is_honoured_for_one_lane(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(500, headers={"Retry-After": "90000"}), times=1)
    await hub.put_location()
    await hub.drain(platform_id)
    [owed] = await hub.owed()
    assert owed.due_at - hub.clock() == timedelta(hours=1)


async def test_a_token_that_is_not_accepted_stops_the_platform_and_loses_nothing(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    accepted = set(emsp.accepts)
    emsp.accepts.clear()
    await hub.put_cdr()
    for n in range(10):
        await hub.put_location(f"LOC{n}")
    await hub.drain(platform_id)
    assert len(await hub.owed()) == 11
    outage = await outage_of(hub, platform_id)
    assert outage.reason.startswith("HTTP 401")
    emsp.accepts |= accepted
    hub.clock.advance(10)
    await hub.work()
    assert await hub.owed() == []
    assert len(kept(emsp, "cdrs")) == 1


async def test_one_bad_object_does_not_stop_the_others(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)

    async def chokes(request: object) -> object:
        return await faults.status(500)(request) if str(getattr(request, "path", "")).endswith("BAD") else None  # type: ignore[arg-type]

    emsp.misbehave(chokes)  # type: ignore[arg-type]
    await hub.put_location("BAD")
    for n in range(20):
        await hub.put_location(f"LOC{n}")
    for _ in range(5):
        await hub.work()
        hub.clock.advance(1)
    assert len(kept(emsp, "locations")) == 20
    [bad] = await hub.owed()
    assert bad.key == "bad"
    assert await hub.outage(platform_id) is None


async def test_only_failures_for_a_minute_and_no_versions_is_offline(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(503))
    await hub.put_location()
    await hub.drain(platform_id)
    hub.clock.advance(59)
    await hub.work()
    assert await hub.status(platform_id) == "CONNECTED"
    assert emsp.told("versions") == []
    hub.clock.advance(2)
    await hub.work()
    assert await hub.status(platform_id) == "OFFLINE"
    assert len(emsp.told("versions")) == 1

    tried = pushes(emsp)
    await hub.put_cdr()
    for _ in range(20):
        hub.clock.advance(10)
        await hub.work()
    assert pushes(emsp) == tried, "nothing is pushed to who is OFFLINE"
    assert 6 <= len(emsp.told("versions")) <= 8, "it is asked every 30 s"
    assert len(await hub.owed()) == 2

    emsp.behave()
    hub.clock.advance(31)
    await hub.work()
    assert await hub.status(platform_id) == "CONNECTED"
    assert ("delivery.drain", (platform_id,)) in hub.bells
    await hub.drain(platform_id)
    assert await hub.owed() == []


async def test_a_platform_that_answers_500_to_everything_is_offline_too(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(500))
    await hub.put_location()
    for _ in range(8):
        await hub.work()
        hub.clock.advance(10)
    assert await hub.status(platform_id) == "OFFLINE"


async def test_who_speaks_comes_back_and_is_told_at_once(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp, status="OFFLINE")
    await hub.put_location()
    await hub.drain(platform_id)
    assert pushes(emsp) == 0
    hub.bells.clear()
    await presence.heard_from(hub.resources, platform_id, offline=True)
    assert hub.bells == [("delivery.announce", ()), ("delivery.drain", (platform_id,))]
    await hub.drain(platform_id)
    assert len(kept(emsp, "locations")) == 1


async def test_twenty_changes_of_a_hundred_locations_while_down_are_a_hundred_puts(hub: Hub, emsp: Partner) -> None:
    """X5, a tenth of it: the last state of each, once."""
    platform_id = await hub.connect(emsp, status="OFFLINE")
    for n in range(20):
        async with hub.resources.unit_of_work() as db:
            from ocpi_hub.delivery import publish
            from ocpi_hub.objects.kinds import LOCATIONS
            from tests.delivery.hub import CPO

            for location in range(100):
                document = objects.location(f"LOC{location}", evses=[objects.evse(physical_reference=str(n))])
                await publish.put(
                    db, LOCATIONS, owner=CPO, document=document, source=None, at=hub.clock(), correlation_id="c"
                )
    await presence.heard_from(hub.resources, platform_id, offline=True)
    await hub.drain(platform_id)
    assert len(emsp.told("locations", "PUT")) == 100
    assert {one["evses"][0]["physical_reference"] for one in kept(emsp, "locations").values()} == {"19"}


async def test_a_cdr_is_owed_for_72_hours(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    emsp.misbehave(faults.status(503))
    await hub.put_cdr()
    await hub.drain(platform_id)
    hub.clock.advance(72 * 3600 - 1)
    await hub.work()
    assert [one.dead_at for one in await hub.owed()] == [None]
    hub.clock.advance(2)
    await hub.work()
    [dead] = await hub.owed()
    assert dead.dead_at == hub.clock()
    emsp.behave()
    hub.clock.advance(10_000)
    await hub.work()
    await hub.work()
    heard = len(emsp.told("cdrs", "POST"))
    assert heard <= 2, "given up is given up"
    async with hub.resources.unit_of_work() as db:
        assert await giving_up.take_up_again(db, platform_id, at=hub.clock()) == 1
    await hub.drain(platform_id)
    assert len(emsp.told("cdrs", "POST")) == heard + 1, "until an operator has it told after all"
    assert await hub.owed() == []


async def test_a_location_of_an_offline_platform_is_owed_for_ever(hub: Hub, emsp: Partner) -> None:
    await hub.connect(emsp, status="OFFLINE")
    await hub.put_location()
    hub.clock.advance(30 * 24 * 3600)
    await hub.sweep()
    [owed] = await hub.owed()
    assert owed.dead_at is None


async def change_status(hub: Hub, platform_id: str, status: ConnectionStatus, *, registered: bool = True) -> None:
    async with hub.resources.unit_of_work() as db:
        platform = await db.get(Platform, platform_id)
        assert platform is not None
        platform.registered_at = hub.clock() if registered else None
        await presence.set_status(db, platform, status, at=hub.clock())


async def test_suspended_is_told_nothing_until_it_is_resumed(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_location()
    await change_status(hub, platform_id, ConnectionStatus.SUSPENDED)
    await hub.drain(platform_id)
    assert await hub.sweep() == []
    assert emsp.heard == []
    await change_status(hub, platform_id, ConnectionStatus.CONNECTED)
    assert hub.bells == [("delivery.announce", ()), ("delivery.drain", (platform_id,))]
    await hub.drain(platform_id)
    assert pushes(emsp) == 1


async def test_who_unregisters_is_owed_nothing_but_cdrs_are_not_lost(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_location()
    await hub.put(SESSIONS, objects.session())
    await hub.put_cdr()
    await change_status(hub, platform_id, ConnectionStatus.PLANNED, registered=False)
    [dead] = await hub.owed()
    assert (dead.kind, dead.last_error, dead.dead_at) == ("cdrs", "the platform unregistered", hub.clock())


async def test_a_lost_key_is_said_and_loses_nothing(database_url: str, redis_url: str, emsp: Partner) -> None:
    async with open_hub(database_url, redis_url) as hub:
        platform_id = await hub.connect(emsp)
        await hub.put_location()
    async with open_hub(database_url, redis_url, secret_key="another secret key for tests") as hub:
        await hub.drain(platform_id)
        outage = await outage_of(hub, platform_id)
        assert "OCPI_HUB_SECRET_KEY" in outage.reason
        assert len(await hub.owed()) == 1
    assert emsp.heard == []


# --- leases -------------------------------------------------------------------------------------------------------


async def test_the_lease_of_a_dead_worker_runs_out(hub: Hub, emsp: Partner) -> None:
    """X4: who takes a debt and dies has it for as long as its lease, and no longer."""
    platform_id = await hub.connect(emsp)
    await hub.put_cdr()
    from ocpi_hub.delivery.sender import turn

    assert await turn(hub.resources, platform_id, [], flying=0) is not None
    await hub.drain(platform_id)
    assert await hub.sweep() == []
    assert emsp.heard == []
    hub.clock.advance(61)
    await hub.work()
    assert len(kept(emsp, "cdrs")) == 1
    assert await hub.owed() == []


async def test_who_comes_back_after_its_lease_breaks_nothing(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    await hub.put_location()
    from ocpi_hub.delivery.letters import Called
    from ocpi_hub.delivery.sender import call, turn

    late = await turn(hub.resources, platform_id, [], flying=0)
    assert late is not None
    hub.clock.advance(61)
    current = await turn(hub.resources, platform_id, [], flying=0)
    assert current is not None
    emsp.misbehave(faults.status(500), times=1)
    failed = await call(hub.resources, late.letters[0], late)
    await turn(hub.resources, platform_id, [failed], flying=8)
    [owed] = await hub.owed()
    assert owed.leased_until == current.letters[0].debt.leased_until, "the other still has it"
    told = await call(hub.resources, current.letters[0], current)
    await turn(hub.resources, platform_id, [told], flying=8)
    assert await hub.owed() == []
    await turn(hub.resources, platform_id, [Called(late.letters[0], None)], flying=8)
    assert await hub.owed() == []


async def test_a_drain_that_is_cancelled_finishes_its_calls_and_gives_leases_back(hub: Hub, emsp: Partner) -> None:
    platform_id = await hub.connect(emsp)
    for n in range(3):
        await hub.put_location(f"LOC{n}")
    gate = asyncio.Event()
    emsp.misbehave(faults.held(gate))
    draining = asyncio.create_task(hub.drain(platform_id))
    await emsp.hears("locations", count=3)
    draining.cancel()
    await asyncio.sleep(0.05)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert await hub.owed() == []
    assert {attempt.outcome for attempt in await hub.attempts()} == {"told"}


async def test_a_drain_that_is_cancelled_while_a_partner_hangs(
    hub: Hub, emsp: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpi_hub.delivery.jobs.WIND_DOWN", 0.1)
    platform_id = await hub.connect(emsp)
    await hub.put_cdr()
    emsp.misbehave(faults.hangs())
    draining = asyncio.create_task(hub.drain(platform_id))
    await emsp.hears("cdrs")
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    [owed] = await hub.owed()
    assert (owed.leased_until, owed.attempts) == (None, 0)
    assert await hub.sweep() == [("delivery.drain", (platform_id,))]


# --- isolation ----------------------------------------------------------------------------------------------------


async def test_a_slow_partner_delays_nobody_else(
    database_url: str, redis_url: str, emsp: Partner, other: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X6: the fast one hears everything while the slow one has answered nothing."""
    monkeypatch.setattr("ocpi_hub.delivery.jobs.WIND_DOWN", 0.1)
    async with open_hub(database_url, redis_url, partner_timeout=60) as hub:
        slow, fast = await hub.connect(emsp), await hub.connect(other)
        emsp.misbehave(faults.hangs())
        for n in range(20):
            await hub.put_location(f"LOC{n}")
        slow_drain = asyncio.create_task(hub.drain(slow))
        await emsp.hears("locations", count=8)
        await hub.drain(fast)
        assert len(kept(other, "locations")) == 20
        assert await hub.owed(fast) == []
        assert not slow_drain.done()
        assert len(await hub.owed(slow)) == 20
        slow_drain.cancel()
        await asyncio.wait([slow_drain])
