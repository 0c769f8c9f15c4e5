"""J1, the middle of it: what a charger says becomes the status of an EVSE, told only where it is another one."""

from dataclasses import replace

from bridge_ocpp import port
from ocpi_hub.base.jobs import JOBS
from ocpi_hub.chargers.tables import ChargerEvse
from ocpi_hub.objects.kinds import LOCATIONS
from tests.chargers.house import House


async def test_a_status_reaches_the_evse_and_is_carried_up(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.settle()
    house.tick(seconds=5, milliseconds=250)
    await house.status("Available")
    location = await house.document(LOCATIONS, "LOC1")
    assert location["evses"][0]["status"] == "AVAILABLE"
    assert location["last_updated"] == location["evses"][0]["last_updated"] == "2026-03-02T10:00:05.250Z"
    assert location["evses"][0]["connectors"][0]["last_updated"] == "2026-03-02T10:00:00Z"
    assert await house.owed() == ["de/msp:locations/nl/cpo/loc1"]
    assert ("delivery.drain", ("MSP",)) in house.bells
    assert "delivery.drain" in JOBS


async def test_what_is_the_same_for_partners_is_not_told(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.status("Preparing")
    await house.settle()
    updated = (await house.evse())["last_updated"]
    house.tick(minutes=1)
    await house.status("Charging")
    await house.status("SuspendedEV")
    await house.status("Finishing")
    assert await house.owed() == []
    assert (await house.evse())["last_updated"] == updated
    assert [row.statuses for row in await house.rows(ChargerEvse)] == [{"1": "Finishing"}]


async def test_offline_is_unknown_and_back_is_as_it_was(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A"}, {"uid": "B"}, {"uid": "C"}])
    await house.status("Available", evse_id=1)
    await house.status("Faulted", evse_id=2)
    await house.hear(port.ChargerOnline("BOX-1", house.now, online=False))
    assert [(await house.evse(uid))["status"] for uid in "ABC"] == ["UNKNOWN"] * 3
    await house.status("Charging", evse_id=1)  # a late word does not bring it back
    assert (await house.evse("A"))["status"] == "UNKNOWN"
    await house.hear(port.ChargerOnline("BOX-1", house.now, online=True))
    assert [(await house.evse(uid))["status"] for uid in "ABC"] == ["CHARGING", "OUTOFORDER", "UNKNOWN"]


async def test_who_boots_is_there(house: House) -> None:
    await house.add_charger(online=False)
    await house.status("Available")
    assert (await house.evse())["status"] == "UNKNOWN"
    await house.hear(port.ChargerBooted("BOX-1", house.now, vendor="Acme", model="One", protocol="ocpp1.6"))
    assert (await house.evse())["status"] == "AVAILABLE"


async def test_many_that_come_at_once_are_there_each_as_it_was(house: House) -> None:
    for name, uid in (("BOX-1", "A"), ("BOX-2", "B"), ("BOX-3", "C")):
        await house.add_charger(name, online=False, evses=[{"uid": uid}])
        await house.status("Faulted" if uid == "B" else "Available", charger_id=name)
    names = ["BOX-2", "BOX-1", "NOWHERE"]
    async with house.resources.unit_of_work() as db:
        await house.events.heard_all([port.ChargerOnline(name, house.now, online=True) for name in names], db)
    assert [(await house.evse(uid))["status"] for uid in "ABC"] == ["AVAILABLE", "OUTOFORDER", "UNKNOWN"]
    boots = [port.ChargerBooted(name, house.now, vendor="Acme", model="One", protocol="ocpp1.6") for name in names]
    async with house.resources.unit_of_work() as db:
        await house.events.heard_all([*boots, replace(boots[0], charger_id="BOX-3")], db)
    assert (await house.evse("C"))["status"] == "AVAILABLE"
    asked = {args for job, args in house.bells if job == "chargers.learn_profiles"}
    assert asked == {("BOX-1",), ("BOX-2",), ("BOX-3",)}, "what each can do is asked, once"


async def test_the_whole_charger_takes_all_its_evses_along(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A"}, {"uid": "B"}])
    await house.status("Available", evse_id=1)
    await house.status("Charging", evse_id=2)
    await house.status("Faulted", evse_id=0, connector_id=0)
    assert [(await house.evse(uid))["status"] for uid in "AB"] == ["OUTOFORDER", "CHARGING"]
    await house.status("Available", evse_id=0, connector_id=0)
    assert [(await house.evse(uid))["status"] for uid in "AB"] == ["AVAILABLE", "CHARGING"]


async def test_an_evse_as_a_whole_takes_its_connectors_along(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A", "connectors": [{}, {}]}, {"uid": "B"}])
    await house.status("Available", connector_id=1)
    await house.status("Faulted", connector_id=0)
    await house.status("Occupied", evse_id=2, connector_id=0)
    assert [(await house.evse(uid))["status"] for uid in "AB"] == ["OUTOFORDER", "CHARGING"], "B's connector is silent"
    await house.status("Available", connector_id=0)
    await house.status("Available", evse_id=2, connector_id=1)
    assert [(await house.evse(uid))["status"] for uid in "AB"] == ["AVAILABLE", "AVAILABLE"]


async def test_one_connector_in_use_takes_the_evse(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A", "connectors": [{}, {}]}])
    await house.status("Available", connector_id=1)
    await house.status("Occupied", connector_id=2)
    assert (await house.evse("A"))["status"] == "CHARGING"
    await house.status("Available", connector_id=2)
    assert (await house.evse("A"))["status"] == "AVAILABLE"


async def test_evses_and_connectors_that_nobody_described_join_the_location(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A"}])
    await house.status("Available", evse_id=1, connector_id=2)
    await house.status("Available", evse_id=4)
    location = await house.document(LOCATIONS, "LOC1")
    assert [len(evse["connectors"]) for evse in location["evses"]] == [2, 1]
    assert location["evses"][1]["status"] == "AVAILABLE"
    assert location["evses"][1]["connectors"][0]["tariff_ids"] == ["TARIFF1"]
    assert [row.evse_id for row in await house.rows(ChargerEvse, ChargerEvse.evse_id)] == [1, 4]


async def test_an_unknown_charger_and_an_event_without_meaning_are_let_pass(house: House) -> None:
    await house.status("Available", charger_id="NOBODY")
    await house.hear(port.ChargerOnline("NOBODY", house.now, online=True))
    await house.hear(port.Event("BOX-1", house.now))
    assert await house.rows(ChargerEvse) == []
