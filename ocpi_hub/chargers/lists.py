"""The local list of each charger: compared with what the charger says it has, and sent in parts until both agree.

A charger that is away is seen to when it is back; one that cannot have a list is left alone until it boots again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ARRAY, Text, any_, func, literal, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import (
    AuthStatus,
    ChargerPort,
    Command,
    GetLocalListVersion,
    IdToken,
    LocalListEntry,
    Outcome,
    OutcomeStatus,
    SendLocalList,
    Verdict,
)
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.list_tables import ChargerList, ListedToken, ListState
from ocpi_hub.chargers.listing import NOBODYS
from ocpi_hub.chargers.tables import ChargerPlacement

log = structlog.get_logger()

LEASE = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=1)
PER_MESSAGE = 20
"""Entries that a message surely takes, for guessing how long a list takes."""


async def adopt(db: AsyncSession, *, at: datetime) -> None:
    """Chargers that have no list yet get one that is due."""
    having = select(ChargerList.charger_key)
    new = select(ChargerPlacement).where(col(ChargerPlacement.key).not_in(having))
    fresh = {"state": "NEW", "scope_version": 0, "entries": 0, "attempts": 0, "due_at": at}
    for placement in await db.scalars(new):
        values = {"charger_key": placement.key, "scope": scope_of(placement), **fresh}
        await db.execute(insert(ChargerList).values(values).on_conflict_do_nothing())


def scope_of(placement: ChargerPlacement) -> str:
    return placement.owner_key if placement.location_key is not None else NOBODYS


async def look_again(db: AsyncSession, charger_keys: Iterable[str], *, at: datetime) -> None:
    """These chargers are back, or booted: whether they still have their lists is asked."""
    mine = col(ChargerList.charger_key) == any_(literal(list(charger_keys), ARRAY(Text)))
    await db.execute(update(ChargerList).where(mine).values(due_at=at, attempts=0))


async def switch(db: AsyncSession, charger_id: str, enabled: bool, *, at: datetime) -> None:
    """Keep a list at this charger, or none. Raises KeyError for a charger that has no place."""
    await adopt(db, at=at)
    row = await db.get(ChargerList, charger_id.lower(), with_for_update=True)
    if row is None:
        raise KeyError(charger_id)
    row.enabled, row.due_at, row.attempts, row.state = enabled, at, 0, "NEW"


async def resend(db: AsyncSession, charger_id: str, *, at: datetime) -> None:
    """Send the whole list again. Raises KeyError for a charger that has no place."""
    await adopt(db, at=at)
    row = await db.get(ChargerList, charger_id.lower(), with_for_update=True)
    if row is None:
        raise KeyError(charger_id)
    row.version, row.scope_version, row.due_at, row.attempts, row.state = None, 0, at, 0, "NEW"


async def due(db: AsyncSession, *, at: datetime, limit: int) -> list[str]:
    """Lease lists that are due of chargers that are online; their keys."""
    waiting = (
        select(ChargerList.charger_key)
        .join(ChargerPlacement, col(ChargerPlacement.key) == col(ChargerList.charger_key))
        .where(
            col(ChargerPlacement.online),
            col(ChargerList.due_at) <= at,
            or_(col(ChargerList.leased_until).is_(None), col(ChargerList.leased_until) <= at),
        )
        .order_by(col(ChargerList.due_at))
        .limit(limit)
        .with_for_update(of=ChargerList, skip_locked=True)
    )
    keys = list(await db.scalars(waiting))
    mine = col(ChargerList.charger_key).in_(keys)
    await db.execute(update(ChargerList).where(mine).values(leased_until=at + LEASE))
    return keys


async def sync(resources: Resources, charger_key: str) -> None:
    """Bring one charger's list up to date, and write down how it stands."""
    async with resources.unit_of_work() as db:
        row = await db.get(ChargerList, charger_key)
        placement = await db.get(ChargerPlacement, charger_key)
    if row is None or placement is None:
        return
    facts = await _sync(resources, row, placement)
    log.info("local_list.synced", charger=placement.charger_id, state=facts["state"], entries=facts.get("entries"))
    async with resources.unit_of_work() as db:
        fresh = await db.get(ChargerList, charger_key, with_for_update=True)
        if fresh is None:
            return
        touched = fresh.due_at != row.due_at or fresh.enabled != row.enabled
        wait = facts.pop("wait", None)
        for name, value in facts.items():
            setattr(fresh, name, value)
        fresh.leased_until = None
        fresh.attempts = fresh.attempts + 1 if wait is not None else 0
        if not touched:  # else it became due once more meanwhile
            fresh.due_at = None if wait is None else resources.clock() + wait


async def _sync(resources: Resources, row: ChargerList, placement: ChargerPlacement) -> dict[str, Any]:
    scope = scope_of(placement)
    enabled = resources.settings.local_lists if row.enabled is None else row.enabled
    if not enabled and row.version is None:
        return {"state": "OFF", "detail": None, "scope": scope}
    asked = await _ask(resources, placement.charger_id, GetLocalListVersion())
    reported = int((asked.payload or {}).get("version", -1))
    if asked.status is OutcomeStatus.NOT_SUPPORTED or (asked.accepted and reported < 0):
        return {"state": "NOT_SUPPORTED", "detail": asked.detail or None, "scope": scope}
    if not asked.accepted:
        return _failed(row, asked)
    start = max(reported, row.version or 0) + 1
    if not enabled:
        sent = await _send(resources, placement.charger_id, SendLocalList(start, full=True, entries=()))
        return {"state": "OFF", "detail": None, "version": None, "entries": 0} if sent.accepted else _failed(row, sent)
    most = (asked.payload or {}).get("most") or resources.settings.local_list_most
    has = row.version is not None and row.version == reported and row.scope == scope and row.state != "TRUNCATED"
    plan = await _plan(resources, scope, int(most), since=row.scope_version if has else None)
    if plan.entries or plan.full:
        command = SendLocalList(start, full=plan.full, entries=plan.entries)
        sent = await _send(resources, placement.charger_id, command)
        if not sent.accepted and not plan.full:
            # A mismatch, or a difference that does not apply: the whole list says it all (1.6, 5.15; 2.0.1, D01).
            plan = await _plan(resources, scope, int(most), since=None)
            sent = await _send(resources, placement.charger_id, SendLocalList(start, full=True, entries=plan.entries))
        if not sent.accepted:
            return _failed(row, sent)
        version = int((sent.payload or {})["version"])
    else:
        version = reported
    state = "TRUNCATED" if plan.total > plan.entries_there else "SYNCED"
    return {
        "state": state,
        "detail": f"{plan.total} tokens, room for {most}" if state == "TRUNCATED" else None,
        "scope": scope,
        "version": version,
        "scope_version": plan.scope_version,
        "entries": plan.entries_there,
        "sent_at": resources.clock(),
    }


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to send: a whole list, or differences. `entries_there` is how many the list has afterwards."""

    full: bool
    entries: tuple[LocalListEntry, ...]
    entries_there: int
    total: int
    scope_version: int


async def _plan(resources: Resources, scope: str, most: int, *, since: int | None) -> _Plan:
    """Differences since a version of the scope where the list fits, else as much as fits, accepted tokens first."""
    token = ListedToken
    async with resources.unit_of_work() as db:
        state = await db.get(ListState, scope)
        newest = state.version if state is not None else 0
        listed = select(token).where(token.scope == scope, col(token.listed))
        total = await db.scalar(select(func.count()).select_from(listed.subquery())) or 0
        if since is not None and total <= most:
            changed = select(token).where(token.scope == scope, col(token.version) > since).order_by(col(token.key))
            rows = list(await db.scalars(changed))
            return _Plan(False, tuple(_entry(row) for row in rows), total, total, newest)
        first = (col(token.status) != AuthStatus.ACCEPTED, col(token.key))
        rows = list(await db.scalars(listed.order_by(*first).limit(most)))
        return _Plan(True, tuple(_entry(row) for row in rows), len(rows), total, newest)


def _entry(row: ListedToken) -> LocalListEntry:
    token = IdToken(row.uid, row.type)
    if not row.listed:
        return LocalListEntry(token, None)
    group = IdToken(row.group_id) if row.group_id else None
    return LocalListEntry(token, Verdict(AuthStatus(row.status), group, row.expires_at, master=row.master))


async def _ask(resources: Resources, charger_id: str, command: Command, *, times: int = 1) -> Outcome:
    within = timedelta(seconds=resources.settings.charger_timeout * times)
    return await resources.get(ChargerPort).ask(charger_id, command, within=within)  # type: ignore[type-abstract]


async def _send(resources: Resources, charger_id: str, command: SendLocalList) -> Outcome:
    return await _ask(resources, charger_id, command, times=1 + len(command.entries) // PER_MESSAGE)


def _failed(row: ChargerList, outcome: Outcome) -> dict[str, Any]:
    """OFFLINE waits for the charger; everything else is tried again, later each time."""
    detail = (outcome.detail or outcome.status.value)[:200]
    if outcome.status is OutcomeStatus.OFFLINE:
        return {"detail": detail, "state": row.state}
    wait = min(timedelta(seconds=30) * 2 ** min(row.attempts, 10), LONGEST_WAIT)
    return {"detail": detail, "state": "FAILED", "wait": wait}
