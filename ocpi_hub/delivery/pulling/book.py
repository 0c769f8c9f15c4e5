"""The book of pulls: what is due, who does it, how far it is, and how it ended. SQL and nothing else.

A platform is pulled by one process at a time, module after module. What is done stands in the rows after every page,
so a run that was cut off goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text
from sqlmodel import col, func, select

from ocpi_hub.base.settings import Settings
from ocpi_hub.delivery.pulling.pages import first_url
from ocpi_hub.delivery.pulling.tables import Pull, PullRun, PullSeen
from ocpi_hub.delivery.tables import Outage
from ocpi_hub.dialects.profile import PULLED, Profile
from ocpi_hub.objects.kinds import CDRS, KINDS, SESSIONS, Kind
from ocpi_hub.partners.ends import ENDS
from ocpi_hub.partners.manners import profile_of
from ocpi_hub.partners.origins import Origins
from ocpi_hub.partners.presence import StatusChange
from ocpi_hub.partners.tables import Endpoint, Party, Platform
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole

LEASE = timedelta(minutes=2)
PER_OBJECT = timedelta(milliseconds=20)
"""How long keeping one object may take. Nothing stops a partner from a page of fifty thousand."""
OVERLAP = timedelta(minutes=5)
SETTLING = timedelta(seconds=5)
"""How long a partner is left alone after a handshake: it may still be writing down our credentials token."""
STALE = timedelta(hours=6)
"""A run that was cut off longer ago than this begins anew: its links may no longer lead anywhere."""
KEPT = timedelta(days=90)
"""How long it can be looked up what came of a run."""
SPLAY = 0.1
OPERATOR, SCHEDULE = "operator", "schedule"
MOST_PROBLEMS = 50


class LeaseLost(Exception):
    """Another process goes on with this run, or the platform is gone: what this one has is not written."""


@dataclass(slots=True)
class Task:
    """A run that this process does: its platform with the hosts that are its own, and where it goes on."""

    platform: Platform
    kind: Kind
    own: Origins
    profile: Profile
    run: PullRun
    url: str
    leased_until: datetime

    @property
    def where(self) -> tuple[Any, ...]:
        """The row of this run, as long as this process holds it."""
        return (
            col(Pull.platform_id) == self.platform.id,
            col(Pull.module) == self.kind.module.value,
            col(Pull.leased_until) == self.leased_until,
        )


_NEW = text("""
INSERT INTO pull (platform_id, module, due_at, why, "full", failures)
SELECT DISTINCT endpoint.platform_id, endpoint.identifier, CAST(:due AS timestamptz), 'handshake', true, 0
FROM endpoint JOIN platform ON platform.id = endpoint.platform_id JOIN party ON party.platform_id = platform.id
JOIN unnest(CAST(:modules AS text[]), CAST(:roles AS text[])) AS owner (module, role)
  ON owner.module = endpoint.identifier AND owner.role = party.role
WHERE endpoint.role = 'SENDER' AND platform.status = 'CONNECTED'
ORDER BY 1, 2
ON CONFLICT DO NOTHING
""")
_DUE = text("""
SELECT DISTINCT pull.platform_id FROM pull JOIN platform ON platform.id = pull.platform_id
LEFT JOIN outage ON outage.platform_id = pull.platform_id
WHERE platform.status = 'CONNECTED' AND pull.due_at <= :at AND (outage.retry_at IS NULL OR outage.retry_at <= :at)
  AND NOT EXISTS (SELECT FROM pull AS other WHERE other.platform_id = pull.platform_id AND other.leased_until > :at)
""")


async def enter(db: AsyncSession, *, due: datetime) -> None:
    """Enter what partners offer and is not in the book yet: modules whose objects one of their parties may own."""
    pairs = [(module, role) for module in PULLED for role in ENDS[module][0]]
    values = {"due": due, "modules": [module for module, _ in pairs], "roles": [role.value for _, role in pairs]}
    await db.execute(_NEW, values)


async def due_platforms(db: AsyncSession, *, at: datetime) -> list[str]:
    """The platforms that can be pulled now and that nobody pulls."""
    return list((await db.execute(_DUE, {"at": at})).scalars())


async def came(db: AsyncSession, change: StatusChange) -> None:
    """A platform has just come (back): everything of it is due (transport_and_format, Offline behaviour)."""
    match change.before:
        case ConnectionStatus.OFFLINE:
            why, due = "outage", change.at
        case ConnectionStatus.SUSPENDED:
            why, due = "resumed", change.at
        case _:
            why, due = "handshake", change.at + SETTLING
    here = (col(Pull.platform_id) == change.platform_id, col(Pull.due_at) > due)
    await db.execute(update(Pull).where(*here).values(due_at=due, why=why))


async def forget(db: AsyncSession, platform_id: str) -> None:
    """A platform has left: nothing of it is pulled, and what is known of its lists counts no more."""
    await db.execute(delete(Pull).where(col(Pull.platform_id) == platform_id))


async def ask(db: AsyncSession, platform_id: str, *, module: str | None, full: bool, at: datetime) -> list[str]:
    """The operator wants a pull now. Gives the modules; a run that goes on anyway is not begun again, unless it is
    not `full` and one was asked for: then that follows."""
    await enter(db, due=at)
    query = select(Pull).where(col(Pull.platform_id) == platform_id).with_for_update()
    rows = [row for row in await db.scalars(query) if module in (None, row.module)]
    for row in rows:
        running = await db.get(PullRun, row.run_id) if row.run_id is not None else None
        if running is None or (full and not running.full):
            row.due_at, row.why, row.full = at, OPERATOR, row.full or full
            row.failures = 0
            db.add(row)
    return sorted((row.module for row in rows), key=PULLED.index)


async def take(db: AsyncSession, platform_id: str, settings: Settings, *, at: datetime) -> Task | None:
    """The next run of a platform, for this process; None when nothing is due or another process is at it."""
    alone = text("SELECT pg_try_advisory_xact_lock(hashtextextended('ocpi-hub/pull/' || :platform_id, 0))")
    if not await db.scalar(alone, {"platform_id": platform_id}):
        return None
    # The platform is locked first, and weakly: so locks come in the same order as when its status changes.
    weakly = {"read": True, "key_share": True}
    platform = await db.get(Platform, platform_id, with_for_update=weakly)
    outage = await db.get(Outage, platform_id)
    if platform is None or platform.status != ConnectionStatus.CONNECTED or platform.their_credentials_token is None:
        return None
    if outage is not None and outage.retry_at is not None and outage.retry_at > at:
        return None
    rows = list(await db.scalars(select(Pull).where(col(Pull.platform_id) == platform_id).with_for_update()))
    if any(row.leased_until is not None and row.leased_until > at for row in rows):
        return None
    profile = profile_of(platform)
    for row in sorted(rows, key=lambda row: PULLED.index(row.module)):
        if row.due_at > at:
            continue
        endpoint = await _endpoint(db, platform_id, row.module)
        if endpoint is None:
            await db.delete(row)
        elif not profile.plan(row.module).on and row.why != OPERATOR and row.run_id is None:
            row.due_at = at + _interval(profile, row.module, settings)
            db.add(row)
        else:
            return await _begin(db, row, platform, endpoint, profile, settings, at=at)
    return None


async def _endpoint(db: AsyncSession, platform_id: str, module: str) -> str | None:
    """The SENDER interface, as long as one of the platform's parties may own such objects."""
    owners = [role.value for role in ENDS[module][0]]
    owned = select(Party.id).where(col(Party.platform_id) == platform_id, col(Party.role).in_(owners)).exists()
    query = select(Endpoint.url).where(
        Endpoint.platform_id == platform_id,
        Endpoint.identifier == module,
        Endpoint.role == InterfaceRole.SENDER.value,
        owned,
    )
    return await db.scalar(query)


async def _begin(
    db: AsyncSession,
    row: Pull,
    platform: Platform,
    endpoint: str,
    profile: Profile,
    settings: Settings,
    *,
    at: datetime,
) -> Task:
    """Go on with the run that was cut off, or begin one."""
    kind = KINDS[row.module]
    run = await db.get(PullRun, row.run_id) if row.run_id is not None else None
    if run is not None and (row.next_url is None or run.began_at < at - STALE):
        await _end(db, run, error="it was cut off, and begins anew", at=at)
        row.full, run = row.full or run.full, None
    if run is None:
        old = (col(PullRun.platform_id) == platform.id, col(PullRun.module) == row.module)
        await db.execute(delete(PullRun).where(*old, col(PullRun.ended_at) < at - KEPT))
        date_from = _date_from(row, kind, settings, at=at)
        run = PullRun(
            platform_id=platform.id,
            module=row.module,
            why=row.why,
            full=row.full,
            correlation_id=str(uuid4()),
            date_from=date_from,
            began_at=at,
        )
        db.add(run)
        await db.flush()
        row.next_url = first_url(endpoint, profile, date_from=date_from)
        row.run_id, row.why, row.full = run.id, SCHEDULE, False
    row.leased_until = at + LEASE
    db.add(row)
    await db.flush()
    assert row.next_url is not None
    urls = await db.scalars(select(Endpoint.url).where(Endpoint.platform_id == platform.id))
    own = Origins.of([platform.versions_url, *urls], profile.hosts)
    return Task(platform, kind, own, profile, run, row.next_url, row.leased_until)


def _date_from(row: Pull, kind: Kind, settings: Settings, *, at: datetime) -> datetime | None:
    """What changed since the last time; for the whole list nothing, but sessions and CDRs have no end of their past."""
    if not row.full and row.watermark is not None:
        return row.watermark - OVERLAP
    return at - timedelta(seconds=settings.pull_history) if kind in (SESSIONS, CDRS) else None


async def advance(db: AsyncSession, task: Task, next_url: str | None, *, at: datetime) -> None:
    """A page is in: its run goes on at `next_url`. In the same transaction as the page. Raises LeaseLost."""
    until = at + LEASE
    held = update(Pull).where(*task.where).values(leased_until=until, next_url=next_url).returning(col(Pull.run_id))
    if await db.scalar(held) != task.run.id:
        raise LeaseLost
    task.leased_until, task.url = until, next_url or task.url
    await save(db, task.run)


async def hold(db: AsyncSession, task: Task, *, objects: int, at: datetime) -> None:
    """Hold a lease for as long as a page of so many objects may take. Raises LeaseLost."""
    until = at + LEASE + objects * PER_OBJECT
    held = update(Pull).where(*task.where).values(leased_until=until).returning(col(Pull.run_id))
    if await db.scalar(held) != task.run.id:
        raise LeaseLost
    task.leased_until = until


async def save(db: AsyncSession, run: PullRun) -> None:
    """Write down how far a run is."""
    values = run.model_dump(exclude={"id", "platform_id", "module", "why", "full", "correlation_id"})
    await db.execute(update(PullRun).where(col(PullRun.id) == run.id).values(**values))


async def release(db: AsyncSession, task: Task) -> None:
    """This process stops: whoever comes next goes on at once."""
    await db.execute(update(Pull).where(*task.where).values(leased_until=None))


async def finish(
    db: AsyncSession,
    task: Task,
    settings: Settings,
    *,
    error: str | None,
    at: datetime,
    retry_after: float | None = None,
) -> None:
    """A run has ended; when the next one is due. What was asked for meanwhile is due at once. Raises LeaseLost."""
    row = await db.scalar(select(Pull).where(*task.where).with_for_update())
    if row is None:
        raise LeaseLost
    run, interval = task.run, _interval(task.profile, task.kind.module.value, settings)
    await _end(db, run, error=error, at=at)
    row.leased_until = row.next_url = row.run_id = None
    if error is None:
        row.watermark, row.failures = run.watermark or run.began_at, 0
        row.full_at = run.began_at if run.full else row.full_at
    else:
        row.failures += 1
        row.full = row.full or run.full
        interval = min(interval, timedelta(seconds=max(60 * 2 ** min(row.failures, 10), retry_after or 0)))
    if row.why != SCHEDULE:
        row.due_at = at
    else:
        row.due_at = at + interval * uniform(1 - SPLAY, 1 + SPLAY)
        row.full = row.full or _full_is_due(row, task.profile, settings)
    db.add(row)


def _full_is_due(row: Pull, profile: Profile, settings: Settings) -> bool:
    every = timedelta(seconds=profile.plan(row.module).full_every or settings.pull_full_interval)
    return row.full_at is None or row.due_at >= row.full_at + every


def _interval(profile: Profile, module: str, settings: Settings) -> timedelta:
    return timedelta(seconds=profile.plan(module).every or settings.pull_interval)


async def _end(db: AsyncSession, run: PullRun, *, error: str | None, at: datetime) -> None:
    run.ended_at, run.error, run.outcome = at, error, "failed" if error else "done"
    await save(db, run)
    await db.execute(delete(PullSeen).where(col(PullSeen.run_id) == run.id))


async def mark_seen(db: AsyncSession, run_id: int, keys: Sequence[tuple[str, str]]) -> None:
    """A full run has seen these objects, (owner key, key)."""
    if keys:
        rows = [{"run_id": run_id, "owner_key": owner_key, "key": key} for owner_key, key in keys]
        await db.execute(insert(PullSeen).values(rows).on_conflict_do_nothing())


async def runs(db: AsyncSession, platform_id: str, *, limit: int) -> list[PullRun]:
    """The runs of a platform, newest first."""
    query = select(PullRun).where(col(PullRun.platform_id) == platform_id).order_by(col(PullRun.id).desc())
    return list(await db.scalars(query.limit(limit)))


async def newest(db: AsyncSession, platform_id: str) -> dict[str, PullRun]:
    """The newest run of each module of a platform."""
    last = select(func.max(col(PullRun.id))).where(col(PullRun.platform_id) == platform_id).group_by(PullRun.module)
    found = await db.scalars(select(PullRun).where(col(PullRun.id).in_(last)))
    return {run.module: run for run in found}


async def entries(db: AsyncSession, platform_id: str) -> list[Pull]:
    """What is pulled of a platform, and when next."""
    rows = await db.scalars(select(Pull).where(col(Pull.platform_id) == platform_id))
    return sorted(rows, key=lambda row: PULLED.index(row.module))
