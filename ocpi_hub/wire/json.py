"""JSON as partners write it: read exactly, refuse what is hostile, and write numbers digit by digit.

The only importer of simplejson, which keeps Decimals. Doubled names: the last one wins, as in PostgreSQL; what is
passed on to others must have none.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import simplejson

from ocpi_hub.wire.errors import BadJson, InvalidParameters
from ocpi_hub.wire.types import OcpiModel, format_datetime

_DIGITS = 100  # no amount, meter value or coordinate needs more, and PostgreSQL's numeric takes it
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class NotJson(BadJson):
    """The text is not JSON, or is JSON made to hurt. As an answer to a caller: HTTP 400."""


def loads(raw: bytes | str, *, max_depth: int = 64, max_values: int = 250_000, unique: bool = False) -> Any:
    """The document in `raw`: UTF-8, a BOM is tolerated, fractional numbers are Decimals exactly as sent.

    Raises NotJson for what cannot be parsed, for NaN and Infinity, numbers of more than 100 digits or beyond
    10^±100, lone surrogates, nesting deeper than `max_depth` and more than about `max_values` values (a body of
    empty lists needs thirty times its size in memory); InvalidParameters, with the path, for the character NUL
    inside a string: that is JSON, but nothing can keep it; where names have to be `unique`, InvalidParameters for one
    that stands twice in one object. Raises nothing else.
    """
    text = _decode(raw)
    if not text or text.isspace():
        raise NotJson("the body is empty, JSON was expected")
    if len(text) > max_values and text.count(",") + text.count("[") + text.count("{") > max_values:
        raise NotJson(f"not accepted: more than {max_values} values")
    try:
        document = (_STRICT if unique else _DECODER).decode(text)
    except simplejson.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise NotJson(f"not accepted: nested deeper than {max_depth} levels") from None
    except MemoryError:
        raise NotJson("not accepted: too large") from None
    if text.count("[") + text.count("{") > max_depth and _is_deeper(document, max_depth):
        raise NotJson(f"not accepted: nested deeper than {max_depth} levels")
    if "\\u" in text and _SUSPECT.search(text):
        _refuse_bad_characters(document)
    return document


def dumps(document: Any, *, by_name: bool = False, indent: int | None = None) -> str:
    """Compact JSON; Decimals as plain numbers with every digit, times by format_datetime, models as documents.

    `by_name` puts the fields in the order of their names, so that equal documents have equal texts. `indent` is for
    people: each field on a line of its own.
    """
    return simplejson.dumps(  # type: ignore[no-any-return]
        document,
        ensure_ascii=False,
        separators=(",", ":") if indent is None else (",", ": "),
        indent=indent,
        use_decimal=False,
        allow_nan=False,
        default=_plain,
        sort_keys=by_name,
    )


def _decode(raw: bytes | str) -> str:
    try:
        if isinstance(raw, str):
            raw.encode("utf-8")  # a str can hold half a surrogate pair, UTF-8 cannot
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeError:
        raise NotJson("not JSON: the text is not UTF-8") from None
    return text.removeprefix("\ufeff")


def _fraction(text: str) -> Decimal:
    if len(text) <= _DIGITS:
        with suppress(InvalidOperation):
            number = Decimal(text)
            if -_DIGITS <= number.adjusted() <= _DIGITS:
                return number
    raise NotJson("not accepted: a number with too many digits or too large an exponent")


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise NotJson("not accepted: a number with too many digits")
    return int(text)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        doubled = next(name for name in names if names.count(name) > 1)
        raise InvalidParameters(f"{doubled[:50]}: stands twice in one object")
    return found


_DECODER = simplejson.JSONDecoder(parse_float=_fraction, parse_int=_whole)
_STRICT = simplejson.JSONDecoder(parse_float=_fraction, parse_int=_whole, object_pairs_hook=_unique)


def _is_deeper(document: Any, max_depth: int) -> bool:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _refuse_bad_characters(document: Any) -> None:
    for path, text in _strings(document, ()):
        if "\0" in text:
            raise InvalidParameters(f"{'.'.join(path)[:200] or 'the document'}: must not contain the character NUL")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise NotJson("not JSON: half of a surrogate pair in a string")


def _strings(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield path, key
            yield from _strings(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _strings(child, (*path, str(index)))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("a number that is not finite cannot be sent")
        return simplejson.RawJSON(format(value, "f"))
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, OcpiModel):
        return value.document()
    raise TypeError(f"{type(value).__name__} has no place in a JSON document")
