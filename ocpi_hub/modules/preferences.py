"""What a driver wants of a session at our own chargers (mod_sessions, Set: Charging Preferences).

No charger of ours can take preferences: they are refused in the specification's words. Those for sessions of other CPOs
are passed on before they get here (routing/opening.py).
"""

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.modules.asking import CallerDep, DocumentDep, ResourcesDep, RoutingDep, WorkDep, answer, read_model, takes
from ocpi_hub.modules.sight import sight
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import LOCATIONS, SESSIONS
from ocpi_hub.objects.patch import Document, find_child
from ocpi_hub.objects.tables import Kept
from ocpi_hub.wire.errors import NotFound
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import loads
from ocpi_hub.wire.locations import Capability
from ocpi_hub.wire.sessions import ChargingPreferences, ChargingPreferencesResponse


def sender() -> APIRouter:
    """PUT /{session_id}/charging_preferences: to be mounted where the SENDER interface of sessions is."""
    router = APIRouter(tags=[SESSIONS.module.value])

    @router.put("/{session_id}/charging_preferences", openapi_extra=takes(ChargingPreferences))
    async def set_preferences(
        session_id: str,
        document: DocumentDep,
        caller: CallerDep,
        routing: RoutingDep,
        resources: ResourcesDep,
        db: WorkDep,
    ) -> Response:
        """Refused with 404 and 2001 by an EVSE that cannot take them; NOT_POSSIBLE where the operator says it could."""
        read_model(ChargingPreferences, document)
        found = await reading.find(db, SESSIONS, session_id, sight=await sight(SESSIONS, caller, routing, resources))
        if not found:
            raise SESSIONS.not_found()
        if not await _capable(db, found[0]):
            raise NotFound("the EVSE of this session is not CHARGING_PREFERENCES_CAPABLE", status_code=2001)
        return answer(resources, ChargingPreferencesResponse.NOT_POSSIBLE.value)

    return router


async def _capable(db: AsyncSession, kept: Kept) -> bool:
    session: Document = loads(kept.document)
    owner = PartyId(kept.country_code, kept.party_id)
    place = await reading.get(db, LOCATIONS, owner=owner, object_id=session["location_id"])
    evse = find_child(loads(place.document), LOCATIONS.children, [session["evse_uid"]]) if place else None
    return evse is not None and Capability.CHARGING_PREFERENCES_CAPABLE in (evse.get("capabilities") or ())
