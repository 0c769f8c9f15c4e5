"""Sessions and CDRs of ours kept and owed to the owner of their token."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cdrs
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.delivery import publish
from ocpi_hub.objects.kinds import CDRS, SESSIONS
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()


def owner_of(link: SessionLink) -> PartyId:
    """The party of ours that a session belongs to."""
    return PartyId(link.country_code, link.party_id)


async def session(resources: Resources, link: SessionLink, bill: cdrs.Bill, status: str, db: AsyncSession) -> None:
    """The Session as it stands, with this status (mod_sessions, SessionStatus)."""
    at = resources.clock()
    if bill.problem is not None:
        log.error("session.unpriced", session=link.session_id, reason=bill.problem)
    link.status, link.published_at = status, at
    await publish.put(
        db,
        SESSIONS,
        owner=owner_of(link),
        document=cdrs.session_document(link, bill, status=status, at=at),
        source=None,
        at=at,
        correlation_id=str(uuid.uuid4()),
    )


async def next_cdr(resources: Resources, link: SessionLink, document: cdrs.Document, db: AsyncSession) -> None:
    """The session's first CDR, or the one that takes the place of a credited one."""
    await cdr(resources, link, document, db)
    link.cdr_id = document["id"]
    link.cdr_number += 1


async def cdr(resources: Resources, link: SessionLink, document: cdrs.Document, db: AsyncSession) -> None:
    """A CDR, which from now on never changes."""
    at: datetime = resources.clock()
    await publish.put(
        db, CDRS, owner=owner_of(link), document=document, source=None, at=at, correlation_id=str(uuid.uuid4())
    )
