"""The tree of errors, and the sentence that a failed validation becomes."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocpi_hub.wire import errors
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.errors import OcpiError, from_validation
from ocpi_hub.wire.locations import Location
from ocpi_hub.wire.parties import Credentials
from ocpi_hub.wire.types import ABSENT

from .specification import sample

STATUSES: dict[type[OcpiError], tuple[int, int]] = {
    errors.NotAuthenticated: (401, 2000),
    errors.MethodNotAllowed: (405, 2000),
    errors.NotFound: (404, 2001),
    errors.BadJson: (400, 2001),
    errors.BodyTooLarge: (413, 2001),
    errors.GenericClientError: (200, 2000),
    errors.InvalidParameters: (200, 2001),
    errors.NotEnoughInformation: (200, 2002),
    errors.UnknownLocation: (200, 2003),
    errors.UnknownToken: (200, 2004),
    errors.ServerError: (200, 3000),
    errors.UnableToUseApi: (200, 3001),
    errors.UnsupportedVersion: (200, 3002),
    errors.NoMatchingEndpoints: (200, 3003),
    errors.HubError: (200, 4000),
    errors.UnknownReceiver: (200, 4001),
    errors.ReceiverTimeout: (200, 4002),
    errors.ReceiverNotConnected: (200, 4003),
}


@pytest.mark.parametrize(("kind", "statuses"), STATUSES.items())
def test_each_error_carries_its_statuses(kind: type[OcpiError], statuses: tuple[int, int]) -> None:
    error = kind("what is wrong")
    assert (error.http_status, error.status_code) == statuses
    assert (str(error), error.message, error.data) == ("what is wrong", "what is wrong", ABSENT)


def test_a_place_may_ask_for_other_statuses() -> None:
    error = errors.UnknownToken("no such token", http_status=404, data=None)
    assert (error.http_status, error.status_code, error.data) == (404, 2004, None)
    assert errors.UnknownToken("another").http_status == 200
    assert errors.OcpiError("a partner's own", status_code=2901).status_code == 2901


def refusal(
    model: type[Location | CDR | Credentials], document: object, *, within: str = ""
) -> errors.InvalidParameters:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document)
    return from_validation(caught.value, within=within)


def test_the_sentence_names_the_path_and_what_is_wrong() -> None:
    connector = {name: value for name, value in sample("Connector").items() if name != "power_type"}
    location = sample("Location") | {"evses": [sample("EVSE") | {"connectors": [sample("Connector"), connector]}]}
    refused = refusal(Location, location)
    assert refused.message == "evses.0.connectors.1.power_type: is required"
    assert (refused.http_status, refused.status_code) == (200, 2001)


def test_several_complaints_stand_in_one_sentence() -> None:
    location = sample("Location") | {"publish": "yes", "id": "x" * 37, "name": "a\nb", "evses": {}, "coordinates": 1}
    assert refusal(Location, location).message == (
        "id: must be at most 36 characters; publish: must be true or false; "
        "name: must not contain control characters or line breaks; coordinates: must be an object; "
        "evses: must be a list"
    )


def test_only_the_first_five_are_told() -> None:
    assert refusal(Location, {}).message.endswith("; and 5 more")


def test_a_document_that_is_no_object() -> None:
    assert refusal(Location, []).message == "must be an object"
    assert refusal(Location, None).message == "is required"


def test_where_the_document_stands_can_be_said() -> None:
    message = refusal(CDR, sample("CDR") | {"currency": 5}, within="data.3").message
    assert message == "data.3.currency: must be a string"


def test_secrets_are_never_repeated() -> None:
    secret = "s3cret with a space"
    refused = refusal(Credentials, sample("Credentials") | {"token": secret})
    assert "s3cret" not in refused.message


class Everything(BaseModel):
    """A value of each kind, for what is said when it is wrong."""

    model_config = ConfigDict(extra="forbid")

    empty: str = Field("x", min_length=1)
    short: str = Field("12345678", min_length=8)
    long: str = Field("", max_length=1)
    few: list[int] = Field([1], min_length=1)
    count: int = 0
    share: float = 0
    amount: Decimal = Decimal(0)
    on: bool = False
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    key: UUID = UUID(int=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"empty": ""}, "empty: must not be empty"),
        ({"short": "1234567"}, "short: must be at least 8 characters"),
        ({"long": "ab"}, "long: must be at most 1 character"),
        ({"few": []}, "few: must have at least 1 entry"),
        ({"few": 1}, "few: must be a list"),
        ({"count": "many"}, "count: must be a whole number"),
        ({"count": 1.5}, "count: must be a whole number"),
        ({"share": "half"}, "share: must be a number"),
        ({"amount": "much"}, "amount: must be a number"),
        ({"on": "perhaps"}, "on: must be true or false"),
        ({"at": "noon"}, "at: must be a time like 2015-06-29T20:39:09Z"),
        ({"key": "abc"}, "key: must be a UUID"),
        ({"kee": 1}, "kee: is not known here"),
    ],
)
def test_a_rule_is_told_as_it_is(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(given)
    assert from_validation(caught.value).message == said
