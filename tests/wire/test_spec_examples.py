"""The specification's own examples: each is read exactly, and each is a valid object but for those that are not."""

import json as stdlib_json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.envelope import read_envelope
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.json import NotJson
from ocpi_hub.wire.locations import EVSE, Connector, EnergyMix, Hours, Location
from ocpi_hub.wire.parties import ClientInfo, Credentials, Version, VersionDetails
from ocpi_hub.wire.sessions import Session
from ocpi_hub.wire.tariffs import Tariff
from ocpi_hub.wire.tokens import Token
from ocpi_hub.wire.types import DisplayText, OcpiModel

FOLDER = Path(__file__).parent.parent / "spec_examples"
FILES = sorted(path.name for path in FOLDER.glob("*.json"))

WHOLE: list[tuple[str, type[OcpiModel]]] = [
    (r"cdr_example", CDR),
    (r"credentials_example\d?", Credentials),
    (r"location_hours_.*", Hours),
    (r"location_example.*", Location),
    (r"session_example_.*", Session),
    (r"tariff_\d.*|tariffrestriction_.*", Tariff),
    (r"token_example_.*|token_put_example", Token),
    (r"version_details_example2?", VersionDetails),
    (r"type_displaytext_example", DisplayText),
]
PARTS: dict[str, tuple[str, type[OcpiModel]]] = {
    "location_energymix_example_complete": ("energy_mix", EnergyMix),
    "location_energymix_example_energy_provider": ("energy_mix", EnergyMix),
    "location_energymix_example_simple": ("energy_mix", EnergyMix),
    "location_regularhours_example": ("opening_times", Hours),
}
LISTS: dict[str, type[OcpiModel]] = {"versions_info_example": Version}
ANSWERS: dict[str, tuple[int, type[OcpiModel]]] = {
    "transport_and_format_get_token_example": (1, Token),
    "transport_and_format_get_token_list_example": (3, Token),
    "transport_and_format_version_details_example": (1, VersionDetails),
    "transport_and_format_version_info_example": (2, Version),
}
# A change, and an object of the examples that it can be made to.
CHANGES: dict[str, tuple[str, tuple[str | int, ...], type[OcpiModel]]] = {
    "location_patch_example_location": ("location_example", (), Location),
    "location_patch_example_status": ("location_example", ("evses", 0), EVSE),
    "location_patch_example_remove_evse": ("location_example", ("evses", 1), EVSE),
    "location_patch_example_tariff": ("location_example", ("evses", 0, "connectors", 1), Connector),
    "session_patch_example_charging_period": ("session_example_2_short_finished", (), Session),
    "session_patch_example_total_cost": ("session_example_2_short_finished", (), Session),
    "token_patch_example": ("token_example_2_full_rfid", (), Token),
}
INVALID: dict[str, tuple[type[OcpiModel], str]] = {
    "tariff_put_example": (Tariff, "last_updated: is required"),
    "location_put_example_add_evse": (
        EVSE,
        "connectors.0.power_type: is required; connectors.0.max_voltage: is required; "
        "connectors.0.max_amperage: is required; connectors.0.last_updated: is required; "
        "physical_reference: must be a string",
    ),
}


def raw(name: str) -> str:
    return (FOLDER / f"{name.removesuffix('.json')}.json").read_text(encoding="utf-8")


def documents(name: str) -> list[tuple[type[OcpiModel], Any]]:
    """The objects of an example, each with the model that it must satisfy."""
    stem = name.removesuffix(".json")
    document = wire_json.loads(raw(stem))
    if stem in PARTS:
        return [(PARTS[stem][1], document[PARTS[stem][0]])]
    if stem in LISTS:
        return [(LISTS[stem], one) for one in document]
    if stem in ANSWERS:
        count, model = ANSWERS[stem]
        data = document["data"] if isinstance(document["data"], list) else [document["data"]]
        assert len(data) == count
        return [(model, one) for one in data]
    if stem in CHANGES:
        target, path, model = CHANGES[stem]
        kept = wire_json.loads(raw(target))
        for step in path:
            kept = kept[step]
        return [(model, kept | document)]
    models = [model for pattern, model in WHOLE if re.fullmatch(pattern, stem)]
    assert len(models) == 1, f"{name} is not in exactly one table of this test"
    return [(models[0], document)]


def without_spaces(text: str) -> str:
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda found: found[1] or "", text)


def test_all_examples_are_here() -> None:
    assert len(FILES) == 59


@pytest.mark.parametrize("name", FILES)
def test_reading_and_writing_changes_nothing(name: str) -> None:
    assert wire_json.dumps(wire_json.loads(raw(name))) == without_spaces(raw(name))


@pytest.mark.parametrize("name", [name for name in FILES if name.removesuffix(".json") not in INVALID])
def test_a_valid_example_is_valid_and_loses_nothing(name: str) -> None:
    for model, document in documents(name):
        before = wire_json.dumps(document)
        read = model.model_validate(document)
        assert wire_json.dumps(document) == before
        assert stdlib_json.loads(wire_json.dumps(read), parse_float=str) == stdlib_json.loads(
            without_nulls(document, model), parse_float=str
        )


def without_nulls(document: Any, model: type[OcpiModel]) -> str:
    # The model writes times in one form; the examples are already in it, so only nulls could differ.
    return wire_json.dumps({name: value for name, value in document.items() if value is not None})


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_example_is_refused_with_the_reason(name: str) -> None:
    model, message = INVALID[name]
    with pytest.raises(ValidationError) as caught:
        model.model_validate(wire_json.loads(raw(name)))
    assert from_validation(caught.value).message == message


def test_the_example_of_hub_client_info_is_not_json_and_not_complete() -> None:
    example = '{"country_code": "NL", "party_id": "ALL", "role": "CPO", "status": "PLANNED",}'
    with pytest.raises(NotJson):
        wire_json.loads(example)
    with pytest.raises(ValidationError) as caught:
        ClientInfo.model_validate(wire_json.loads(example.replace(",}", "}")))
    assert from_validation(caught.value).message == "last_updated: is required"


@pytest.mark.parametrize("name", ANSWERS)
def test_the_example_answers_are_read(name: str) -> None:
    answer = read_envelope(raw(name))
    assert answer.status_code == 1000
    assert answer.ok
    assert answer.timestamp is not None
