"""One tree of everything that is answered with an error: each class carries its HTTP and its OCPI status.

Raised anywhere, rendered once at the door. What a partner answers us is a value, not one of these.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ocpi_hub.wire.types import ABSENT, COMPLAINTS, Absent


class OcpiError(Exception):
    """An answer other than success. `http_status` and `status_code` may be given where a place asks for others.

    `data` is what the envelope's data field shall hold; ABSENT leaves it out (status_codes.asciidoc).
    """

    http_status: int = 200
    status_code: int = 3000

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        status_code: int | None = None,
        data: Any | Absent = ABSENT,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        if http_status is not None:
            self.http_status = http_status
        if status_code is not None:
            self.status_code = status_code


class GenericClientError(OcpiError):
    """2000, the caller did something wrong and no other code says it (status_codes.asciidoc, 2xxx)."""

    status_code = 2000


class NotAuthenticated(GenericClientError):
    """HTTP 401: the credentials token is missing, unknown or not for this module (transport_and_format.asciidoc,
    Authorization header; the code is 2000 because 2001-2004 mean other things)."""

    http_status = 401


class MethodNotAllowed(GenericClientError):
    """HTTP 405: a verb the module does not have, or credentials in the wrong state (credentials.asciidoc)."""

    http_status = 405


class InvalidParameters(GenericClientError):
    """2001, a field, a parameter or a header is missing or wrong (status_codes.asciidoc, 2xxx)."""

    status_code = 2001


class BadJson(GenericClientError):
    """HTTP 400 and 2001: the body is not JSON (status_codes.asciidoc, "the HTTP error 400 MUST be returned")."""

    http_status = 400
    status_code = 2001


class BodyTooLarge(GenericClientError):
    """HTTP 413 and 2001: more bytes than we take; it never reached the OCPI layer (status_codes.asciidoc)."""

    http_status = 413
    status_code = 2001


class NotFound(GenericClientError):
    """HTTP 404: there is no such object or path (status_codes.asciidoc, "in case of a GET request").

    The code is 2001; give 2003 for a location and 2004 for a token: those codes mean nothing else.
    """

    http_status = 404
    status_code = 2001


class NotEnoughInformation(GenericClientError):
    """2002, the request says too little to be answered, e.g. an authorization without a location
    (status_codes.asciidoc, 2xxx)."""

    status_code = 2002


class UnknownLocation(GenericClientError):
    """2003, the request names a location that we do not know (status_codes.asciidoc, 2xxx)."""

    status_code = 2003


class UnknownToken(GenericClientError):
    """2004, the request names a token that we do not know (status_codes.asciidoc, 2xxx). A real-time
    authorization answers it with HTTP 404 (mod_tokens.asciidoc, POST)."""

    status_code = 2004


class ServerError(OcpiError):
    """3000, we failed on a correct request (status_codes.asciidoc, 3xxx)."""

    status_code = 3000


class UnableToUseApi(ServerError):
    """3001, a GET on the caller's own API failed during registration (status_codes.asciidoc, 3xxx)."""

    status_code = 3001


class UnsupportedVersion(ServerError):
    """3002, no version in common (status_codes.asciidoc, 3xxx)."""

    status_code = 3002


class NoMatchingEndpoints(ServerError):
    """3003, the caller's endpoints do not include what is needed (status_codes.asciidoc, 3xxx)."""

    status_code = 3003


class HubError(OcpiError):
    """4000, a hub could not route for a reason of its own (status_codes.asciidoc, 4xxx)."""

    status_code = 4000


class UnknownReceiver(HubError):
    """4001, the TO address names nobody (status_codes.asciidoc, 4xxx)."""

    status_code = 4001


class ReceiverTimeout(HubError):
    """4002, forwarded, but the receiver did not answer in time (status_codes.asciidoc, 4xxx)."""

    status_code = 4002


class ReceiverNotConnected(HubError):
    """4003, the receiver is not connected (status_codes.asciidoc, 4xxx)."""

    status_code = 4003


# --- what a model found wrong, in one sentence ---------------------------------------------------------------

_SHOWN = 5

_BY_TYPE = {
    "missing": "is required",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dataclass_type": "must be an object",
    "extra_forbidden": "is not known here",
    "unexpected_keyword_argument": "is not known here",
    "datetime_type": "must be a time like 2015-06-29T20:39:09Z",
    "datetime_parsing": "must be a time like 2015-06-29T20:39:09Z",
    "datetime_from_date_parsing": "must be a time like 2015-06-29T20:39:09Z",
    "timezone_aware": "must be a time with its zone, like 2015-06-29T20:39:09Z",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
}

_COUNTED = {
    "string_too_long": ("max_length", "at most", "character"),
    "string_too_short": ("min_length", "at least", "character"),
    "too_short": ("min_length", "at least", "entry"),
    "too_long": ("max_length", "at most", "entry"),
}


def from_validation(error: ValidationError, *, within: str = "") -> InvalidParameters:
    """One readable sentence: `evses.0.connectors.1.power_type: is required; name: must be a string`.

    Values are never repeated, for they may be secrets. `within` is put before every path.
    """
    found = error.errors(include_url=False)
    said = [_sentence(one["loc"], complaint(one), within=within) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        said.append(f"and {len(found) - _SHOWN} more")
    return InvalidParameters("; ".join(said))


def _sentence(loc: Sequence[str | int], complaint: str, *, within: str) -> str:
    path = ".".join([within, *map(str, loc)] if within else map(str, loc))
    return f"{path[:200]}: {complaint}" if path else complaint


def complaint(one: Any) -> str:
    """What is wrong with one value, in words: the verb and the rule. `one` is an entry of pydantic's `errors()`."""
    kind, context = one["type"], one.get("ctx", {})
    if one["input"] is None:
        return "is required"
    if kind == "string_pattern_mismatch":
        return COMPLAINTS.get(context["pattern"], f"must match {context['pattern']}")
    if kind == "value_error":
        return str(context["error"])
    if kind in _BY_TYPE:
        return _BY_TYPE[kind].format(**context)
    if kind in _COUNTED:
        bound, some, word = _COUNTED[kind]
        count = context[bound]
        if some == "at least" and count == 1 and word == "character":
            return "must not be empty"
        return f"must {'be' if word == 'character' else 'have'} {some} {count} {_plural(word, count)}"
    message: str = one["msg"]
    return message[:1].lower() + message[1:]


def _plural(word: str, count: int) -> str:
    if count == 1:
        return word
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
