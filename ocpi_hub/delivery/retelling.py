"""Telling a platform again what was written since a time: for a partner that lost what it was told."""

from datetime import datetime
from uuid import uuid4

import structlog

from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery.audience import Receiver
from ocpi_hub.delivery.jobs import drain
from ocpi_hub.delivery.replaying import owe_kept
from ocpi_hub.objects.kinds import KINDS, Kind
from ocpi_hub.partners.access import may_talk
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole

log = structlog.get_logger()


async def replay(resources: Resources, platform_id: str, *, since: datetime) -> dict[str, int]:
    """Owe a platform again what was written since then and that its parties may see; says how much, by module.

    One debt per object, its newest state; what is owed already is not owed twice. Objects that are gone since then
    are not among them. Raises LookupError when the platform is not registered.
    """
    snapshot = await resources.one(Directory).now()
    platform = snapshot.platform(platform_id)
    if platform is None or not platform.registered:
        raise LookupError("is not registered")
    owed: dict[str, int] = {}
    correlation_id = str(uuid4())
    async with resources.unit_of_work() as db:
        for kind in KINDS.values():
            for reader in _readers(snapshot, platform_id, kind):
                count = await owe_kept(
                    db,
                    kind,
                    Receiver(platform_id, reader),
                    _owners(snapshot, reader, kind),
                    correlation_id=correlation_id,
                    at=resources.clock(),
                    since=since,
                )
                if count:
                    owed[kind.module.value] = owed.get(kind.module.value, 0) + count
        ring_after_commit(db, drain, platform_id)
    log.info("delivery.replayed", platform=platform_id, since=since.isoformat(), correlation=correlation_id, **owed)
    return owed


def _readers(snapshot: Snapshot, platform_id: str, kind: Kind) -> list[PartyId]:
    """The platform's parties that are told of a kind here; a party may be a reader on another platform too."""
    if snapshot.endpoint(platform_id, kind.module, InterfaceRole.RECEIVER) is None:
        return []
    found = dict.fromkeys(
        entry.party
        for entry in snapshot.parties_of(platform_id)
        if serves(entry.role, kind.module, InterfaceRole.RECEIVER)
    )
    if kind.audience != "token_owner":
        return list(found)
    homes = {party: snapshot.platform_of(party, kind.module, InterfaceRole.RECEIVER) for party in found}
    return [party for party, home in homes.items() if home is not None and home.id == platform_id]


def _owners(snapshot: Snapshot, reader: PartyId, kind: Kind) -> list[PartyId]:
    """The parties whose objects a reader may have."""
    owners = {
        entry.party for entry in snapshot.parties if serves(entry.role, kind.module, InterfaceRole.SENDER)
    } | snapshot.hosted
    return sorted((owner for owner in owners if may_talk(snapshot, owner, reader, kind.module)), key=str)
