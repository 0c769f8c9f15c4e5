"""What a caller may see of all that is kept: the one place that decides it, for lists and for single objects."""

from collections.abc import Sequence
from dataclasses import replace

from ocpi_hub.base.resources import Resources
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.reading import Sight
from ocpi_hub.partners.access import may_ask, sides
from ocpi_hub.partners.directory import Caller, Directory
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole, Role


async def sight(kind: Kind, caller: Caller, routing: Routing, resources: Resources) -> Sight:
    """What the caller's party (OCPI-from) may see of a kind; OCPI-to narrows it to one owner.

    Locations, tariffs and tokens: those of all owners that it may talk with, except its own platform's. Sessions
    and CDRs: those that it owns, and those of its own tokens (mod_cdrs: "only the CDRs that are relevant") by owners
    that it has not been parted from by agreements.
    """
    snapshot = await resources.one(Directory).now()
    only = routing.to if routing.to is not None and routing.to != snapshot.hub else None
    me = [routing.from_] if routing.from_ is not None else [entry.party for entry in caller.parties]
    if kind.audience == "token_owner":
        seen = Sight.of(owners=me, readers=me, only=only)
        return seen if snapshot.agreed.plain else _agreed(seen, snapshot, me, kind)
    owners = [
        party
        for party in _others(snapshot, kind, caller.platform.id)
        if any(may_ask(snapshot, one, party, kind.module, InterfaceRole.SENDER) for one in me)
    ]
    return Sight.of(owners=owners, only=only)


async def addressed(routing: Routing, resources: Resources) -> PartyId | None:
    """The party of our own chargers that OCPI-to names; None where a message is for the hub."""
    snapshot = await resources.one(Directory).now()
    to = routing.to
    return to if to is not None and to != snapshot.hub and to in snapshot.hosted else None


def _agreed(seen: Sight, snapshot: Snapshot, me: Sequence[PartyId], kind: Kind) -> Sight:
    """The same without what comes from owners that no agreement lets through.

    In an open hub the owners that are barred are named, in a closed one those that are not: an owner that is gone from
    the hub stays visible in the one, and hidden in the other unless its agreement is still there.
    """
    friends, others = sides(snapshot, me, kind.module)
    if snapshot.agreed.opened:
        return replace(seen, barred=frozenset(one.key for one in others))
    return replace(seen, among=frozenset(one.key for one in friends))


def _others(snapshot: Snapshot, kind: Kind, platform_id: str) -> set[PartyId]:
    """The parties that own such objects: on other platforms, and those of our own chargers."""
    found = {
        entry.party
        for entry in snapshot.parties
        if entry.platform_id != platform_id and serves(entry.role, kind.module, InterfaceRole.SENDER)
    }
    return found | (snapshot.hosted if serves(Role.CPO, kind.module, InterfaceRole.SENDER) else set())
