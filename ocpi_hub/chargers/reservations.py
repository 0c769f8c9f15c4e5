"""Reservations at our chargers as Sessions (mod_sessions, "Reservation"): RESERVATION, then ACTIVE, or COMPLETED.

A session that begins takes its reservation over in links.py; what never began is ended, and billed if it costs, here.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ReservationChanged
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cdrs, commanded, links, results, telling
from ocpi_hub.chargers.mapping import cdr_id
from ocpi_hub.chargers.tables import RESERVED, PartnerCommand, SessionLink
from ocpi_hub.wire.commands import CommandType

log = structlog.get_logger()

LATE_WORD = timedelta(minutes=1)
"""How long after its end a charger may still say that a reservation was used."""


async def taken(resources: Resources, command: PartnerCommand, db: AsyncSession) -> None:
    """The charger accepted a RESERVE_NOW: "a new Session object with status = RESERVED"."""
    link = await links.reserve(resources, command, db)
    if link is not None and link.ended_at is None:
        nothing = cdrs.unpriced(link.started_at)
        await telling.session(resources, link, nothing, "RESERVATION", db)


async def given_up(resources: Resources, command: PartnerCommand, db: AsyncSession) -> None:
    """The charger accepted a CANCEL_RESERVATION."""
    reserved = await commanded.reservation_by_number(db, command.charger_id, int(command.reservation_number or 0))
    if reserved is not None:
        await _end(resources, reserved, db, at=resources.clock())


async def changed(resources: Resources, event: ReservationChanged, db: AsyncSession) -> None:
    """A reservation ended without a session. One that the charger removed, unasked, is told as CANCELED_RESERVATION.

    "the CPO calls the Senders interface with the same URL as was given … when the RESERVE_NOW command was sent".
    """
    reserved = await commanded.reservation_by_number(db, event.charger_id, event.reservation_id)
    if reserved is None:
        log.info("reservation.not_ours", charger=event.charger_id, status=event.status)
        return
    removed = event.status == "Removed" and reserved.outcome == "ACCEPTED" and not await _was_cancelled(reserved, db)
    await _end(resources, reserved, db, at=event.at)
    if removed:
        reserved.outcome = "CANCELED_RESERVATION"
        await results.owe(db, reserved, "The charger removed the reservation", at=resources.clock())


async def expire(resources: Resources, db: AsyncSession) -> None:
    """End the sessions of reservations whose time is over and of which their chargers said nothing."""
    now = resources.clock()
    overdue = (
        select(SessionLink)
        .where(SessionLink.status == "RESERVATION", col(SessionLink.reserved_until) < now - LATE_WORD)
        .with_for_update(skip_locked=True)
        .limit(200)
    )
    for link in await db.scalars(overdue):
        await _finish(resources, link, db, at=link.reserved_until or now)


async def _was_cancelled(reserved: PartnerCommand, db: AsyncSession) -> bool:
    query = select(PartnerCommand.id).where(
        PartnerCommand.type == CommandType.CANCEL_RESERVATION,
        PartnerCommand.charger_key == reserved.charger_key,
        col(PartnerCommand.reservation_number) == reserved.reservation_number,
        col(PartnerCommand.id) > reserved.id,
    )
    return await db.scalar(query.limit(1)) is not None


async def _end(resources: Resources, reserved: PartnerCommand, db: AsyncSession, *, at: datetime) -> None:
    reserved.reserved_until = at
    link = await links.locked(db, f"{RESERVED}{reserved.reservation_number}")
    if link is not None and link.ended_at is None:
        await _finish(resources, link, db, at=at)


async def _finish(resources: Resources, link: SessionLink, db: AsyncSession, *, at: datetime) -> None:
    """Nobody came: the session is COMPLETED, and has a CDR if keeping the place free costs something."""
    link.ended_at = max(at, link.started_at)
    bill = cdrs.reservation_bill(link, until=link.ended_at)
    await telling.session(resources, link, bill, "COMPLETED", db)
    if bill.totals.get("total_cost", {}).get("excl_vat"):
        document = cdrs.cdr_document(
            link,
            bill,
            cdr_id=cdr_id(str(link.session_id), 1),
            samples=(),
            stop_reason="the reservation was not used",
            at=resources.clock(),
        )
        await telling.next_cdr(resources, link, document, db)
