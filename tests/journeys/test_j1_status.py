"""J1: a charger says what it does, and the eMSP knows."""

import pytest

from tests.journeys.conftest import World
from tests.journeys.points import Point16, Point201


async def status_of(world: World, status: str) -> dict[str, object]:
    """Wait until the eMSP was told that EVSE1 has this status; the EVSE as it was told."""
    while True:
        [*_, newest] = world.emsp.told("locations", "PUT")
        for evse in newest.json["evses"]:
            if evse["status"] == status:
                return {"location": newest.json, "evse": evse}
        await world.emsp.hears("locations", "PUT", count=len(world.emsp.told("locations", "PUT")) + 1)


async def test_a_16_charger_becomes_available_charging_and_unknown(world: World) -> None:
    box = await world.plug_in(Point16)
    await box.status("Available")
    told = await status_of(world, "AVAILABLE")
    assert told["location"]["last_updated"] == told["evse"]["last_updated"]
    [*_, put] = world.emsp.told("locations", "PUT")
    assert put.path == "NL/CPO/LOC1"
    await box.status("Preparing")
    await status_of(world, "CHARGING")
    count = len(world.emsp.told("locations"))
    await box.status("Charging")
    await box.status("Faulted")
    await status_of(world, "OUTOFORDER")
    assert len(world.emsp.told("locations")) == count + 1  # Charging was nothing new
    await box.unplug()
    await status_of(world, "UNKNOWN")


async def test_a_201_station_becomes_occupied(world: World) -> None:
    box = await world.plug_in(Point201)
    now = world.hub.clock()
    await box.status("Available", now)
    await status_of(world, "AVAILABLE")
    await box.status("Occupied", now)
    await status_of(world, "CHARGING")


@pytest.mark.parametrize("kind", [Point16])
async def test_a_second_connector_of_a_16_charger_is_an_evse_of_its_own(world: World, kind: type[Point16]) -> None:
    box = await world.plug_in(kind)
    await box.status("Available", 1)
    await box.status("Unavailable", 2)
    told = await status_of(world, "INOPERATIVE")
    assert [evse["status"] for evse in told["location"]["evses"]] == ["AVAILABLE", "INOPERATIVE"]
