"""What partners commanded, looked up again: by the token that a charger shows, by the reservation that it names."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, or_, select

from bridge_ocpp.port import IdToken
from ocpi_hub.chargers.tables import PartnerCommand, SessionLink
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.headers import PartyId

COMMAND_COVERS = timedelta(minutes=15)
"""How long the token of a START_SESSION or RESERVE_NOW is authorized at that charger (mod_commands, StartSession)."""

_MADE_BY_SERVERS = ("APP_USER", "AD_HOC_USER")


async def covering(db: AsyncSession, token: IdToken, charger_id: str, *, at: datetime) -> PartnerCommand | None:
    """The newest command that authorizes this token at this charger now (mod_commands, StartSession and ReserveNow).

    Any token within 15 minutes. One that a server made up is never asked about, so it also holds while its reservation
    lasts and while the session that its command started runs.
    """
    query = (
        select(PartnerCommand, SessionLink.transaction_id)
        .join(
            SessionLink,
            (col(SessionLink.command_id) == col(PartnerCommand.id)) & col(SessionLink.ended_at).is_(None),
            isouter=True,
        )
        .where(
            PartnerCommand.id_token_key == token.value.lower(),
            PartnerCommand.charger_key == charger_id.lower(),
            or_(
                col(PartnerCommand.received_at) > at - COMMAND_COVERS,
                col(PartnerCommand.reserved_until) > at,
                col(SessionLink.transaction_id).is_not(None),
            ),
        )
        .order_by(col(PartnerCommand.id).desc())
    )
    for command, running in (await db.execute(query)).all():
        recent = command.received_at > at - COMMAND_COVERS
        document = wire_json.loads(command.token or "{}")
        if recent or (document.get("type") in _MADE_BY_SERVERS and (running or command.reserved_until is not None)):
            return command
    return None


async def newest_reservation(db: AsyncSession, party: PartyId, reservation_id: str) -> PartnerCommand | None:
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


async def reservation_by_number(
    db: AsyncSession, charger_id: str, number: int, *, lock: bool = False
) -> PartnerCommand | None:
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
    return await db.scalar(query.with_for_update() if lock else query)
