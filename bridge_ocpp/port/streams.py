"""Periodic event streams, as an operator sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """An open stream of a monitored variable. `values` are the newest, with their times; `heard` counts all.

    The charger promised values at least every `interval` seconds, or `most_values` at once.
    """

    id: int
    monitoring_id: int
    interval: int | None
    most_values: int | None
    opened_at: datetime
    heard_at: datetime | None
    heard: int
    pending: int
    values: tuple[tuple[datetime, str], ...] = ()


class StreamBook(Protocol):
    """The bridge's records of event streams."""

    async def streams(self, charger_id: str, db: AsyncSession) -> Sequence[StreamRecord]: ...
