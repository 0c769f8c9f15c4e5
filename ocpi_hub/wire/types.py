"""The small words of OCPI (types.asciidoc): strings, times, numbers, prices, and the base of every model.

Strict in what we send, forgiving in what we take. A model only checks and reads: what is kept and passed on is
the partner's document, never a model dumped again. No I/O here, no clock, and no OCPI module.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from math import isfinite
from typing import Annotated, Any, Final, TypeVar

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Absent(Enum):
    """The type of ABSENT: nothing was given, which is not the same as null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

# --- strings -------------------------------------------------------------------------------------------------

PRINTABLE_ASCII: Final = r"^[ -~]*$"
VISIBLE_ASCII: Final = r"^[!-~]+$"
PARTY_CODE: Final = r"^[!-.0-~]+$"  # no space and no slash: "cc/pid" must stay unambiguous
PRINTABLE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
HTTP_URL: Final = r"^(?i:https?)://[^\s\x00-\x1f\x7f]+$"
TIME_OF_DAY: Final = r"^([0-1][0-9]|2[0-3]):[0-5][0-9]$"
DATE: Final = r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
CURRENCY: Final = r"^[A-Za-z]{3}$"
# The specification asks for 5 to 7 decimals and allows a length that its own regex exceeds. A position that is
# written more or less exactly is still where the charger stands; one that is not on the globe is refused.
LATITUDE: Final = r"^-?([0-8]?[0-9](\.[0-9]{1,15})?|90(\.0{1,15})?)$"
LONGITUDE: Final = r"^-?((1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,15})?|180(\.0{1,15})?)$"

COMPLAINTS: Final = {
    PRINTABLE_ASCII: "must be printable ASCII",
    VISIBLE_ASCII: "must be printable ASCII without spaces",
    PARTY_CODE: "must be printable ASCII without spaces and slashes",
    PRINTABLE: "must not contain control characters or line breaks",
    HTTP_URL: "must be an http or https URL",
    TIME_OF_DAY: "must be a time of day like 18:15",
    DATE: "must be a date like 2015-12-24",
    CURRENCY: "must be a currency code of three letters",
    LATITUDE: "must be degrees of latitude like 50.770774",
    LONGITUDE: "must be degrees of longitude like -126.104965",
}
"""What is wrong with a text that does not match, in words."""


def CiString(n: int, *, least: int = 0) -> StringConstraints:
    """CiString(n): printable ASCII, compared without case (`same_id`), kept in the case that it came in.

    Used as `Annotated[str, CiString(36)]`. `least=1` where an empty value would name nothing.
    """
    return StringConstraints(min_length=least or None, max_length=n, pattern=PRINTABLE_ASCII)


def String(n: int) -> StringConstraints:
    """string(n): printable Unicode without control characters or line breaks; n counts code points."""
    return StringConstraints(max_length=n, pattern=PRINTABLE)


Id36 = Annotated[str, CiString(36, least=1)]
"""An identifier that must name something: CiString(36), never empty."""
CountryCode = Annotated[str, StringConstraints(min_length=1, max_length=2, pattern=PARTY_CODE)]
PartyCode = Annotated[str, StringConstraints(min_length=1, max_length=3, pattern=PARTY_CODE)]
Url = Annotated[str, String(255)]
"""A URL that is only shown to people. Not every partner writes the scheme, and we never call it."""
HttpUrl = Annotated[str, StringConstraints(max_length=255, pattern=HTTP_URL)]
"""A URL that is meant to be called: absolute, http or https, string(255)."""

TimeOfDay = Annotated[str, StringConstraints(pattern=TIME_OF_DAY)]
"""HH:MM on a 24-hour clock, local to the location; such strings sort as times do."""
Date = Annotated[str, StringConstraints(pattern=DATE)]
"""YYYY-MM-DD, local to the location."""
Currency = Annotated[str, StringConstraints(pattern=CURRENCY)]
"""An ISO 4217 code."""
Latitude = Annotated[str, StringConstraints(pattern=LATITUDE)]
Longitude = Annotated[str, StringConstraints(pattern=LONGITUDE)]
"""Decimal degrees in WGS 84, as strings (mod_locations.asciidoc, GeoLocation)."""


def same_id(a: str, b: str) -> bool:
    """Whether two CiStrings are the same (types.asciidoc, CiString)."""
    return a.lower() == b.lower()


# --- times ---------------------------------------------------------------------------------------------------

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})[Tt ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,18}))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?",
    re.ASCII,
)

_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


def parse_datetime(text: str) -> datetime:
    """The instant that an OCPI DateTime names, aware and in UTC (types.asciidoc, DateTime).

    Taken more widely than the specification asks: Z is optional, an offset is converted, a longer fraction is
    cut to microseconds, seconds may be missing, one-digit months and days are read (mod_cdrs has a placeholder
    `1970-1-1T00:00:00Z`), and so is a leap second. Raises ValueError for anything else.
    """
    if _CANONICAL.fullmatch(text):
        with suppress(ValueError):  # what nearly everybody writes, read by the C of the standard library
            return datetime.fromisoformat(text)
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("must be a DateTime like 2015-06-29T20:39:09Z")
    year, month, day, hour, minute, second, fraction, sign, ahead_hours, ahead_minutes = found.groups()
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    seconds = int(second or 0)
    leap = timedelta(seconds=1 if seconds == 60 else 0)
    zone: timezone = UTC
    try:
        if sign:
            ahead = timedelta(hours=int(ahead_hours), minutes=int(ahead_minutes))
            zone = timezone(ahead if sign == "+" else -ahead)
        day_and_hour = (int(year), int(month), int(day), int(hour), int(minute))
        when = datetime(*day_and_hour, seconds - leap.seconds, micros, zone)
        return (when + leap).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a DateTime that exists, like 2015-06-29T20:39:09Z") from None


def format_datetime(when: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS[.mmm]Z`, at most 24 characters; what is finer than a millisecond is cut off.

    Raises ValueError for a time without a zone: that is a bug, not a guess.
    """
    if when.tzinfo is None:
        raise ValueError("a time without a zone must not be sent")
    utc = when.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"


def _read_datetime(value: Any) -> datetime:
    if isinstance(value, str):
        return parse_datetime(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    raise ValueError("must be a DateTime like 2015-06-29T20:39:09Z")


DateTime = Annotated[
    datetime,
    PlainValidator(_read_datetime),
    PlainSerializer(format_datetime, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 25}),
]

# --- numbers -------------------------------------------------------------------------------------------------


def _read_number(value: Any) -> Decimal:
    kind = type(value)
    if kind is int:
        return Decimal(value)
    if kind is Decimal and value.is_finite():
        return value  # type: ignore[no-any-return]
    if kind is float and isfinite(value):
        return Decimal(repr(value))
    raise ValueError("must be a number")


def _write_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Number = Annotated[
    Decimal,
    PlainValidator(_read_number),
    PlainSerializer(_write_number, return_type=int | float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""A JSON number, exact as a Decimal. wire.json.dumps writes it digit by digit; a number in quotes is refused."""


def _read_whole(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, Decimal | float) and isfinite(value) and value == int(value):
        return int(value)  # some platforms write 230.0 for an int
    raise ValueError("must be a whole number")


Int = Annotated[int, BeforeValidator(_read_whole), Ge(-(2**31)), Le(2**31 - 1)]
"""An int; 230.0 is taken for 230, true and "230" are not."""
NaturalInt = Annotated[int, BeforeValidator(_read_whole), Ge(0), Le(2**31 - 1)]
Boolean = Annotated[bool, Strict()]

# --- lists and enumerations ----------------------------------------------------------------------------------


def _empty_if_null(value: Any) -> Any:
    return () if value is None else value


def _not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    if not value:
        raise ValueError("must have at least one entry")
    return value


Many = Annotated[tuple[T, ...], BeforeValidator(_empty_if_null)]
"""Cardinality `*`: absent, null and [] are the same, and read as ()."""
Some = Annotated[tuple[T, ...], AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})]
"""Cardinality `+`: at least one."""


def Open(known: type[StrEnum]) -> PlainValidator:
    """An enumeration that a hub must pass on even where it does not know the value (OCPI 2.3.0 opened these).

    Used as `Annotated[Capability | str, Open(Capability)]`: known values become members, others stay strings.
    """
    members: dict[str, StrEnum] = {member.value: member for member in known}

    def read(value: Any) -> StrEnum | str:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "must be a string")
        member = members.get(value)
        if member is not None:
            return member
        if not 0 < len(value) <= 255 or not value.isprintable():
            raise ValueError("must be a value of the enumeration " + known.__name__)
        return value

    return PlainValidator(read, json_schema_input_type=str)


# --- models --------------------------------------------------------------------------------------------------


class OcpiModel(BaseModel):
    """The base of every OCPI object: frozen, unknown fields kept, an optional field absent or null alike."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, hide_input_in_errors=True, protected_namespaces=()
    )

    def document(self) -> dict[str, Any]:
        """The object as a document for wire.json.dumps: what was set and is not null; Decimals stay Decimals."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class DisplayText(OcpiModel):
    """A text for people in one language (types.asciidoc, DisplayText)."""

    language: Annotated[str, String(2)]
    text: Annotated[str, String(512)]


class Price(OcpiModel):
    """An amount without and, when known, with VAT (types.asciidoc, Price); the currency stands beside it."""

    excl_vat: Number
    incl_vat: Number | None = None


class ImageCategory(StrEnum):
    """What an image shows (mod_locations.asciidoc, ImageCategory)."""

    CHARGER = "CHARGER"
    ENTRANCE = "ENTRANCE"
    LOCATION = "LOCATION"
    NETWORK = "NETWORK"
    OPERATOR = "OPERATOR"
    OTHER = "OTHER"
    OWNER = "OWNER"


class Image(OcpiModel):
    """A picture or logo by reference; width and height in pixels (mod_locations.asciidoc, Image)."""

    url: Url
    thumbnail: Url | None = None
    category: Annotated[ImageCategory | str, Open(ImageCategory)]
    type: Annotated[str, CiString(4)]
    width: Annotated[NaturalInt, Le(99999)] | None = None
    height: Annotated[NaturalInt, Le(99999)] | None = None


class BusinessDetails(OcpiModel):
    """Who a company is, as drivers see it (mod_locations.asciidoc, BusinessDetails)."""

    name: Annotated[str, String(100)]
    website: Url | None = None
    logo: Image | None = None
