"""The link between a transaction and its session: opened once, with everything as it stands at that moment."""

import uuid
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from bridge_ocpp.port import Transaction
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import commanded, evses, paying, placing, tariffs
from ocpi_hub.chargers.mapping import cdr_location, reserved_location
from ocpi_hub.chargers.tables import RESERVED, ChargerEvse, ChargerPlacement, PartnerCommand, SessionLink
from ocpi_hub.chargers.telling import owner_of
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.types import same_id

log = structlog.get_logger()


async def of(resources: Resources, transaction: Transaction, db: AsyncSession) -> SessionLink | None:
    """The transaction's link, locked; made when it is first heard of. None for a charger that we never placed."""
    link = await locked(db, transaction.id)
    if link is None:
        placement = await placing.find(db, transaction.charger_id)
        return await _open(resources, placement, transaction, db) if placement is not None else None
    if link.status is None and link.id_token_key is None and transaction.id_token is not None:
        await _find_payer(resources, link, transaction, db)
        await _price(link, link.offered, db)
    return link


async def locked(db: AsyncSession, transaction_id: str) -> SessionLink | None:
    """The link with this transaction id, ours to change until the transaction of the database ends."""
    query = select(SessionLink).where(SessionLink.transaction_id == transaction_id)
    return await db.scalar(query.with_for_update())


async def _open(
    resources: Resources, placement: ChargerPlacement, transaction: Transaction, db: AsyncSession
) -> SessionLink:
    """A transaction begins: its place, payer and tariff are sealed (mod_cdrs: "as they were at the start")."""
    link = await _reserved(transaction, db)
    evse = await evses.known(placement, transaction.evse_id, transaction.connector_id, db, at=resources.clock())
    if link is None:
        link = _new(resources, placement, transaction_id=transaction.id)
        db.add(link)
    link.transaction_id, link.started_at = transaction.id, transaction.started_at
    link.evse_id, link.connector_id = transaction.evse_id, transaction.connector_id
    link.evse_uid = evse.uid
    await _find_payer(resources, link, transaction, db)
    location = await placing.location_of(db, placement)
    if location is not None:
        await _place(link, location, evse, db)
    await _tell_command(link, db)
    await db.flush()
    return link


def _new(resources: Resources, placement: ChargerPlacement, *, transaction_id: str) -> SessionLink:
    return SessionLink(
        transaction_id=transaction_id,
        session_id=uuid.uuid4().hex if placement.location_id is not None else None,
        charger_id=placement.charger_id,
        charger_key=placement.key,
        evse_id=0,
        connector_id=0,
        country_code=placement.country_code,
        party_id=placement.party_id,
        payer="nobody",
        auth_method="WHITELIST",
        location_id=placement.location_id,
        currency=resources.settings.currency,
        started_at=resources.clock(),
    )


async def _reserved(transaction: Transaction, db: AsyncSession) -> SessionLink | None:
    """The session of the reservation that this transaction uses, if by the same token, or one of the same group: that
    is whom it was kept for (mod_sessions, Reservation; mod_tokens, Token.group_id)."""
    if transaction.reservation_id is None:
        return None
    # Its command is locked first: a RESERVE_NOW whose answer is just being written makes the session, or we do.
    command = await commanded.reservation_by_number(db, transaction.charger_id, transaction.reservation_id, lock=True)
    link = await locked(db, f"{RESERVED}{transaction.reservation_id}")
    token = transaction.id_token.value.lower() if transaction.id_token is not None else None
    if link is None or link.ended_at is not None or link.charger_key != transaction.charger_id.lower():
        return None
    group = wire_json.loads(command.token or "{}").get("group_id") if command is not None else None
    same_group = group and transaction.group is not None and same_id(transaction.group.value, group)
    return link if same_group or token in (None, link.id_token_key) else None


async def reserve(resources: Resources, command: PartnerCommand, db: AsyncSession) -> SessionLink | None:
    """The session of a reservation that a charger took, new or prolonged; None where it can have none any more."""
    link = await locked(db, f"{RESERVED}{command.reservation_number}")
    placement = await placing.find(db, command.charger_id)
    if link is None and placement is not None and placement.location_id is not None:
        used = select(SessionLink.transaction_id).where(SessionLink.command_id == command.id)
        if await db.scalar(used) is not None:
            return None  # the driver was faster than the charger's answer
        link = await _open_reserved(resources, placement, command, db)
    if link is not None and link.ended_at is None:
        link.reserved_until, link.command_id = command.reserved_until, command.id
        link.authorization_reference = command.authorization_reference or link.authorization_reference
        command.session_id = link.session_id
    return link


async def _open_reserved(
    resources: Resources, placement: ChargerPlacement, command: PartnerCommand, db: AsyncSession
) -> SessionLink:
    link = _new(resources, placement, transaction_id=f"{RESERVED}{command.reservation_number}")
    payer = paying.by_command(command)
    link.payer, link.cdr_token, link.auth_method = payer.kind, payer.cdr_token, payer.auth_method
    link.id_token_key, link.authorized = command.id_token_key, True
    link.reserved_from = link.started_at = command.received_at
    location = await placing.location_of(db, placement) or {}
    if command.evse_id is not None:
        evse = await evses.known(placement, command.evse_id, 1, db, at=resources.clock())
        link.evse_id, link.connector_id, link.evse_uid = command.evse_id, 1, evse.uid
        await _place(link, location, evse, db)
    else:
        link.place = wire_json.dumps(reserved_location(location))
        link.time_zone = location["time_zone"]
        await _price(link, placement.tariff_ids, db)
    db.add(link)
    return link


async def _place(link: SessionLink, location: dict[str, Any], evse: ChargerEvse, db: AsyncSession) -> None:
    """The session's place and price, as the Location says them now."""
    described = next(one for one in location["evses"] if one["uid"].lower() == evse.uid_key)
    connector_id = evse.connector_ids[max(link.connector_id, 1) - 1]
    connector = next(one for one in described["connectors"] if one["id"].lower() == connector_id.lower())
    link.place = wire_json.dumps(cdr_location(location, described, connector))
    link.time_zone = location["time_zone"]
    await _price(link, connector.get("tariff_ids") or (), db)


async def _price(link: SessionLink, tariff_ids: Any, db: AsyncSession) -> None:
    """The tariff for how the session was started; what a driver chose of a reserved session before is chosen anew."""
    link.offered, link.later_tariffs, link.preferences = list(tariff_ids), None, None
    of_type = tariffs.starting_type(link.cdr_token)
    link.tariff = await tariffs.in_force(db, owner_of(link), tariff_ids, at=link.started_at, of_type=of_type)
    if link.tariff is not None:
        link.currency = wire_json.loads(link.tariff)["currency"]
    else:
        log.warning("session.without_tariff", charger=link.charger_id, evse=link.evse_id)


async def _find_payer(resources: Resources, link: SessionLink, transaction: Transaction, db: AsyncSession) -> None:
    payer = await paying.find(db, transaction, owner=owner_of(link), at=resources.clock())
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
