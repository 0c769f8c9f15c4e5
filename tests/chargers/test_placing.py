"""A charger is registered, placed, changed and taken away; its Location says so and partners are owed it."""

from typing import Any

import pytest

from bridge_ocpp.port import TransactionStarted
from ocpi_hub.chargers import placing, removing
from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement
from ocpi_hub.objects.kinds import LOCATIONS
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from tests.chargers.house import LOCATION, House, transaction


async def change(house: House, charger_id: str = "box-1", **changes: Any) -> ChargerPlacement | None:
    async with house.resources.unit_of_work() as db:
        return await placing.change(house.resources, charger_id, db, **changes)


async def remove(house: House, charger_id: str) -> bool:
    async with house.resources.unit_of_work() as db:
        return await removing.remove(house.resources, charger_id, db)


async def test_a_placed_charger_is_an_evse_of_a_location(house: House) -> None:
    await house.add_partner()
    placement = await house.add_charger(online=False)
    assert (placement.location_id, placement.country_code, placement.party_id) == ("LOC1", "NL", "CPO")
    assert await house.document(LOCATIONS, "LOC1") == {
        "id": "LOC1",
        "country_code": "NL",
        "party_id": "CPO",
        "publish": True,
        "name": "Damrak",
        "address": "Damrak 1",
        "city": "Amsterdam",
        "country": "NLD",
        "coordinates": {"latitude": "52.37403", "longitude": "4.88969"},
        "time_zone": "Europe/Amsterdam",
        "evses": [
            {
                "uid": "EVSE1",
                "evse_id": "NL*CPO*EEVSE1",
                "status": "UNKNOWN",
                "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
                "connectors": [
                    {
                        "id": "1",
                        "standard": "IEC_62196_T2",
                        "format": "SOCKET",
                        "power_type": "AC_3_PHASE",
                        "max_voltage": 230,
                        "max_amperage": 32,
                        "tariff_ids": ["TARIFF1"],
                        "last_updated": "2026-03-02T10:00:00Z",
                    }
                ],
                "last_updated": "2026-03-02T10:00:00Z",
            }
        ],
        "last_updated": "2026-03-02T10:00:00Z",
    }
    assert await house.owed() == ["de/msp:locations/nl/cpo/loc1"]


async def test_the_bridge_learns_of_every_connector_in_the_same_transaction(house: House) -> None:
    evses = [{"connectors": [{}, {"standard": "CHADEMO"}]}, {}]
    await house.add_charger(evses=evses)
    new = house.bridge.registered["box-1"]
    assert (new.id, new.password, new.connectors) == ("BOX-1", "12345678", ((1, 1), (1, 2), (2, 1)))


async def test_uids_are_made_and_never_the_name_of_the_hardware(house: House) -> None:
    await house.add_charger(evses=[{}, {}])
    uids = [evse.uid for evse in await house.rows(ChargerEvse)]
    assert len(set(uids)) == 2
    assert not [uid for uid in uids if "BOX" in uid.upper()]


async def test_several_chargers_share_a_location(house: House) -> None:
    await house.add_charger("BOX-1", evses=[{"uid": "A"}])
    house.tick(minutes=1)
    await house.add_charger("BOX-2", evses=[{"uid": "B"}], location={"id": "loc1", "name": "Damrak 1-3"}, online=False)
    location = await house.document(LOCATIONS, "LOC1")
    assert [evse["uid"] for evse in location["evses"]] == ["A", "B"]
    assert (location["name"], location["city"]) == ("Damrak 1-3", "Amsterdam")
    assert location["last_updated"] == "2026-03-02T10:01:00Z"


async def test_what_a_location_lacks_is_said_and_nothing_is_kept(house: House) -> None:
    with pytest.raises(InvalidParameters, match=r"location\.address, location\.city"):
        await house.add_charger(location={"id": "LOC1", "country": "NLD"})
    assert not await house.rows(ChargerPlacement)


async def test_a_location_that_ocpi_refuses_is_refused_with_the_field(house: House) -> None:
    with pytest.raises(InvalidParameters, match="country"):
        await house.add_charger(location=LOCATION | {"country": "Netherlands"})
    with pytest.raises(InvalidParameters, match="standard"):
        await house.add_charger("BOX-2", evses=[{"connectors": [{"standard": 7}]}])


async def test_a_charger_without_a_place_roams_nowhere(house: House) -> None:
    placement = await house.add_charger(location=None, evses=[], online=False)
    assert placement.location_id is None
    with pytest.raises(InvalidParameters, match="location: required where evses are given"):
        await house.add_charger("BOX-2", location=None)


async def test_an_id_is_registered_once(house: House) -> None:
    await house.add_charger()
    with pytest.raises(KeyError):
        await house.add_charger("box-1")


async def test_an_evse_uid_is_used_once_by_a_party(house: House) -> None:
    await house.add_charger()
    with pytest.raises(InvalidParameters, match="evse1 is already"):
        await house.add_charger("BOX-2", evses=[{"uid": "evse1"}])


async def test_a_charger_may_belong_to_another_party_but_not_to_a_partner(house: House) -> None:
    await house.add_partner()
    await house.add_charger(party=PartyId("BE", "OPR"))
    assert (await house.document(LOCATIONS, "LOC1", PartyId("be", "opr")))["party_id"] == "OPR"
    with pytest.raises(InvalidParameters, match="belongs to a partner"):
        await house.add_charger("BOX-2", party=PartyId("DE", "MSP"), evses=[{}])


async def test_other_tariffs_reach_every_connector(house: House) -> None:
    await house.add_charger(evses=[{"uid": "A", "connectors": [{}, {}]}, {"uid": "B"}])
    house.tick(minutes=1)
    placement = await change(house, tariff_ids=["NIGHT"])
    assert placement is not None
    assert placement.tariff_ids == ["NIGHT"]
    location = await house.document(LOCATIONS, "LOC1")
    connectors = [connector for evse in location["evses"] for connector in evse["connectors"]]
    assert [connector["tariff_ids"] for connector in connectors] == [["NIGHT"]] * 3
    assert location["last_updated"] == connectors[0]["last_updated"] == "2026-03-02T10:01:00Z"


async def test_facts_of_the_location_change_but_a_charger_does_not_move(house: House) -> None:
    await house.add_charger()
    await change(house, location={"id": "LOC1", "name": "Renamed", "evses": [], "party_id": "XXX"})
    location = await house.document(LOCATIONS, "LOC1")
    assert (location["name"], location["party_id"], len(location["evses"])) == ("Renamed", "CPO", 1)
    with pytest.raises(InvalidParameters, match="does not move"):
        await change(house, location={"id": "LOC2", "name": "Elsewhere"})
    assert await change(house, "BOX-9", tariff_ids=[]) is None


async def test_a_charger_gets_its_place_later(house: House) -> None:
    await house.add_charger(location=None, evses=[])
    await house.status("Available", evse_id=2, connector_id=2)
    await change(house, location=LOCATION)
    [evse] = (await house.document(LOCATIONS, "LOC1"))["evses"]
    assert (evse["status"], [connector["id"] for connector in evse["connectors"]]) == ("AVAILABLE", ["1", "2"])


async def test_evses_of_a_removed_charger_stay_as_removed(house: House) -> None:
    await house.add_partner()
    await house.add_charger("BOX-1", evses=[{"uid": "A"}, {"uid": "B"}])
    await house.add_charger("BOX-2", evses=[{"uid": "C"}], location={"id": "LOC1"})
    await house.status("Available", charger_id="BOX-2")
    assert await remove(house, "box-1")
    location = await house.document(LOCATIONS, "LOC1")
    statuses = {evse["uid"]: evse["status"] for evse in location["evses"]}
    assert statuses == {"A": "REMOVED", "B": "REMOVED", "C": "AVAILABLE"}
    assert [row.key for row in await house.rows(ChargerPlacement)] == ["box-2"]
    assert "box-1" not in house.bridge.registered
    assert not await remove(house, "box-1")
    await house.add_charger("BOX-1", evses=[{"uid": "A"}], location={"id": "LOC1"})
    assert (await house.evse("A"))["status"] == "UNKNOWN"


async def test_what_runs_at_a_removed_charger_ends_unbilled(house: House) -> None:
    await house.add_partner()
    await house.add_charger()
    await house.add_token()
    await house.hear(TransactionStarted("BOX-1", house.now, transaction()))
    house.tick(minutes=5)
    assert await remove(house, "BOX-1")
    session = await house.session()
    assert (session["status"], session["end_date_time"]) == ("INVALID", "2026-03-02T10:05:00Z")
    assert (await house.link()).cdr_id is None
