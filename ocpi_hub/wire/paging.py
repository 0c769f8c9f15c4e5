"""Pages of a list: reading the query, and the Link header both ways (transport_and_format.asciidoc, Pagination)."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.types import parse_datetime

_LARGEST = 2**63 - 1  # PostgreSQL's bigint
_SPACE_FOR_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r""";\s*rel\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;,"']+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which objects, and which part of their list. `date_from` is inclusive, `date_to` exclusive, both on
    last_updated; `limit` is what will be returned at most."""

    date_from: datetime | None = None
    date_to: datetime | None = None
    offset: int = 0
    limit: int = 100

    @classmethod
    def read(cls, params: Mapping[str, str], *, cap: int) -> Self:
        """The query of a request; a limit that is absent or above `cap` becomes `cap`.

        Raises InvalidParameters, naming the parameter, for what is not a date or a whole number, for a negative
        offset and for a limit below 1. A parameter without a value counts as absent.
        """
        limit = _read_int(params, "limit", least=1)
        return cls(
            date_from=_read_date(params, "date_from"),
            date_to=_read_date(params, "date_to"),
            offset=_read_int(params, "offset", least=0) or 0,
            limit=cap if limit is None else min(limit, cap),
        )

    def params(self) -> dict[str, str]:
        """The query as URL parameters; times keep their microseconds, so that the filter stays the same."""
        sent = {"offset": str(self.offset), "limit": str(self.limit)}
        for name, when in (("date_from", self.date_from), ("date_to", self.date_to)):
            if when is not None:
                sent[name] = when.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        return sent

    def next(self) -> Self:
        """The query of the page after this one."""
        return replace(self, offset=self.offset + self.limit)

    def has_next(self, total: int) -> bool:
        """Whether a list of `total` objects goes on after this page."""
        return self.offset + self.limit < total


def next_link(url: str, query: PageQuery, *, filters: Mapping[str, str] | None = None) -> str:
    """The Link header that follows the page of `query`: `<url?offset=…&limit=…>; rel="next"`.

    `filters` are the request's further parameters, which the link must repeat; a query in `url` is replaced.
    """
    parts = urlsplit(url)
    params = query.next().params()
    further = {name: value for name, value in (filters or {}).items() if name not in params}
    return f'<{urlunsplit(parts._replace(query=urlencode(params | further, safe=":"), fragment=""))}>; rel="next"'


def read_next(link_header: str | None) -> str | None:
    """The URL of the next page, or None on the last page.

    Read forgivingly: several links, `rel=next` without quotes, other parameters, an empty header.
    """
    for url, parameters in _LINK.findall(link_header or ""):
        rel = _REL.search(parameters)
        if rel and "next" in "".join(group or "" for group in rel.groups()).lower().split():
            return url.strip() or None
    return None


def cursor(place: int) -> str:
    """Where a list goes on, as text that promises nothing to whoever reads it."""
    return base64.urlsafe_b64encode(place.to_bytes(8)).decode("ascii").rstrip("=")


def read_cursor(text: str | None) -> int | None:
    """The place in a cursor; None without one. Raises InvalidParameters for what is none of ours."""
    if not text:
        return None
    try:
        place = int.from_bytes(base64.b64decode(f"{text}=", altchars="-_", validate=True))
    except (binascii.Error, ValueError):
        place = -1
    if len(text) != 11 or not 0 <= place <= _LARGEST:
        raise InvalidParameters("cursor: take it from a next link as it is")
    return place


def _read_date(params: Mapping[str, str], name: str) -> datetime | None:
    text = params.get(name, "").strip()
    if not text:
        return None
    try:
        return parse_datetime(_SPACE_FOR_PLUS.sub("+", text))
    except ValueError as error:
        raise InvalidParameters(f"{name}: {error}") from None


def _read_int(params: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = params.get(name, "").strip()
    if not text:
        return None
    negative = text.startswith("-")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 30:
        raise InvalidParameters(f"{name}: must be a whole number")
    number = -int(digits) if negative else int(digits)
    if not least <= number <= _LARGEST:
        raise InvalidParameters(f"{name}: must be at least {least}" if number < least else f"{name}: is too large")
    return number
