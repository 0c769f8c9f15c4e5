"""What is pulled when, what came of it, and what is missing from a partner's full list.

Written only in this room: book.py (when, runs) and vanishing.py (seen, missing).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime


class Pull(SQLModel, table=True):
    """One module of one platform: when it is pulled next and why, and how far it is known.

    `why` is handshake, outage, resumed, schedule or operator; `full`: the next one is of the whole list. What changed
    before `watermark` is known (the partner's clock where it gave one). A run that goes on now, or that was cut off,
    is `run_id`, and goes on at `next_url`; the process that holds the lease until `leased_until` does it.
    """

    __tablename__ = "pull"
    __table_args__ = (Index("ix_pull_due", "due_at"),)

    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE", primary_key=True)
    module: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcTime)
    why: str
    full: bool
    watermark: datetime | None = Field(default=None, sa_type=UtcTime)
    full_at: datetime | None = Field(default=None, sa_type=UtcTime)
    failures: int = 0
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    next_url: str | None = None
    leased_until: datetime | None = Field(default=None, sa_type=UtcTime)


class PullRun(SQLModel, table=True):
    """One run through a list. `outcome` is running, done or failed.

    `total` is the partner's X-Total-Count; `objects` came; of them `new`, `changed`, `same` and `older` (than what is
    kept, which stays) were good. `problems` has the first of the bad ones: [{index, object, reason}]. `flags` says
    what was odd about the list. `watermark` is when it began by the partner's clock.
    """

    __tablename__ = "pull_run"
    __table_args__ = (Index("ix_pull_run_platform", "platform_id", "id"),)

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE")
    module: str
    why: str
    full: bool
    correlation_id: str
    date_from: datetime | None = Field(default=None, sa_type=UtcTime)
    began_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    watermark: datetime | None = Field(default=None, sa_type=UtcTime)
    outcome: str = "running"
    error: str | None = None
    pages: int = 0
    total: int | None = Field(default=None, sa_type=BigInteger)
    objects: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    bad: int = 0
    vanished: int = 0
    flags: list[str] = Field(default_factory=list, sa_type=JSONB)
    problems: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)


class PullSeen(SQLModel, table=True):
    """An object that a full run has seen; kept until the run ends, so that a run that was cut off can go on."""

    __tablename__ = "pull_seen"

    run_id: int = Field(
        sa_type=BigInteger, sa_column_args=(ForeignKey("pull_run.id", ondelete="CASCADE"),), primary_key=True
    )
    owner_key: str = Field(primary_key=True)
    key: str = Field(primary_key=True)


class MissingObject(SQLModel, table=True):
    """A kept object that its partner's full list no longer has, `since` the first run that missed it.

    The object itself stays where it is kept. Where the operator wants such objects out of sight, it is `document`
    here instead, and comes back when the list has it again.
    """

    __tablename__ = "missing_object"

    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE", primary_key=True)
    module: str = Field(primary_key=True)
    owner_key: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    since: datetime = Field(sa_type=UtcTime)
    document: str | None = Field(default=None, sa_type=JsonText)
