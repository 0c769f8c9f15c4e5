"""What was found in CDRs and what was decided, what each pair of parties wants done, and which CDRs never came.

Written by the files of this folder only. Keys are ids folded to lower case; ids themselves stand as they came.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime


class Verdict(StrEnum):
    """What became of a CDR. A held one is released or rejected by a person; a refused one was never kept."""

    PASSED = "passed"
    MARKED = "marked"
    HELD = "held"
    REFUSED = "refused"
    RELEASED = "released"
    REJECTED = "rejected"


class Action(StrEnum):
    """What shall be done with a CDR that has findings."""

    PASS = "pass"  # noqa: S105
    HOLD = "hold"
    REFUSE = "refuse"


class CdrAudit(SQLModel, table=True):
    """The audit of one CDR, made when it came and again when what it rests on came or changed; only that of a refused
    one gives way, to the next CDR with this id.

    `findings` is a list of findings, `repriced` the total_… fields as the hub reckons them, None where it could not
    be priced. `worst` is the highest severity found. `place_key` (owner, Location and EVSE) and the times of the
    session are for finding overlaps. `document` is the CDR itself where it is kept nowhere else: it was refused, or
    `addressed` to its eMSP and only passed on. `raw` is such a CDR byte for byte while it is held, and until it was
    sent after all; `tried_at` is when that was tried last, `tries` how often since `trying_since`, `send_at` when it is
    due again, `send_error` why it did not go. `stuck_at`: since then nobody tries any more, until an operator has it
    sent again (sending.py). `basis` are digests of what the audit rests on (location,
    session, tariffs, original), `changes` the last times it came out differently ([{at, because, …}], newest first).
    """

    __tablename__ = "cdr_audit"
    __table_args__ = (
        UniqueConstraint("key", "owner_key"),
        Index("ix_cdr_audit_place", "place_key", "ended_at"),
        Index("ix_cdr_audit_decision", "decision", "pk"),
        Index("ix_cdr_audit_worst", "worst", "pk"),
        Index("ix_cdr_audit_session", "owner_key", "session_key"),
        Index("ix_cdr_audit_location", "owner_key", "location_key"),
        Index("ix_cdr_audit_unsent", "pk", postgresql_where="raw IS NOT NULL"),
    )

    pk: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    owner_key: str
    key: str
    cdr_id: str
    owner: str = Field(description="The CPO, as it writes itself: NL/ABC")
    reader_key: str
    place_key: str | None = None
    location_key: str | None = None
    session_key: str | None = None
    started_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime = Field(sa_type=UtcTime)
    first_audited_at: datetime = Field(sa_type=UtcTime)
    audited_at: datetime = Field(sa_type=UtcTime)
    worst: str | None = None
    findings: str = Field(sa_type=JsonText)
    repriced: str | None = Field(default=None, sa_type=JsonText)
    decision: str
    reason: str | None = None
    document: str | None = Field(default=None, sa_type=JsonText)
    basis: dict[str, str | None] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'::jsonb")}
    )
    changes: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")}
    )
    addressed: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    raw: str | None = Field(default=None, sa_type=Text)
    correlation_id: str | None = None
    tried_at: datetime | None = Field(default=None, sa_type=UtcTime)
    tries: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    trying_since: datetime | None = Field(default=None, sa_type=UtcTime)
    send_at: datetime | None = Field(default=None, sa_type=UtcTime)
    send_error: str | None = None
    stuck_at: datetime | None = Field(default=None, sa_type=UtcTime)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)


ANYONE = "*"


class AuditPolicy(SQLModel, table=True):
    """What is done with a CDR from one CPO for one eMSP, by the worst of its findings. `*` is any party."""

    __tablename__ = "audit_policy"

    cpo_key: str = Field(primary_key=True)
    emsp_key: str = Field(primary_key=True)
    on_warning: str = Action.PASS.value
    on_error: str = Action.PASS.value
    updated_at: datetime = Field(sa_type=UtcTime)


class MissingCdr(SQLModel, table=True):
    """A Session that was completed and had no CDR a day later; `settled_at` is when its CDR was seen after all."""

    __tablename__ = "missing_cdr"
    __table_args__ = (Index("ix_missing_cdr_open", "found_at", postgresql_where="settled_at IS NULL"),)

    owner_key: str = Field(primary_key=True)
    session_key: str = Field(primary_key=True)
    session_id: str
    owner: str
    reader_key: str | None = None
    finding: str = Field(sa_type=JsonText)
    found_at: datetime = Field(sa_type=UtcTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcTime)
