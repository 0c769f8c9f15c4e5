"""The jobs of this room: auditing CDRs that were made here, and looking for CDRs that never came."""

from datetime import timedelta

import structlog
from sqlalchemy import Select, and_, exists, func, select
from sqlmodel import col

from ocpi_hub.base.jobs import job, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import again, policy, records, sending
from ocpi_hub.clearing.auditing import audit_cdr
from ocpi_hub.clearing.missing import look
from ocpi_hub.clearing.tables import CdrAudit
from ocpi_hub.delivery.publish import AUDIT, AUDIT_AGAIN
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.objects.tables import KeptCdr
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import loads

log = structlog.get_logger()

RECENT = 10_000
"""How many of the newest CDRs the quick sweep looks at."""
AT_ONCE = 2_000
SEND_EVERY = timedelta(seconds=30)


@job(AUDIT)
async def audit(resources: Resources, owner_key: str, key: str) -> None:
    """Audit a kept CDR that has no audit yet. It is on its way, so it is marked, never held."""
    owner = PartyId.parse(owner_key)
    async with resources.unit_of_work() as db:
        kept = await reading.get(db, CDRS, owner=owner, object_id=key)
        if kept is None or await records.get(db, owner_key, key) is not None:
            return
        document, at = loads(kept.document), resources.clock()
        named = PartyId(kept.country_code, kept.party_id)
        decision = policy.marked(
            await audit_cdr(db, document, owner=owner, reader=CDRS.reader_of(document) or named, at=at)
        )
        await records.keep(db, document, decision, owner=named, at=at)
        log.info(f"clearing.{decision.verdict}", cdr=kept.object_id, owner=str(named), codes=records.codes(decision))


@job(AUDIT_AGAIN)
async def audit_again(resources: Resources, module: str, owner_key: str, key: str) -> None:
    """A Session, Location or Tariff came or changed: make the audits that rest on it again."""
    async with resources.unit_of_work() as db:
        found = await again.resting_on(db, module, owner_key, key, at=resources.clock())
    await again.audit_again(resources, found)


@job(records.SEND)
async def send(resources: Resources, owner_key: str, key: str) -> None:
    """Send a CDR on that was held and released."""
    await sending.send(resources, owner_key, key)


@scheduled(lambda resources: SEND_EVERY.total_seconds())
async def send_again(resources: Resources) -> None:
    """What could not be sent and is due again, or whose bell was lost."""
    for owner_key, key in await sending.unsent(resources):
        await sending.send(resources, owner_key, key)


LOOK_EVERY = timedelta(hours=1)


@scheduled(lambda resources: LOOK_EVERY.total_seconds())
async def look_again(resources: Resources) -> None:
    """Audits that rest on something that has changed since, and that no bell told of."""
    at = resources.clock()
    async with resources.unit_of_work() as db:
        found = await again.overlooked(db, since=at - 2 * LOOK_EVERY, at=at)
    await again.audit_again(resources, found)


@scheduled(lambda resources: 60.0)
async def sweep(resources: Resources) -> None:
    """Audit what a lost bell left among the newest CDRs."""
    newest = select(func.coalesce(func.max(col(KeptCdr.pk)), 0)).scalar_subquery()
    await _audit_all(resources, _unaudited().where(col(KeptCdr.pk) > newest - RECENT))


@scheduled(lambda resources: 3600.0)
async def sweep_everything(resources: Resources) -> None:
    """Audit what was left among all CDRs, however old."""
    await _audit_all(resources, _unaudited())


def _unaudited() -> Select[str, str]:
    same = and_(col(CdrAudit.key) == col(KeptCdr.key), col(CdrAudit.owner_key) == col(KeptCdr.owner_key))
    query = select(col(KeptCdr.owner_key), col(KeptCdr.key)).where(~exists().where(same))
    return query.order_by(col(KeptCdr.pk)).limit(AT_ONCE)


async def _audit_all(resources: Resources, which: Select[str, str]) -> None:
    async with resources.unit_of_work() as db:
        found = (await db.execute(which)).all()
    for owner_key, key in found:
        try:
            await audit(resources, owner_key, key)
        except Exception:
            log.exception("clearing.audit_failed", owner=owner_key, cdr=key)


@scheduled(lambda resources: 3600.0)
async def look_for_missing(resources: Resources) -> None:
    """Sessions that were completed more than a day ago and have no CDR."""
    await look(resources)
