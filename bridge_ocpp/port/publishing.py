"""Firmware that a local controller publishes for the chargers behind it (OCPP 2.0.1, L03 and L04).

Commands, a record, and the door (PublicationBook) that operators' calls go through. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bridge_ocpp.port.commands import Command

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class PublishFirmware(Command):
    """Fetch an image from `location`, check its MD5 (`checksum`, 32 hexadecimal digits), and serve it to others.

    `retry_interval` is in seconds.
    """

    request_id: int
    location: str
    checksum: str
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True)
class UnpublishFirmware(Command):
    """Serve the image with this checksum no more. UNKNOWN: it is not published. REJECTED: somebody is fetching it."""

    checksum: str


class PublicationState(StrEnum):
    """How far a publication is. WITHDRAWN: it was published, and is no more."""

    WAITING = "Waiting"
    ASKED = "Asked"
    RUNNING = "Running"
    PUBLISHED = "Published"
    WITHDRAWN = "Withdrawn"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class NewPublication:
    """An image that a local controller is to publish; `give_up_after` (seconds) is for everything together."""

    charger: str
    location: str
    checksum: str
    retries: int | None = None
    retry_interval: int | None = None
    give_up_after: int = 24 * 3600


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication as it stands. `uris` are where chargers fetch it now; `progress` is the controller's last word."""

    id: str
    charger: str
    location: str
    checksum: str
    state: PublicationState
    progress: str | None
    detail: str | None
    uris: tuple[str, ...]
    created_at: datetime
    changed_at: datetime


class PublicationBook(Protocol):
    """Publications for operators; rows are written to the caller's transaction and the bridge does the rest."""

    async def publish(self, wanted: NewPublication, db: AsyncSession) -> Publication:
        """Raises NotPossible for a charger that there is not, or that is publishing this image already."""

    async def publications(
        self, db: AsyncSession, *, charger_id: str | None = None, limit: int = 100
    ) -> Sequence[Publication]:
        """Newest first."""

    async def publication(self, publication_id: str, db: AsyncSession) -> Publication | None: ...

    async def cancel(self, publication_id: str, db: AsyncSession) -> bool:
        """Let go of one that the controller was not asked for yet; False where it was."""
