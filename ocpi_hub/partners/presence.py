"""Whether a platform is there: the one door of status changes, and what any message from it says about it.

Other rooms may listen: `@on_status_change` hears every change inside its transaction (to announce it, to forget or
resend what is owed). Nothing here talks to anybody. Who calls with a `db` also calls `directory.changed(db)`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import roster
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import Platform
from ocpi_hub.wire.parties import ConnectionStatus

log = structlog.get_logger()

SEEN_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A platform went from one status to another; `registered` is whether credentials are in force now."""

    platform_id: str
    before: ConnectionStatus
    after: ConnectionStatus
    registered: bool
    at: datetime


Listener = Callable[[AsyncSession, StatusChange], Awaitable[None]]
_LISTENERS: list[Listener] = []


def on_status_change(listener: Listener) -> Listener:
    """Call `listener(db, change)` in the transaction of every status change."""
    _LISTENERS.append(listener)
    return listener


async def set_status(db: AsyncSession, platform: Platform, status: ConnectionStatus, *, at: datetime) -> None:
    """Write a status and let the listeners know, even when it stays: a new handshake is news too."""
    before = ConnectionStatus(platform.status)
    platform.status = status.value
    if before is not status:
        platform.status_changed_at = at
    platform.list_owed = status is ConnectionStatus.CONNECTED
    db.add(platform)
    await roster.refresh(db, platform.id, at=at)
    change = StatusChange(platform.id, before, status, platform.registered_at is not None, at)
    for listener in _LISTENERS:
        await listener(db, change)
    if before is not status:
        log.info("partner.status", platform=platform.id, before=before.value, status=status.value)


async def _move(
    db: AsyncSession, platform_id: str, *, from_: ConnectionStatus, to: ConnectionStatus, at: datetime
) -> bool:
    """From one status to another, if it is in that status now; the row is locked."""
    query = select(Platform).where(Platform.id == platform_id, Platform.status == from_.value).with_for_update()
    platform = await db.scalar(query)
    if platform is None:
        return False
    await set_status(db, platform, to, at=at)
    return True


async def went_offline(db: AsyncSession, platform_id: str, at: datetime) -> bool:
    """Only failures for too long: CONNECTED → OFFLINE. False when it was not CONNECTED."""
    return await _move(db, platform_id, from_=ConnectionStatus.CONNECTED, to=ConnectionStatus.OFFLINE, at=at)


async def came_back(db: AsyncSession, platform_id: str, at: datetime) -> bool:
    """It answered, or spoke: OFFLINE → CONNECTED. False when it was not OFFLINE."""
    return await _move(db, platform_id, from_=ConnectionStatus.OFFLINE, to=ConnectionStatus.CONNECTED, at=at)


async def seen(db: AsyncSession, platform_id: str, at: datetime) -> None:
    """Write down that the platform sent something, an answer or a request."""
    await db.execute(update(Platform).where(col(Platform.id) == platform_id).values(last_seen_at=at))


class _Seen:
    """When this process last wrote that a platform was seen."""

    def __init__(self) -> None:
        self.at: dict[str, datetime] = {}

    @classmethod
    def open(cls, resources: Resources) -> "_Seen":
        return cls()

    async def aclose(self) -> None:
        self.at.clear()


async def heard_from(resources: Resources, platform_id: str, *, offline: bool = False) -> None:
    """The platform sent something, so it is alive (mod_hub_client_info, "Still alive check").

    Written at most every ten seconds, and at once when the platform counts as OFFLINE: then it has come back.
    """
    written, now = resources.one(_Seen).at, resources.clock()
    last = written.get(platform_id)
    if last is not None and now - last < SEEN_EVERY and not offline:
        return
    written[platform_id] = now
    async with resources.unit_of_work() as db:
        await seen(db, platform_id, now)
        if await came_back(db, platform_id, now):
            resources.one(Directory).changed(db)
