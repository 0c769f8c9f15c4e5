"""The guard at the socket: which addresses the hub may connect to when a partner names the URL.

The address that is really connected to is judged, after every resolution, so names that point inwards, odd
spellings of loopback and resolvers that change their answer all end here. No names and no HTTP in this file.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import structlog

log = structlog.get_logger()

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AddressInfo = tuple[int, int, int, str, Any]

# IANA special-purpose registries: everything that is not a host of the public internet.
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers (CGNAT)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds answer with their keys
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
# IPv6 hosts of the public internet live in 2000::/3. Loopback, unique local, link-local, multicast, IPv4-mapped and
# NAT64 addresses lie outside of it; these lie inside: Teredo and its neighbours, 6to4, documentation.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


class Blocked(OSError):
    """A connection that the guard refused. Its text names no address: a partner may read it."""

    TEXT = "the host's address is not one that partners may live at"

    def __init__(self) -> None:
        super().__init__(self.TEXT)


class Guard:
    """Opens sockets only towards addresses that partners may live at.

    `networks` are allowed although not public (OCPI_HUB_PARTNER_NETWORKS); `public` allows the public internet too.
    """

    def __init__(self, networks: Iterable[str], *, public: bool) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in networks)
        self._public = public

    def allows(self, host: str) -> bool:
        """Whether a connection to this literal address may be opened; what is not an address may not."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if any(address in network for network in self._networks if network.version == address.version):
            return True
        return self._public and is_public(address)

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """A socket for one resolved address (a socket factory of asyncio). Raises Blocked."""
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0])):
            log.warning("guard.blocked", address=str(address[0]), port=address[1])
            raise Blocked
        return socket.socket(family=family, type=kind, proto=protocol)


def is_public(address: Address) -> bool:
    """Whether the address is a host of the public internet, reached directly and not through a translator."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def url_problem(url: str) -> str | None:
    """Why a partner's URL cannot be used, as one clear phrase; None when it can be tried."""
    if any(character <= " " or character == "\x7f" for character in url):
        return "the URL contains spaces or control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the URL is malformed"
    if parts.scheme.lower() not in ("http", "https"):
        return "the URL is not http:// or https://"
    if not parts.hostname or port == 0:
        return "the URL names no host"
    if parts.username is not None or parts.password is not None or "\\" in url:
        return "the URL contains user information"
    return None


def _address_problem(networks: Iterable[str], url: str) -> str | None:
    """Why a usable URL with a literal address cannot be a partner's; names are judged at the socket, once resolved."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if Guard(networks, public=parts.scheme.lower() == "https").allows(host) else Blocked.TEXT


def callback_problem(networks: Iterable[str], url: str) -> str | None:
    """Why a partner's response_url cannot be used, as one clear phrase; None when it can be tried."""
    return url_problem(url) or _address_problem(networks, url)
