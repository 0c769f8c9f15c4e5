"""The journal: every frame, secrets masked, written behind in bulk. It may be lost; nothing is decided by it."""

import re
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.tables import FrameRow

MASK = "***"
MOST_WAITING = 20_000
"""Frames kept in memory while the database cannot be reached; older ones are dropped."""
AT_ONCE = 1000
LONGEST_TEXT = 500

_SECRET = re.compile(r"password|passphrase|authorizationkey|private_?key|secret|\bpin\b", re.IGNORECASE)
_VALUES = ("value", "attributeValue")
_COLUMNS = ("charger_key", "at", "direction", "kind", "action", "message_id", "payload")
_WRITTEN = """
INSERT INTO ocpp_frame (charger_key, at, direction, kind, action, message_id, payload)
SELECT * FROM unnest($1::varchar[], $2::timestamptz[], $3::varchar[], $4::varchar[], $5::varchar[], $6::varchar[],
                     $7::text[])
"""


class Journal:
    """Collects frames and writes them when told to."""

    def __init__(self) -> None:
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MOST_WAITING)
        self._written: dict[str, int] = {}

    def note(
        self,
        charger_key: str,
        *,
        at: datetime,
        direction: str,
        kind: str,
        message_id: str,
        payload: Any,
        action: str | None = None,
    ) -> None:
        """One frame as it went over the wire; `payload` is JSON as Python has it."""
        text = ocppj.dumps(payload)
        if _SECRET.search(text):
            text = ocppj.dumps(mask(payload))
        self._waiting.append(
            {
                "charger_key": charger_key,
                "at": at,
                "direction": direction,
                "kind": kind,
                "action": action,
                "message_id": message_id,
                "payload": text,
            }
        )

    def broken(self, charger_key: str, text: str, *, at: datetime, message_id: str | None) -> None:
        """Something that was no frame, its beginning."""
        shown = ocppj.storable(text[:LONGEST_TEXT])
        shown = MASK if _SECRET.search(shown) else shown
        self.note(
            charger_key, at=at, direction="in", kind="BROKEN", message_id=message_id or "", payload={"text": shown}
        )

    def waiting(self) -> bool:
        return bool(self._waiting)

    async def write(self, db: AsyncSession) -> None:
        """Write down what waits, up to a thousand frames."""
        frames = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        if not frames:
            return
        columns = [[frame[name] for frame in frames] for name in _COLUMNS]
        await (await db.connection()).exec_driver_sql(_WRITTEN, tuple(columns))
        for frame in frames:
            self._written[frame["charger_key"]] = self._written.get(frame["charger_key"], 0) + 1

    async def prune(self, db: AsyncSession, *, per_charger: int, before: datetime) -> None:
        """Keep the newest frames of each charger that wrote since the last time, and none that is too old."""
        await db.execute(delete(FrameRow).where(col(FrameRow.at) < before))
        written, self._written = self._written, {}
        for charger_key in written:
            oldest_kept = (
                select(col(FrameRow.id))
                .where(col(FrameRow.charger_key) == charger_key)
                .order_by(col(FrameRow.id).desc())
                .offset(per_charger - 1)
                .limit(1)
                .scalar_subquery()
            )
            mine = col(FrameRow.charger_key) == charger_key
            await db.execute(delete(FrameRow).where(mine, col(FrameRow.id) < oldest_kept))


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a password or a key."""
    return _SECRET.search(name) is not None


def mask(value: Any, *, secret: bool = False) -> Any:
    """The value without passwords and keys: by the name of a field, or of the variable that it is the value of."""
    if isinstance(value, list | tuple):
        return [mask(item, secret=secret) for item in value]
    if not isinstance(value, Mapping):
        return value
    variable = value.get("variable")
    name = variable.get("name") if isinstance(variable, Mapping) else value.get("key")
    secret = secret or (isinstance(name, str) and _SECRET.search(name) is not None)
    beside_password = "password" in value
    return {
        key: MASK
        if item and (_SECRET.search(key) or (secret and key in _VALUES) or (beside_password and key == "key"))
        else mask(item, secret=secret)
        for key, item in value.items()
    }
