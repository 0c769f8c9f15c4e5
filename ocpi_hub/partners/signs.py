"""What partners' answers say of them: that they are there (R21), or that they refuse our credentials token (R10).

Written in the background and not for every answer: whoever asked waits for it, and may hold a transaction.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.answers import Received
from ocpi_hub.partners.presence import SEEN_EVERY
from ocpi_hub.partners.tables import Platform

log = structlog.get_logger()

REFUSED = frozenset({401, 403})
REFUSED_EVERY = timedelta(seconds=1)
_NOT_ITS_OWN = frozenset({407, 408, 429})


class Signs:
    """One per process: what was written last of each platform, and what is being written."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._written: dict[str, tuple[bool, datetime]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    @classmethod
    def open(cls, resources: Resources) -> Self:
        return cls(resources)

    async def aclose(self) -> None:
        """Let what is being written be written."""
        if self._writing:
            await asyncio.wait(list(self._writing), timeout=2)

    def note(self, platform_id: str, received: Received) -> None:
        """A platform answered a call that carried our credentials token."""
        refused, at = received.status in REFUSED, self._resources.clock()
        if not refused and not _speaks_ocpi(received):
            return
        last = self._written.get(platform_id)
        if last is not None and last[0] is refused and at - last[1] < (REFUSED_EVERY if refused else SEEN_EVERY):
            return
        self._written[platform_id] = (refused, at)
        write = self._refused(platform_id, received.status, at) if refused else self._taken(platform_id, at)
        task = asyncio.get_running_loop().create_task(self._guarded(write, platform_id))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _guarded(self, write: Coroutine[Any, Any, None], platform_id: str) -> None:
        try:
            await write
        except (SQLAlchemyError, OSError) as error:
            self._written.pop(platform_id, None)
            log.warning("partner.sign_not_written", platform=platform_id, error=type(error).__name__)

    async def _taken(self, platform_id: str, at: datetime) -> None:
        values = {"last_seen_at": at, "credentials_refused_at": None}
        async with self._resources.unit_of_work() as db:
            await db.execute(update(Platform).where(col(Platform.id) == platform_id).values(values))

    async def _refused(self, platform_id: str, http_status: int, at: datetime) -> None:
        first = (
            update(Platform)
            .where(
                col(Platform.id) == platform_id,
                col(Platform.credentials_refused_at).is_(None),
                col(Platform.registered_at).is_not(None),
            )
            .values(credentials_refused_at=at)
            .returning(col(Platform.name))
        )
        async with self._resources.unit_of_work() as db:
            name = await db.scalar(first)
        if name is not None:
            log.error("partner.needs_handshake", platform=platform_id, name=name, http_status=http_status)


def _speaks_ocpi(received: Received) -> bool:
    """Whether the platform itself can have said it, and not a proxy in front of it. Looked at, not read: this is asked
    of every answer."""
    its_own = (received.status < 300 or 400 <= received.status < 500) and received.status not in _NOT_ITS_OWN
    return its_own and received.body.lstrip()[:1] == b"{"
