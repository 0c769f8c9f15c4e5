"""Who pays for a transaction: found once, when it starts, from what was commanded, decided or whitelisted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import AuthStatus, IdToken, Transaction
from ocpi_hub.base.resources import resources_of
from ocpi_hub.chargers import cards, commanded, told
from ocpi_hub.chargers.mapping import NOT_AVAILABLE, cdr_token_of, token_type
from ocpi_hub.chargers.tables import Authorization, PartnerCommand
from ocpi_hub.partners.access import agree
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ModuleId

VERDICT_HOLDS = timedelta(hours=1)
"""How long before a start its token may have been authorized: the driver still had to plug in."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: `partner` (an eMSP), `own` (a card of the operator) or `nobody` (no token, unknown, or refused)."""

    kind: str
    cdr_token: dict[str, Any]
    auth_method: str
    authorization_reference: str | None = None
    command_id: int | None = None
    authorized: bool = False
    refused: bool = False


async def find(db: AsyncSession, transaction: Transaction, *, owner: PartyId, at: datetime) -> Payer:
    """The payer of a transaction, as far as is known at `at`."""
    command = await _remote_start(db, transaction)
    if command is not None:
        return by_command(command)
    token = transaction.id_token
    if token is None:
        return Payer("nobody", _token_of_ours(None, owner), "WHITELIST")
    verdict = await _last_verdict(db, transaction, token, at=at)
    if verdict is not None:
        return _by_verdict(verdict, token, owner)
    command = await commanded.covering(db, token, transaction.charger_id, at=at)
    if command is not None:
        return by_command(command)
    if await cards.find(db, token.value) is not None:
        return Payer("own", _token_of_ours(token, owner), "WHITELIST")
    snapshot = await resources_of(db).one(Directory).now()
    for known in await told.by_uid(db, owner, token.value):
        if agree(snapshot, owner, PartyId(known["country_code"], known["party_id"]), ModuleId.TOKENS):
            return Payer("partner", cdr_token_of(known), "WHITELIST")
    return Payer("nobody", _token_of_ours(token, owner), "WHITELIST")


async def _remote_start(db: AsyncSession, transaction: Transaction) -> PartnerCommand | None:
    """The command whose remote start id, or whose reservation, the charger named; however late it comes.

    A reservation pays for its own token alone: another card that the charger let use it pays for itself.
    """
    if transaction.remote_start_id is not None:
        command = await db.get(PartnerCommand, transaction.remote_start_id)
        if command is not None and command.token and command.charger_key == transaction.charger_id.lower():
            return command
    if transaction.reservation_id is None:
        return None
    reserved = await commanded.reservation_by_number(db, transaction.charger_id, transaction.reservation_id)
    token = transaction.id_token
    its_own = reserved is not None and (token is None or token.value.lower() == reserved.id_token_key)
    return reserved if its_own else None


async def _last_verdict(
    db: AsyncSession, transaction: Transaction, token: IdToken, *, at: datetime
) -> Authorization | None:
    """The newest verdict on this token at this charger, not older than an hour before the start."""
    query = (
        select(Authorization)
        .where(
            Authorization.charger_key == transaction.charger_id.lower(),
            Authorization.id_token_key == token.value.lower(),
            Authorization.at >= min(transaction.started_at, at) - VERDICT_HOLDS,
        )
        .order_by(col(Authorization.id).desc())
        .limit(1)
    )
    return await db.scalar(query)


def by_command(command: PartnerCommand) -> Payer:
    """The owner of the token that a command came with."""
    token = wire_json.loads(command.token or "{}")
    return Payer(
        "partner",
        cdr_token_of(token),
        "COMMAND",
        authorization_reference=command.authorization_reference,
        command_id=command.id,
        authorized=True,
    )


def _by_verdict(verdict: Authorization, token: IdToken, owner: PartyId) -> Payer:
    if verdict.status != AuthStatus.ACCEPTED:
        return Payer("nobody", _token_of_ours(token, owner), "WHITELIST", authorized=True, refused=True)
    if verdict.token is None:
        return Payer("own", _token_of_ours(token, owner), "WHITELIST", authorized=True)
    return Payer(
        "partner",
        cdr_token_of(wire_json.loads(verdict.token)),
        verdict.auth_method or "WHITELIST",
        authorization_reference=verdict.authorization_reference,
        command_id=verdict.command_id,
        authorized=True,
    )


def _token_of_ours(token: IdToken | None, owner: PartyId) -> dict[str, Any]:
    """A CdrToken that belongs to our own party: what it pays for is kept, and owed to no partner."""
    uid = token.value.strip() or NOT_AVAILABLE if token is not None else NOT_AVAILABLE
    return {
        "country_code": owner.country_code,
        "party_id": owner.party_id,
        "uid": uid,
        "type": token_type(token.type) if token is not None else "OTHER",
        "contract_id": uid,
    }
