"""The rule by which a message is routed, in one word for the journal. It decides nothing: address.py, opening.py do.

direct, open:…, broadcast, get-all, here, callback, handshake.
"""

from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing.address import Target
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.headers import Routing
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

REFUSED = "refused"
"""It came no further than the door."""

_BY = {CommandType.STOP_SESSION: "session", CommandType.CANCEL_RESERVATION: "reservation"}


def rule_of(target: Target, method: str, routing: Routing, snapshot: Snapshot) -> str:
    """What routes a call to this target."""
    if target.stands_in:
        return "callback"
    if target.opens_to_invited:
        return "handshake"
    if not target.routed:
        return "here"
    if routing.to is not None and routing.to != snapshot.hub:
        return "here" if routing.to in snapshot.hosted else "direct"
    return _for_the_hub(target, method)


def _for_the_hub(target: Target, method: str) -> str:
    """What decides where nobody is named, or only the hub."""
    kind = KINDS.get(target.module or "")
    match target.module, target.interface, method, target.rest:
        case ModuleId.COMMANDS, InterfaceRole.RECEIVER, _, (command, *_):
            return f"open:{_BY.get(command, 'location')}"  # type: ignore[call-overload]
        case ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER, _, _:
            return "open:session"
        case ModuleId.CHARGING_PROFILES, InterfaceRole.SENDER, "PUT", _:
            return "open:profile"
        case ModuleId.SESSIONS, InterfaceRole.SENDER, "PUT", _:
            return "open:session"
        case ModuleId.TOKENS, InterfaceRole.SENDER, "POST", _:
            return "open:token"
        case ModuleId.LOCATIONS, InterfaceRole.SENDER, "GET", (_, *_):
            return "open:location"
        case _, InterfaceRole.SENDER, "GET", ():
            return "get-all"
    if kind is None or target.interface is not InterfaceRole.RECEIVER or method == "GET":
        return "here"
    return "broadcast" if kind.audience == "opposite" else "open:token"
