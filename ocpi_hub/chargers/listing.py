"""Which tokens belong on local lists, and what has changed since they were last looked at.

On the list: own cards as they are, and partners' RFID tokens that need not always be asked about (whitelist ALWAYS,
ALLOWED and ALLOWED_OFFLINE) of eMSPs that may use the charger. Changes coalesce: what came and went between two looks
was never there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import AuthStatus, DeviceBook
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import told
from ocpi_hub.chargers.list_tables import ChargerList, ListedToken, ListState
from ocpi_hub.chargers.mapping import id_token_type
from ocpi_hub.chargers.tables import AddressedToken, Authorization, ChargerPlacement, OwnCard, SessionLink
from ocpi_hub.objects.tables import KeptToken
from ocpi_hub.partners.access import may_talk
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ModuleId

log = structlog.get_logger()

NOBODYS = ""
"""The scope of chargers without a Location."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """How one token is to stand on the list of a scope."""

    uid: str
    type: str
    status: str
    group_id: str | None
    expires_at: datetime | None
    master: bool
    listed: bool


async def refresh(resources: Resources) -> None:
    """Bring every scope's tokens up to date; chargers whose list is older than its scope's are due afterwards."""
    async with resources.unit_of_work() as db:
        scopes = await _scopes(db)
    for scope, owner in scopes.items():
        async with resources.unit_of_work() as db:
            await _refresh(resources, scope, owner, db)


async def _scopes(db: AsyncSession) -> dict[str, PartyId | None]:
    place = ChargerPlacement
    rows = await db.execute(
        select(place.owner_key, place.country_code, place.party_id, col(place.location_key).is_not(None)).distinct()
    )
    return {(key if located else NOBODYS): (PartyId(cc, pid) if located else None) for key, cc, pid, located in rows}


async def _refresh(resources: Resources, scope: str, owner: PartyId | None, db: AsyncSession) -> None:
    at = resources.clock()
    owners = await _token_owners(resources, owner, db)
    fingerprint = await _fingerprint(db, owners, at=at)
    state = await db.get(ListState, scope, with_for_update=True)
    if state is not None and state.fingerprint == fingerprint:
        return
    if state is None:
        state = ListState(scope=scope, fingerprint="", version=0)
        db.add(state)
    wanted = await _partner_tokens(db, scope, owners) | await _own_cards(resources, db, at=at)
    known = {row.key: row for row in await db.scalars(select(ListedToken).where(ListedToken.scope == scope))}
    changed = {key: listing for key, listing in wanted.items() if not _same(known.get(key), listing)}
    gone = [row for key, row in known.items() if key not in wanted and (row.listed or row.status == _ACCEPTED)]
    state.fingerprint = fingerprint
    if changed or gone:
        state.version += 1
        revoked = [row.key for row in gone if row.status == _ACCEPTED]
        revoked += [
            key for key, new in changed.items() if key in known and known[key].status == _ACCEPTED != new.status
        ]
        await _write(db, scope, changed, version=state.version)
        for row in gone:
            row.listed, row.status, row.version = False, AuthStatus.INVALID, state.version
        await _due(db, scope, at=at)
        await _clear_caches(resources, revoked, db)
        log.info("local_list.changed", scope=scope, changed=len(changed), gone=len(gone), revoked=len(revoked))
    await db.flush()


_ACCEPTED = AuthStatus.ACCEPTED


def _same(row: ListedToken | None, listing: Listing) -> bool:
    return row is not None and all(getattr(row, field) == value for field, value in asdict(listing).items())


async def _token_owners(resources: Resources, owner: PartyId | None, db: AsyncSession) -> list[str]:
    """The owners, as `cc/pid`, of the partners' tokens that a scope's chargers may use."""
    if owner is None:
        return []
    snapshot = await resources.one(Directory).now()
    keys = set(await db.scalars(select(KeptToken.owner_key).distinct()))
    keys |= set(
        await db.scalars(select(AddressedToken.owner_key).where(AddressedToken.party_key == owner.key).distinct())
    )
    parties = {key: PartyId(*key.upper().split("/")) for key in keys}
    return sorted(key for key, party in parties.items() if may_talk(snapshot, owner, party, ModuleId.TOKENS))


async def _fingerprint(db: AsyncSession, owners: list[str], *, at: datetime) -> str:
    """Equal for equal tokens: cheap to ask, so that nothing is read while nothing changes."""
    expired = func.count().filter(col(OwnCard.expires_at) <= at)
    cards = (await db.execute(select(func.count(), func.max(OwnCard.updated_at), expired).select_from(OwnCard))).one()
    tokens = (await db.execute(select(func.count(), func.max(KeptToken.received_at)).select_from(KeptToken))).one()
    alone = select(func.count(), func.max(AddressedToken.received_at)).select_from(AddressedToken)
    counted = (*cards, *tokens, *(await db.execute(alone)).one())
    return f"{','.join(owners)} {' '.join(map(str, counted))}"


async def _own_cards(resources: Resources, db: AsyncSession, *, at: datetime) -> dict[str, Listing]:
    found = {}
    for card in await db.scalars(select(OwnCard)):
        expired = card.expires_at is not None and card.expires_at <= at and card.status == _ACCEPTED
        status = AuthStatus.EXPIRED if expired else AuthStatus(card.status)
        group = resources.settings.master_group if card.master else card.group_id
        kind = id_token_type(card.type)
        found[card.key] = Listing(card.uid, kind, status, group, card.expires_at, card.master, listed=True)
    return found


async def _partner_tokens(db: AsyncSession, scope: str, owners: list[str]) -> dict[str, Listing]:
    """By uid; of several eMSPs that claim one, the same goes first as when a card is shown."""
    found: dict[str, Listing] = {}
    for token in await told.by_owners(db, scope, owners):
        found.setdefault(token["uid"].lower(), _of_partner(token))
    return found


def _of_partner(token: Mapping[str, Any]) -> Listing:
    status = AuthStatus.ACCEPTED if token["valid"] else AuthStatus.BLOCKED
    kind = id_token_type(token["type"])
    listed = token["whitelist"] != "NEVER"
    return Listing(token["uid"], kind, status, token.get("group_id"), None, master=False, listed=listed)


async def _write(db: AsyncSession, scope: str, changed: Mapping[str, Listing], *, version: int) -> None:
    rows = [{"scope": scope, "key": key, "version": version, **asdict(listing)} for key, listing in changed.items()]
    for start in range(0, len(rows), BATCH):
        statement = insert(ListedToken).values(rows[start : start + BATCH])
        kept = {name: statement.excluded[name] for name in rows[0] if name not in ("scope", "key")}
        await db.execute(statement.on_conflict_do_update(index_elements=["scope", "key"], set_=kept))


async def _due(db: AsyncSession, scope: str, *, at: datetime) -> None:
    """The chargers of a scope have an older list now. Those that cannot have one, and those without, are left alone."""
    able = col(ChargerList.state).not_in(("NOT_SUPPORTED", "OFF"))
    await db.execute(update(ChargerList).where(col(ChargerList.scope) == scope, able).values(due_at=at, attempts=0))


async def _clear_caches(resources: Resources, keys: Iterable[str], db: AsyncSession) -> None:
    """Chargers where a revoked token was accepted may remember it, and would still let it in on their own."""
    wanted = list(keys)
    if not wanted:
        return
    verdicts = select(Authorization.charger_key).where(
        col(Authorization.id_token_key).in_(wanted), Authorization.status == _ACCEPTED
    )
    sessions = select(SessionLink.charger_key).where(col(SessionLink.id_token_key).in_(wanted))
    book = resources.get(DeviceBook)  # type: ignore[type-abstract]
    for charger_key in sorted(set(await db.scalars(verdicts.union(sessions)))):
        try:
            await book.clear_cache(charger_key, db)
        except KeyError:
            log.info("local_list.charger_gone", charger=charger_key)
