"""Every mapping between OCPP's words and OCPI's, as a table."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.port import AuthStatus, ConnectorStatus, OutcomeStatus, Sample
from ocpi_hub.chargers import mapping
from ocpi_hub.wire.cdrs import CdrLocation, SignedData
from ocpi_hub.wire.commands import CommandResultType
from ocpi_hub.wire.locations import Status
from tests.world import objects

A, P, C, F = (ConnectorStatus(word) for word in ("Available", "Preparing", "Charging", "Faulted"))
U, R = ConnectorStatus.UNAVAILABLE, ConnectorStatus.RESERVED


@pytest.mark.parametrize(
    ("connector", "evse"),
    [
        ("Available", "AVAILABLE"),
        ("Preparing", "CHARGING"),
        ("Charging", "CHARGING"),
        ("SuspendedEV", "CHARGING"),
        ("SuspendedEVSE", "CHARGING"),
        ("Finishing", "CHARGING"),
        ("Occupied", "CHARGING"),
        ("Reserved", "RESERVED"),
        ("Unavailable", "INOPERATIVE"),
        ("Faulted", "OUTOFORDER"),
    ],
)
def test_a_connector_status_is_an_evse_status(connector: str, evse: str) -> None:
    assert mapping.evse_status([ConnectorStatus(connector)], online=True) == evse
    assert mapping.evse_status([ConnectorStatus(connector)], online=False) == "UNKNOWN"
    assert Status(evse)


def test_every_connector_status_has_its_line_in_the_table() -> None:
    for status in ConnectorStatus:
        assert mapping.evse_status([status], online=True) != "UNKNOWN"


@pytest.mark.parametrize(
    ("connectors", "whole", "evse"),
    [
        ([], None, "UNKNOWN"),
        ([A, C], None, "CHARGING"),  # one car per EVSE: the free connector cannot be used
        ([A, P], None, "CHARGING"),
        ([A, R], None, "RESERVED"),
        ([A, F], None, "AVAILABLE"),  # one connector still serves
        ([A, U], None, "AVAILABLE"),
        ([F, U], None, "OUTOFORDER"),
        ([U, U], None, "INOPERATIVE"),
        ([A], F, "OUTOFORDER"),
        ([A], U, "INOPERATIVE"),
        ([A], A, "AVAILABLE"),
        ([C], F, "CHARGING"),  # the car is still there
        ([], U, "INOPERATIVE"),
    ],
)
def test_several_connectors_and_the_whole_charger(
    connectors: list[ConnectorStatus], whole: ConnectorStatus | None, evse: str
) -> None:
    assert mapping.evse_status(connectors, online=True, whole=whole) == evse


@pytest.mark.parametrize(
    ("ocpi", "ocpp"), [("RFID", "ISO14443"), ("APP_USER", "Central"), ("AD_HOC_USER", "Central"), ("OTHER", "Central")]
)
def test_token_types_for_chargers(ocpi: str, ocpp: str) -> None:
    assert mapping.id_token_type(ocpi) == ocpp


@pytest.mark.parametrize(
    ("ocpp", "ocpi"),
    [
        ("ISO14443", "RFID"),
        ("ISO15693", "RFID"),
        ("KeyCode", "RFID"),
        ("Local", "RFID"),
        ("Central", "APP_USER"),
        ("eMAID", "OTHER"),
        ("MacAddress", "OTHER"),
        ("NoAuthorization", "OTHER"),
    ],
)
def test_token_types_for_partners(ocpp: str, ocpi: str) -> None:
    assert mapping.token_type(ocpp) == ocpi


def test_a_short_uid_reaches_the_charger_as_it_is_and_a_long_one_under_a_stable_name() -> None:
    assert mapping.id_token_of("04A1B2C3D4E5F6") == "04A1B2C3D4E5F6"
    long = mapping.id_token_of("bdf21bce-fc97-11e8-8eb2-f2801f1b9fd1")
    assert len(long) == 20
    assert long == mapping.id_token_of("BDF21BCE-FC97-11E8-8EB2-F2801F1B9FD1")
    assert long != mapping.id_token_of("bdf21bce-fc97-11e8-8eb2-f2801f1b9fd2")


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ("ALLOWED", AuthStatus.ACCEPTED),
        ("BLOCKED", AuthStatus.BLOCKED),
        ("EXPIRED", AuthStatus.EXPIRED),
        ("NO_CREDIT", AuthStatus.NO_CREDIT),
        ("NOT_ALLOWED", AuthStatus.NOT_AT_THIS_LOCATION),
        ("MAYBE", AuthStatus.INVALID),
    ],
)
def test_allowed_types(allowed: str, status: AuthStatus) -> None:
    assert mapping.verdict_of(allowed) is status


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        ("ACCEPTED", "ACCEPTED"),
        ("REJECTED", "REJECTED"),
        ("NOT_SUPPORTED", "NOT_SUPPORTED"),
        ("OCCUPIED", "EVSE_OCCUPIED"),
        ("FAULTED", "EVSE_INOPERATIVE"),
        ("UNAVAILABLE", "EVSE_INOPERATIVE"),
        ("UNKNOWN_TRANSACTION", "FAILED"),
        ("UNKNOWN_RESERVATION", "UNKNOWN_RESERVATION"),
        ("OFFLINE", "EVSE_INOPERATIVE"),
        ("TIMEOUT", "TIMEOUT"),
        ("FAILED", "FAILED"),
        ("INVALID", "FAILED"),
    ],
)
def test_outcomes(outcome: str, result: str) -> None:
    assert mapping.command_result(OutcomeStatus(outcome)) == result


def test_every_outcome_is_a_command_result_of_ocpi() -> None:
    for status in OutcomeStatus:
        assert CommandResultType(mapping.command_result(status))


def test_ids_of_cdrs_fit_and_say_where_they_come_from() -> None:
    session = "0123456789abcdef0123456789abcdef"
    assert mapping.cdr_id(session, 1) == session
    assert mapping.cdr_id(session, 2) == f"{session}-2"
    assert mapping.credit_id(mapping.cdr_id(session, 2)) == f"{session}-2-C"
    for number in (1, 2, 999, 12345):
        assert len(mapping.cdr_id(session, number)) <= 36
        assert len(mapping.credit_id(mapping.cdr_id(session, number))) <= 39


@pytest.mark.parametrize(
    ("uid", "evse_id"),
    [("EVSE1", "NL*CPO*EEVSE1"), ("3f2b-9a", "NL*CPO*E3F2B9A"), ("x" * 36, "NL*CPO*E" + "X" * 30)],
)
def test_an_evse_without_an_evse_id_gets_one(uid: str, evse_id: str) -> None:
    assert mapping.evse_id_of(country_code="nl", party_id="CPO", uid=uid) == evse_id


def place(location: dict[str, Any], **evse: Any) -> dict[str, Any]:
    return mapping.cdr_location(location, objects.evse(**evse), objects.connector())


def test_a_cdr_location_has_only_what_is_relevant() -> None:
    found = place(objects.location(images=[], parking_type="ON_STREET"))
    assert found == {
        "id": "LOC1",
        "name": "Central Station",
        "address": "Stationsplein 1",
        "city": "Utrecht",
        "postal_code": "3511 ED",
        "country": "NLD",
        "coordinates": {"latitude": "52.089444", "longitude": "5.110278"},
        "evse_uid": "EVSE1",
        "evse_id": "NL*CPO*EVSE1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    }


def test_a_cdr_location_is_cut_to_its_shorter_lengths() -> None:
    found = place(objects.location(address="A" * 255, state="S" * 45), evse_id=None)
    assert (len(found["address"]), len(found["state"])) == (45, 20)
    assert found["evse_id"] == "NL*CPO*EEVSE1"
    CdrLocation.model_validate(found)


@pytest.mark.parametrize(
    ("value", "number"),
    [("10", "10"), ("10.0000", "10"), ("1.2345", "1.2345"), ("1.23455", "1.2346"), ("0", "0"), ("100.5", "100.5")],
)
def test_four_decimals(value: str, number: str) -> None:
    assert format(mapping.four_decimals(Decimal(value)), "f") == number


def test_watt_hours_as_kilowatt_hours() -> None:
    assert mapping.kwh(Decimal("12345.67")) == Decimal("12.3457")


AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def sample(signed: dict[str, Any] | None, context: str = "Sample.Periodic") -> Sample:
    return Sample(AT, "Energy.Active.Import.Register", Decimal(0), "Wh", context=context, signed=signed)


def test_signed_values_are_passed_on_byte_for_byte() -> None:
    ocmf = 'OCMF|{"FV":"1.0","RD":[{"RV":100}]}|{"SD":"3045"}'
    packed = base64.b64encode(ocmf.encode()).decode()
    begin = {"signedMeterData": packed, "encodingMethod": "OCMF", "signingMethod": "ECDSA", "publicKey": "MFkw"}
    found = mapping.signed_data(
        [
            sample(begin, "Transaction.Begin"),
            sample(None),
            sample({"signedMeterData": "not base64 at all"}, "Sample.Clock"),
            sample(begin, "Transaction.End"),
        ]
    )
    assert found == {
        "encoding_method": "OCMF",
        "public_key": "MFkw",
        "signed_values": [
            {"nature": "Start", "plain_data": ocmf, "signed_data": packed},
            {"nature": "Intermediate", "plain_data": "not base64 at all", "signed_data": "not base64 at all"},
            {"nature": "End", "plain_data": ocmf, "signed_data": packed},
        ],
    }
    SignedData.model_validate(found)


def test_what_is_signed_in_binary_stays_as_it_came() -> None:
    packed = base64.b64encode(b"\x00\x01\xff").decode()
    found = mapping.signed_data([sample({"signedMeterData": packed, "encodingMethod": "X" * 50})])
    assert found is not None
    assert found["signed_values"][0]["plain_data"] == packed
    assert found["encoding_method"] == "X" * 36


def test_a_signature_that_does_not_fit_is_left_out_and_nothing_signed_is_nothing() -> None:
    assert mapping.signed_data([sample({"signedMeterData": "x" * 5001})]) is None
    assert mapping.signed_data([sample(None), sample({})]) is None
    long_key = mapping.signed_data([sample({"signedMeterData": "x", "publicKey": "k" * 513})])
    assert long_key is not None
    assert "public_key" not in long_key
