"""An errand: something to ask one charger that is connected here, taken from a row that already says it was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp import ocppj
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import Command, Outcome
from bridge_ocpp.tables import NoticeRow

MOST_ATTEMPTS = 3
"""How often a charger that does not answer is asked the same."""


@dataclass(frozen=True, slots=True)
class Errand:
    """`row` finds the row again: a roll-out or a log."""

    row: str
    charger_key: str
    command: Command


class Trade(Protocol):
    """One kind of upkeep: which errands are due here, and what came of one."""

    async def due(
        self, db: AsyncSession, here: Sequence[str], *, now: datetime, patience: timedelta
    ) -> list[Errand]: ...

    async def asked(self, db: AsyncSession, errand: Errand, outcome: Outcome, *, now: datetime) -> None: ...


def unasked(db: AsyncSession, topic: str, document: dict[str, object], hearing: Hearing) -> None:
    """A charger tells of something that nobody here asked for: it is kept to be looked at."""
    text = ocppj.dumps({name: value for name, value in document.items() if value is not None})
    db.add(NoticeRow(charger_key=hearing.speaker.key, topic=topic, received_at=hearing.received, document=text))
