"""The tariffs of our own chargers: OCPI Tariff objects of our party, and which one a session is priced by."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import capabilities
from ocpi_hub.chargers.placing import our_party
from ocpi_hub.chargers.tables import ChargerPlacement
from ocpi_hub.delivery import publish
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import TARIFFS
from ocpi_hub.objects.tables import Kept, KeptLocation, KeptTariff
from ocpi_hub.partners import register
from ocpi_hub.pricing import PricingError, choose, prepare
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.tariffs import TariffType
from ocpi_hub.wire.tokens import TokenType
from ocpi_hub.wire.types import format_datetime


async def put(resources: Resources, tariff_id: str, document: Mapping[str, Any], db: AsyncSession) -> str:
    """Keep and publish a tariff of ours; gives it as kept. Its party may be named in it, else it is our default one.

    Raises InvalidParameters for a tariff that OCPI or our own pricing cannot read: nobody is charged by a riddle.
    """
    at = resources.clock()
    default = our_party(resources.settings)
    owner = PartyId(
        str(document.get("country_code") or default.country_code), str(document.get("party_id") or default.party_id)
    )
    if str(document.get("id", tariff_id)).lower() != tariff_id.lower():
        raise InvalidParameters("id: is not the id in the URL")
    full = {
        **document,
        "country_code": owner.country_code,
        "party_id": owner.party_id,
        "id": tariff_id,
        "last_updated": format_datetime(at),
    }
    await register.host(db, resources, owner)
    try:
        prepare(full)
    except PricingError as error:
        raise InvalidParameters(str(error)) from None
    written = await publish.put(
        db, TARIFFS, owner=owner, document=full, source=None, at=at, correlation_id=str(uuid.uuid4())
    )
    if written.changed:
        for location_id in await _locations_of(db, owner, tariff_id):
            await capabilities.refresh(db, owner, location_id, at=at)
    return written.document


async def _locations_of(db: AsyncSession, owner: PartyId, tariff_id: str) -> list[str]:
    """The Locations of our chargers that have a connector with this tariff."""
    query = select(KeptLocation.document).where(
        KeptLocation.owner_key == owner.key, col(KeptLocation.platform_id).is_(None)
    )
    locations = [wire_json.loads(document) for document in await db.scalars(query)]
    return [location["id"] for location in locations if tariff_id.lower() in capabilities.tariffs_of(location)]


async def every(db: AsyncSession) -> list[str]:
    """The documents of the tariffs that our own chargers can use, oldest first."""
    query = select(KeptTariff).where(col(KeptTariff.platform_id).is_(None)).order_by(col(KeptTariff.pk))
    return [row.document for row in await db.scalars(query)]


async def delete(resources: Resources, tariff_id: str, db: AsyncSession) -> bool:
    """Take a tariff of ours away. Raises InvalidParameters while a connector names it (mod_tariffs, DELETE)."""
    default = our_party(resources.settings)
    ours = [row for row in await reading.find(db, TARIFFS, tariff_id) if row.platform_id is None]
    if not ours:
        return False
    kept = next((row for row in ours if row.owner_key == default.key), ours[0])
    users = await _users(db, kept)
    if users:
        raise InvalidParameters(f"{tariff_id}: is still the tariff of {', '.join(users[:5])}")
    removed = await publish.remove(
        db,
        TARIFFS,
        owner=PartyId(kept.country_code, kept.party_id),
        object_id=tariff_id,
        at=resources.clock(),
        correlation_id=str(uuid.uuid4()),
    )
    return removed is not None


async def _users(db: AsyncSession, tariff: Kept) -> list[str]:
    """What names a tariff: chargers, for EVSEs that they have yet to report, and connectors in use."""
    placements = await db.scalars(select(ChargerPlacement).where(ChargerPlacement.owner_key == tariff.owner_key))
    users = [row.charger_id for row in placements if _names(row.tariff_ids, tariff)]
    query = select(KeptLocation.document).where(
        KeptLocation.owner_key == tariff.owner_key, col(KeptLocation.platform_id).is_(None)
    )
    locations = [wire_json.loads(document) for document in await db.scalars(query)]
    return users + [
        f"{location['id']}/{evse['uid']}/{connector['id']}"
        for location in locations
        for evse in location["evses"]
        if evse["status"] != "REMOVED"
        for connector in evse["connectors"]
        if _names(connector.get("tariff_ids") or (), tariff)
    ]


def _names(tariff_ids: Sequence[str], tariff: Kept) -> bool:
    return tariff.key in {tariff_id.lower() for tariff_id in tariff_ids}


def starting_type(cdr_token: Mapping[str, Any]) -> TariffType:
    """The type of tariff (mod_tariffs, TariffType) for how a session is started: ad hoc, or by a card or an app."""
    ad_hoc = cdr_token.get("type") == TokenType.AD_HOC_USER
    return TariffType.AD_HOC_PAYMENT if ad_hoc else TariffType.REGULAR


async def in_force(
    db: AsyncSession, owner: PartyId, tariff_ids: Sequence[str], *, at: datetime, of_type: TariffType
) -> str | None:
    """The document of the tariff that a session starting at `at` is priced by: of the type or for all, and valid then.

    A driver accepts the tariff that is valid when the session starts (mod_tariffs, NOTE on start_date_time). Who pays
    ad hoc where no tariff is for that pays what everybody does; a profile has a tariff of its own type or none.
    """
    found = [await reading.get(db, TARIFFS, owner=owner, object_id=tariff_id) for tariff_id in tariff_ids]
    documents = [kept.document for kept in found if kept is not None]
    prepared = [prepare(wire_json.loads(document)) for document in documents]
    chosen = choose(prepared, at=at, of_type=of_type)
    if chosen is None and of_type is TariffType.AD_HOC_PAYMENT:
        chosen = choose(prepared, at=at)
    if chosen is None or (is_profile(of_type) and chosen.type != of_type):
        return None
    return documents[prepared.index(chosen)]


def is_profile(of_type: str | None) -> bool:
    """Whether a tariff of this type is for drivers who say what they prefer (mod_sessions, Charging Preferences)."""
    return str(of_type or "").startswith("PROFILE_")
