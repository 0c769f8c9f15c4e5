"""The pages of a partner's list: which URL comes first, which comes next, and when a list is no list any more.

Pure. Links are believed only where they stay on the partner's own hosts; where they lead nowhere although there is
more, offsets are counted (transport_and_format, Pagination).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from ocpi_hub.dialects.profile import Profile
from ocpi_hub.dialects.speaking import with_params, with_slash
from ocpi_hub.partners.origins import Origins, host_of
from ocpi_hub.wire.paging import read_next
from ocpi_hub.wire.types import format_datetime

PAGE_SIZE = 100
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list we are: the URL of this page, how many objects came before it, and the partner's own hosts."""

    url: str
    before: int
    own: Origins


@dataclass(slots=True)
class Onward:
    """Where the list goes on (None: it ends here), what was odd, and what was learned."""

    url: str | None
    flags: set[str] = field(default_factory=set)
    learned: dict[str, Any] = field(default_factory=dict)
    foreign: str | None = None
    """The host of a link that leads away from the partner: our credentials token goes nowhere else."""


def first_url(endpoint: str, profile: Profile, *, date_from: datetime | None) -> str:
    """The URL of the first page. `date_from` is inclusive, on last_updated."""
    params = {"limit": str(profile.page_size or PAGE_SIZE)}
    if date_from is not None:
        params["date_from"] = format_datetime(date_from)
    return with_params(with_slash(endpoint, profile.trailing_slash), params)


def count_of(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a count; what is none is as good as absent."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def onward(place: Place, headers: Mapping[str, str], *, found: int, profile: Profile) -> Onward:
    """Where a list goes on after a page of `found` objects."""
    total, most = count_of(headers, "x-total-count"), count_of(headers, "x-limit")
    result = Onward(None)
    if most and most < (profile.page_size or PAGE_SIZE):
        result.learned["page_size"] = most
    if found == 0:
        return result
    link = headers.get("link")
    there = _resolved(place, read_next(link)) if profile.link == "follow" else None
    if there is not None and not place.own.has(there):
        result.flags.add("foreign_link")
        result.foreign, there = host_of(there), None
    if there is not None:
        result.url = there
    elif total is not None and place.before + found < total:
        if profile.link == "follow":
            result.flags.add("broken_link")
            result.learned["link"] = "offset"
        result.url = with_params(place.url, {"offset": str(place.before + found)})
    return result


def _resolved(place: Place, link: str | None) -> str | None:
    if not link or len(link) > LONGEST_URL:
        return None
    try:
        there = urljoin(place.url, link)
        return there if urlsplit(there).hostname and there != place.url else None
    except ValueError:
        return None
