"""Platforms that answer nothing useful: since when, how long to leave them alone, and when to ask if they are back.

Rows of `outage` are written here only. What an answer means is decided in settling.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col

from ocpi_hub.delivery import backoff
from ocpi_hub.delivery.tables import Outage


@dataclass(frozen=True, slots=True)
class Known:
    """An outage as far as sending goes; `retry_at` None: the platform answers, though nothing useful."""

    failures: int
    failed_at: datetime
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that failed because of the platform. `down`: nothing at all will get through to it just now."""

    began_at: datetime
    reason: str
    down: bool
    retry_after: float | None = None


async def over(db: AsyncSession, platform_id: str) -> None:
    """It answered: the outage has ended."""
    await db.execute(delete(Outage).where(col(Outage.platform_id) == platform_id))


async def went_on(
    db: AsyncSession, platform_id: str, known: Known | None, trouble: Trouble, *, at: datetime, jitter: float
) -> Known:
    """It failed (again). Calls that failed together count once: only those that began after the last failure count."""
    counts = known is None or trouble.began_at > known.failed_at
    failures = (known.failures if known else 0) + (1 if counts else 0)
    values: dict[str, Any] = {"failures": failures, "failed_at": at, "reason": trouble.reason}
    if trouble.down:
        wait = backoff.wait(failures, jitter=jitter, retry_after=trouble.retry_after)
        values["retry_at"] = at + timedelta(seconds=wait)
    row = insert(Outage).values(platform_id=platform_id, since=at, **values)
    await db.execute(row.on_conflict_do_update(index_elements=["platform_id"], set_=values))
    return Known(failures, at, values.get("retry_at", known.retry_at if known else None))


async def watch_again(db: AsyncSession, platform_id: str, *, at: datetime) -> None:
    """It gave its versions. If it was only silent, that is all; one that takes nothing stays CONNECTED, and its
    backoff goes on growing."""
    await db.execute(delete(Outage).where(col(Outage.platform_id) == platform_id, col(Outage.failures) == 0))
    await db.execute(
        text("UPDATE outage SET since = :at WHERE platform_id = :platform_id"), {"platform_id": platform_id, "at": at}
    )


_CLAIM = text("""
INSERT INTO outage (platform_id, since, failures, failed_at, probed_at, reason)
SELECT platform.id, :at, 0, :at, :at, CASE platform.status WHEN 'OFFLINE' THEN 'OFFLINE' ELSE 'silent' END
FROM platform LEFT JOIN outage ON outage.platform_id = platform.id
WHERE platform.registered_at IS NOT NULL
  AND (platform.status = 'OFFLINE' OR platform.status = 'CONNECTED' AND (
      outage.failures > 0 AND outage.since <= :failing_since
      OR coalesce(platform.last_seen_at, platform.registered_at) <= :silent_since))
  AND (outage.probed_at IS NULL OR outage.probed_at <= :probed_before)
ORDER BY 1
ON CONFLICT (platform_id) DO UPDATE SET probed_at = excluded.probed_at
RETURNING platform_id
""")


async def to_probe(
    db: AsyncSession, *, failing_for: timedelta, silent_for: timedelta, every: timedelta, at: datetime
) -> list[str]:
    """The platforms that must be asked for their versions now: those OFFLINE, and those CONNECTED of which only
    failures were seen, or nothing was heard, for so long. Each is given out once per `every`."""
    values = {
        "at": at,
        "failing_since": at - failing_for,
        "silent_since": at - silent_for,
        "probed_before": at - every,
    }
    return list((await db.execute(_CLAIM, values)).scalars())
