"""CHARGING_PREFERENCES_CAPABLE, on the EVSEs of ours where it is true: where a driver has tariffs to choose from."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.delivery import publish
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import LOCATIONS, TARIFFS
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.locations import Capability
from ocpi_hub.wire.types import format_datetime

CAPABLE = Capability.CHARGING_PREFERENCES_CAPABLE.value


def tariffs_of(location: Mapping[str, Any]) -> set[str]:
    """The ids, folded, of all tariffs that connectors of a Location name."""
    return set().union(*(_named(evse) for evse in location["evses"]))


def _named(evse: Mapping[str, Any]) -> set[str]:
    return {one.lower() for connector in evse["connectors"] for one in connector.get("tariff_ids") or ()}


async def refresh(db: AsyncSession, owner: PartyId, location_id: str, *, at: datetime) -> None:
    """Say of every EVSE of a Location whether it takes charging preferences; told only where that changed.

    It does where a connector has a tariff of a PROFILE_ type: then every profile that can be chosen has its price
    (mod_sessions, ChargingPreferences).
    """
    kept = await reading.get(db, LOCATIONS, owner=owner, object_id=location_id)
    if kept is None:
        return
    location = wire_json.loads(kept.document)
    profiles = {name for name in tariffs_of(location) if await _is_profile(db, owner, name)}
    for evse in location["evses"]:
        said = list(evse.get("capabilities") or ())
        capable = evse["status"] != "REMOVED" and bool(_named(evse) & profiles)
        if capable == (CAPABLE in said):
            continue
        without = [word for word in said if word != CAPABLE]
        changes = {
            "capabilities": [*without, CAPABLE] if capable else without,
            "last_updated": format_datetime(at),
        }
        await publish.patch(
            db,
            LOCATIONS,
            owner=owner,
            ids=(location_id, evse["uid"]),
            changes=changes,
            source=None,
            at=at,
            correlation_id=str(uuid.uuid4()),
        )


async def _is_profile(db: AsyncSession, owner: PartyId, tariff_id: str) -> bool:
    kept = await reading.get(db, TARIFFS, owner=owner, object_id=tariff_id)
    return kept is not None and str(wire_json.loads(kept.document).get("type") or "").startswith("PROFILE_")
