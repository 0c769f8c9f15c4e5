"""Debts to tell, the outages of platforms, and the ledger of attempts. A debt is not a message: its body is
rendered when it is told.

Written only in this room: by outbox.py (owing, leasing, settling), outages.py, agreeing.py, and ledger rows by
sender.py.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime

_OPEN = "dead_at IS NULL"


class Owed(SQLModel, table=True):
    """`platform_id` must be told the newest state of one lane, such as `de/msp:locations/nl/abc/loc1`.

    One lane has one row per platform, so order per object needs no lock: ten changes while a partner is slow
    become one push. `version` grows with every owing; settling deletes only the version that was leased.
    `body` is set only where there is no kept document to render (a CommandResult), with `url` as its target, or
    `kind` and `path`. `from_party` and `to_party` are the routing parties as registered (`NL/ABC`); no
    `from_party` is the hub itself. Lower `urgency` goes first. `dead_at`: given up, on the dead-letter list.
    """

    __tablename__ = "owed"
    __table_args__ = (
        UniqueConstraint("platform_id", "lane"),
        Index("ix_owed_open", "platform_id", "urgency", "due_at", postgresql_where=_OPEN),
        Index("ix_owed_cdr", "owed_since", postgresql_where=f"{_OPEN} AND kind = 'cdrs'"),
        Index("ix_owed_expiring", "expires_at", postgresql_where=f"{_OPEN} AND expires_at IS NOT NULL"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE")
    lane: str
    kind: str
    owner_key: str
    key: str
    verb: str
    path: str = ""
    url: str | None = None
    body: str | None = Field(default=None, sa_type=JsonText)
    from_party: str | None = None
    to_party: str | None = None
    correlation_id: str
    urgency: int = 2
    version: int = Field(default=1, sa_type=BigInteger)
    attempts: int = 0
    owed_since: datetime = Field(sa_type=UtcTime)
    due_at: datetime = Field(sa_type=UtcTime)
    leased_until: datetime | None = Field(default=None, sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    dead_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str | None = None


class Outage(SQLModel, table=True):
    """A platform of which only failures were seen `since`; the row goes with the first answer.

    The backoff of a platform that does not answer at all stands here, not in its lanes: until `retry_at` nothing is
    sent to it, and then one lane is tried first. `retry_at` None: it answers, though nothing useful (HTTP 500).
    `failures` counts rounds, not calls. `probed_at`: when it was last asked for its versions.
    """

    __tablename__ = "outage"

    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE", primary_key=True)
    since: datetime = Field(sa_type=UtcTime)
    failures: int = 0
    failed_at: datetime = Field(sa_type=UtcTime)
    retry_at: datetime | None = Field(default=None, sa_type=UtcTime)
    probed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    reason: str = ""


class AgreementsInEffect(SQLModel, table=True):
    """The agreements as debts and lists follow them: one row, behind the agreements themselves by a moment.

    What is different between the two is what still has to be done about a change. `terms` as agreeing.py writes them.
    """

    __tablename__ = "agreements_in_effect"

    id: int = Field(default=1, primary_key=True)
    at: datetime = Field(sa_type=UtcTime)
    opened: bool
    terms: list[dict[str, Any]] = Field(sa_type=JSONB)


class Attempt(SQLModel, table=True):
    """One try to tell a platform something, and what came of it: told, refused or unreachable."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_platform", "platform_id", "id"),
        Index("ix_attempt_lane", "lane"),
        Index("ix_attempt_correlation", "correlation_id"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    platform_id: str
    lane: str
    kind: str
    verb: str
    at: datetime = Field(sa_type=UtcTime)
    milliseconds: int
    outcome: str
    http_status: int | None = None
    ocpi_status: int | None = None
    message: str | None = None
    request_id: str
    correlation_id: str
    attempt: int
