"""Where the credentials token of a partner may go: to origins that it named as its own, and to what the operator adds.

An origin is a scheme, a host and a port. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ocpi_hub.partners.guard import callback_problem

Origin = tuple[str, str, int]
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origins:
    """Those of one platform. `named` are of its versions URL and its endpoints; `hosts` are what its profile adds."""

    named: frozenset[Origin]
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, urls: Iterable[str | None], hosts: Iterable[str] = ()) -> Self:
        """The origins of these URLs; what is no URL has none."""
        found = (origin_of(url) for url in urls if url)
        return cls(frozenset(origin for origin in found if origin is not None), tuple(host.lower() for host in hosts))

    def has(self, url: str) -> bool:
        """Whether the platform's credentials token may go there."""
        origin = origin_of(url)
        return origin is not None and (origin in self.named or any(_is_at(origin, host) for host in self.hosts))

    def problem(self, networks: Iterable[str], url: str) -> str | None:
        """Why a URL that this platform gave, such as a response_url, cannot be used; None when it can be tried."""
        problem = callback_problem(networks, url)
        if problem is None and not self.has(url):
            return f"{host_of(url)} is none of your own hosts, which are those of your versions URL and endpoints"
        return problem


def origin_of(url: str) -> Origin | None:
    """Scheme, host and port, the port of the scheme where none is named; None for what is no http(s) URL."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or not host:
        return None
    return scheme, host, _PORTS[scheme] if port is None else port


def host_of(url: str) -> str:
    """A URL's host for people, with its port where one is named; shortened, and nothing that cannot be printed."""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{'' if parts.port is None else f':{parts.port}'}"
    except ValueError:
        host = ""
    return "".join(c for c in host if c.isprintable())[:100] or "no host"


def _is_at(origin: Origin, host: str) -> bool:
    """Whether an origin is at a host of a profile: `host`, `host:port` or `*.host`, which is all hosts below it."""
    scheme, name, port = origin
    wanted, _, number = host.partition(":")
    if port != (int(number) if number else _PORTS[scheme]):
        return False
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted
