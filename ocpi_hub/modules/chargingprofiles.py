"""Charging profiles for sessions at our own chargers (mod_charging_profiles, RECEIVER): the answer at once, the
charger's comes later."""

from typing import Any

from fastapi import APIRouter, Request

from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.profile_words import Wish
from ocpi_hub.chargers.profiles import Wished, accept
from ocpi_hub.modules.asking import (
    CallerDep,
    CorrelationDep,
    DocumentDep,
    ResourcesDep,
    RoutingDep,
    WorkDep,
    answer,
    read_model,
    takes,
)
from ocpi_hub.modules.commands import addressed
from ocpi_hub.partners.directory import Caller
from ocpi_hub.routing.rewriting import query_value
from ocpi_hub.wire.chargingprofiles import SetChargingProfile
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import Routing


def receiver() -> APIRouter:
    """GET, PUT and DELETE /{session_id}: to be mounted where the RECEIVER interface of chargingprofiles is."""
    router = APIRouter(tags=["chargingprofiles"])

    @router.get("/{session_id}")
    async def ask_for_profile(
        session_id: str,
        request: Request,
        caller: CallerDep,
        routing: RoutingDep,
        correlation_id: CorrelationDep,
        resources: ResourcesDep,
        db: WorkDep,
    ) -> Any:
        """What the EVSE reckons with for `duration` seconds, posted to `response_url`."""
        seen = _seen(resources, session_id, caller, routing, correlation_id)
        wished = Wished(
            wish=Wish.GET, response_url=_from_query(request, "response_url"), duration=_duration(request), **seen
        )
        return answer(resources, await accept(resources, wished, db))

    @router.put("/{session_id}", openapi_extra=takes(SetChargingProfile))
    async def set_profile(
        session_id: str,
        document: DocumentDep,
        caller: CallerDep,
        routing: RoutingDep,
        correlation_id: CorrelationDep,
        resources: ResourcesDep,
        db: WorkDep,
    ) -> Any:
        """Limit the session; the result is posted to `response_url`."""
        said = read_model(SetChargingProfile, document)
        seen = _seen(resources, session_id, caller, routing, correlation_id)
        wished = Wished(wish=Wish.SET, response_url=said.response_url, profile=said.charging_profile, **seen)
        return answer(resources, await accept(resources, wished, db))

    @router.delete("/{session_id}")
    async def clear_profile(
        session_id: str,
        request: Request,
        caller: CallerDep,
        routing: RoutingDep,
        correlation_id: CorrelationDep,
        resources: ResourcesDep,
        db: WorkDep,
    ) -> Any:
        """Take the profile away; the result is posted to `response_url`."""
        seen = _seen(resources, session_id, caller, routing, correlation_id)
        url = _from_query(request, "response_url")
        return answer(resources, await accept(resources, Wished(wish=Wish.CLEAR, response_url=url, **seen), db))

    return router


def _seen(
    resources: Resources, session_id: str, caller: Caller, routing: Routing, correlation_id: str
) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "platform_id": caller.platform.id,
        "from_party": routing.from_,
        "to_party": addressed(resources, routing),
        "correlation_id": correlation_id,
    }


def _from_query(request: Request, name: str) -> str:
    """A parameter that must be there; a URL may stand there unencoded, as in the specification's examples."""
    found = query_value(request.url.query, name)
    if found is None or not found[0]:
        raise InvalidParameters(f"{name}: is missing in the query")
    if len(found[0]) > 255:
        raise InvalidParameters(f"{name}: is longer than 255 characters")
    return found[0]


def _duration(request: Request) -> int:
    text = _from_query(request, "duration")
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise InvalidParameters("duration: must be a whole number of seconds, 1 or more")
    return int(text)
