"""From transactions to Sessions and CDRs: opened, kept up to date, completed and billed, corrected by credit.

Called inside the bridge's transaction: what the charger said, the Session, the CDR and the debts commit together.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

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
from ocpi_hub.chargers import cdrs, evses, paying, placing, tariffs
from ocpi_hub.chargers.mapping import cdr_id, cdr_location
from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement, PartnerCommand, SessionLink
from ocpi_hub.delivery import publish
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, SESSIONS
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()


async def started(resources: Resources, event: TransactionStarted, db: AsyncSession) -> None:
    """A Session begins: ACTIVE once somebody's token is known, told to the token's owner."""
    link = await _link(resources, event.transaction, db)
    if link is not None and link.status is None and not event.transaction.suspect:
        await _publish_running(resources, link, event.transaction, (), (), db)


async def updated(resources: Resources, event: TransactionUpdated, db: AsyncSession) -> None:
    """Told when something changed that a driver sees at once, else at most every `session_interval` seconds."""
    transaction = event.transaction
    link = await _link(resources, transaction, db)
    if link is None or link.session_id is None or link.ended_at is not None or transaction.suspect:
        return
    now = resources.clock()
    pause = timedelta(seconds=resources.settings.session_interval)
    same_state = link.charging_state == transaction.charging_state
    if link.published_at is not None and same_state and now < link.published_at + pause:
        return
    found = await resources.get(ChargerBook).transaction(transaction.id, db)  # type: ignore[type-abstract]
    samples, states = found[1:] if found is not None else (event.samples, ())
    await _publish_running(resources, link, transaction, samples, states, db)


async def ended(resources: Resources, event: TransactionEnded, db: AsyncSession) -> None:
    """The Session is COMPLETED and its CDR made, together. What is suspect or was refused is INVALID and unbilled."""
    link = await _link(resources, event.transaction, db)
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
            await _publish(resources, link, bill, "INVALID", db)
        return
    await _complete(resources, link, event, db)


async def corrected(resources: Resources, event: TransactionCorrected, db: AsyncSession) -> None:
    """Facts that came late: a Credit CDR and a new CDR, never a silent change (mod_cdrs, "Credit CDRs")."""
    link = await _link(resources, event.transaction, db)
    if link is None or link.session_id is None:
        return
    if event.transaction.suspect or link.refused:
        log.warning("session.correction_untrusted", transaction=link.transaction_id, flags=event.transaction.flags)
    elif link.cdr_id is None:
        link.ended_at, link.suspect = event.transaction.ended_at or event.at, False
        await _complete(resources, link, event, db)
    else:
        await _correct(resources, link, event, db)


# --- the link ------------------------------------------------------------------------------------------------


async def _link(resources: Resources, transaction: Transaction, db: AsyncSession) -> SessionLink | None:
    """The transaction's link, made when it is first heard of; None for a charger that is not ours to place."""
    query = select(SessionLink).where(SessionLink.transaction_id == transaction.id).with_for_update()
    link = await db.scalar(query)
    if link is None:
        placement = await placing.find(db, transaction.charger_id)
        return await _open(resources, placement, transaction, db) if placement is not None else None
    if link.status is None and link.id_token_key is None and transaction.id_token is not None:
        _take(link, transaction, await _payer(resources, transaction, db, owner=_owner(link)))
    return link


async def _open(
    resources: Resources, placement: ChargerPlacement, transaction: Transaction, db: AsyncSession
) -> SessionLink:
    """Everything as it stands at the start: place, token, tariff (mod_cdrs: "as they were at the start")."""
    at, owner = resources.clock(), placing.owner_of(placement)
    evse = await evses.known(placement, transaction.evse_id, transaction.connector_id, db, at=at)
    link = SessionLink(
        transaction_id=transaction.id,
        charger_id=placement.charger_id,
        charger_key=placement.key,
        evse_id=transaction.evse_id,
        connector_id=transaction.connector_id,
        country_code=owner.country_code,
        party_id=owner.party_id,
        payer="nobody",
        auth_method="WHITELIST",
        location_id=placement.location_id,
        evse_uid=evse.uid,
        currency=resources.settings.currency,
        started_at=transaction.started_at,
    )
    location = await placing.location_of(db, placement)
    if location is not None:
        await _place(link, location, evse, db)
    _take(link, transaction, await _payer(resources, transaction, db, owner=owner))
    db.add(link)
    await _tell_command(link, db)
    await db.flush()
    return link


async def _place(link: SessionLink, location: dict[str, Any], evse: ChargerEvse, db: AsyncSession) -> None:
    """The session's id, its place and its price, as the Location says them now."""
    described = next(one for one in location["evses"] if one["uid"].lower() == evse.uid_key)
    connector_id = evse.connector_ids[max(link.connector_id, 1) - 1]
    connector = next(one for one in described["connectors"] if one["id"].lower() == connector_id.lower())
    link.session_id = uuid.uuid4().hex
    link.place = wire_json.dumps(cdr_location(location, described, connector))
    link.time_zone = location["time_zone"]
    link.tariff = await tariffs.in_force(db, _owner(link), connector.get("tariff_ids") or (), at=link.started_at)
    if link.tariff is not None:
        link.currency = wire_json.loads(link.tariff)["currency"]
    else:
        log.warning("session.without_tariff", charger=link.charger_id, evse=link.evse_id)


async def _payer(resources: Resources, transaction: Transaction, db: AsyncSession, *, owner: PartyId) -> paying.Payer:
    return await paying.find(db, transaction, owner=owner, at=resources.clock())


def _take(link: SessionLink, transaction: Transaction, payer: paying.Payer) -> None:
    link.id_token_key = transaction.id_token.value.lower() if transaction.id_token is not None else None
    link.payer, link.cdr_token = payer.kind, payer.cdr_token
    link.auth_method, link.authorization_reference = payer.auth_method, payer.authorization_reference
    link.command_id = payer.command_id
    link.authorized, link.refused = payer.authorized, payer.refused


async def _tell_command(link: SessionLink, db: AsyncSession) -> None:
    """A start that comes after its TIMEOUT is still the command's: the operator sees both together."""
    command = await db.get(PartnerCommand, link.command_id) if link.command_id is not None else None
    if command is not None and command.session_id is None:
        command.session_id = link.session_id
        if command.outcome not in (None, "ACCEPTED"):
            log.warning("command.started_late", command=command.id, outcome=command.outcome)


def _owner(link: SessionLink) -> PartyId:
    return PartyId(link.country_code, link.party_id)


# --- sessions and CDRs ---------------------------------------------------------------------------------------


async def _publish_running(
    resources: Resources,
    link: SessionLink,
    transaction: Transaction,
    samples: Sequence[Sample],
    states: Sequence[StateChange],
    db: AsyncSession,
) -> None:
    waits = transaction.id_token is None and link.command_id is None
    if link.session_id is None or waits or (link.status is None and link.refused):
        return
    link.charging_state = transaction.charging_state
    bill = cdrs.bill(link, transaction, samples, states, until=resources.clock())
    await _publish(resources, link, bill, "ACTIVE", db)


async def _publish(resources: Resources, link: SessionLink, bill: cdrs.Bill, status: str, db: AsyncSession) -> None:
    """Keep the Session and owe it to the token's owner."""
    at = resources.clock()
    if bill.problem is not None:
        log.error("session.unpriced", session=link.session_id, reason=bill.problem)
    link.status, link.published_at = status, at
    await publish.put(
        db,
        SESSIONS,
        owner=_owner(link),
        document=cdrs.session_document(link, bill, status=status, at=at),
        source=None,
        at=at,
        correlation_id=str(uuid.uuid4()),
    )


async def _complete(
    resources: Resources, link: SessionLink, event: TransactionEnded | TransactionCorrected, db: AsyncSession
) -> None:
    """The Session's last PUT and its CDR."""
    if event.transaction.energy_wh is None:
        log.warning("session.without_meter", session=link.session_id, charger=link.charger_id)
    bill = cdrs.bill(link, event.transaction, event.samples, event.states, until=event.at)
    await _publish(resources, link, bill, "COMPLETED", db)
    if bill.problem is None:
        await _keep_cdr(resources, link, _cdr(resources, link, bill, event), db)


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
    kept = await reading.get(db, CDRS, owner=_owner(link), object_id=str(link.cdr_id))
    bill = cdrs.bill(link, event.transaction, event.samples, event.states, until=event.at)
    if kept is None or bill.problem is not None:
        log.error("cdr.not_corrected", session=link.session_id, cdr=link.cdr_id, reason=bill.problem)
        return
    before, document = wire_json.loads(kept.document), _cdr(resources, link, bill, event)
    if cdrs.same_bill(before, document):
        return
    log.warning("cdr.corrected", session=link.session_id, credited=link.cdr_id, cdr=document["id"])
    await _put_cdr(resources, link, cdrs.credit_document(before, at=resources.clock()), db)
    await _keep_cdr(resources, link, document, db)


async def _keep_cdr(resources: Resources, link: SessionLink, document: cdrs.Document, db: AsyncSession) -> None:
    await _put_cdr(resources, link, document, db)
    link.cdr_id = document["id"]
    link.cdr_number += 1


async def _put_cdr(resources: Resources, link: SessionLink, document: cdrs.Document, db: AsyncSession) -> None:
    at: datetime = resources.clock()
    await publish.put(
        db, CDRS, owner=_owner(link), document=document, source=None, at=at, correlation_id=str(uuid.uuid4())
    )
