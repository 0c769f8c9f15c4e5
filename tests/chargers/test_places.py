"""Locations, EVSEs and Connectors completed from what the operator gave: valid, and nothing made up."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpi_hub.chargers import places
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.locations import EVSE, Connector, Location
from tests.world import objects

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CPO = PartyId("NL", "CPO")
LEAST = {
    "address": "Damrak 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": {"latitude": "52.37403", "longitude": "4.88969"},
    "time_zone": "Europe/Amsterdam",
}


def location(**given: Any) -> dict[str, Any]:
    return places.location_document(LEAST | given, owner=CPO, location_id="LOC1", at=AT)


def test_a_location_from_the_least_that_must_be_said() -> None:
    document = location()
    assert document == {
        **LEAST,
        "publish": True,
        "country_code": "NL",
        "party_id": "CPO",
        "id": "LOC1",
        "evses": [],
        "last_updated": "2026-03-01T12:00:00Z",
    }
    Location.model_validate(document)


def test_what_is_missing_is_said_all_at_once() -> None:
    with pytest.raises(InvalidParameters) as error:
        places.location_document({"city": "Utrecht", "address": ""}, owner=CPO, location_id="L", at=AT)
    assert "location.address, location.country, location.coordinates, location.time_zone" in error.value.message


@pytest.mark.parametrize("zone", ["Europe/Amsterdm", "CET+1", "../etc/passwd", 7, ""])
def test_a_time_zone_that_nobody_knows_is_refused(zone: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"location\.time_zone"):
        location(time_zone=zone)
    if zone:
        with pytest.raises(InvalidParameters, match=r"location\.time_zone"):
            places.location_changes({"time_zone": zone}, at=AT)


def test_what_the_operator_says_stays_and_whose_it_is_does_not() -> None:
    document = location(publish=False, name="Home", parking_type="ON_DRIVEWAY", x_extra=1, country_code="DE", evses=[1])
    assert (document["publish"], document["name"], document["x_extra"]) == (False, "Home", 1)
    assert (document["country_code"], document["evses"]) == ("NL", [])
    assert location(publish=None)["publish"] is True


@pytest.mark.parametrize(
    ("given", "written"),
    [("52.37403", "52.37403"), (52.37, "52.370000"), ("52", "52.000000"), (-0.5, "-0.500000"), (4.8896912, "4.889691")],
)
def test_degrees_are_written_as_ocpi_wants_them(given: Any, written: str) -> None:
    assert places.coordinates({"latitude": given, "longitude": "4.88969"})["latitude"] == written


@pytest.mark.parametrize("given", [None, True, "north", "NaN", 91, "1e400"])
def test_degrees_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(InvalidParameters, match=r"location\.coordinates\.latitude"):
        places.coordinates({"latitude": given, "longitude": "4.88969"})
    with pytest.raises(InvalidParameters, match=r"location\.coordinates"):
        places.coordinates("52,4")


def evse(given: dict[str, Any], *tariff_ids: str) -> dict[str, Any]:
    document = places.evse_document(given, owner=CPO, uid="3f2b", status="UNKNOWN", tariff_ids=tariff_ids, at=AT)
    EVSE.model_validate(document)
    return document


def test_an_evse_of_which_nothing_is_said_is_an_ac_socket() -> None:
    assert evse({}, "T1") == {
        "uid": "3f2b",
        "evse_id": "NL*CPO*E3F2B",
        "status": "UNKNOWN",
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
        "connectors": [objects.connector(tariff_ids=["T1"], last_updated="2026-03-01T12:00:00Z")],
        "last_updated": "2026-03-01T12:00:00Z",
    }


def test_what_is_said_of_an_evse_and_its_connectors_stays() -> None:
    ccs = {"standard": "IEC_62196_T2_COMBO", "max_voltage": 920, "max_amperage": 400, "tariff_ids": ["DC"]}
    document = evse({"evse_id": "NL*CPO*E1", "physical_reference": "7", "connectors": [ccs, {"id": "B"}]}, "T1")
    assert (document["evse_id"], document["physical_reference"]) == ("NL*CPO*E1", "7")
    first, second = document["connectors"]
    assert (first["id"], first["format"], first["power_type"], first["max_voltage"]) == ("1", "CABLE", "DC", 920)
    assert first["tariff_ids"] == ["DC"]
    assert (second["id"], second["tariff_ids"]) == ("B", ["T1"])


def test_connectors_that_are_no_list_of_objects_are_refused() -> None:
    for connectors in ("CCS", [1], {"id": "1"}):
        with pytest.raises(InvalidParameters, match="connectors"):
            evse({"connectors": connectors})


@pytest.mark.parametrize("standard", ["IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO", "DOMESTIC_F"])
def test_a_connector_of_which_only_the_standard_is_said_is_valid(standard: str) -> None:
    document = places.connector_document({"standard": standard}, connector_id="1", tariff_ids=(), at=AT)
    Connector.model_validate(document)
    assert "tariff_ids" not in document
    assert (document["power_type"] == "DC") == (standard in ("IEC_62196_T2_COMBO", "CHADEMO"))
