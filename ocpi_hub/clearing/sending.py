"""Sending CDRs that were held and released to the eMSP that they are addressed to, until it has answered in OCPI.

They wait as debts do (delivery/backoff.py). One that found no answer for OCPI_HUB_CDR_WINDOW is stuck: it is kept, byte
for byte, and an operator has it tried again.
"""

from datetime import timedelta
from random import random
from typing import Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.database import after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import records
from ocpi_hub.clearing.tables import CdrAudit, Verdict
from ocpi_hub.delivery import backoff
from ocpi_hub.partners.directory import Directory
from ocpi_hub.routing.address import Target
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.forward import endpoint_of, forward, message_for
from ocpi_hub.wire.errors import OcpiError
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

log = structlog.get_logger()

AT_ONCE = 500
_WAITS = (col(CdrAudit.raw).is_not(None), col(CdrAudit.decision) == Verdict.RELEASED.value)
STUCK = (*_WAITS, col(CdrAudit.stuck_at).is_not(None))
"""What waits for an operator."""


class NotWaiting(Exception):
    """There is nothing to send; the text says why."""


async def send(resources: Resources, owner_key: str, key: str) -> None:
    """Send a CDR that was released, as its CPO sent it. It stays unsent until its eMSP has answered in OCPI.

    The next try is settled before this one begins, so that a process that dies costs one wait and nothing else.
    """
    at = resources.clock()
    named = (col(CdrAudit.owner_key) == owner_key, col(CdrAudit.key) == key)
    due = or_(col(CdrAudit.send_at).is_(None), col(CdrAudit.send_at) <= at)
    async with resources.unit_of_work() as db:
        query = select(CdrAudit).where(*named, *_WAITS, due, col(CdrAudit.stuck_at).is_(None))
        audit = await db.scalar(query.with_for_update(skip_locked=True))
        if audit is None or audit.raw is None:
            return
        audit.tries += 1
        audit.tried_at, audit.trying_since = at, audit.trying_since or at
        wait = _longest(resources) + backoff.wait(audit.tries, jitter=random())
        audit.send_at = at + timedelta(seconds=wait)
        body, tries = audit.raw.encode(), audit.tries
    try:
        passed = await _forward(resources, audit, body)
    except OcpiError as error:
        await _unanswered(resources, named, error.message, tries=tries)
        return
    async with resources.unit_of_work() as db:
        done = {"raw": None, "send_at": None, "send_error": None}
        await db.execute(update(CdrAudit).where(*named).values(done))
    say = log.info if 1000 <= passed.status_code < 2000 else log.error
    say("clearing.sent", cdr=audit.cdr_id, owner=audit.owner, status_code=passed.status_code)


def _longest(resources: Resources) -> float:
    """Seconds that a try may take: the next one does not begin while this one goes on."""
    return 2 * resources.settings.partner_timeout


async def _unanswered(resources: Resources, named: tuple[Any, ...], reason: str, *, tries: int) -> None:
    at, window = resources.clock(), timedelta(seconds=resources.settings.cdr_window)
    async with resources.unit_of_work() as db:
        audit = await db.scalar(select(CdrAudit).where(*named, *_WAITS, col(CdrAudit.tries) == tries).with_for_update())
        if audit is None:
            return
        audit.send_error = reason
        if audit.trying_since is not None and at - audit.trying_since >= window:
            audit.stuck_at, audit.send_at = at, None
    said = {"cdr": audit.cdr_id, "owner": audit.owner, "emsp": audit.reader_key.upper(), "tries": tries}
    if audit.stuck_at is not None:
        log.error("clearing.stuck", **said, reason=reason, help="an operator must have it sent again")
    else:
        log.warning("clearing.not_sent", **said, reason=reason, next=audit.send_at)


async def again(db: AsyncSession, resources: Resources, audit: CdrAudit) -> None:
    """Have a released CDR tried anew, now, whether it is stuck or waits. `audit` is locked. Raises NotWaiting."""
    if audit.raw is None or audit.decision != Verdict.RELEASED:
        raise NotWaiting(f"CDR {audit.cdr_id} does not wait to be sent: {_why_not(audit)}")
    audit.tries, audit.trying_since, audit.stuck_at, audit.send_at = 0, None, None, resources.clock()
    after_commit(db, records.SEND, audit.owner_key, audit.key)


def _why_not(audit: CdrAudit) -> str:
    return "it was sent" if audit.addressed and audit.decision == Verdict.RELEASED else f"it is {audit.decision}"


async def _forward(resources: Resources, audit: CdrAudit, body: bytes) -> Passed:
    snapshot, reader = await resources.one(Directory).now(), PartyId.parse(audit.reader_key)
    entries = snapshot.party(reader)
    party = entries[0].party if entries else reader
    platform = snapshot.platform_of(party, ModuleId.CDRS, InterfaceRole.RECEIVER)
    platform, url = endpoint_of(snapshot, party, platform, ModuleId.CDRS, InterfaceRole.RECEIVER)
    call = Call(
        method="POST",
        target=Target(ModuleId.CDRS.value, InterfaceRole.RECEIVER),
        path="",
        query="",
        body=body,
        headers={"content-type": "application/json"},
        caller=None,
        routing=Routing(to=party, from_=PartyId.parse(audit.owner)),
        correlation_id=str(audit.correlation_id),
    )
    return await forward(resources, message_for(call, party, platform, url=url, hub=snapshot.hub))


async def unsent(resources: Resources) -> list[tuple[str, str]]:
    """What was released and is due to be sent now."""
    due = or_(col(CdrAudit.send_at).is_(None), col(CdrAudit.send_at) <= resources.clock())
    query = select(col(CdrAudit.owner_key), col(CdrAudit.key)).where(*_WAITS, due, col(CdrAudit.stuck_at).is_(None))
    async with resources.unit_of_work() as db:
        return [(row[0], row[1]) for row in await db.execute(query.order_by(col(CdrAudit.pk)).limit(AT_ONCE))]


async def stuck(db: AsyncSession) -> int:
    """How many CDRs wait for an operator."""
    return await db.scalar(select(func.count()).select_from(CdrAudit).where(*STUCK)) or 0
