"""Owing what is kept already: to a party that may see it from now on, or that is to be told again.

What is owed is the newest state, one debt per object, so owing the same again changes nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col

from ocpi_hub.delivery.audience import Receiver
from ocpi_hub.delivery.outbox import AGAIN, INTO, urgency_of
from ocpi_hub.delivery.paths import path_to
from ocpi_hub.delivery.tables import Attempt
from ocpi_hub.objects import statements
from ocpi_hub.objects.kinds import CDRS, SESSIONS, Kind
from ocpi_hub.wire.headers import PartyId

AT_ONCE = 1000
_ENDED = ("COMPLETED", "INVALID")

_OWE_KEPT = text(f"""{INTO}
SELECT :platform_id, kept.lane, :kind, kept.owner_key, kept.key, :verb, kept.path, NULL, NULL, kept.from_party,
       :to_party, :correlation_id, CAST(:urgency AS int), 1, 0, CAST(:at AS timestamptz), CAST(:at AS timestamptz), NULL
FROM unnest(CAST(:lanes AS text[]), CAST(:owners AS text[]), CAST(:keys AS text[]), CAST(:paths AS text[]),
            CAST(:from_parties AS text[])) AS kept (lane, owner_key, key, path, from_party)
ORDER BY 2 {AGAIN}""")  # noqa: S608


async def owe_kept(
    db: AsyncSession,
    kind: Kind,
    receiver: Receiver,
    owners: Collection[PartyId],
    *,
    correlation_id: str,
    at: datetime,
    since: datetime | None = None,
) -> int:
    """Owe a receiver what is kept of these owners; says how much that was.

    Locations, tariffs and tokens: all. Sessions of its tokens: those that still run. CDRs of its tokens: those that it
    was never told, for it keeps what it has. Nothing that its own platform brought. With `since`: exactly what was
    written here since then, told before or not, ended or not.
    """
    owed, after = 0, 0
    while True:
        rows = (await db.execute(_kept(kind, receiver, owners, after=after, since=since))).all()
        if not rows:
            return owed
        values: dict[str, Any] = {
            "platform_id": receiver.platform_id,
            "to_party": str(receiver.party),
            "kind": kind.module.value,
            "verb": "POST" if kind.immutable else "PUT",
            "correlation_id": correlation_id,
            "urgency": urgency_of(kind),
            "at": at,
            "lanes": [row.lane for row in rows],
            "owners": [row.owner_key for row in rows],
            "keys": [row.key for row in rows],
            "paths": [
                path_to(kind, PartyId(row.country_code, row.party_id), row.object_id, key=row.key) for row in rows
            ],
            "from_parties": [
                f"{row.country_code}/{row.party_id}" if kind.audience == "token_owner" else None for row in rows
            ],
        }
        await db.execute(_OWE_KEPT, values)
        owed, after = owed + len(rows), rows[-1].pk


def _kept(
    kind: Kind, receiver: Receiver, owners: Collection[PartyId], *, after: int, since: datetime | None
) -> Select[Any]:
    table = statements.table_of(kind)
    lane = literal(f"{receiver.party.key}:{kind.module}/") + func.lower(table.c.owner_key + "/" + table.c.key)
    query = (
        select(
            table.c.pk,
            table.c.owner_key,
            table.c.key,
            table.c.country_code,
            table.c.party_id,
            table.c.object_id,
            lane.label("lane"),
        )
        .where(
            table.c.pk > after,
            table.c.owner_key.in_([owner.key for owner in owners]),
            table.c.platform_id.is_distinct_from(receiver.platform_id),
        )
        .order_by(table.c.pk)
        .limit(AT_ONCE)
    )
    if kind.audience == "token_owner":
        query = query.where(table.c.reader_key == receiver.party.key)
    if since is not None:
        return query.where(table.c.received_at >= since)
    if kind is SESSIONS:
        query = query.where(table.c.status.not_in(_ENDED))
    if kind is CDRS:
        told = select(col(Attempt.id)).where(
            col(Attempt.platform_id) == receiver.platform_id, col(Attempt.lane) == lane, col(Attempt.outcome) == "told"
        )
        query = query.where(~told.exists())
    return query
