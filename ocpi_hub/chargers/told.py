"""Tokens as one party of ours knows them: those that eMSPs told everybody, and those that they told this party alone.

The latter are kept here and nowhere else, so no list of the hub has them and no other CPO is told (row R16). Of two
that have the same owner, uid and type the newer one counts, by its `last_updated`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.chargers.tables import AddressedToken
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import TOKENS
from ocpi_hub.objects.patch import Document, merge, require_last_updated, require_same
from ocpi_hub.objects.tables import Kept, KeptToken
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.tokens import Token

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells it: the eMSP, by this platform, at this time."""

    owner: PartyId
    platform_id: str
    at: datetime


async def get(
    db: AsyncSession,
    party: PartyId,
    *,
    owner: PartyId,
    uid: str,
    token_type: str | None = None,
    lock: bool = False,
) -> str | None:
    """The Token as `party` knows it, as JSON text (type RFID if none is given); locked for a change if asked."""
    kept = await reading.get(db, TOKENS, owner=owner, object_id=uid, token_type=token_type)
    name = (party.key, owner.key, TOKENS.object_key(uid, token_type))
    alone = await db.get(AddressedToken, name, with_for_update=lock or None, populate_existing=True)
    return _newer(kept, alone)


async def put(db: AsyncSession, party: PartyId, document: Document, source: Source) -> bool:
    """Keep a whole Token for `party` alone; says whether it is new to it. Raises InvalidParameters for what is no
    Token."""
    try:
        token = Token.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from None
    require_same(document, {"country_code": source.owner.country_code, "party_id": source.owner.party_id})
    known = await get(db, party, owner=source.owner, uid=token.uid, token_type=str(token.type))
    values = {
        "document": wire_json.dumps(document),
        "last_updated": token.last_updated,
        "received_at": source.at,
        "platform_id": source.platform_id,
    }
    statement = insert(AddressedToken).values(
        party_key=party.key,
        owner_key=source.owner.key,
        key=TOKENS.object_key(document),
        uid_key=token.uid.lower(),
        first_at=source.at,
        arrived_after=select(func.coalesce(func.max(KeptToken.pk), 0)).scalar_subquery(),
        **values,
    )
    await db.execute(statement.on_conflict_do_update(index_elements=["party_key", "owner_key", "key"], set_=values))
    return known is None


async def patch(
    db: AsyncSession, party: PartyId, uid: str, changes: Document, source: Source, *, token_type: str | None = None
) -> None:
    """Merge changes into the Token as `party` knows it; the result is kept for `party` alone.

    Raises NotFound when it knows none, InvalidParameters without last_updated or for a result that is no Token.
    """
    require_last_updated(changes)
    known = await get(db, party, owner=source.owner, uid=uid, token_type=token_type, lock=True)
    if known is None:
        raise TOKENS.not_found()
    await put(db, party, merge(wire_json.loads(known), changes, TOKENS.shape), source)


async def by_uid(db: AsyncSession, party: PartyId, uid: str) -> list[dict[str, Any]]:
    """The Tokens with this uid as `party` knows them: RFID before other types, valid before invalid, then the first
    that was heard of: so that nobody takes over another's card by naming it later."""
    kept = {(row.owner_key, row.key): row for row in await reading.find(db, TOKENS, uid)}
    query = select(AddressedToken).where(
        col(AddressedToken.party_key) == party.key, col(AddressedToken.uid_key) == uid.lower()
    )
    alone = {(row.owner_key, row.key): row for row in await db.scalars(query)}
    if len({owner for owner, _ in kept | alone}) > 1:
        log.warning("authorize.ambiguous", owners=len({owner for owner, _ in kept | alone}))
    found = []
    for name in kept | alone:
        document = wire_json.loads(str(_newer(kept.get(name), alone.get(name))))
        rank = (document["type"] != "RFID", not document["valid"], _place(kept.get(name), alone.get(name)))
        found.append((rank, document))
    return [document for _, document in sorted(found, key=lambda one: one[0])]


async def by_owners(db: AsyncSession, party_key: str, owner_keys: Sequence[str]) -> list[dict[str, Any]]:
    """All RFID Tokens of these owners as a party knows them, in the order of by_uid. Keys are `cc/pid`, folded."""
    every = select(KeptToken).where(col(KeptToken.owner_key).in_(owner_keys), KeptToken.type == "RFID")
    told = select(AddressedToken).where(
        col(AddressedToken.party_key) == party_key,
        col(AddressedToken.owner_key).in_(owner_keys),
        col(AddressedToken.key).endswith("/RFID"),
    )
    kept = {(row.owner_key, row.key): row for row in await db.scalars(every)}
    alone = {(row.owner_key, row.key): row for row in await db.scalars(told)}
    found = []
    for name in kept | alone:
        document = wire_json.loads(str(_newer(kept.get(name), alone.get(name))))
        found.append(((not document["valid"], _place(kept.get(name), alone.get(name))), document))
    return [document for _, document in sorted(found, key=lambda one: one[0])]


def _newer(kept: Kept | None, alone: AddressedToken | None) -> str | None:
    if kept is None or alone is None:
        row = kept or alone
        return row.document if row is not None else None
    return alone.document if alone.last_updated >= kept.last_updated else kept.document


def _place(kept: Kept | None, alone: AddressedToken | None) -> tuple[int, int, float]:
    """Where a Token stands in the order of arrival, among those that everybody and those that one party was told."""
    places = [(int(kept.pk or 0), 0, 0.0)] if kept is not None else []
    places += [(alone.arrived_after, 1, alone.first_at.timestamp())] if alone is not None else []
    return min(places)
