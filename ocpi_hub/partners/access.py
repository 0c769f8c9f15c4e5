"""Who may talk with whom, and who may read what: the opposite roles of every module.

Pure. In an open hub the roles alone decide; agreements join here.
"""

from functools import cache
from typing import TYPE_CHECKING

from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, Role

if TYPE_CHECKING:
    from ocpi_hub.partners.snapshot import Snapshot

# The roles at both ends of a module: who owns its SENDER interface, and who reads (terminology, "typical roles").
# "Other" counts as an eMSP; its messages go to CPOs only (transport_and_format, Broadcast Push).
_CPO = frozenset({Role.CPO})
_EMSP = frozenset({Role.EMSP, Role.OTHER})
_READERS = _EMSP | {Role.NSP}
ENDS: dict[str, tuple[frozenset[Role], frozenset[Role]]] = {
    "locations": (_CPO, _READERS | {Role.NAP}),
    "tariffs": (_CPO, _READERS | {Role.NAP}),
    "sessions": (_CPO, _EMSP | {Role.SCSP}),
    "cdrs": (_CPO, _EMSP),
    "tokens": (_EMSP, _CPO),
    "commands": (_EMSP, _CPO),
    "chargingprofiles": (_EMSP | {Role.SCSP}, _CPO),
}
_ENDS = tuple(ENDS.values())
_ANY = frozenset(Role)


@cache
def may_know(own: frozenset[Role], other: Role) -> bool:
    """Whether a platform with parties in these roles is to hear how a party in the other role is connected: when they
    could exchange messages of some module (mod_hub_client_info: "other parties … that they can communicate with")."""
    return any((own & owners and other in readers) or (own & readers and other in owners) for owners, readers in _ENDS)


def serves(role: Role, module: str, interface: InterfaceRole) -> bool:
    """Whether a party in this role is the one that answers on this interface of the module."""
    owners, readers = ENDS.get(module, (_ANY, _ANY))
    return role in (owners if interface is InterfaceRole.SENDER else readers)


def may_talk(snapshot: "Snapshot", a: PartyId, b: PartyId, module: str) -> bool:
    """Whether these parties may exchange messages of a module, in either direction. Unknown parties may not."""
    owners, readers = ENDS.get(module, (_ANY, _ANY))
    roles_a, roles_b = snapshot.roles_of(a), snapshot.roles_of(b)
    return bool((roles_a & owners and roles_b & readers) or (roles_a & readers and roles_b & owners))
