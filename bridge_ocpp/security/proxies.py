"""TLS proxies in front of the listener: whose word about a charger's line and address is believed. Pure."""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks that TLS proxies live in; none: nobody's word is believed."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(each, strict=False) for each in networks)

    def trusted(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, forwarded_for: Iterable[str]) -> str:
        """The charger's own address: behind a trusted proxy the last one that no trusted proxy has, else the peer's."""
        if not self.trusted(peer):
            return peer
        hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
        return next((hop for hop in reversed(hops) if _address(hop) and not self.trusted(hop)), peer)

    def encrypted(self, peer: str, forwarded_proto: Iterable[str]) -> bool:
        """Whether a trusted proxy stands there, and says nothing else than that its own line is TLS."""
        said = [word.strip().casefold() for line in forwarded_proto for word in line.split(",")]
        return self.trusted(peer) and all(word in ("https", "wss") for word in said)


def origin(address: str) -> str:
    """Whom guesses are counted for: an IPv4 address, or the network of 64 bits that an IPv6 address lies in, for
    whoever has one of its addresses has all of them."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found) if found is not None else address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
