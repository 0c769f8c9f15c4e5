"""The still-alive check (mod_hub_client_info; row H5): who is silent is asked, who does not answer is OFFLINE and
announced, and whoever speaks is back."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.delivery import jobs
from ocpi_hub.partners import presence
from ocpi_hub.partners.tables import Platform
from ocpi_hub.wire.parties import ConnectionStatus
from tests.delivery.hub import Hub, kept
from tests.world import faults
from tests.world.partner import Partner


@pytest.fixture
async def emsp() -> AsyncIterator[Partner]:
    async with Partner(("EMSP", "DE", "MSP"), name="An eMSP", informed=True) as partner:
        yield partner


@pytest.fixture
async def cpo() -> AsyncIterator[Partner]:
    async with Partner(("CPO", "NL", "CPO"), name="A CPO", informed=True) as partner:
        yield partner


async def joined(hub: Hub, partner: Partner) -> str:
    """A partner that has just registered, everything that it was owed told."""
    platform_id = await hub.connect(partner)
    async with hub.resources.unit_of_work() as db:
        platform = await db.get_one(Platform, platform_id, with_for_update=True)
        await presence.set_status(db, platform, ConnectionStatus.CONNECTED, at=hub.clock())
    await tell(hub)
    return platform_id


async def tell(hub: Hub) -> None:
    """What a worker does in its next second: keep the list, sweep, and every job that rings meanwhile."""
    hub.bells.clear()
    await jobs.keep_list(hub.resources)
    for _, ids in list(hub.bells):
        await hub.drain(ids[0])
    await hub.work()
    await jobs.announce(hub.resources)
    await hub.work()


async def last_seen(hub: Hub, platform_id: str) -> float:
    async with hub.resources.sessions() as db:
        platform = await db.get_one(Platform, platform_id)
    assert platform.last_seen_at is not None
    return (hub.clock() - platform.last_seen_at).total_seconds()


async def test_who_was_heard_within_five_minutes_is_not_asked(hub: Hub, emsp: Partner) -> None:
    platform_id = await joined(hub, emsp)
    hub.clock.advance(250)
    await presence.heard_from(hub.resources, platform_id)
    hub.clock.advance(299)
    await tell(hub)
    assert emsp.told("versions") == []


async def test_who_is_silent_for_five_minutes_is_asked_once_and_its_answer_counts(hub: Hub, emsp: Partner) -> None:
    platform_id = await joined(hub, emsp)
    hub.clock.advance(301)
    await tell(hub)
    await tell(hub)
    assert len(emsp.told("versions", "GET")) == 1
    assert await last_seen(hub, platform_id) == 0
    assert await hub.status(platform_id) == "CONNECTED"
    assert await hub.outage(platform_id) is None, "silence is no outage"


async def test_no_versions_for_a_minute_is_offline_and_announced(hub: Hub, emsp: Partner, cpo: Partner) -> None:
    await joined(hub, emsp)
    platform_id = await joined(hub, cpo)
    assert kept(emsp, "hubclientinfo")["NL/CPO"]["status"] == "CONNECTED"
    cpo.misbehave(faults.status(503))
    hub.clock.advance(301)
    await tell(hub)
    assert await hub.status(platform_id) == "CONNECTED", "one failure says nothing"
    outage = await hub.outage(platform_id)
    assert outage is not None
    assert (outage.failures, outage.reason) == (1, "HTTP 503")
    for _ in range(2):
        hub.clock.advance(31)
        await tell(hub)
    assert await hub.status(platform_id) == "OFFLINE"
    assert kept(emsp, "hubclientinfo")["NL/CPO"]["status"] == "OFFLINE"

    cpo.behave()
    hub.clock.advance(31)
    await tell(hub)
    assert await hub.status(platform_id) == "CONNECTED"
    assert kept(emsp, "hubclientinfo")["NL/CPO"]["status"] == "CONNECTED"
    assert kept(cpo, "hubclientinfo")["DE/MSP"]["status"] == "CONNECTED"


async def test_an_answer_after_one_failure_ends_it(hub: Hub, emsp: Partner) -> None:
    platform_id = await joined(hub, emsp)
    emsp.misbehave(faults.status(503), times=1)
    hub.clock.advance(301)
    await tell(hub)
    hub.clock.advance(31)
    await tell(hub)
    hub.clock.advance(120)
    await tell(hub)
    assert await hub.status(platform_id) == "CONNECTED"
    assert len(emsp.told("versions")) == 3, "watched for a while, as after a failed push"


async def test_neither_suspended_nor_planned_platforms_are_asked(hub: Hub, emsp: Partner, cpo: Partner) -> None:
    await hub.connect(emsp, status="SUSPENDED")
    await hub.connect(cpo, status="PLANNED")
    hub.clock.advance(10_000)
    await tell(hub)
    assert emsp.told("versions") == cpo.told("versions") == []


async def test_what_changed_while_a_push_waited_is_told_once_as_it_stands(
    hub: Hub, emsp: Partner, cpo: Partner
) -> None:
    """The body is rendered when it is sent: three changes, one PUT."""
    await joined(hub, emsp)
    platform_id = await joined(hub, cpo)
    emsp.heard.clear()
    for status in (ConnectionStatus.OFFLINE, ConnectionStatus.CONNECTED, ConnectionStatus.SUSPENDED):
        async with hub.resources.unit_of_work() as db:
            platform = await db.get_one(Platform, platform_id, with_for_update=True)
            await presence.set_status(db, platform, status, at=hub.clock())
        await jobs.announce(hub.resources)
    [owed] = [debt for debt in await hub.owed() if debt.kind == "hubclientinfo" and debt.key == "CPO"]
    assert (owed.owner_key, owed.path, owed.body, owed.from_party, owed.to_party) == (
        "nl/cpo", "NL/CPO", None, None, None,
    )  # fmt: skip
    await hub.drain(owed.platform_id)
    [heard] = emsp.told("hubclientinfo")
    assert heard.json["status"] == "SUSPENDED"
