"""The outbox: owing, leasing and giving back debts. SQL and nothing else; no HTTP and no rule of OCPI.

Owing is one statement for any number of receivers. A lane is leased by one process at a time; what it was leased
with (version, lease) is what it is given back with, so a change in between stays owed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col

from ocpi_hub.base.database import Quick
from ocpi_hub.delivery.audience import Receiver
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.objects.kinds import CDRS, SESSIONS, Kind
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()

MESSAGE, MONEY, STATE = 0, 1, 2
"""Urgency: an answer that somebody waits for, sessions and CDRs, then the rest."""


@dataclass(frozen=True, slots=True)
class Debt:
    """One leased row: what is owed, and the version and lease that it must be given back with."""

    id: int
    platform_id: str
    lane: str
    kind: str
    owner_key: str
    key: str
    verb: str
    path: str
    url: str | None
    body: str | None
    from_party: str | None
    to_party: str | None
    correlation_id: str
    version: int
    attempts: int
    leased_until: datetime


# A fresh change of a lane that waits for its next try waits with it: changing often is no way around the backoff.
# Waiting for a whole platform is not kept here but in `outage`, so that a new lane cannot get around it either.
INTO = """
INSERT INTO owed (platform_id, lane, kind, owner_key, key, verb, path, url, body, from_party, to_party, correlation_id,
                  urgency, version, attempts, owed_since, due_at, expires_at)
"""
AGAIN = """
ON CONFLICT (platform_id, lane) DO UPDATE SET
    verb = excluded.verb, path = excluded.path, url = excluded.url, body = excluded.body,
    from_party = excluded.from_party, to_party = excluded.to_party, correlation_id = excluded.correlation_id,
    expires_at = excluded.expires_at, version = owed.version + 1, dead_at = NULL,
    attempts = CASE WHEN owed.dead_at IS NULL THEN owed.attempts ELSE 0 END,
    owed_since = CASE WHEN owed.dead_at IS NULL THEN owed.owed_since ELSE excluded.owed_since END,
    due_at = CASE WHEN owed.dead_at IS NULL AND owed.attempts > 0 THEN owed.due_at ELSE excluded.due_at END
"""
_OWE = f"""{INTO}
SELECT receiver.platform_id, receiver.lane, :kind, :owner_key, :key, :verb, :path, :url, CAST(:body AS json),
       :from_party, receiver.to_party, :correlation_id, CAST(:urgency AS int), 1, 0, CAST(:at AS timestamptz),
       CAST(:at AS timestamptz), CAST(:expires_at AS timestamptz)
FROM unnest(CAST(:platforms AS text[]), CAST(:lanes AS text[]), CAST(:parties AS text[]))
     AS receiver (platform_id, lane, to_party)
ORDER BY 1, 2 {AGAIN}"""  # noqa: S608
_OWE_QUICKLY = Quick(text(_OWE))

_OWE_LINES = f"""{INTO}
SELECT line.platform_id, 'hubclientinfo/' || line.key || '/' || lower(line.role), 'hubclientinfo', line.key, line.role,
       'PUT', line.path, NULL, NULL, NULL, NULL, :correlation_id, CAST(:urgency AS int), 1, 0,
       CAST(:at AS timestamptz), CAST(:at AS timestamptz), NULL
FROM unnest(CAST(:platforms AS text[]), CAST(:keys AS text[]), CAST(:roles AS text[]), CAST(:paths AS text[]))
     AS line (platform_id, key, role, path)
ORDER BY 1, 2 {AGAIN}"""  # noqa: S608

_LEASE = """
UPDATE owed SET leased_until = :until
WHERE id = ANY (ARRAY(
    SELECT id FROM owed
    WHERE platform_id = :platform_id AND dead_at IS NULL AND due_at <= :at
      AND (leased_until IS NULL OR leased_until < :at)
    ORDER BY {order}
    LIMIT :room
    FOR UPDATE SKIP LOCKED))
RETURNING id, platform_id, lane, kind, owner_key, key, verb, path, url, body::text, from_party, to_party,
          correlation_id, version, attempts, leased_until
"""
_IN_TURN = text(_LEASE.format(order="urgency, due_at, id"))
_LEAST_TRIED = text(_LEASE.format(order="attempts, urgency, due_at, id"))


def urgency_of(kind: Kind) -> int:
    """How urgent news of an object is."""
    return MONEY if kind in (CDRS, SESSIONS) else STATE


async def owe(
    db: AsyncSession,
    kind: Kind,
    receivers: Sequence[Receiver],
    *,
    owner: PartyId,
    key: str,
    path: str,
    verb: str,
    from_: PartyId | None,
    correlation_id: str,
    at: datetime,
) -> None:
    """Owe the newest state of one object to every receiver. `path` follows the endpoint's URL; no `from_`: the hub."""
    lane = f"{kind.module}/{owner.key}/{key}".lower()
    await _owe(
        db,
        [(receiver.platform_id, lane, receiver.party) for receiver in receivers],
        kind=kind.module.value,
        owner_key=owner.key,
        key=key,
        verb=verb,
        path=path,
        from_=from_,
        correlation_id=correlation_id,
        urgency=urgency_of(kind),
        at=at,
    )


async def owe_message(
    db: AsyncSession,
    *,
    platform_id: str,
    lane: str,
    verb: str,
    body: str,
    correlation_id: str,
    at: datetime,
    url: str | None = None,
    module: str = "",
    path: str = "",
    from_party: PartyId | None = None,
    to_party: PartyId | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Owe a message that has no kept document, such as a CommandResult: to `url`, or to the platform's RECEIVER
    endpoint of `module` with `path` behind it. `body` is JSON text. After `expires_at` it is forgotten untold.

    Without parties there are no routing headers. The caller rings `delivery.jobs.drain`.
    """
    await _owe(
        db,
        [(platform_id, lane.lower(), to_party)],
        kind=module or "message",
        owner_key="",
        key="",
        verb=verb,
        path=path,
        url=url,
        body=body,
        from_=from_party,
        correlation_id=correlation_id,
        urgency=MESSAGE,
        at=at,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list of parties for one platform; `key` is the party's, `path` follows the RECEIVER endpoint."""

    platform_id: str
    key: str
    role: str
    path: str


async def owe_lines(db: AsyncSession, owed: Sequence[Line], *, correlation_id: str, at: datetime) -> None:
    """Owe lines of the list of parties as they stand when they are told (mod_hub_client_info, PUT Method).

    One debt for each platform, party and role; no routing headers.
    """
    values = {
        "platforms": [line.platform_id for line in owed],
        "keys": [line.key for line in owed],
        "roles": [line.role for line in owed],
        "paths": [line.path for line in owed],
        "correlation_id": correlation_id,
        "urgency": STATE,
        "at": at,
    }
    await db.execute(text(_OWE_LINES), values)


async def _owe(
    db: AsyncSession,
    lanes: Sequence[tuple[str, str, PartyId | None]],
    *,
    from_: PartyId | None,
    at: datetime,
    url: str | None = None,
    body: str | None = None,
    expires_at: datetime | None = None,
    **columns: Any,
) -> None:
    values = {
        "platforms": [platform_id for platform_id, _, _ in lanes],
        "lanes": [f"{party.key}:{lane}" if party else lane for _, lane, party in lanes],
        "parties": [str(party) if party else None for _, _, party in lanes],
        "from_party": str(from_) if from_ else None,
        "url": url,
        "body": body,
        "at": at,
        "expires_at": expires_at,
        **columns,
    }
    await _OWE_QUICKLY.rows(db, values)


async def lease(
    db: AsyncSession, platform_id: str, *, room: int, at: datetime, until: datetime, least_tried: bool = False
) -> list[Debt]:
    """Take at most `room` due debts of a platform until `until`; nobody else gets them meanwhile.

    The most urgent go first; `least_tried` picks the one that failed least, to find out whether a platform is back.
    """
    statement = _LEAST_TRIED if least_tried else _IN_TURN
    values = {"platform_id": platform_id, "room": room, "at": at, "until": until}
    return [Debt(*row) for row in await db.execute(statement, values)]


@dataclass(frozen=True, slots=True)
class Return:
    """How a leased debt is given back. Each says what happens when nobody changed it meanwhile; a debt that was
    changed is due again at once, or with `due_at` when telling it failed."""

    debt: Debt
    paid: bool = False
    dead: bool = False
    failed: bool = False
    due_at: datetime | None = None
    error: str | None = None


async def give_back(db: AsyncSession, returns: Sequence[Return], *, at: datetime) -> None:
    """End leases: paid debts go, dead ones go on the dead-letter list, the others are due again.

    A lease that ran out and was taken by another is not touched.
    """
    if not returns:
        return
    by_id = {one.debt.id: one for one in returns}
    rows = await db.execute(
        text("SELECT id, version, leased_until FROM owed WHERE id = ANY(:ids) ORDER BY platform_id, lane FOR UPDATE"),
        {"ids": list(by_id)},
    )
    gone: list[int] = []
    changes: list[dict[str, Any]] = []
    for row in rows:
        one = by_id[row.id]
        unchanged = row.version == one.debt.version
        if one.paid and unchanged:
            gone.append(row.id)
        elif row.leased_until == one.debt.leased_until:
            changes.append(_change(one, unchanged=unchanged, at=at))
    if gone:
        await db.execute(text("DELETE FROM owed WHERE id = ANY(:ids)"), {"ids": gone})
    for change in changes:
        await db.execute(update(Owed).where(col(Owed.id) == change.pop("id")).values(**change))


def _change(one: Return, *, unchanged: bool, at: datetime) -> dict[str, Any]:
    change: dict[str, Any] = {"id": one.debt.id, "leased_until": None}
    if one.failed:
        return change | {"attempts": one.debt.attempts + 1, "due_at": one.due_at or at, "last_error": one.error}
    if one.dead and unchanged:
        return change | {"dead_at": at, "last_error": one.error}
    return change | {"attempts": 0 if one.paid or one.dead else one.debt.attempts, "due_at": at}


_DUE = text("""
SELECT platform.id FROM platform LEFT JOIN outage ON outage.platform_id = platform.id
WHERE platform.status = 'CONNECTED' AND (outage.retry_at IS NULL OR outage.retry_at <= :at)
  AND EXISTS (SELECT FROM owed WHERE owed.platform_id = platform.id AND owed.dead_at IS NULL AND owed.due_at <= :at
              AND (owed.leased_until IS NULL OR owed.leased_until < :at))
""")


async def due_platforms(db: AsyncSession, *, at: datetime) -> list[str]:
    """The platforms that something can be sent to now."""
    return list((await db.execute(_DUE, {"at": at})).scalars())


async def due_now(db: AsyncSession, platform_id: str, *, at: datetime) -> None:
    """What a platform was waiting for is due at once: it is back."""
    waiting = (col(Owed.platform_id) == platform_id, col(Owed.dead_at).is_(None), col(Owed.attempts) > 0)
    await db.execute(update(Owed).where(*waiting).values(due_at=at, attempts=0))
