"""The rules between the fields of one object, and where we take more than the specification asks."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.sessions import Session, SessionStatus
from ocpi_hub.wire.types import OcpiModel

from .specification import model, sample

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("PublishTokenType",
     {"uid": None, "visual_number": None, "group_id": None}, "needs a uid, a visual_number or a group_id"),
    ("PublishTokenType", {"type": None}, "type is required beside uid"),
    ("PublishTokenType", {"issuer": None}, "issuer is required beside visual_number"),
    ("RegularHours", {"period_begin": "18:00", "period_end": "08:00"}, "period_end must be later than period_begin"),
    ("RegularHours", {"period_end": "24:00"}, "period_end: must be a time of day like 18:15"),
    ("RegularHours", {"period_begin": "8:00"}, "period_begin: must be a time of day like 18:15"),
    ("RegularHours", {"weekday": 0}, "weekday: must be at least 1"),
    ("RegularHours", {"weekday": 8}, "weekday: must be at most 7"),
    ("ExceptionalPeriod", {"period_end": "2026-01-01T00:00:00Z"}, "period_end must be later than period_begin"),
    ("Hours",
     {"twentyfourseven": False, "regular_hours": []}, "regular_hours is required when twentyfourseven is false"),
    ("EnergyMix",
     {"energy_sources": [{"source": "SOLAR", "percentage": 80}]}, "energy_sources must add up to 100 percent"),
    ("EnergySource", {"percentage": 101}, "percentage: must be at most 100"),
    ("EnergySource", {"percentage": Decimal("-0.1")}, "percentage: must be at least 0"),
    ("GeoLocation", {"latitude": "90.1"}, "latitude: must be degrees of latitude like 50.770774"),
    ("GeoLocation", {"latitude": "52,089444"}, "latitude: must be degrees of latitude like 50.770774"),
    ("GeoLocation", {"longitude": "181.00000"}, "longitude: must be degrees of longitude like -126.104965"),
    ("TariffElement",
     {"restrictions": {"reservation": "RESERVATION"}}, "price_components.0: a reservation can only have FLAT and TIME"),
    ("TariffRestrictions", {"end_date": "2026-02-32"}, "end_date: must be a date like 2015-12-24"),
    ("TariffRestrictions", {"day_of_week": ["MONDAY", 0]}, "day_of_week.1: must be 'MONDAY', 'TUESDAY', 'WEDNESDAY', "
     "'THURSDAY', 'FRIDAY', 'SATURDAY' or 'SUNDAY'"),
    ("Tariff", {"currency": "EURO"}, "currency: must be a currency code of three letters"),
    ("CDR", {"credit": True, "credit_reference_id": None}, "credit_reference_id is required when credit is true"),
    ("CDR", {"credit": None, "id": "C" * 37}, "id must be at most 36 characters when this is not a credit CDR"),
    ("StartSession", {"evse_uid": None}, "evse_uid is required beside connector_id"),
    ("StartSession", {"response_url": "ftp://example.com/"}, "response_url: must be an http or https URL"),
    ("ChargingProfilePeriod", {"limit": Decimal("16.25")}, "limit: must have at most one decimal"),
    ("ChargingProfile", {"min_charging_rate": Decimal("0.01")}, "min_charging_rate: must have at most one decimal"),
    ("Credentials", {"token": "with space"}, "token: must be printable ASCII without spaces"),
    ("Credentials", {"token": ""}, "token: must be printable ASCII without spaces"),
    ("Token", {"party_id": "A/B"}, "party_id: must be printable ASCII without spaces and slashes"),
    ("Token", {"uid": ""}, "uid: must not be empty"),
    ("Connector", {"max_voltage": -1}, "max_voltage: must be at least 0"),
    ("Image", {"width": 100000}, "width: must be at most 99999"),
]  # fmt: skip

TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("PublishTokenType", {"uid": None, "type": None, "visual_number": None, "issuer": None}),
    ("Hours", {"twentyfourseven": True, "regular_hours": None}),
    ("EnergyMix", {"energy_sources": [{"source": "SOLAR", "percentage": Decimal("33.3")}] * 3}),
    ("EnergyMix", {"energy_sources": []}),
    ("GeoLocation", {"latitude": "-50.7707740", "longitude": "-126.1049650"}),
    ("GeoLocation", {"latitude": "90.00000", "longitude": "180.00000"}),
    ("GeoLocation", {"latitude": "52.0", "longitude": "5.123456789"}),
    ("TariffElement", {"restrictions": None}),
    ("TariffRestrictions", {"start_time": "22:00", "end_time": "06:00"}),
    ("TariffRestrictions", {"end_time": "00:00"}),
    ("CDR", {"start_date_time": "1970-1-1T00:00:00Z", "end_date_time": "1970-1-1T00:00:00Z"}),
    ("CDR", {"credit": False, "credit_reference_id": None}),
    ("CdrLocation", {"evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA", "connector_format": "#NA"}),
    ("Session", {"evse_uid": "#NA", "connector_id": "#NA"}),
    ("StartSession", {"evse_uid": None, "connector_id": None}),
    ("ChargingProfilePeriod", {"limit": Decimal("16.10")}),
    ("Connector", {"max_voltage": Decimal("230.0"), "max_amperage": 32.0}),
    ("Credentials", {"url": "HTTPS://example.com/versions"}),
    ("Token", {"visual_number": "Zoë 中文 €"}),
    ("Token", {"visual_number": "", "group_id": ""}),
    ("BusinessDetails", {"website": "www.example.com"}),
]


@pytest.mark.parametrize(("name", "changes", "message"), REFUSED)
def test_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(name).model_validate(sample(name) | changes)
    assert from_validation(caught.value).message == message


@pytest.mark.parametrize(("name", "changes"), TAKEN)
def test_taken(name: str, changes: dict[str, Any]) -> None:
    assert model(name).model_validate(sample(name) | changes)


def test_a_reservation_may_have_flat_and_time() -> None:
    element = {
        "price_components": [{"type": kind, "price": 1, "step_size": 1} for kind in ("FLAT", "TIME")],
        "restrictions": {"reservation": "RESERVATION_EXPIRES"},
    }
    assert model("TariffElement").model_validate(element)


def test_reserved_is_read_as_reservation() -> None:
    session = Session.model_validate(sample("Session") | {"status": "RESERVED"})
    assert session.status is SessionStatus.RESERVATION


def test_a_role_stands_once_for_a_party_in_whatever_case() -> None:
    role = sample("CredentialsRole")
    twice = [role | {"party_id": "abc"}, role | {"party_id": "ABC"}]
    with pytest.raises(ValidationError) as caught:
        model("Credentials").model_validate(sample("Credentials") | {"roles": twice})
    assert from_validation(caught.value).message == (
        "roles: each needs a unique combination of role, party_id and country_code"
    )
    both = [role, role | {"role": "EMSP"}]
    assert model("Credentials").model_validate(sample("Credentials") | {"roles": both})


def test_an_endpoint_of_an_unknown_module_and_without_a_role_is_taken() -> None:
    endpoint = model("Endpoint").model_validate({"identifier": "nltnm-tokens", "url": "http://10.0.0.1:8000/x"})
    assert (endpoint.identifier, endpoint.role) == ("nltnm-tokens", None)  # type: ignore[attr-defined]


def test_the_party_of_an_object_keeps_its_case_and_ignores_it() -> None:
    token = model("Token").model_validate(sample("Token") | {"country_code": "nl", "party_id": "Abc"})
    assert str(token.party) == "nl/Abc"  # type: ignore[attr-defined]
    assert token.party == PartyId("NL", "ABC")  # type: ignore[attr-defined]


def test_an_object_is_frozen_and_keeps_what_it_does_not_know() -> None:
    price: Any = model("Price").model_validate({"excl_vat": Decimal("1.10"), "x_discount": Decimal("0.100")})
    with pytest.raises(ValidationError):
        price.excl_vat = Decimal(2)
    assert wire_json.dumps(price) == '{"excl_vat":1.10,"x_discount":0.100}'


def test_a_document_has_what_was_set_and_is_not_null() -> None:
    made: OcpiModel = model("Price")(excl_vat=Decimal("2.50"), incl_vat=None)
    assert made.document() == {"excl_vat": Decimal("2.50")}
