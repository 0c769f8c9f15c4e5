"""Audits of CDRs for operators: what was found, what is held, and the policy of each pair of CPO and eMSP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.shapes import AuditAnswer, AuditReport, MissingAnswer, PolicyAnswer
from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import jobs, missing, policy, records, sending
from ocpi_hub.clearing.auditing import audit_cdr
from ocpi_hub.clearing.records import NotHeld
from ocpi_hub.clearing.tables import Action, AuditPolicy, CdrAudit, MissingCdr, Verdict
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.pricing import Severity
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId

router = APIRouter(default_response_class=Json)

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]
Owner = Annotated[str | None, Query(description="The CPO, as NL/ABC, where several have a CDR with this id")]
Named = Annotated[str, Path(pattern=r"^(\*|[!-.0-~]{2}-[!-.0-~]{3})$", description="A party as NL-ABC, or * for any")]


class PolicyBody(BaseModel):
    """What is done with a CDR whose worst finding is a warning, or an error."""

    model_config = ConfigDict(extra="forbid")

    on_warning: Action = Action.PASS
    on_error: Action = Action.PASS


class WhoBody(BaseModel):
    """Who decides, for the record."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field("operator", min_length=1, max_length=100)


def audit_document(audit: CdrAudit) -> dict[str, Any]:
    """An audit as it is on record: findings and totals with exact numbers."""
    return {
        "cdr_id": audit.cdr_id,
        "owner": audit.owner,
        "emsp": audit.reader_key.upper(),
        "addressed": audit.addressed,
        "first_audited_at": audit.first_audited_at,
        "audited_at": audit.audited_at,
        "changes": audit.changes,
        "worst": audit.worst,
        "findings": wire_json.loads(audit.findings),
        "repriced": wire_json.loads(audit.repriced) if audit.repriced else None,
        "decision": audit.decision,
        "reason": audit.reason,
        "decided_by": audit.decided_by,
        "decided_at": audit.decided_at,
        "waits_to_be_sent": audit.raw is not None and audit.decision == Verdict.RELEASED,
        "tries": audit.tries,
        "tried_at": audit.tried_at,
        "send_at": audit.send_at,
        "send_error": audit.send_error,
        "stuck_at": audit.stuck_at,
    }


async def show_audit(resources: Resources, cdr_id: str, owner: str | None) -> dict[str, Any]:
    """The audit of a CDR, made now where there was none, and its price line by line. Raises AdminError 404, 409."""
    async with resources.unit_of_work() as db:
        owner_key = await _owner_of(db, cdr_id, owner)
        known = await records.get(db, owner_key, cdr_id.lower())
    if known is None:
        await jobs.audit(resources, owner_key, cdr_id.lower())
    async with resources.unit_of_work() as db:
        audit = await records.get(db, owner_key, cdr_id.lower())
        if audit is None:
            raise not_found("CDR", cdr_id)
        return audit_document(audit) | {"report": await _report(db, audit)}


async def _report(db: AsyncSession, audit: CdrAudit) -> dict[str, Any] | None:
    """How the CDR is priced, with every line; None where it cannot be."""
    owner = PartyId.parse(audit.owner)
    kept = await reading.get(db, CDRS, owner=owner, object_id=audit.cdr_id)
    text = kept.document if kept is not None else audit.document
    if text is None:
        return None
    reader = PartyId.parse(audit.reader_key)
    found = await audit_cdr(db, wire_json.loads(text), owner=owner, reader=reader, at=audit.audited_at)
    return found.audit.report.as_document() if found.audit.report else None


async def _owner_of(db: AsyncSession, cdr_id: str, owner: str | None) -> str:
    """The key of the CDR's owner. Raises AdminError 404, or 409 where several have one with this id."""
    owners = {kept.owner_key for kept in await reading.find(db, CDRS, cdr_id)}
    owners |= set(await db.scalars(select(col(CdrAudit.owner_key)).where(col(CdrAudit.key) == cdr_id.lower())))
    if owner is not None:
        owners &= {PartyId.parse(owner).key}
    if not owners:
        raise not_found("CDR", cdr_id)
    if len(owners) > 1:
        names = ", ".join(sorted(owners)).upper()
        raise AdminError(409, "ambiguous", f"several parties have a CDR {cdr_id} ({names}): name one, ?owner=CC/PID")
    return owners.pop()


async def decide(resources: Resources, cdr_id: str, owner: str | None, verdict: Verdict, by: str) -> dict[str, Any]:
    """Release or reject a held CDR. Raises AdminError 404, or 409 when it is not held."""
    async with resources.unit_of_work() as db:
        audit = await records.get(db, await _owner_of(db, cdr_id, owner), cdr_id.lower(), lock=True)
        if audit is None:
            raise AdminError(409, "not_held", f"CDR {cdr_id} is not held: it was not audited yet")
        do = records.release if verdict is Verdict.RELEASED else records.reject
        try:
            await do(db, resources, audit, by=by)
        except NotHeld as error:
            raise AdminError(409, "not_held", str(error)) from None
        return audit_document(audit)


@router.get("/cdrs/{cdr_id:path}/audit", response_model=AuditReport)
async def get_audit(cdr_id: str, resources: ResourcesDep, owner: Owner = None) -> Any:
    """What the hub thinks of a CDR: its findings, the decision, and how it is priced."""
    return Json(await show_audit(resources, cdr_id, owner))


@router.post("/cdrs/{cdr_id:path}/release", response_model=AuditAnswer)
async def post_release(cdr_id: str, resources: ResourcesDep, owner: Owner = None, body: WhoBody | None = None) -> Any:
    """Let a held CDR go to its eMSP."""
    return Json(await decide(resources, cdr_id, owner, Verdict.RELEASED, (body or WhoBody()).by))


async def send(resources: Resources, cdr_id: str, owner: str | None) -> dict[str, Any]:
    """Have a released CDR that waits or is stuck sent now. Raises AdminError 404, or 409 when it does not wait."""
    async with resources.unit_of_work() as db:
        audit = await records.get(db, await _owner_of(db, cdr_id, owner), cdr_id.lower(), lock=True)
        if audit is None:
            raise AdminError(409, "not_waiting", f"CDR {cdr_id} does not wait to be sent: it was not audited yet")
        try:
            await sending.again(db, resources, audit)
        except sending.NotWaiting as error:
            raise AdminError(409, "not_waiting", str(error)) from None
        return audit_document(audit)


async def stuck(resources: Resources, *, limit: int = 100, offset: int = 0) -> list[dict[str, Any]]:
    """Released CDRs that their eMSP never answered, the oldest first."""
    query = select(CdrAudit).where(*sending.STUCK).order_by(col(CdrAudit.pk))
    async with resources.unit_of_work() as db:
        return [audit_document(row) for row in await db.scalars(query.limit(limit).offset(offset))]


@router.post("/cdrs/{cdr_id:path}/send", response_model=AuditAnswer, status_code=202)
async def post_send(cdr_id: str, resources: ResourcesDep, owner: Owner = None) -> Any:
    """Try a released CDR anew that found no answer: it is sent now, and with growing waits from then on."""
    return Json(await send(resources, cdr_id, owner), status_code=202)


@router.get("/stuck-cdrs", response_model=list[AuditAnswer])
async def get_stuck(resources: ResourcesDep, limit: Limit = 100, offset: Offset = 0) -> Any:
    """Released CDRs that their eMSP did not answer within OCPI_HUB_CDR_WINDOW, and that nobody tries any more."""
    return Json(await stuck(resources, limit=limit, offset=offset))


@router.post("/cdrs/{cdr_id:path}/reject", response_model=AuditAnswer)
async def post_reject(cdr_id: str, resources: ResourcesDep, owner: Owner = None, body: WhoBody | None = None) -> Any:
    """Keep a held CDR from its eMSP for good."""
    return Json(await decide(resources, cdr_id, owner, Verdict.REJECTED, (body or WhoBody()).by))


@router.get("/audits", response_model=list[AuditAnswer])
async def get_audits(
    resources: ResourcesDep,
    worst: Severity | None = None,
    decision: Verdict | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    """Audits, the newest first."""
    query = select(CdrAudit).order_by(col(CdrAudit.pk).desc())
    if worst is not None:
        query = query.where(col(CdrAudit.worst) == worst.value)
    if decision is not None:
        query = query.where(col(CdrAudit.decision) == decision.value)
    async with resources.unit_of_work() as db:
        rows = (await db.scalars(query.limit(limit).offset(offset))).all()
    return Json([audit_document(row) for row in rows])


def missing_document(row: MissingCdr) -> dict[str, Any]:
    return {
        "session_id": row.session_id,
        "owner": row.owner,
        "emsp": row.reader_key.upper() if row.reader_key else None,
        "found_at": row.found_at,
        "finding": wire_json.loads(row.finding),
    }


@router.get("/missing-cdrs", response_model=list[MissingAnswer])
async def get_missing(resources: ResourcesDep, limit: Limit = 100, offset: Offset = 0) -> Any:
    """Sessions that were completed more than a day ago and have no CDR, the newest first."""
    async with resources.unit_of_work() as db:
        rows = await missing.open_ones(db, limit=limit, offset=offset)
    return Json([missing_document(row) for row in rows])


def policy_document(found: AuditPolicy) -> dict[str, Any]:
    return {
        "cpo": _shown(found.cpo_key),
        "emsp": _shown(found.emsp_key),
        "on_warning": found.on_warning,
        "on_error": found.on_error,
        "updated_at": found.updated_at,
    }


def _shown(key: str) -> str:
    return key.upper().replace("/", "-", 1)


def _key(named: str) -> str:
    """`NL-ABC` or `*` as a policy's key."""
    return named if named == "*" else PartyId(named[:2], named[3:]).key


@router.get("/audit-policies", response_model=list[PolicyAnswer])
async def get_policies(resources: ResourcesDep) -> Any:
    """All policies. A pair without one passes, marked."""
    async with resources.unit_of_work() as db:
        return Json([policy_document(one) for one in await policy.policies(db)])


@router.get("/audit-policies/{cpo}/{emsp}", response_model=PolicyAnswer)
async def get_policy(cpo: Named, emsp: Named, resources: ResourcesDep) -> Any:
    """The policy for exactly this pair."""
    async with resources.unit_of_work() as db:
        found = await policy.get(db, _key(cpo), _key(emsp))
    if found is None:
        raise not_found("audit policy", f"{cpo}/{emsp}")
    return Json(policy_document(found))


@router.put("/audit-policies/{cpo}/{emsp}", response_model=PolicyAnswer)
async def put_policy(cpo: Named, emsp: Named, body: PolicyBody, resources: ResourcesDep) -> Any:
    """Make or change the policy of a pair, for CDRs that come from now on."""
    async with resources.unit_of_work() as db:
        await policy.put(
            db, _key(cpo), _key(emsp), on_warning=body.on_warning, on_error=body.on_error, at=resources.clock()
        )
        found = await policy.get(db, _key(cpo), _key(emsp))
    return Json(policy_document(found) if found else None)


@router.delete("/audit-policies/{cpo}/{emsp}", status_code=204)
async def delete_policy(cpo: Named, emsp: Named, resources: ResourcesDep) -> None:
    """Forget a policy."""
    async with resources.unit_of_work() as db:
        if not await policy.remove(db, _key(cpo), _key(emsp)):
            raise not_found("audit policy", f"{cpo}/{emsp}")
