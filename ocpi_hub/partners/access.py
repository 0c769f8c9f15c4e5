"""Who may talk with whom, and who may read what: by their roles in every module (ends.py), and by the agreements.

Pure. The only file that asks what agreements say (agreed.py); everything else asks here.
"""

from collections.abc import Collection, Iterable

from ocpi_hub.partners.agreed import ANYONE, Agreed
from ocpi_hub.partners.ends import ends_of, shared
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, Role

Seat = tuple[PartyId, Role]
"""A party in one of its roles."""


def may_know(agreed: Agreed, own: Iterable[Seat], other: Seat) -> bool:
    """Whether a platform with these parties is to hear how another party is connected: when they may exchange messages
    of some module (mod_hub_client_info: "other parties … that they can communicate with")."""
    party, role = other
    return any(agreed.allows(one, party, module) for one, mine in own for module in shared(mine, role))


def will_know(agreed: Agreed, own: Iterable[Seat], other: Seat) -> bool:
    """Whether they will, by an agreement that has not begun yet (mod_hub_client_info, "Another Party becomes
    PLANNED")."""
    party, role = other
    return any(agreed.plans(one, party, module) for one, mine in own for module in shared(mine, role))


def may_talk(snapshot: Snapshot, a: PartyId, b: PartyId, module: str) -> bool:
    """Whether these parties may exchange messages of a module, in either direction. Unknown parties may not."""
    owners, readers = ends_of(module)
    roles_a, roles_b = snapshot.roles_of(a), snapshot.roles_of(b)
    fits = (roles_a & owners and roles_b & readers) or (roles_a & readers and roles_b & owners)
    return bool(fits) and agree(snapshot, a, b, module)


def may_ask(snapshot: Snapshot, caller: PartyId, callee: PartyId, module: str, interface: InterfaceRole) -> bool:
    """Whether a party may call this interface of another: a SENDER's is the owner's and is called by readers, a
    RECEIVER's is a reader's and is called by the owner. A party with both roles is not both ends for everybody.
    """
    owners, readers = ends_of(module)
    callees, callers = (owners, readers) if interface is InterfaceRole.SENDER else (readers, owners)
    fits = snapshot.roles_of(callee) & callees and snapshot.roles_of(caller) & callers
    return bool(fits) and agree(snapshot, caller, callee, module)


def agree(snapshot: Snapshot, a: PartyId, b: PartyId, module: str) -> bool:
    """Whether no agreement, or lack of one, is between these two; whatever their roles."""
    return snapshot.agreed.allows(a, b, module)


def sides(snapshot: Snapshot, me: Collection[PartyId], module: str) -> tuple[set[PartyId], set[PartyId]]:
    """All parties that are here or named by an agreement: those that agree with all of `me`, and the others."""
    named = {PartyId.parse(key) for term in snapshot.agreed.terms for key in term.pair if key != ANYONE}
    known = named | snapshot.hosted | {entry.party for entry in snapshot.parties}
    friends = {one for one in known if all(agree(snapshot, party, one, module) for party in me)}
    return friends, known - friends


def agree_with(agreed: Agreed, owner: PartyId, readers: Collection[PartyId], module: str) -> frozenset[PartyId]:
    """Those of the readers who may have the owner's objects."""
    return frozenset(reader for reader in readers if agreed.allows(owner, reader, module))
