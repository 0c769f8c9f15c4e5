"""A charger whose network falls silent: its EVSEs are UNKNOWN at partners, and as they were once it is heard again."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tests.journeys.conftest import PASSWORD, World, a_world
from tests.journeys.points import Point16, Point201, plugged_in

PING = timedelta(seconds=2)


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with a_world(database_url, redis_url, ping_interval=PING.total_seconds()) as cast:
        yield cast


async def told(world: World, *statuses: str) -> list[datetime]:
    """Wait until the eMSP was last told these statuses of the two EVSEs; when each became so."""

    def newest() -> list[dict[str, str]]:
        puts = world.emsp.told("locations", "PUT")
        return puts[-1].json["evses"] if puts else []

    await world.emsp.hears_until(lambda: [evse["status"] for evse in newest()] == list(statuses))
    return [datetime.fromisoformat(evse["last_updated"]) for evse in newest()]


async def say(world: World, point: Point16 | Point201, evse: int, word: str) -> None:
    if isinstance(point, Point16):
        await point.status(word, evse)
    else:
        await point.status(word, world.hub.clock(), evse_id=evse)


@pytest.mark.parametrize(("kind", "busy"), [(Point16, "Charging"), (Point201, "Occupied")])
async def test_a_silent_charger_is_unknown_within_two_pings_and_comes_back_as_it_was(
    world: World, kind: type[Point16] | type[Point201], busy: str
) -> None:
    point = await world.plug_in(kind, evses=[{"uid": "EVSE1"}, {"uid": "EVSE2"}])
    await say(world, point, 1, busy)
    await say(world, point, 2, "Faulted")
    await told(world, "CHARGING", "OUTOFORDER")
    silent = point._connection.transport
    silent.pause_reading()  # no FIN and no pong: what the hub sends is taken by nobody
    since = world.hub.clock()
    unknown = await told(world, "UNKNOWN", "UNKNOWN")
    assert all(since < at <= since + 2 * PING for at in unknown)
    assert (await world.hub.admin("GET", "/chargers/BOX-1")).json()["online"] is False
    async with plugged_in(kind, world.bridge.url, "BOX-1", password=PASSWORD):
        back = await told(world, "CHARGING", "OUTOFORDER")  # the charger said nothing of them again
        assert all(at > before for at, before in zip(back, unknown, strict=True))
        assert (await world.hub.admin("GET", "/chargers/BOX-1")).json()["online"] is True
    silent.abort()
