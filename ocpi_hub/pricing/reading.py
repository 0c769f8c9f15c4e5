"""Reading OCPI documents field by field, so that every complaint can name its field.

Numbers become exact Decimals and times aware UTC datetimes. What the fields mean is decided in tariff.py and cdr.py.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, NoReturn, Protocol, runtime_checkable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocpi_hub.wire.types import OcpiModel, parse_datetime

from .errors import PricingError, TimeZoneError

_PLAIN = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_LAST_DIGIT = Decimal("1e-20")
_BOUNDED = Context(prec=35, traps=[Inexact, InvalidOperation])  # keeps every product inside the exact one of money.py


@runtime_checkable
class Model(Protocol):
    """A pydantic model that is not one of ours, known by its one verb."""

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


Document = Mapping[str, Any] | Model
"""An OCPI object: a dict as it came, a wire model, or another pydantic model."""


class Unreadable(ValueError):
    """A value is not what it should be; the caller knows the field."""


def as_mapping(document: object) -> Mapping[str, Any]:
    """The fields of a dict or of a wire model. Raises Unreadable for anything else."""
    if type(document) is dict or isinstance(document, Mapping):
        return document
    if isinstance(document, OcpiModel):
        return document.document()
    if isinstance(document, Model):
        return document.model_dump(mode="json")
    raise Unreadable("must be an object")


def as_number(value: object) -> Decimal:
    """An exact number from an int, Decimal, float (by its shortest decimal text) or plain numeric text.

    Raises Unreadable for true and false, NaN, infinity, more than 20 decimals, or 10^15 and above.
    """
    kind = type(value)
    if kind is float:
        number = Decimal(repr(value))
    elif kind is Decimal or kind is int or (isinstance(value, str) and _PLAIN.fullmatch(value)):
        number = Decimal(value)  # type: ignore[arg-type]
    else:
        raise Unreadable("must be a number")
    try:
        _BOUNDED.quantize(number, _LAST_DIGIT)
    except (Inexact, InvalidOperation):
        raise Unreadable("has too many digits" if number.is_finite() else "must be a finite number") from None
    if not number.is_finite():
        raise Unreadable("must be a finite number")
    return number


def as_moment(value: object) -> datetime:
    """An instant in UTC from an OCPI DateTime or a datetime (without a zone it is UTC). Raises Unreadable."""
    if isinstance(value, str):
        moment = _parse(value)
    elif isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    else:
        raise Unreadable("must be a DateTime like 2015-06-29T20:39:09Z")
    if not 1970 <= moment.year < 2200:
        raise Unreadable("must be a time between 1970 and 2199")
    return moment


def _parse(text: str) -> datetime:
    if len(text) == 20 and text[7] == "-" and text[10] == "T" and text[19] == "Z":
        try:
            return datetime.fromisoformat(text)  # the usual form, ten times faster
        except ValueError:
            pass
    try:
        return parse_datetime(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def as_zone(time_zone: object) -> tzinfo:
    """The zone of a Location's `time_zone` (an IANA name). Raises TimeZoneError."""
    if isinstance(time_zone, tzinfo):
        return time_zone
    if isinstance(time_zone, str):
        try:
            return ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise TimeZoneError("time_zone", f"{time_zone!r} is not a time zone such as Europe/Amsterdam")


class Fields:
    """One object of a document and where it stands in it; an absent field and null are the same (OCPI)."""

    __slots__ = ("error", "path", "values")

    def __init__(self, values: object, error: type[PricingError], *, path: str = "") -> None:
        self.path = path
        self.error = error
        try:
            self.values = as_mapping(values)
        except Unreadable as reason:
            self.fail("", str(reason))

    def field(self, name: str) -> str:
        """The path of a field of this object; the object itself for an empty name."""
        if not name:
            return self.path or "document"
        return f"{self.path}.{name}" if self.path else name

    def fail(self, name: str, message: str) -> NoReturn:
        """Raise the error of this document about a field."""
        raise self.error(self.field(name), message)

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def number(self, name: str) -> Decimal | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return as_number(value)
        except Unreadable as reason:
            self.fail(name, str(reason))

    def required_number(self, name: str) -> Decimal:
        number = self.number(name)
        if number is None:
            self.fail(name, "is missing")
        return number

    def whole(self, name: str) -> int | None:
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value():
            self.fail(name, "must be a whole number")
        return int(number)

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            self.fail(name, "must be a string")
        return str(value) if value is not None else None

    def moment(self, name: str) -> datetime | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return as_moment(value)
        except Unreadable as reason:
            self.fail(name, str(reason))

    def items(self, name: str) -> list[Any]:
        """The entries of a list; none when it is absent."""
        value = self.values.get(name)
        if value is None:
            return []
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, list | tuple):
            self.fail(name, "must be a list")
        return list(value)

    def objects(self, name: str, *, least: int = 0) -> list["Fields"]:
        """The objects of a list of cardinality `*`, or `+` when `least` is 1."""
        entries = self.items(name)
        if len(entries) < least:
            self.fail(name, "must have at least one entry")
        return [Fields(entry, self.error, path=f"{self.field(name)}[{index}]") for index, entry in enumerate(entries)]

    def inner(self, name: str) -> "Fields":
        """The object in a field."""
        return Fields(self.values.get(name), self.error, path=self.field(name))
