"""What follows when agreements change, begin or end: debts of those who may not talk any more are dropped, what a
party may see from now on is owed to it, and both hear of each other (mod_hub_client_info).

Whoever asks access.py follows a change at once. This comes a moment later, by comparing the agreements with those that
were in effect; a crash in between delays it, and loses nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.delivery import announcing, outbox
from ocpi_hub.delivery.audience import Receiver
from ocpi_hub.delivery.outbox import Line
from ocpi_hub.delivery.replaying import owe_kept
from ocpi_hub.delivery.tables import AgreementsInEffect
from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.partners import agreements, roster
from ocpi_hub.partners.access import agree_with
from ocpi_hub.partners.agreed import Agreed, Term
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.ends import ENDS
from ocpi_hub.partners.roster import Looker
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.partners.tables import Endpoint, Platform
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, Role

log = structlog.get_logger()

_TOLD = (ConnectionStatus.CONNECTED.value, ConnectionStatus.OFFLINE.value)
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """Two parties that may, or may not any more, exchange messages of a module; on whose platforms they are."""

    module: str
    owner: PartyId
    reader: PartyId
    reader_platform: str | None
    begins: bool


async def put_into_effect(resources: Resources) -> list[str]:
    """Do what follows from agreements that changed since the last time. Gives the platforms that are owed something."""
    before, after = await _both(resources)
    if before.opened == after.opened and not after.changed_since(before):
        return []
    snapshot = await resources.one(Directory).now()
    turns = list(_turns(snapshot, before, after))
    ended = [turn for turn in turns if not turn.begins]
    async with resources.unit_of_work() as db:
        dropped = await _drop(db, ended, at=resources.clock())
    rung = await _begin(resources, [turn for turn in turns if turn.begins])
    rung += await _announce(resources, before, after)
    async with resources.unit_of_work() as db:
        await _in_effect(db, after)
    log.info("agreements.in_effect", began=len(turns) - len(ended), ended=len(ended), dropped=dropped)
    return list(dict.fromkeys(rung))


async def _both(resources: Resources) -> tuple[Agreed, Agreed]:
    """The agreements as they were in effect, and as they are. At first everybody could talk with everybody."""
    async with resources.unit_of_work() as db:
        row = await db.get(AgreementsInEffect, 1)
        version: int = await db.scalar(text(f"SELECT {agreements.VERSION}")) or 0
    after = await resources.one(Directory).agreed(version)
    if row is None:
        return Agreed((), opened=True, at=_BEFORE_ALL), after
    return Agreed(map(_read, row.terms), opened=row.opened, at=row.at), after


def _turns(snapshot: Snapshot, before: Agreed, after: Agreed) -> Iterator[Turn]:
    """Every pair and module for which something is different; parties on one platform have no need of the hub."""
    changed, mode = after.changed_since(before), before.opened != after.opened
    seats: list[tuple[PartyId, Role, str | None]] = [
        (entry.party, entry.role, entry.platform_id) for entry in snapshot.parties
    ]
    seats += [(party, Role.CPO, None) for party in snapshot.hosted]
    for module, (owners, readers) in ENDS.items():
        for owner, owner_role, home in seats:
            if owner_role not in owners:
                continue
            for reader, reader_role, platform in seats:
                if reader_role not in readers or platform == home:
                    continue
                if not mode and not any(term.names(owner.key, reader.key) for term in changed):
                    continue
                may = bool(agree_with(after, owner, [reader], module))
                if may != bool(agree_with(before, owner, [reader], module)):
                    yield Turn(module, owner, reader, platform, begins=may)


# What a debt is about stands in its lane: `de/msp:locations/nl/abc/loc1`. A message has no kept object, and so no owner
# but the party that it is from.
# Rows are locked in the order in which everybody locks them.
_OF_THEM = text("""
SELECT owed.id FROM owed
WHERE dead_at IS NULL AND EXISTS (
    SELECT FROM unnest(CAST(:modules AS text[]), CAST(:owners AS text[]), CAST(:readers AS text[]))
        AS ended (module, owner, reader)
    WHERE ended.module = split_part(split_part(lane, ':', 2), '/', 1)
      AND ((lower(to_party) = ended.reader AND COALESCE(NULLIF(owner_key, ''), lower(from_party)) = ended.owner)
           OR (owner_key = '' AND lower(to_party) = ended.owner AND lower(from_party) = ended.reader)))
ORDER BY platform_id, lane FOR UPDATE
""")
_PARK = text("UPDATE owed SET dead_at = :at, last_error = :reason WHERE id = ANY(:ids) AND kind = 'cdrs'")
_DROP = text("DELETE FROM owed WHERE id = ANY(:ids) AND kind <> 'cdrs'")
NO_AGREEMENT = "there is no agreement with the CPO any more"


async def _drop(db: AsyncSession, ended: Sequence[Turn], *, at: datetime) -> int:
    """Drop the debts of these pairs. CDRs go on the dead-letter list, for they are money."""
    if not ended:
        return 0
    values: dict[str, Any] = {
        "modules": [turn.module for turn in ended],
        "owners": [turn.owner.key for turn in ended],
        "readers": [turn.reader.key for turn in ended],
    }
    ids = list(await db.scalars(_OF_THEM, values))
    await db.execute(_PARK, {"ids": ids, "at": at, "reason": NO_AGREEMENT})
    await db.execute(_DROP, {"ids": ids})
    return len(ids)


async def _begin(resources: Resources, begun: Sequence[Turn]) -> list[str]:
    """Owe to each reader what it may see from now on, one platform after the other."""
    owners: dict[str, dict[tuple[str, PartyId], set[PartyId]]] = defaultdict(lambda: defaultdict(set))
    for turn in begun:
        if turn.reader_platform is not None and turn.module in KINDS:
            owners[turn.reader_platform][(turn.module, turn.reader)].add(turn.owner)
    rung = []
    for platform_id, wanted in sorted(owners.items()):
        async with resources.unit_of_work() as db:
            offered = await _offered(db, platform_id)
            owed = [
                await owe_kept(
                    db,
                    KINDS[module],
                    Receiver(platform_id, reader),
                    found,
                    correlation_id=str(uuid4()),
                    at=resources.clock(),
                )
                for (module, reader), found in wanted.items()
                if module in offered
            ]
        rung += [platform_id] if any(owed) else []
    return rung


async def _offered(db: AsyncSession, platform_id: str) -> set[str]:
    """The modules that a platform can be told of; none when it is not registered.

    Its row is locked: writers that found it before the change (audience.py) have committed when this goes on.
    """
    await db.execute(announcing.ALONE)
    here = select(Platform.id).where(Platform.id == platform_id, col(Platform.status).in_(_TOLD)).with_for_update()
    if await db.scalar(here) is None:
        return set()
    receivers = (col(Endpoint.platform_id) == platform_id, col(Endpoint.role) == InterfaceRole.RECEIVER.value)
    return set(await db.scalars(select(Endpoint.identifier).where(*receivers)))


async def _announce(resources: Resources, before: Agreed, after: Agreed) -> list[str]:
    """Owe to every platform the lines that it sees otherwise than before; those too that are OFFLINE, for when they
    come back nobody knows any more what they saw."""
    async with resources.unit_of_work() as db:
        await db.execute(announcing.ALONE)
        lines = await roster.everyone(db)
        owed: list[Line] = []
        for now in await announcing.lookers(db, after, _TOLD):
            then = Looker(now.platform_id, now.seats, before)
            owed += [
                announcing.for_(now.platform_id, line) for line in lines if _status(now, line) != _status(then, line)
            ]
        await outbox.owe_lines(db, owed, correlation_id=str(uuid4()), at=resources.clock())
    return [line.platform_id for line in owed]


def _status(looker: Looker, line: Any) -> ConnectionStatus | None:
    seen = looker.sees(line)
    return seen.status if seen is not None else None


async def _in_effect(db: AsyncSession, agreed: Agreed) -> None:
    terms = [_written(term) for term in agreed.terms]
    values = {"at": agreed.at, "opened": agreed.opened, "terms": terms}
    row = insert(AgreementsInEffect).values(id=1, **values)
    await db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))


def _written(term: Term) -> dict[str, Any]:
    document = asdict(term) | {"modules": sorted(term.modules) if term.modules is not None else None}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in document.items()}


def _read(document: dict[str, Any]) -> Term:
    times = {
        name: datetime.fromisoformat(document[name]) if document[name] else None
        for name in ("valid_from", "valid_until", "changed_at")
    }
    first, second = document["pair"]
    modules = frozenset(document["modules"]) if document["modules"] is not None else None
    return Term(**(document | times | {"pair": (first, second), "modules": modules}))
