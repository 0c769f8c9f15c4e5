"""Documents as one partner wants them, and documents of a partner as everybody wants them.

Document → document; nothing given is ever changed, and fields that no model knows stay as they came.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ocpi_hub.dialects.profile import Profile
from ocpi_hub.dialects.shapes import Shape, shape_of
from ocpi_hub.wire.types import OcpiModel, format_datetime, parse_datetime

Document = Mapping[str, Any]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?", re.ASCII)


def said(document: Document, model: type[OcpiModel], profile: Profile) -> Document:
    """An object as this partner wants to be told it; the very same document where it has no wishes."""
    return _said(document, shape_of(model), profile) if profile.rewrites else document


def _said(document: Document, shape: Shape, profile: Profile) -> dict[str, Any]:
    spoken = {name: _value(name, value, shape, profile) for name, value in document.items()}
    if profile.nulls == "explicit":
        missing = sorted(shape.optional - spoken.keys())
        spoken |= {name: [] if name in shape.lists else None for name in missing}
    return spoken


def _value(name: str, value: Any, shape: Shape, profile: Profile) -> Any:
    if name in shape.inner:
        return _each(value, lambda one: _said(one, shape.inner[name], profile))
    if name in shape.times and isinstance(value, str) and profile.times != "as_kept":
        return _time(value, profile.times)
    return value


def _time(text: str, how: str) -> str:
    """A time in whole seconds, or in milliseconds even when these are 000; what is no time stays as it is."""
    try:
        when = parse_datetime(text)
    except ValueError:
        return text
    whole = format_datetime(when.replace(microsecond=0))
    return whole if how == "seconds" else f"{whole[:-1]}.{when.microsecond // 1000:03d}Z"


def heard(document: Document, model: type[OcpiModel], profile: Profile) -> Document:
    """An object of this partner with its numbers as numbers, where it writes them in quotes."""
    return _heard(document, shape_of(model)) if profile.numeric_strings else document


def _heard(document: Document, shape: Shape) -> dict[str, Any]:
    return {
        name: _each(value, lambda one, inner=shape.inner[name]: _heard(one, inner))
        if name in shape.inner
        else _number(value)
        if name in shape.numbers
        else value
        for name, value in document.items()
    }


def _number(value: Any) -> Any:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        return value
    return Decimal(value.strip()) if "." in value else int(value)


def _each(value: Any, change: Any) -> Any:
    """An object changed, or every object of a list; what is neither stays."""
    if isinstance(value, Mapping):
        return change(value)
    if isinstance(value, list):
        return [change(one) if isinstance(one, Mapping) else one for one in value]
    return value


def unwrapped(data: Any) -> Any:
    """The object, where a list of one stands for it (several libraries answer so)."""
    return data[0] if isinstance(data, list) and len(data) == 1 and isinstance(data[0], Mapping) else data


def with_slash(url: str, how: str) -> str:
    """A URL whose path ends as the partner wants it: `always` or `never` with a slash, or `as_given`."""
    if how == "as_given":
        return url
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + ("/" if how == "always" else "")
    return urlunsplit(parts._replace(path=path))


def with_params(url: str, params: Mapping[str, str]) -> str:
    """A URL with these parameters beside or in place of its own."""
    parts = urlsplit(url)
    own = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in params]
    return urlunsplit(parts._replace(query=urlencode([*own, *params.items()], safe=":"), fragment=""))


def slash_learned(asked: str, went: str) -> str | None:
    """What a redirect from one URL to another says about slashes at the end: always, never, or nothing."""
    a, b = urlsplit(asked), urlsplit(went)
    if a.path == b.path or a.path.rstrip("/") != b.path.rstrip("/"):
        return None
    return "always" if b.path.endswith("/") else "never"
