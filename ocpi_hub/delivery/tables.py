"""Debts to tell and the ledger of attempts. The debt is not a message: its body is rendered when it is told.

Written by delivery/outbox.py (owing, leasing) and delivery/sender.py (settling) only.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime


class Owed(SQLModel, table=True):
    """`platform_id` must be told the newest state of one lane, such as `locations/nl/abc/loc1`.

    One lane has one row per platform, so order per object needs no lock: ten changes while a partner is slow
    become one push. `version` grows with every owing; settling deletes only the version that was leased.
    `body` is set only where there is no kept document to render (a CommandResult), with `url` as its target.
    `from_key`/`to_key` are the routing parties (`cc/pid` as registered). `dead_at`: given up, on the dead-letter list.
    """

    __tablename__ = "owed"
    __table_args__ = (
        UniqueConstraint("platform_id", "lane"),
        Index("ix_owed_due", "due_at", postgresql_where="dead_at IS NULL"),
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
    version: int = Field(default=1, sa_type=BigInteger)
    attempts: int = 0
    owed_since: datetime = Field(sa_type=UtcTime)
    due_at: datetime = Field(sa_type=UtcTime)
    leased_until: datetime | None = Field(default=None, sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    dead_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str | None = None


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
