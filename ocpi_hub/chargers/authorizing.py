"""May this token charge here? Commands first, then our own cards, partners' tokens by their whitelist, then all eMSPs.

Every verdict is remembered, for the Session and the CDR that may follow (authorization_reference, auth_method).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import AuthStatus, ChargerBook, IdToken, TransactionFilter, Verdict, Where
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cards, commanded, placing, realtime, stopping, told, unheard
from ocpi_hub.chargers.tables import Authorization, ChargerPlacement, SessionLink
from ocpi_hub.partners.access import may_talk
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, ModuleId

log = structlog.get_logger()

LONGEST_GROUP = 36
"""CiString(36) of OCPI, and the longest id token of OCPP 2.0.1; 1.6 has room for 20."""

ANYBODY = "NoAuthorization"
"""The uid of the own card that stands for charging without one: a start button (OCPP 2.0.1, C02), an empty idTag."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and where it came from. `auth_method` is OCPI's AuthMethod, None for a card of our own."""

    verdict: Verdict
    auth_method: str | None = None
    token: dict[str, Any] | None = None
    authorization_reference: str | None = None
    command_id: int | None = None


async def may_charge(resources: Resources, token: IdToken, where: Where, db: AsyncSession) -> Verdict:
    """Decide about a token at a charger, and remember it."""
    at = resources.clock()
    placement = await placing.find(db, where.charger_id)
    decision = await _decide(resources, token, where, placement, db, at=at)
    if decision.verdict.accepted and not decision.verdict.master:
        decision = await _alone(resources, decision, token, where, db)
    log.info(
        "authorize.decided",
        charger=where.charger_id,
        evse=where.evse_id,
        status=decision.verdict.status,
        how=decision.auth_method or "OWN",
    )
    await _remember(decision, token, where, db, at=at)
    return decision.verdict


async def _decide(
    resources: Resources,
    token: IdToken,
    where: Where,
    placement: ChargerPlacement | None,
    db: AsyncSession,
    *,
    at: datetime,
) -> Decision:
    command = await commanded.covering(db, token, where.charger_id, at=at)
    if command is not None:
        return Decision(
            Verdict(AuthStatus.ACCEPTED, group=_group(_document(command.token))),
            auth_method="COMMAND",
            token=_document(command.token),
            authorization_reference=command.authorization_reference,
            command_id=command.id,
        )
    card = await cards.find(db, ANYBODY if _is_nobodys(token) else token.value)
    if card is not None:
        verdict = cards.verdict(card, at=at, master_group=resources.settings.master_group)
        return Decision(await _as_master(verdict, where, db) if verdict.master else verdict)
    if placement is None or _is_nobodys(token):
        return Decision(Verdict(AuthStatus.UNKNOWN))
    known = await _payable(resources, await told.by_uid(db, placing.owner_of(placement), token.value), placement)
    if placement.location_id is None:
        # Without a Location there can be no Session and no CDR, so nobody could be charged for it.
        status = AuthStatus.UNKNOWN if known is None else AuthStatus.NOT_AT_THIS_LOCATION
        return Decision(Verdict(status), auth_method="WHITELIST" if known else None, token=known)
    spot = await _spot(placement, where, db)
    if known is None:
        return await _by_anyone(resources, token, spot)
    return await _by_whitelist(resources, known, spot)


def _is_nobodys(token: IdToken) -> bool:
    """Whether nothing was shown: no provider can be asked about that."""
    return token.type == ANYBODY or not token.value.strip()


async def _as_master(verdict: Verdict, where: Where, db: AsyncSession) -> Verdict:
    """A master card opens nothing: at an EVSE, where something would start, it is blocked (OCPP 2.0.1, C16).

    Where the charger does not know such cards, what runs there is stopped from here.
    """
    if where.evse_id is not None:
        return replace(verdict, status=AuthStatus.BLOCKED)
    stopping.ring(db, where.charger_id)
    return verdict


async def _alone(resources: Resources, decision: Decision, token: IdToken, where: Where, db: AsyncSession) -> Decision:
    """ConcurrentTx for a token that charges elsewhere, if it may not. It is asked where something starts: a driver who
    only shows the card may be about to stop (OCPP 1.6, 5.2: "only relevant for StartTransaction")."""
    if resources.settings.concurrent_transactions or where.evse_id is None or _is_nobodys(token):
        return decision
    book = resources.get(ChargerBook)  # type: ignore[type-abstract]
    for running in await book.transactions(TransactionFilter(token=token.value, active=True), db):
        if (running.charger_id.lower(), running.evse_id) != (where.charger_id.lower(), where.evse_id):
            verdict = replace(decision.verdict, status=AuthStatus.CONCURRENT_TX)
            return replace(decision, verdict=verdict)
    return decision


async def _payable(
    resources: Resources, tokens: Sequence[dict[str, Any]], placement: ChargerPlacement
) -> dict[str, Any] | None:
    """The first token whose owner may talk with our party and is registered: no other could be sent a CDR, so to our
    charger the token is as unknown as its owner."""
    snapshot = await resources.one(Directory).now()
    owner = placing.owner_of(placement)
    for token in tokens:
        party = PartyId(token["country_code"], token["party_id"])
        platform = snapshot.platform_of(party, ModuleId.TOKENS, InterfaceRole.SENDER)
        there = platform is not None and platform.status in (ConnectionStatus.CONNECTED, ConnectionStatus.OFFLINE)
        if there and may_talk(snapshot, owner, party, ModuleId.TOKENS):
            return token
    return None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a driver stands: one EVSE of a Location, or any of the charger's. `charger_id` is for log lines."""

    charger_id: str
    owner: PartyId
    location_id: str
    evse_uids: tuple[str, ...]
    here: str | None


async def _spot(placement: ChargerPlacement, where: Where, db: AsyncSession) -> Spot:
    evses = {evse.evse_id: evse.uid for evse in await placing.evses_of(db, placement.key)}
    here = evses.get(where.evse_id) if where.evse_id is not None else None
    uids = (here,) if here else tuple(evses.values())
    return Spot(where.charger_id, placing.owner_of(placement), str(placement.location_id), uids, here)


async def _by_anyone(resources: Resources, token: IdToken, spot: Spot) -> Decision:
    """A token that nobody told us of: all eMSPs are asked at once. Only who allows it and can be billed opens."""
    answer = await unheard.ask(
        resources, token, from_party=spot.owner, location_id=spot.location_id, evse_uids=spot.evse_uids
    )
    if isinstance(answer, realtime.NoAnswer):
        log.warning("authorize.unanswered", charger=spot.charger_id, whitelist=None, reason=answer.reason)
        return Decision(Verdict(AuthStatus.INVALID, message="No provider answered"), "AUTH_REQUEST")
    return _answered(answer, spot, answer.token)


async def _by_whitelist(resources: Resources, token: dict[str, Any], spot: Spot) -> Decision:
    """What the token's `whitelist` asks for (mod_tokens, WhitelistType).

    ALWAYS: decided here, never asked. ALLOWED: "the CPO may choose", so a valid one is let in at once, and one that is
    not valid is asked about, for its state may have changed. ALLOWED_OFFLINE and NEVER: asked, and only the former is
    let in, if valid, where there is no answer. Everything else without an answer is refused.
    """
    whitelist, valid = token["whitelist"], bool(token["valid"])
    if whitelist == "ALWAYS" or (whitelist == "ALLOWED" and valid):
        return _local(token)
    answer = await realtime.ask(
        resources, token, from_party=spot.owner, location_id=spot.location_id, evse_uids=spot.evse_uids
    )
    if isinstance(answer, realtime.NoAnswer):
        log.warning("authorize.unanswered", charger=spot.charger_id, whitelist=whitelist, reason=answer.reason)
        if whitelist == "ALLOWED_OFFLINE":
            return _local(token)
        return Decision(Verdict(AuthStatus.INVALID, message="The provider did not answer"), "AUTH_REQUEST", token)
    return _answered(answer, spot, answer.token or token)


def _answered(answer: realtime.Answered, spot: Spot, token: dict[str, Any] | None) -> Decision:
    return Decision(
        Verdict(_status_here(answer, spot.here), group=_group(token), message=answer.message),
        auth_method="AUTH_REQUEST",
        token=token,
        authorization_reference=answer.authorization_reference,
    )


def _local(token: dict[str, Any]) -> Decision:
    status = AuthStatus.ACCEPTED if token["valid"] else AuthStatus.BLOCKED
    return Decision(Verdict(status, group=_group(token)), auth_method="WHITELIST", token=token)


def _status_here(answer: realtime.Answered, here: str | None) -> AuthStatus:
    """ "Only the EVSEs the EV driver is allowed to charge at are returned" (mod_tokens, AuthorizationInfo)."""
    allowed = {uid.lower() for uid in answer.evse_uids}
    elsewhere = here is not None and bool(allowed) and here.lower() not in allowed
    if answer.status is AuthStatus.ACCEPTED and elsewhere:
        return AuthStatus.NOT_AT_THIS_LOCATION
    return answer.status


def _group(token: dict[str, Any] | None) -> IdToken | None:
    """The token's group; what a version cannot carry is left out where it is said (mod_tokens, Token.group_id)."""
    group = (token or {}).get("group_id")
    return IdToken(group) if group and len(group) <= LONGEST_GROUP else None


def _document(text: str | None) -> dict[str, Any] | None:
    document: dict[str, Any] | None = wire_json.loads(text) if text is not None else None
    return document


async def _remember(decision: Decision, token: IdToken, where: Where, db: AsyncSession, *, at: datetime) -> None:
    """Keep the verdict; a session that began without one (the charger started offline) takes it as its own."""
    db.add(
        Authorization(
            charger_key=where.charger_id.lower(),
            id_token_key=token.value.lower(),
            evse_id=where.evse_id,
            at=at,
            status=decision.verdict.status,
            auth_method=decision.auth_method,
            token=wire_json.dumps(decision.token) if decision.token else None,
            authorization_reference=decision.authorization_reference,
            command_id=decision.command_id,
        )
    )
    for link in await _unauthorized(db, token, where):
        link.authorized = True
        if decision.verdict.accepted:
            link.auth_method = decision.auth_method or link.auth_method
            link.authorization_reference = decision.authorization_reference or link.authorization_reference
        else:
            link.refused = True
    await db.flush()


async def _unauthorized(db: AsyncSession, token: IdToken, where: Where) -> Sequence[SessionLink]:
    query = select(SessionLink).where(
        SessionLink.charger_key == where.charger_id.lower(),
        SessionLink.id_token_key == token.value.lower(),
        col(SessionLink.ended_at).is_(None),
        col(SessionLink.authorized).is_(False),
    )
    return (await db.scalars(query)).all()
