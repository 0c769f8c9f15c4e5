"""Every model against the tables of the specification: names, cardinalities, lengths, types and values."""

from typing import Any

import pytest
from pydantic import ValidationError

from ocpi_hub.wire import cdrs, chargingprofiles, commands, locations, parties, sessions, tariffs, tokens, types
from ocpi_hub.wire.types import OcpiModel

from .specification import CLASSES, ENUMS, PROPERTIES, Property, enum, model, sample, value

MODULES = (types, parties, tokens, locations, tariffs, cdrs, sessions, commands, chargingprofiles)
OPEN = {
    "Capability", "ConnectorType", "Facility", "ParkingType", "ParkingRestriction", "TokenType", "ImageCategory",
    "EnvironmentalImpactCategory", "ModuleID", "InterfaceRole", "VersionNumber",
}  # fmt: skip
OPEN_HERE = {"CdrLocation.connector_format", "CdrLocation.connector_power_type"}
TAKEN_WITHOUT = {"Endpoint.role"}
WIDER = {
    "GeoLocation.latitude",
    "GeoLocation.longitude",
    "AdditionalGeoLocation.latitude",
    "AdditionalGeoLocation.longitude",
}
FIXED = {"currency", "start_time", "end_time", "start_date", "end_date"} | {"period_begin", "period_end"}
BESIDE = {  # required by what stands beside them in a full object: test_rules.py
    "PublishTokenType.type", "PublishTokenType.issuer", "Hours.regular_hours", "CDR.credit_reference_id",
    "StartSession.evse_uid",
}  # fmt: skip
LINE_BREAKS = {"SignedValue.plain_data", "SignedValue.signed_data", "SignedData.public_key"}

each_property = pytest.mark.parametrize("one", PROPERTIES, ids=str)


def accepts(one: Property, given: Any) -> OcpiModel:
    return model(one.owner).model_validate(sample(one.owner) | {one.name: given})


def refuses(one: Property, given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        accepts(one, given)
    assert any(error["loc"][:1] == (one.name,) for error in caught.value.errors()), caught.value


def listed(one: Property, given: Any) -> Any:
    return [given] if one.card in "*+" else given


@pytest.mark.parametrize("name", CLASSES)
def test_a_model_has_the_properties_of_its_table(name: str) -> None:
    assert set(model(name).model_fields) == {one.name for one in CLASSES[name][1]}


def test_there_is_no_model_without_a_table() -> None:
    ours = {
        found.__name__
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, OcpiModel)
    }
    assert ours - set(CLASSES) == {"OcpiModel", "OwnedModel", "CommandRequest"}
    assert set(CLASSES) - ours == set()


@pytest.mark.parametrize("name", ENUMS)
def test_an_enumeration_has_the_values_of_its_table(name: str) -> None:
    assert [member.value for member in enum(name)] == ENUMS[name][1]


@pytest.mark.parametrize("name", CLASSES)
def test_a_full_object_is_taken_and_written_again(name: str) -> None:
    read = model(name).model_validate(sample(name) | {"vendor_field": {"kept": [1]}})
    again = model(name).model_validate(read.document())
    assert again == read
    assert again.document()["vendor_field"] == {"kept": [1]}


def without(one: Property) -> dict[str, Any]:
    return {name: given for name, given in sample(one.owner).items() if name != one.name}


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.card in "1+"], ids=str)
def test_a_required_property_is_never_absent_or_null(one: Property) -> None:
    if str(one) in TAKEN_WITHOUT:
        assert getattr(accepts(one, None), one.name) is None
        return
    refuses(one, None)
    with pytest.raises(ValidationError):
        model(one.owner).model_validate(without(one))


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.card == "+"], ids=str)
def test_a_list_of_at_least_one_is_never_empty(one: Property) -> None:
    refuses(one, [])
    refuses(one, value(one))


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.card == "?" and str(one) not in BESIDE], ids=str)
def test_an_optional_property_is_absent_or_null_alike(one: Property) -> None:
    assert getattr(accepts(one, None), one.name) is None
    assert getattr(model(one.owner).model_validate(without(one)), one.name) is None


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.card == "*" and str(one) not in BESIDE], ids=str)
def test_a_list_is_absent_null_or_empty_alike(one: Property) -> None:
    read = (model(one.owner).model_validate(without(one)), accepts(one, None), accepts(one, []))
    assert {getattr(each, one.name) for each in read} == {()}
    refuses(one, value(one))


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.length], ids=str)
def test_length(one: Property) -> None:
    assert one.length
    if one.name in FIXED or str(one) in WIDER:
        refuses(one, "A" * (one.length + 1))
        return
    start = "https://example.com/" if one.type == "URL" else ""
    longest = start + "a" * (one.length - len(start))
    if str(one) == "CDR.id":
        assert model("CDR").model_validate(sample("CDR") | {"id": longest, "credit": True, "credit_reference_id": "C"})
    else:
        assert accepts(one, listed(one, longest))
    refuses(one, listed(one, longest + "a"))


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.length], ids=str)
def test_characters(one: Property) -> None:
    for control in ("\n", "\r", "\t", "\0", "\x7f"):
        if str(one) in LINE_BREAKS:
            assert accepts(one, "A" + control)
        else:
            refuses(one, listed(one, "A" + control))
    if one.type.startswith("CiString"):
        refuses(one, listed(one, "é"))


def _wrong(one: Property) -> list[Any]:
    if one.type in CLASSES:
        return ["x", 1, [], True]
    if one.type == "number":
        return ["1", True, "x", {}]
    if one.type.startswith("int"):
        return [1.5, "1", True, {}, 2**40]
    if one.type == "boolean":
        return ["true", 1, 0, "yes"]
    if one.type == "DateTime":
        return [1, "yesterday", "", True, "2026-13-01T00:00:00Z", "2026-01-01"]
    return [1, True, {}, ["x", "y"]]


@each_property
def test_type(one: Property) -> None:
    for wrong in _wrong(one):
        refuses(one, listed(one, wrong))


@pytest.mark.parametrize("one", [one for one in PROPERTIES if one.type in ENUMS or one.type == "ModuleID"], ids=str)
def test_unknown_values(one: Property) -> None:
    if one.type in OPEN or str(one) in OPEN_HERE:
        read = getattr(accepts(one, listed(one, "NOT_YET_KNOWN")), one.name)
        assert read in ("NOT_YET_KNOWN", ("NOT_YET_KNOWN",))
        refuses(one, listed(one, ""))
        refuses(one, listed(one, "A\n"))
        refuses(one, listed(one, "A" * 256))
    else:
        refuses(one, listed(one, "NOT_YET_KNOWN"))
        refuses(one, listed(one, ENUMS[one.type][1][0].lower()))


def test_known_values_are_members() -> None:
    connector = locations.Connector.model_validate(sample("Connector"))
    assert connector.standard is locations.ConnectorType.CHADEMO
    assert connector.power_type is locations.PowerType.AC_1_PHASE


@pytest.mark.parametrize("name", CLASSES)
def test_a_schema_can_be_made_for_the_documentation(name: str) -> None:
    for mode in ("validation", "serialization"):
        schema = model(name).model_json_schema(mode=mode)
        assert schema["type"] == "object"
        assert set(schema["properties"]) == set(model(name).model_fields)
