"""Audits made again, when what they rest on comes or changes later: the Session, the Location, the tariffs.

A CDR that is on its way is marked or not by its newest audit; what a person or a policy decided stays decided.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import policy, records
from ocpi_hub.clearing.auditing import Audited, audit_cdr, every_facts
from ocpi_hub.clearing.tables import CdrAudit, Verdict
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.objects.tables import KeptLocation, KeptSession, KeptTariff
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import dumps, loads
from ocpi_hub.wire.types import format_datetime

log = structlog.get_logger()

LOOK_BACK = timedelta(days=31)
"""How long ago a CDR may have come that is audited again."""
CHANGES_KEPT = 20
AT_ONCE = 2_000

_NAMES = {
    "location": "the Location",
    "session": "the Session",
    "tariffs": "the tariffs",
    "original": "the CDR credited",
}

Named = tuple[str, str]
"""(owner_key, key) of a CDR."""


async def resting_on(db: AsyncSession, module: str, owner_key: str, key: str, *, at: datetime) -> list[Named]:
    """The audits that a Session, Location or Tariff of this owner may change."""
    which: dict[str, ColumnElement[bool]] = {
        "sessions": col(CdrAudit.session_key) == key,
        "locations": col(CdrAudit.location_key) == key,
        # Only a CDR that brings no tariff is priced by those that are kept here.
        "tariffs": or_(_basis("tariffs").is_not(None), col(CdrAudit.repriced).is_(None)),
    }
    return await _names(db, col(CdrAudit.owner_key) == owner_key, which[module], at=at)


async def _names(db: AsyncSession, *conditions: ColumnElement[bool], at: datetime) -> list[Named]:
    query = select(col(CdrAudit.owner_key), col(CdrAudit.key)).where(
        *conditions, col(CdrAudit.first_audited_at) > at - LOOK_BACK, col(CdrAudit.decision) != Verdict.REFUSED.value
    )
    return [(row[0], row[1]) for row in await db.execute(query.order_by(col(CdrAudit.pk)).limit(AT_ONCE))]


def _basis(name: str) -> ColumnElement[Any]:
    return func.jsonb_extract_path_text(col(CdrAudit.basis), name)


async def overlooked(db: AsyncSession, *, since: datetime, at: datetime) -> list[Named]:
    """Audits that rest on something else than what is kept now, of all that was written `since` then: what nobody rang
    for, and Locations that changed, which happens too often to ring for."""
    session = and_(
        col(KeptSession.owner_key) == col(CdrAudit.owner_key), col(KeptSession.key) == col(CdrAudit.session_key)
    )
    newer = select(col(KeptSession.pk)).where(
        session, col(KeptSession.received_at) > since, col(KeptSession.status) == "COMPLETED"
    )
    found = await _names(db, newer.exists(), col(CdrAudit.audited_at) < since, at=at)
    tariffs = select(col(KeptTariff.owner_key), col(KeptTariff.key)).where(col(KeptTariff.received_at) > since)
    for owner_key, key in (await db.execute(tariffs)).all():
        found += await resting_on(db, "tariffs", owner_key, key, at=at)
    return list(dict.fromkeys([*found, *await _moved(db, since=since, at=at)]))


async def _moved(db: AsyncSession, *, since: datetime, at: datetime) -> list[Named]:
    """Audits that rest on a Location as it no longer is."""
    there = and_(
        col(KeptLocation.owner_key) == col(CdrAudit.owner_key), col(KeptLocation.key) == col(CdrAudit.location_key)
    )
    query = (
        select(col(KeptLocation.owner_key), col(KeptLocation.key), col(KeptLocation.document), _basis("location"))
        .join(CdrAudit, there)
        .where(col(KeptLocation.received_at) > since, col(CdrAudit.first_audited_at) > at - LOOK_BACK)
        .distinct()
    )
    found: list[Named] = []
    for owner_key, key, document, rests_on in await db.execute(query):
        if rests_on not in every_facts(loads(document)):
            same = _basis("location").is_not_distinct_from(rests_on)
            here = (col(CdrAudit.owner_key) == owner_key, col(CdrAudit.location_key) == key)
            found += await _names(db, *here, same, at=at)
    return found


async def audit_again(resources: Resources, names: Iterable[Named]) -> None:
    """Audit these once more, each in a transaction of its own."""
    for owner_key, key in names:
        try:
            async with resources.unit_of_work() as db:
                audit = await records.get(db, owner_key, key, lock=True)
                if audit is not None and audit.decision != Verdict.REFUSED:
                    await _again(db, audit, at=resources.clock())
        except Exception:
            log.exception("clearing.audit_failed", owner=owner_key, cdr=key)


async def _again(db: AsyncSession, audit: CdrAudit, *, at: datetime) -> None:
    owner = PartyId.parse(audit.owner)
    kept = await reading.get(db, CDRS, owner=owner, object_id=audit.cdr_id)
    text = kept.document if kept is not None else audit.document
    if text is None:
        return
    document = loads(text)
    reader = CDRS.reader_of(document) if not audit.addressed else None
    found = await audit_cdr(db, document, owner=owner, reader=reader or PartyId.parse(audit.reader_key), at=at)
    because, before = _because(audit.basis, found.basis), (loads(audit.findings), audit.repriced)
    audit.audited_at, audit.basis = at, found.basis
    findings = [finding.as_document() for finding in found.audit.findings]
    repriced = dumps(found.audit.report.totals()) if found.audit.report else None
    if (loads(dumps(findings)), _plain(repriced)) == (before[0], _plain(before[1])):
        return
    audit.changes = [_change(audit, found, because, at=at), *audit.changes][:CHANGES_KEPT]
    audit.findings, audit.repriced = dumps(findings), repriced
    audit.worst = found.audit.worst.value if found.audit.worst else None
    decision = policy.marked(found)
    audit.reason = decision.reason
    if audit.decision in (Verdict.PASSED, Verdict.MARKED):
        audit.decision = decision.verdict.value
    log.info("clearing.changed", cdr=audit.cdr_id, owner=audit.owner, because=because, worst=audit.worst)


def _plain(text: str | None) -> Any:
    return loads(text) if text is not None else None


def _because(before: dict[str, str | None], now: dict[str, str | None]) -> list[str]:
    """Why an audit came out differently, for people: what came, changed or went."""
    said = []
    for name, what in _NAMES.items():
        was, is_ = before.get(name), now.get(name)
        if was != is_:
            said.append(f"{what} {'came' if was is None else 'went' if is_ is None else 'changed'}")
    return said or ["other CDRs came or were decided"]


def _change(audit: CdrAudit, found: Audited, because: list[str], *, at: datetime) -> dict[str, Any]:
    """One entry of `changes`, before the audit takes the new findings."""
    was = {finding["code"] for finding in loads(audit.findings)}
    is_ = {finding.code for finding in found.audit.findings}
    return {
        "at": format_datetime(at),
        "because": because,
        "worst_before": audit.worst,
        "worst": found.audit.worst.value if found.audit.worst else None,
        "gone": sorted(was - is_),
        "new": sorted(is_ - was),
    }
