"""Where our chargers stand: registering a charger at a Location, changing its place. Taking it away is removing.py.

The bridge's record, our rows, the OCPI Location and the debts to partners are written in one transaction.
"""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ChargerBook, NewCharger
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.chargers import capabilities
from ocpi_hub.chargers.mapping import evse_status
from ocpi_hub.chargers.places import (
    connector_document,
    evse_document,
    location_changes,
    location_document,
)
from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement
from ocpi_hub.delivery import publish
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import LOCATIONS, TARIFFS
from ocpi_hub.partners import register
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.types import format_datetime

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlace:
    """A charger to register and where it stands: the body of POST /chargers.

    `location` is an OCPI Location without EVSEs; an `id` that exists joins the charger to that Location. EVSE number n
    of the charger is `evses[n - 1]`; what a charger later reports beyond these is added by itself.
    """

    id: str
    password: str | None
    security_profile: int = 1
    party: PartyId | None = None
    location: Mapping[str, Any] | None = None
    evses: Sequence[Mapping[str, Any]] = ()
    tariff_ids: Sequence[str] = ()


def our_party(settings: Settings) -> PartyId:
    """The CPO party that our chargers belong to where nothing else is said."""
    return PartyId(settings.cpo_country_code, settings.cpo_party_id)


def owner_of(placement: ChargerPlacement) -> PartyId:
    return PartyId(placement.country_code, placement.party_id)


async def add(resources: Resources, new: NewPlace, db: AsyncSession) -> ChargerPlacement:
    """Register a charger and place it.

    Raises KeyError when its id exists, InvalidParameters for what is missing or a party that belongs to a partner.
    """
    owner = new.party or our_party(resources.settings)
    at = resources.clock()
    await register.host(db, resources, owner)
    connectors = tuple(
        (evse_id, connector_id)
        for evse_id, evse in enumerate(new.evses, start=1)
        for connector_id in range(1, max(len(evse.get("connectors") or ()), 1) + 1)
    )
    await resources.get(ChargerBook).register(  # type: ignore[type-abstract]
        NewCharger(new.id, new.password, new.security_profile, connectors), db
    )
    placement = ChargerPlacement(
        key=new.id.lower(),
        charger_id=new.id,
        country_code=owner.country_code,
        party_id=owner.party_id,
        owner_key=owner.key,
        tariff_ids=list(new.tariff_ids),
        created_at=at,
    )
    db.add(placement)
    await db.flush()
    if new.location is not None:
        await _place(placement, new.location, db, at=at)
    elif new.evses:
        raise InvalidParameters("location: required where evses are given")
    for number, evse in enumerate(new.evses, start=1):
        await add_evse(placement, number, db, given=evse, at=at)
    log.info("charger.placed", charger=new.id, party=str(owner), location=placement.location_id, evses=len(new.evses))
    return placement


async def missing_tariffs(db: AsyncSession, owner: PartyId, tariff_ids: Sequence[str]) -> list[str]:
    """Tariffs that are named and not there (yet): until they are, charging costs nothing."""
    return [
        tariff_id
        for tariff_id in tariff_ids
        if await reading.get(db, TARIFFS, owner=owner, object_id=tariff_id) is None
    ]


async def _place(placement: ChargerPlacement, given: Mapping[str, Any], db: AsyncSession, *, at: datetime) -> None:
    """Put the charger at a Location: one that exists (its own fields are updated), or a new one."""
    owner = owner_of(placement)
    location_id = str(given.get("id") or uuid.uuid4())
    kept = await reading.get(db, LOCATIONS, owner=owner, object_id=location_id)
    if kept is None:
        document = location_document(given, owner=owner, location_id=location_id, at=at)
        await publish.put(
            db, LOCATIONS, owner=owner, document=document, source=None, at=at, correlation_id=str(uuid.uuid4())
        )
    else:
        location_id = kept.object_id
        await _patch_location(owner, (location_id,), location_changes(given, at=at), db, at=at)
    placement.location_id = location_id
    placement.location_key = location_id.lower()


async def add_evse(
    placement: ChargerPlacement,
    number: int,
    db: AsyncSession,
    *,
    at: datetime,
    given: Mapping[str, Any] | None = None,
) -> ChargerEvse:
    """EVSE `number` of a charger, in our rows and, where the charger has a place, in its Location."""
    owner = owner_of(placement)
    given = given or {}
    uid = str(given.get("uid") or secrets.token_hex(6))
    document = evse_document(
        given,
        owner=owner,
        uid=uid,
        status=evse_status((), online=placement.online),
        tariff_ids=placement.tariff_ids,
        at=at,
    )
    evse = ChargerEvse(
        charger_key=placement.key,
        evse_id=number,
        owner_key=owner.key,
        uid=uid,
        uid_key=uid.lower(),
        connector_ids=[str(connector["id"]) for connector in document["connectors"]],
        status=document["status"],
    )
    await _refuse_used_uid(evse, db)
    db.add(evse)
    if placement.location_id is not None:
        await _put_child(owner, (placement.location_id, uid), document, db, at=at)
        await capabilities.refresh(db, owner, placement.location_id, at=at)
    await db.flush()
    return evse


async def add_connector(
    placement: ChargerPlacement, evse: ChargerEvse, number: int, db: AsyncSession, *, at: datetime
) -> None:
    """Connectors up to `number` of an EVSE, for one that the charger reports and nobody described."""
    for missing in range(len(evse.connector_ids) + 1, number + 1):
        document = connector_document({}, connector_id=str(missing), tariff_ids=placement.tariff_ids, at=at)
        evse.connector_ids = [*evse.connector_ids, str(missing)]
        if placement.location_id is not None:
            await _put_child(owner_of(placement), (placement.location_id, evse.uid, str(missing)), document, db, at=at)


async def _refuse_used_uid(evse: ChargerEvse, db: AsyncSession) -> None:
    query = select(ChargerEvse.uid).where(ChargerEvse.owner_key == evse.owner_key, ChargerEvse.uid_key == evse.uid_key)
    if await db.scalar(query) is not None:
        raise InvalidParameters(f"evses: the uid {evse.uid} is already that of another EVSE")


async def change(
    resources: Resources,
    charger_id: str,
    db: AsyncSession,
    *,
    tariff_ids: Sequence[str] | None = None,
    location: Mapping[str, Any] | None = None,
) -> ChargerPlacement | None:
    """Other tariffs, or other facts of the Location; None when there is no such charger.

    A charger without a place is placed by it. A charger does not move: another `id` is refused (remove and add it).
    """
    placement = await find(db, charger_id, lock=True)
    if placement is None:
        return None
    at = resources.clock()
    if location is not None:
        await _change_location(placement, location, db, at=at)
    if tariff_ids is not None:
        placement.tariff_ids = list(tariff_ids)
        changes = {"tariff_ids": list(tariff_ids), "last_updated": format_datetime(at)}
        for evse in await evses_of(db, placement.key):
            for connector_id in evse.connector_ids if placement.location_id else ():
                ids = (str(placement.location_id), evse.uid, connector_id)
                await _patch_location(owner_of(placement), ids, changes, db, at=at)
    if placement.location_id is not None:
        await capabilities.refresh(db, owner_of(placement), placement.location_id, at=at)
    return placement


async def _change_location(
    placement: ChargerPlacement, given: Mapping[str, Any], db: AsyncSession, *, at: datetime
) -> None:
    if placement.location_id is None:
        await _place(placement, given, db, at=at)
        for evse in await evses_of(db, placement.key):
            document = evse_document(
                {}, owner=owner_of(placement), uid=evse.uid, status=evse.status, tariff_ids=placement.tariff_ids, at=at
            )
            await _put_child(owner_of(placement), (str(placement.location_id), evse.uid), document, db, at=at)
            await add_missing_connectors(placement, evse, db, at=at)
    elif str(given.get("id", placement.location_id)).lower() != placement.location_key:
        raise InvalidParameters("location.id: a charger does not move to another location; remove it and add it there")
    else:
        changes = location_changes(given, at=at)
        await _patch_location(owner_of(placement), (placement.location_id,), changes, db, at=at)


async def add_missing_connectors(
    placement: ChargerPlacement, evse: ChargerEvse, db: AsyncSession, *, at: datetime
) -> None:
    """The second and further connectors of an EVSE that was known before its charger had a place."""
    for connector_id in evse.connector_ids[1:]:
        document = connector_document({}, connector_id=connector_id, tariff_ids=placement.tariff_ids, at=at)
        ids = (str(placement.location_id), evse.uid, connector_id)
        await _put_child(owner_of(placement), ids, document, db, at=at)


async def publish_status(
    placement: ChargerPlacement, evse: ChargerEvse, status: str, db: AsyncSession, *, at: datetime
) -> None:
    """Say an EVSE's status if it is another one; `last_updated` goes up to the Location (mod_locations, PATCH)."""
    if evse.status == status:
        return
    evse.status = status
    if placement.location_id is not None:
        changes = {"status": status, "last_updated": format_datetime(at)}
        await _patch_location(owner_of(placement), (placement.location_id, evse.uid), changes, db, at=at)


async def publish_capability(
    placement: ChargerPlacement, capability: str, has: bool, db: AsyncSession, *, at: datetime
) -> None:
    """Say of every EVSE of a charger that it has a capability, or has it no more (mod_locations, Capability)."""
    location = await location_of(db, placement)
    if location is None:
        return
    described = {evse["uid"].lower(): evse for evse in location["evses"]}
    for evse in await evses_of(db, placement.key):
        now = [str(one) for one in described.get(evse.uid_key, {}).get("capabilities") or []]
        if (capability in now) != has:
            wanted = [*now, capability] if has else [one for one in now if one != capability]
            changes = {"capabilities": wanted, "last_updated": format_datetime(at)}
            await _patch_location(owner_of(placement), (str(placement.location_id), evse.uid), changes, db, at=at)


async def find(db: AsyncSession, charger_id: str, *, lock: bool = False) -> ChargerPlacement | None:
    """The placement of a charger; ids compare case-insensitively."""
    query = select(ChargerPlacement).where(ChargerPlacement.key == charger_id.lower())
    return await db.scalar(query.with_for_update() if lock else query)


async def evses_of(db: AsyncSession, charger_key: str) -> Sequence[ChargerEvse]:
    """The EVSEs of a charger by their numbers."""
    query = select(ChargerEvse).where(ChargerEvse.charger_key == charger_key).order_by(col(ChargerEvse.evse_id))
    return (await db.scalars(query)).all()


async def location_of(db: AsyncSession, placement: ChargerPlacement) -> dict[str, Any] | None:
    """The Location document that a charger stands at."""
    if placement.location_id is None:
        return None
    kept = await reading.get(db, LOCATIONS, owner=owner_of(placement), object_id=placement.location_id)
    document: dict[str, Any] | None = wire_json.loads(kept.document) if kept is not None else None
    return document


async def _patch_location(
    owner: PartyId, ids: tuple[str, ...], changes: Mapping[str, Any], db: AsyncSession, *, at: datetime
) -> None:
    if changes:
        await publish.patch(
            db, LOCATIONS, owner=owner, ids=ids, changes=changes, source=None, at=at, correlation_id=str(uuid.uuid4())
        )


async def _put_child(
    owner: PartyId, ids: tuple[str, ...], document: Mapping[str, Any], db: AsyncSession, *, at: datetime
) -> None:
    await publish.put_child(
        db, LOCATIONS, owner=owner, ids=ids, document=document, source=None, at=at, correlation_id=str(uuid.uuid4())
    )
