"""Commands of partners to our own chargers: taken up, refused, and what is asked of the charger for each.

Accepting writes a row and rings a bell; the charger is asked by jobs.py, after the commit. No network here.
"""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.chargers import commanded, jobs
from ocpi_hub.chargers.mapping import id_token_of
from ocpi_hub.chargers.spots import Declined, Spot, find_spot
from ocpi_hub.chargers.tables import RESERVED, ChargerPlacement, PartnerCommand, SessionLink
from ocpi_hub.partners.access import agree
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire import commands as words
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.commands import CommandResponse, CommandResponseType, CommandType
from ocpi_hub.wire.errors import InvalidParameters, from_validation
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ModuleId
from ocpi_hub.wire.types import DisplayText

log = structlog.get_logger()

ANSWER_GRACE = 10
"""Seconds beside the charger's own time: for finding it, and for telling the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command as it came: from which party of which platform, to which of our parties (None: any of them).

    `hidden` are those of our parties that the sender may not talk with: to it they do not exist.
    """

    type: CommandType
    body: dict[str, Any]
    platform_id: str
    from_party: PartyId
    to_party: PartyId | None
    correlation_id: str
    hidden: frozenset[PartyId] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """The charger that a command goes to, whose it is, and what the command's row says beside."""

    charger_id: str
    owner: PartyId
    columns: dict[str, Any]


async def accept(resources: Resources, asked: Asked, db: AsyncSession) -> CommandResponse:
    """Take a command up: the answer at once, the charger's to the response_url later and never not at all.

    Raises UnknownLocation (2003), InvalidParameters for a body or a response_url that cannot be used, and for a
    token of another party ("SHALL only use Tokens that are owned by this eMSP", mod_commands).
    """
    request = await _read(resources, asked)
    asked = replace(asked, hidden=await _hidden(resources, asked.from_party))
    at = resources.clock()
    timeout = timeout_of(resources.settings)
    try:
        target = await _TARGETS[asked.type](resources, asked, request, db)
        await _require_reachable(target, db)
    except Declined as declined:
        log.info("command.declined", type=asked.type, platform=asked.platform_id, result=declined.result)
        return _response(declined.result, timeout, declined.reason)
    row = PartnerCommand(
        type=asked.type,
        platform_id=asked.platform_id,
        from_key=asked.from_party.key,
        from_country_code=asked.from_party.country_code,
        from_party_id=asked.from_party.party_id,
        owner_country_code=target.owner.country_code,
        owner_party_id=target.owner.party_id,
        response_url=request.response_url,
        correlation_id=asked.correlation_id,
        charger_id=target.charger_id,
        charger_key=target.charger_id.lower(),
        received_at=at,
        deadline=at + timedelta(seconds=timeout - ANSWER_GRACE / 2),
        **target.columns,
    )
    db.add(row)
    await db.flush()
    if row.type == CommandType.RESERVE_NOW and row.reservation_number is None:
        row.reservation_number = row.id
    ring_after_commit(db, jobs.execute, row.id)
    log.info("command.accepted", command=row.id, type=row.type, platform=row.platform_id, charger=row.charger_id)
    return _response(CommandResponseType.ACCEPTED, timeout)


async def _hidden(resources: Resources, sender: PartyId) -> frozenset[PartyId]:
    """The parties of ours that this sender may not command, by the agreements."""
    snapshot = await resources.one(Directory).now()
    return frozenset(one for one in snapshot.hosted if not agree(snapshot, sender, one, ModuleId.COMMANDS))


def timeout_of(settings: Settings) -> int:
    """How long the partner should wait for a result, in seconds."""
    return math.ceil(settings.charger_timeout) + ANSWER_GRACE


def _response(result: CommandResponseType, timeout: int, reason: str = "") -> CommandResponse:
    message = (DisplayText(language="en", text=reason),) if reason else ()
    return CommandResponse(result=result, timeout=timeout, **({"message": message} if message else {}))


async def _read(resources: Resources, asked: Asked) -> Any:
    try:
        request = words.COMMANDS[asked.type].model_validate(asked.body)
    except ValidationError as error:
        raise from_validation(error) from None
    await require_own_url(resources, asked.platform_id, request.response_url)
    return request


async def require_own_url(resources: Resources, platform_id: str, response_url: str) -> None:
    """Raise InvalidParameters for a response_url that cannot be used, or that is at none of the sender's own hosts: it
    is called with what we present to the sender."""
    own = (await resources.one(Directory).now()).origins_of(platform_id)
    problem = own.problem(resources.settings.partner_networks, response_url)
    if problem is not None:
        raise InvalidParameters(f"response_url: {problem}")


async def _require_reachable(target: Target, db: AsyncSession) -> None:
    """The answer says whether the CPO "was able to send it to the Charge Point" (mod_commands, CommandResponse)."""
    placement = await db.get(ChargerPlacement, target.charger_id.lower())
    if placement is None or not placement.online:
        raise Declined(CommandResponseType.REJECTED, "The charger is offline")


# --- each command --------------------------------------------------------------------------------------------


async def _start_session(resources: Resources, asked: Asked, request: words.StartSession, db: AsyncSession) -> Target:
    spot = await find_spot(
        db,
        request.location_id,
        request.evse_uid,
        to_party=asked.to_party,
        hidden=asked.hidden,
        connector_id=request.connector_id,
    )
    return _at(spot, **_token_columns(asked, request))


async def _reserve_now(resources: Resources, asked: Asked, request: words.ReserveNow, db: AsyncSession) -> Target:
    if request.expiry_date <= resources.clock():
        raise InvalidParameters("expiry_date: is in the past")
    columns = _token_columns(asked, request)
    spot = await find_spot(db, request.location_id, request.evse_uid, to_party=asked.to_party, hidden=asked.hidden)
    before = await commanded.newest_reservation(db, asked.from_party, request.reservation_id)
    same = before is not None and before.charger_key == spot.placement.key
    return _at(
        spot,
        **columns,
        reservation_id=request.reservation_id,
        reservation_key=request.reservation_id.lower(),
        reservation_number=before.reservation_number if before is not None and same else None,
        reserved_until=request.expiry_date,
    )


async def _cancel_reservation(
    resources: Resources, asked: Asked, request: words.CancelReservation, db: AsyncSession
) -> Target:
    reserved = await commanded.newest_reservation(db, asked.from_party, request.reservation_id)
    if reserved is None or PartyId(reserved.owner_country_code, reserved.owner_party_id) in asked.hidden:
        raise Declined(CommandResponseType.REJECTED, "No reservation of yours has this reservation_id")
    columns = {name: getattr(reserved, name) for name in ("reservation_id", "reservation_key", "reservation_number")}
    return Target(reserved.charger_id, PartyId(reserved.owner_country_code, reserved.owner_party_id), columns)


async def _stop_session(resources: Resources, asked: Asked, request: words.StopSession, db: AsyncSession) -> Target:
    link = await db.scalar(select(SessionLink).where(SessionLink.session_id == request.session_id.lower()))
    owner = PartyId(link.country_code, link.party_id) if link is not None else None
    if link is None or owner in asked.hidden or asked.to_party not in (None, owner):
        raise Declined(CommandResponseType.UNKNOWN_SESSION, "There is no session with this id")
    if not _pays(asked, link):
        raise Declined(CommandResponseType.REJECTED, "The session is not one of your customers'")
    if link.ended_at is not None or link.is_reservation:
        reason = "The session has ended" if link.ended_at is not None else "The session has not begun: it is reserved"
        raise Declined(CommandResponseType.REJECTED, reason)
    columns = {"evse_id": link.evse_id, "transaction_id": link.transaction_id, "session_id": link.session_id}
    return Target(link.charger_id, PartyId(link.country_code, link.party_id), columns)


async def _unlock_connector(
    resources: Resources, asked: Asked, request: words.UnlockConnector, db: AsyncSession
) -> Target:
    """For a cable that is stuck after a session, so only the eMSP whose customer charged there last may ask for it."""
    spot = await find_spot(
        db,
        request.location_id,
        request.evse_uid,
        to_party=asked.to_party,
        hidden=asked.hidden,
        connector_id=request.connector_id,
    )
    last = await db.scalar(
        select(SessionLink)
        .where(
            SessionLink.charger_key == spot.placement.key,
            col(SessionLink.evse_id) == spot.evse_id,
            ~col(SessionLink.transaction_id).startswith(RESERVED),
        )
        .order_by(col(SessionLink.started_at).desc())
        .limit(1)
    )
    if last is None or not _pays(asked, last):
        raise Declined(CommandResponseType.REJECTED, "The last session there is not one of your customers'")
    return _at(spot)


_TARGETS: dict[CommandType, Callable[[Resources, Asked, Any, AsyncSession], Awaitable[Target]]] = {
    CommandType.START_SESSION: _start_session,
    CommandType.STOP_SESSION: _stop_session,
    CommandType.RESERVE_NOW: _reserve_now,
    CommandType.CANCEL_RESERVATION: _cancel_reservation,
    CommandType.UNLOCK_CONNECTOR: _unlock_connector,
}


def _at(spot: Spot, **columns: Any) -> Target:
    owner = PartyId(spot.placement.country_code, spot.placement.party_id)
    where = {
        "evse_id": spot.evse_id,
        "connector_id": spot.connector_id,
        "location_id": spot.placement.location_id,
    }
    return Target(spot.placement.charger_id, owner, {**where, **columns})


def _token_columns(asked: Asked, request: words.StartSession | words.ReserveNow) -> dict[str, Any]:
    """The token as it came and as the charger will know it. Only a party's own tokens may be used."""
    if request.token.party != asked.from_party:
        raise InvalidParameters(
            f"token: belongs to {request.token.party}, not to {asked.from_party} that sends the command"
        )
    id_token = id_token_of(request.token.uid)
    return {
        "token": wire_json.dumps(asked.body["token"]),
        "id_token": id_token,
        "id_token_key": id_token.lower(),
        "authorization_reference": request.authorization_reference,
    }


def _pays(asked: Asked, link: SessionLink) -> bool:
    token = link.cdr_token
    return link.payer == "partner" and PartyId(token["country_code"], token["party_id"]) == asked.from_party
