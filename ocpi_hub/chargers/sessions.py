"""From transactions to Sessions and CDRs: opened, kept up to date, completed and billed, corrected by credit.

Called inside the bridge's transaction: what the charger said, the Session, the CDR and the debts commit together.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import (
    ChargerBook,
    Sample,
    StateChange,
    Transaction,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cdrs, costs, links, telling
from ocpi_hub.chargers.mapping import cdr_id
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.wire import json as wire_json

log = structlog.get_logger()


async def started(resources: Resources, event: TransactionStarted, db: AsyncSession) -> None:
    """A Session begins: ACTIVE once somebody's token is known, told to the token's owner."""
    link = await links.of(resources, event.transaction, db)
    if link is not None and link.status in (None, "RESERVATION") and not event.transaction.suspect:
        await publish_running(resources, link, event.transaction, (), (), db)


async def updated(resources: Resources, event: TransactionUpdated, db: AsyncSession) -> None:
    """Told when something changed that a driver sees at once, else at most every `session_interval` seconds."""
    transaction = event.transaction
    link = await links.of(resources, transaction, db)
    if link is None or link.session_id is None or link.ended_at is not None or transaction.suspect:
        return
    now = resources.clock()
    pause = timedelta(seconds=resources.settings.session_interval)
    same_state = link.charging_state == transaction.charging_state
    if link.published_at is not None and same_state and now < link.published_at + pause:
        return
    found = await resources.get(ChargerBook).transaction(transaction.id, db)  # type: ignore[type-abstract]
    samples, states = found[1:] if found is not None else (event.samples, ())
    await publish_running(resources, link, transaction, samples, states, db)


async def ended(resources: Resources, event: TransactionEnded, db: AsyncSession) -> None:
    """The Session is COMPLETED and its CDR made, together. What is suspect or was refused is INVALID and unbilled."""
    link = await links.of(resources, event.transaction, db)
    if link is None:
        return
    if link.cdr_id is not None:
        await _correct(resources, link, event, db)
        return
    link.ended_at = event.transaction.ended_at or event.at
    link.suspect = event.transaction.suspect
    if link.session_id is None:
        return
    if link.suspect or link.refused:
        log.warning("session.invalid", transaction=link.transaction_id, flags=list(event.transaction.flags))
        if link.status is not None:
            bill = cdrs.bill(link, event.transaction, event.samples, event.states, until=event.at)
            await telling.session(resources, link, bill, "INVALID", db)
        return
    await _complete(resources, link, event, db)


async def corrected(resources: Resources, event: TransactionCorrected, db: AsyncSession) -> None:
    """Facts that came late: a Credit CDR and a new CDR, never a silent change (mod_cdrs, "Credit CDRs")."""
    link = await links.of(resources, event.transaction, db)
    if link is None or link.session_id is None:
        return
    if event.transaction.suspect or link.refused:
        log.warning("session.correction_untrusted", transaction=link.transaction_id, flags=event.transaction.flags)
    elif link.cdr_id is None:
        link.ended_at, link.suspect = event.transaction.ended_at or event.at, False
        await _complete(resources, link, event, db)
    else:
        await _correct(resources, link, event, db)


# --- sessions and CDRs ---------------------------------------------------------------------------------------


async def publish_running(
    resources: Resources,
    link: SessionLink,
    transaction: Transaction,
    samples: Sequence[Sample],
    states: Sequence[StateChange],
    db: AsyncSession,
) -> None:
    """The Session as it stands now, unless nobody may hear of it yet."""
    waits = transaction.id_token is None and link.command_id is None
    if link.session_id is None or waits or (link.status is None and link.refused):
        return
    link.charging_state = transaction.charging_state
    bill = cdrs.bill(link, transaction, samples, states, until=resources.clock())
    await telling.session(resources, link, bill, "ACTIVE", db)
    if bill.problem is None:
        await costs.changed(resources, link, db)


async def _complete(
    resources: Resources, link: SessionLink, event: TransactionEnded | TransactionCorrected, db: AsyncSession
) -> None:
    """The Session's last PUT and its CDR."""
    if event.transaction.energy_wh is None:
        log.warning("session.without_meter", session=link.session_id, charger=link.charger_id)
    bill = cdrs.bill(link, event.transaction, event.samples, event.states, until=event.at)
    await telling.session(resources, link, bill, "COMPLETED", db)
    if bill.problem is None:
        await telling.next_cdr(resources, link, _cdr(resources, link, bill, event), db)


def _cdr(
    resources: Resources, link: SessionLink, bill: cdrs.Bill, event: TransactionEnded | TransactionCorrected
) -> cdrs.Document:
    """The session's next CDR."""
    return cdrs.cdr_document(
        link,
        bill,
        cdr_id=cdr_id(str(link.session_id), link.cdr_number + 1),
        samples=event.samples,
        stop_reason=event.transaction.stop_reason,
        at=resources.clock(),
    )


async def _correct(
    resources: Resources, link: SessionLink, event: TransactionEnded | TransactionCorrected, db: AsyncSession
) -> None:
    """Take the last CDR back and send another, if the other says something else."""
    kept = await reading.get(db, CDRS, owner=telling.owner_of(link), object_id=str(link.cdr_id))
    bill = cdrs.bill(link, event.transaction, event.samples, event.states, until=event.at)
    if kept is None or bill.problem is not None:
        log.error("cdr.not_corrected", session=link.session_id, cdr=link.cdr_id, reason=bill.problem)
        return
    before, document = wire_json.loads(kept.document), _cdr(resources, link, bill, event)
    if cdrs.same_bill(before, document):
        return
    log.warning("cdr.corrected", session=link.session_id, credited=link.cdr_id, cdr=document["id"])
    await telling.cdr(resources, link, cdrs.credit_document(before, at=resources.clock()), db)
    await telling.next_cdr(resources, link, document, db)
