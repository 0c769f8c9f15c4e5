"""What is done with a CDR: the policy of its pair of CPO and eMSP, applied to what its audit found."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing.auditing import Audited, Document, audit_cdr
from ocpi_hub.clearing.tables import ANYONE, Action, AuditPolicy, Verdict
from ocpi_hub.pricing import Audit, Severity
from ocpi_hub.wire.headers import PartyId

_VERDICTS = {Action.PASS: Verdict.MARKED, Action.HOLD: Verdict.HELD, Action.REFUSE: Verdict.REFUSED}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a CDR, and why. `reason` names the first of the worst findings; None where nothing is wrong.
    `basis` is what the audit rests on (auditing.Audited)."""

    verdict: Verdict
    audit: Audit
    reason: str | None
    basis: dict[str, str | None]


async def judge(
    db: AsyncSession, resources: Resources, document: Document, owner: PartyId, reader: PartyId
) -> Decision:
    """Audit a valid CDR and apply the policy of `owner` (the CPO) and `reader` (whose token it was)."""
    found = await audit_cdr(db, document, owner=owner, reader=reader, at=resources.clock())
    if is_clean(found.audit):
        return marked(found)
    rule, worst = await policy_for(db, owner, reader), found.audit.worst
    wanted = (rule.on_error if worst is Severity.ERROR else rule.on_warning) if rule else Action.PASS
    return Decision(_VERDICTS[Action(wanted)], found.audit, _reason(found.audit), found.basis)


def is_clean(audit: Audit) -> bool:
    """Whether nothing was found that a policy asks about."""
    return audit.worst in (None, Severity.INFO)


def marked(found: Audited) -> Decision:
    """The decision on a CDR that is on its way already: it can only be marked."""
    clean = is_clean(found.audit)
    reason = None if clean else _reason(found.audit)
    return Decision(Verdict.PASSED if clean else Verdict.MARKED, found.audit, reason, found.basis)


def _reason(audit: Audit) -> str:
    worst = [finding for finding in audit.findings if finding.severity is audit.worst]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    return f"{worst[0].field}: {worst[0].message}{more}"


async def policy_for(db: AsyncSession, cpo: PartyId, emsp: PartyId) -> AuditPolicy | None:
    """The most specific policy: of the pair, of the CPO, of the eMSP, of everyone; None: CDRs pass, marked."""
    query = select(AuditPolicy).where(
        col(AuditPolicy.cpo_key).in_((cpo.key, ANYONE)), col(AuditPolicy.emsp_key).in_((emsp.key, ANYONE))
    )
    found = list(await db.scalars(query))
    return min(found, key=lambda one: (one.cpo_key == ANYONE, one.emsp_key == ANYONE), default=None)


async def policies(db: AsyncSession) -> list[AuditPolicy]:
    """All policies, by CPO and eMSP."""
    return list(await db.scalars(select(AuditPolicy).order_by(col(AuditPolicy.cpo_key), col(AuditPolicy.emsp_key))))


async def get(db: AsyncSession, cpo_key: str, emsp_key: str) -> AuditPolicy | None:
    """The policy for exactly this pair; either key may be `*`."""
    return await db.get(AuditPolicy, (cpo_key, emsp_key))


async def put(
    db: AsyncSession, cpo_key: str, emsp_key: str, *, on_warning: Action, on_error: Action, at: datetime
) -> None:
    """Make or change the policy for this pair; CDRs that are here already stay as they were judged."""
    values = {"on_warning": on_warning.value, "on_error": on_error.value, "updated_at": at}
    statement = insert(AuditPolicy).values(cpo_key=cpo_key, emsp_key=emsp_key, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["cpo_key", "emsp_key"], set_=values))


async def remove(db: AsyncSession, cpo_key: str, emsp_key: str) -> bool:
    """Forget a policy; whether there was one."""
    pair = (col(AuditPolicy.cpo_key) == cpo_key, col(AuditPolicy.emsp_key) == emsp_key)
    return (await db.execute(delete(AuditPolicy).where(*pair).returning(col(AuditPolicy.cpo_key)))).first() is not None
