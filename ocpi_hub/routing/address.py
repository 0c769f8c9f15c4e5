"""Where a call goes: Here, There or Nobody. Pure; the only place that reads OCPI-to (decision 3).

A call is addressed before any module sees it. Relaying does not know modules, so custom modules pass too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ocpi_hub.partners.access import may_ask, may_talk
from ocpi_hub.partners.snapshot import PlatformEntry, Snapshot
from ocpi_hub.wire.errors import HubError, InvalidParameters, OcpiError, UnknownReceiver
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

VERSION = "2.2.1"
_INTERFACES = {"sender": InterfaceRole.SENDER, "receiver": InterfaceRole.RECEIVER}
_NEVER_ROUTED = frozenset({"versions", "details", ModuleId.CREDENTIALS.value})
"""What two platforms say to each other, and never through a hub (transport_and_format, Message Routing)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names: `/ocpi/2.2.1/{sender|receiver}/{module}/{rest}`, the module's name in any case.

    `module` is `versions`, `details`, or a ModuleID, own modules of partners included; None: no such place. Credentials
    have no interface: addressed to a party they would be those that the hub and that party's platform hold.
    `/ocpi/2.2.1/via/{module}/{secret}` stands for a URL of a partner: then `interface` is None and `stands_in` true.
    """

    module: str | None
    interface: InterfaceRole | None = None
    rest: tuple[str, ...] = ()
    stands_in: bool = False

    @classmethod
    def read(cls, segments: Sequence[str]) -> Self:
        """The target of a path in segments, the leading `ocpi` left out."""
        match list(segments):
            case ["versions"]:
                return cls("versions")
            case [found] if found == VERSION:
                return cls("details")
            case [found, module] if found == VERSION and module.lower() == ModuleId.CREDENTIALS:
                return cls(ModuleId.CREDENTIALS.value)
            case [found, "sender" | "receiver" | "via", module, *_] if found == VERSION and _is_never_routed(module):
                return cls(None)
            case [found, ("sender" | "receiver") as interface, module, *rest] if found == VERSION:
                return cls(module.lower(), _INTERFACES[interface], tuple(rest))
            case [found, "via", module, secret] if found == VERSION:
                return cls(module.lower(), None, (secret,), stands_in=True)
        return cls(None)

    def path(self, segments: Sequence[str]) -> str:
        """The path that was read, in our own spelling: a module's name may come in any case. Ids stay as they came."""
        at = 3 if self.interface is not None else 2 if self.module == ModuleId.CREDENTIALS else len(segments)
        own = [self.module] if self.module is not None and at < len(segments) else []
        return "/" + "/".join([*segments[:at], *own, *segments[at + 1 :]])

    @property
    def opens_to_invited(self) -> bool:
        """Whether an invitation or an open handshake reaches it (transport_and_format, "Authorization header")."""
        return self.module in ("versions", "details", ModuleId.CREDENTIALS)

    @property
    def routed(self) -> bool:
        """Whether it is a functional module: configuration modules neither need nor get routing headers."""
        return self.interface is not None and self.module != ModuleId.HUB_CLIENT_INFO


def _is_never_routed(module: str) -> bool:
    return module.lower() in _NEVER_ROUTED


@dataclass(frozen=True, slots=True)
class Here:
    """We answer, in the name of this party: the hub, or a party of our own chargers."""

    party: PartyId


@dataclass(frozen=True, slots=True)
class There:
    """A party of another platform answers. `platform` is the one that serves the interface which is called;
    None when no platform of that party does."""

    party: PartyId
    platform: PlatformEntry | None


@dataclass(frozen=True, slots=True)
class Nobody:
    """It cannot be delivered, and this says why."""

    error: OcpiError


def address(target: Target, routing: Routing, snapshot: Snapshot) -> Here | There | Nobody:
    """Where a call to a functional module goes. `routing.from_` is known to belong to the caller.

    An unknown receiver and one that the sender may not talk with get the same answer: who is connected is told by
    HubClientInfo only.
    """
    to = routing.to
    if to is None or to == snapshot.hub:
        return Here(snapshot.hub)
    hosted = next(party for party in snapshot.hosted if party == to) if to in snapshot.hosted else None
    entries = snapshot.party(to)
    assert target.module is not None
    assert target.interface is not None
    known = bool(entries) or hosted is not None
    caller, module, interface = routing.from_, target.module, target.interface
    if not known or caller is None or not may_talk(snapshot, caller, to, module):
        return Nobody(UnknownReceiver(f"the receiver {to} is not known here"))
    if hosted is not None:
        return Here(hosted)  # which says itself what it does not offer
    if not may_ask(snapshot, caller, to, module, interface):
        return Nobody(_wrong_end(caller, to, module, interface))
    return There(entries[0].party, snapshot.platform_of(to, target.module, target.interface))


def _wrong_end(caller: PartyId, to: PartyId, module: str, interface: InterfaceRole) -> OcpiError:
    """They know each other, but not this way round."""
    if interface is InterfaceRole.SENDER:
        return HubError(f"{to} does not offer {module} SENDER to {caller}")
    return InvalidParameters(f"{caller} has no role in which it writes to {module} of others")
