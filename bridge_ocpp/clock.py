"""A charger's clock: reading what it says, and deciding when to believe it. Pure.

Both times are kept, the charger's and ours; what is decided here is which of them counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(minutes=15)
"""How far a charger's clock may be off while it is online, and still count."""

EARLIEST = datetime(2015, 10, 8, tzinfo=UTC)
"""The day OCPP 1.6 came out: a clock that says less was never set."""

BACKLOG = timedelta(hours=1)
"""How long after connecting a charger may still be delivering what it queued while it was offline."""

NO_TIME = "no_time"
NAIVE = "naive_time"
IMPOSSIBLE = "clock_impossible"
AHEAD = "clock_ahead"
BEHIND = "clock_behind"
BACKWARDS = "clock_backwards"
WRONG = frozenset({NO_TIME, IMPOSSIBLE, AHEAD, BEHIND})
"""Flags of times that do not count."""


@dataclass(frozen=True, slots=True)
class Said:
    """A time as a charger said it: `at` in UTC (None: missing or unreadable), `naive` when it named no zone."""

    at: datetime | None
    naive: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The time that counts, why it is not simply what was said, and whether it shows a clock that is right now."""

    at: datetime
    flags: tuple[str, ...] = ()
    live: bool = False


def read_time(value: object) -> Said:
    """A time as OCPP writes it (RFC 3339), or nearly so. A time without a zone is taken as UTC and marked."""
    if not isinstance(value, str) or not value.strip():
        return Said(None)
    text = value.strip().upper().replace(" Z", "Z")
    try:
        at = datetime.fromisoformat(text)
        naive = at.tzinfo is None
        at = at.replace(tzinfo=UTC) if naive else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return Said(None, text=value[:64])
    return Said(at, naive, value)


def write_time(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as every version of OCPP reads it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def judge(said: Said, *, received: datetime, offline: bool | None = None, behind_since: datetime | None) -> Judged:
    """When a thing happened that a charger dates with `said` and that arrived at `received`.

    A time within 15 minutes of the arrival counts. A later one never does. An earlier one counts only where it can
    have waited in the charger's queue: when the charger says so itself (`offline`), or, when it does not say, when it
    lies after `behind_since`, the moment from which on messages may have been queued (None: nothing is outstanding).
    Everything else is a wrong clock: it is flagged, and the time of arrival counts.
    """
    if said.at is None:
        return Judged(received, (NO_TIME,))
    flags = (NAIVE,) if said.naive else ()
    if abs(received - said.at) <= TOLERANCE:
        return Judged(said.at, flags, live=True)
    if said.at > received:
        return Judged(received, (*flags, AHEAD))
    queued = offline or (offline is None and behind_since is not None)
    if queued and said.at < EARLIEST:
        return Judged(received, (*flags, IMPOSSIBLE))
    if queued and (offline or said.at >= (behind_since or received) - TOLERANCE):
        return Judged(said.at, flags)
    return Judged(received, (*flags, BEHIND))


def judge_within(said: Said, *, message: Said, judged: Judged) -> datetime:
    """When something inside a message happened, such as a meter value, once the message itself is judged.

    A clock that is wrong is wrong by the same amount throughout one message.
    """
    if said.at is None or message.at is None:
        return judged.at
    at = said.at + (judged.at - message.at)
    return at if EARLIEST <= at <= judged.at + TOLERANCE else judged.at
