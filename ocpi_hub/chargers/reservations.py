"""Reservations at our chargers: whose a number is, and what happens when a charger ends one by itself."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ReservationChanged
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import results
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()


async def newest(db: AsyncSession, party: PartyId, reservation_id: str) -> PartnerCommand | None:
    """The party's latest RESERVE_NOW with its own reservation_id: nobody sees another's (mod_commands, ReserveNow)."""
    query = (
        select(PartnerCommand)
        .where(
            PartnerCommand.type == CommandType.RESERVE_NOW,
            PartnerCommand.from_key == party.key,
            PartnerCommand.reservation_key == reservation_id.lower(),
        )
        .order_by(col(PartnerCommand.id).desc())
        .limit(1)
    )
    return await db.scalar(query)


async def by_number(db: AsyncSession, charger_id: str, number: int) -> PartnerCommand | None:
    """The latest RESERVE_NOW behind the reservation id that a charger knows."""
    query = (
        select(PartnerCommand)
        .where(
            PartnerCommand.type == CommandType.RESERVE_NOW,
            PartnerCommand.charger_key == charger_id.lower(),
            col(PartnerCommand.reservation_number) == number,
        )
        .order_by(col(PartnerCommand.id).desc())
        .limit(1)
    )
    return await db.scalar(query)


async def changed(resources: Resources, event: ReservationChanged, db: AsyncSession) -> None:
    """A reservation ended without a session. One that the charger removed, unasked, is told as CANCELED_RESERVATION.

    "the CPO calls the Senders interface with the same URL as was given … when the RESERVE_NOW command was sent".
    """
    reserved = await by_number(db, event.charger_id, event.reservation_id)
    if reserved is None:
        log.info("reservation.not_ours", charger=event.charger_id, status=event.status)
        return
    reserved.reserved_until = event.at
    if event.status != "Removed" or reserved.outcome != "ACCEPTED" or await _was_cancelled(reserved, db):
        return
    reserved.outcome = "CANCELED_RESERVATION"
    await results.owe(db, reserved, "The charger removed the reservation", at=resources.clock())


async def _was_cancelled(reserved: PartnerCommand, db: AsyncSession) -> bool:
    query = select(PartnerCommand.id).where(
        PartnerCommand.type == CommandType.CANCEL_RESERVATION,
        PartnerCommand.charger_key == reserved.charger_key,
        col(PartnerCommand.reservation_number) == reserved.reservation_number,
        col(PartnerCommand.id) > reserved.id,
    )
    return await db.scalar(query.limit(1)) is not None
