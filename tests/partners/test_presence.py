"""Whether a platform is there: any message counts as alive (R21, H5), and every status change has its listeners."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.partners import presence, register
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.presence import StatusChange
from ocpi_hub.wire.parties import ConnectionStatus
from tests.world.hub import Hub
from tests.world.partner import Partner


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """Every status change that listeners hear: before, after, registered."""
    heard: list[tuple[str, str, bool]] = []

    async def listener(db: AsyncSession, change: StatusChange) -> None:
        heard.append((change.before.value, change.after.value, change.registered))

    monkeypatch.setattr(presence, "_LISTENERS", [*presence._LISTENERS, listener])
    return heard


async def offline(hub: Hub, platform_id: str) -> bool:
    async with hub.resources.unit_of_work() as db:
        went = await presence.went_offline(db, platform_id, hub.clock())
        hub.resources.one(Directory).changed(db)
    return went


async def test_the_life_of_a_connection(hub: Hub, changes: list[tuple[str, str, bool]]) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite())
        platform_id = (await hub.platform()).id
        assert await offline(hub, platform_id)
        assert not await offline(hub, platform_id)
        assert (await hub.platform()).status is ConnectionStatus.OFFLINE

        assert (await partner.request("GET", hub.versions_url)).status_code == 200  # any message will do
        assert (await hub.platform()).status is ConnectionStatus.CONNECTED

        async with hub.resources.unit_of_work() as db:
            await register.suspend(db, hub.resources, platform_id)
        assert not await offline(hub, platform_id)
        async with hub.resources.unit_of_work() as db:
            await register.resume(db, hub.resources, platform_id)
        await partner.request("DELETE", partner.credentials_url)

    assert changes == [
        ("PLANNED", "CONNECTED", True),
        ("CONNECTED", "OFFLINE", True),
        ("OFFLINE", "CONNECTED", True),
        ("CONNECTED", "SUSPENDED", True),
        ("SUSPENDED", "CONNECTED", True),
        ("CONNECTED", "SUSPENDED", False),
    ]


async def test_a_suspended_platform_that_speaks_stays_suspended(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite())
        platform_id = (await hub.platform()).id
        async with hub.resources.unit_of_work() as db:
            await register.suspend(db, hub.resources, platform_id)
        hub.clock.advance(60)
        assert (await partner.request("GET", hub.versions_url)).status_code == 200
        assert (await hub.platform()).status is ConnectionStatus.SUSPENDED


async def test_an_invited_platform_that_looks_around_is_still_planned(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.learn(hub.versions_url, await hub.invite())
    [platform] = await hub.platforms()
    assert platform["status"] == "PLANNED"
    assert platform["last_seen_at"] is not None


async def test_last_seen_is_written_at_most_every_ten_seconds(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite())
        await partner.get("locations")
        first = (await hub.platforms())[0]["last_seen_at"]
        await partner.get("locations")
        assert (await hub.platforms())[0]["last_seen_at"] == first
        hub.clock.advance(11)
        await partner.get("locations")
        assert (await hub.platforms())[0]["last_seen_at"] > first


async def test_a_status_that_was_rolled_back_was_never_there(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite())
    platform_id = (await hub.platform()).id
    with pytest.raises(ZeroDivisionError):
        await _offline_and_fail(hub, platform_id)
    assert (await hub.platform()).status is ConnectionStatus.CONNECTED


async def _offline_and_fail(hub: Hub, platform_id: str) -> None:
    async with hub.resources.unit_of_work() as db:
        await presence.went_offline(db, platform_id, hub.clock())
        hub.resources.one(Directory).changed(db)
        raise ZeroDivisionError
