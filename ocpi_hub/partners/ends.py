"""The opposite roles of every module: who owns what is exchanged, and who reads it. Pure."""

from functools import cache

from ocpi_hub.wire.parties import InterfaceRole, Role

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
_ANY = frozenset(Role)


def ends_of(module: str) -> tuple[frozenset[Role], frozenset[Role]]:
    """The owners and the readers of a module: anybody may be both of one that we do not know."""
    return ENDS.get(module, (_ANY, _ANY))


@cache
def shared(a: Role, b: Role) -> tuple[str, ...]:
    """The modules that two parties in these roles can exchange messages of."""
    return tuple(
        module
        for module, (owners, readers) in ENDS.items()
        if (a in owners and b in readers) or (a in readers and b in owners)
    )


def serves(role: Role, module: str, interface: InterfaceRole) -> bool:
    """Whether a party in this role is the one that answers on this interface of the module."""
    owners, readers = ends_of(module)
    return role in (owners if interface is InterfaceRole.SENDER else readers)
