"""A CDR that a partner brings: audited and judged before it is kept, and its audit kept with it.

The CDR itself is kept and told as it came, or not at all: no number of it is ever changed.
"""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import policy, records
from ocpi_hub.clearing.auditing import Document
from ocpi_hub.clearing.tables import Verdict
from ocpi_hub.delivery import publish
from ocpi_hub.delivery.publish import Written
from ocpi_hub.delivery.pulling.keeping import NotKept, keeps
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, Kind
from ocpi_hub.objects.patch import require_same
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The CDR was not kept; `reason` is for the CPO. Commit, then answer: the refusal is on record."""

    reason: str


async def receive(
    db: AsyncSession,
    resources: Resources,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str,
    correlation_id: str,
) -> Written | Refusal:
    """Judge a CDR and keep it, withheld if it is held. One that is kept already is not judged again.

    Raises InvalidParameters for what is no CDR, and for other content under an id that is kept.
    """
    _validate(kind, document, owner)
    at, reader = resources.clock(), kind.reader_of(document)
    known = await reading.get(db, kind, owner=owner, object_id=document[kind.key_field])
    decision = await policy.judge(db, resources, document, owner, reader) if reader and known is None else None
    if decision is not None and decision.verdict is Verdict.REFUSED:
        await records.keep(db, document, decision, owner=owner, at=at)
        log.warning("clearing.refused", cdr=document[kind.key_field], owner=str(owner), codes=records.codes(decision))
        return Refusal(str(decision.reason))
    written = await publish.put(
        db,
        kind,
        owner=owner,
        document=document,
        source=source,
        at=at,
        correlation_id=correlation_id,
        withheld=decision is not None and decision.verdict is Verdict.HELD,
    )
    if decision is not None and written.created:
        await records.keep(db, document, decision, owner=owner, at=at)
        if decision.verdict is not Verdict.PASSED:
            log.info(f"clearing.{decision.verdict}", cdr=written.object_id, owner=str(owner),
                     codes=records.codes(decision))  # fmt: skip
    return written


@keeps(CDRS)
async def pulled(
    db: AsyncSession,
    resources: Resources,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str,
    correlation_id: str,
) -> Written | NotKept:
    """A CDR that we fetched is judged like one that was brought. Raises as receive() does."""
    written = await receive(
        db, resources, kind, owner=owner, document=document, source=source, correlation_id=correlation_id
    )
    return NotKept(written.reason) if isinstance(written, Refusal) else written


def _validate(kind: Kind, document: Document, owner: PartyId) -> None:
    try:
        kind.model.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from None
    require_same(document, {"country_code": owner.country_code, "party_id": owner.party_id})
