"""Audits on record: kept with their decision, found again, and decided by a person where a CDR is held."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.database import after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing.auditing import Document, Place
from ocpi_hub.clearing.policy import Decision
from ocpi_hub.clearing.tables import CdrAudit, Verdict
from ocpi_hub.delivery import publish
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import dumps

log = structlog.get_logger()

SEND = "clearing.send"
"""The job that sends a held CDR on to the eMSP that it was addressed to, by name (jobs.py)."""


class NotHeld(Exception):
    """The CDR is not waiting for a decision; the text says what became of it."""


def codes(decision: Decision) -> list[str]:
    """The codes of what was found, for a log line."""
    return sorted({finding.code for finding in decision.audit.findings})


@dataclass(frozen=True, slots=True)
class Passing:
    """A CDR that its CPO addresses to an eMSP: to whom, its bytes as text, and under which correlation id."""

    reader: PartyId
    raw: str
    correlation_id: str


async def keep(
    db: AsyncSession,
    document: Document,
    decision: Decision,
    *,
    owner: PartyId,
    at: datetime,
    passing: Passing | None = None,
) -> None:
    """Put an audit on record, once per CDR: only a refusal gives way, for a refused CDR may come again, mended."""
    place, audit = Place.of(document, owner), decision.audit
    reader = passing.reader if passing else CDRS.reader_of(document)
    alone = passing is not None or decision.verdict is Verdict.REFUSED
    values = {
        "owner_key": owner.key,
        "key": CDRS.object_key(document),
        "cdr_id": document["id"],
        "owner": str(owner),
        "reader_key": reader.key if reader else owner.key,
        "place_key": place.key,
        "location_key": place.location_key,
        "session_key": document["session_id"].lower() if document.get("session_id") else None,
        "started_at": place.start,
        "ended_at": place.end,
        "first_audited_at": at,
        "audited_at": at,
        "basis": decision.basis,
        "worst": audit.worst.value if audit.worst else None,
        "findings": dumps([finding.as_document() for finding in audit.findings]),
        "repriced": dumps(audit.report.totals()) if audit.report else None,
        "decision": decision.verdict.value,
        "reason": decision.reason,
        "document": dumps(document) if alone else None,
        "addressed": passing is not None,
        "raw": passing.raw if passing and decision.verdict is Verdict.HELD else None,
        "correlation_id": passing.correlation_id if passing else None,
    }
    statement = insert(CdrAudit).values(values)
    refused = col(CdrAudit.decision) == Verdict.REFUSED.value
    await db.execute(statement.on_conflict_do_update(index_elements=["key", "owner_key"], set_=values, where=refused))


async def get(db: AsyncSession, owner_key: str, key: str, *, lock: bool = False) -> CdrAudit | None:
    """The audit of the CDR that has this folded key at this owner; locked until the transaction ends if asked."""
    query = select(CdrAudit).where(col(CdrAudit.key) == key, col(CdrAudit.owner_key) == owner_key)
    found: CdrAudit | None = await db.scalar(
        (query.with_for_update() if lock else query).execution_options(populate_existing=True)
    )
    return found


async def release(db: AsyncSession, resources: Resources, audit: CdrAudit, *, by: str) -> None:
    """Let a held CDR go to its eMSP, as it came. `audit` is locked. Raises NotHeld."""
    _decide(audit, Verdict.RELEASED, by=by, at=resources.clock())
    if audit.addressed:
        after_commit(db, SEND, audit.owner_key, audit.key)
        return
    owner = PartyId.parse(audit.owner)
    kept = await reading.get(db, CDRS, owner=owner, object_id=audit.cdr_id)
    if kept is None:
        raise NotHeld(f"CDR {audit.cdr_id} is no longer kept")
    await publish.release(
        db,
        CDRS,
        owner=owner,
        key=audit.key,
        source=kept.platform_id,
        at=resources.clock(),
        correlation_id=str(uuid.uuid4()),
    )


async def reject(db: AsyncSession, resources: Resources, audit: CdrAudit, *, by: str) -> None:
    """Keep a held CDR from its eMSP for good; its CPO must be told by a person. Raises NotHeld."""
    _decide(audit, Verdict.REJECTED, by=by, at=resources.clock())


def _decide(audit: CdrAudit, verdict: Verdict, *, by: str, at: datetime) -> None:
    if audit.decision != Verdict.HELD:
        raise NotHeld(f"CDR {audit.cdr_id} is not held: it was {audit.decision}")
    audit.decision, audit.decided_by, audit.decided_at = verdict.value, by, at
    log.info(f"clearing.{verdict}", cdr=audit.cdr_id, owner=audit.owner, by=by)
