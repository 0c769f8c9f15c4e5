"""Charging preferences for sessions of our own chargers (mod_sessions, Sender Interface, PUT)."""

from fastapi import APIRouter, Request, Response

from ocpi_hub.chargers.preferences import Wish, wish
from ocpi_hub.modules.asking import Heard, answer, read_model, takes
from ocpi_hub.modules.sight import addressed
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.sessions import ChargingPreferences


def add(router: APIRouter) -> None:
    """Mount PUT /{session_id}/charging_preferences at the SENDER interface of sessions."""
    router.add_api_route(
        "/{session_id}/charging_preferences",
        put,
        methods=["PUT"],
        name="set_charging_preferences",
        operation_id="set_charging_preferences",
        response_model=None,
        openapi_extra=takes(ChargingPreferences),
    )


async def put(request: Request) -> Response:
    """Answered with a bare ChargingPreferencesResponse. The eMSP of the session's driver may ask, nobody else."""
    heard = Heard(request)
    if heard.routing.from_ is None:
        raise InvalidParameters("OCPI-from-party-id: say which of your parties asks")
    asked = Wish(
        session_id=request.path_params["session_id"],
        preferences=read_model(ChargingPreferences, await heard.document()),
        from_party=heard.routing.from_,
        to_party=await addressed(heard.routing, heard.resources),
    )
    async with heard.resources.unit_of_work() as db:
        said = await wish(heard.resources, asked, db)
    return answer(heard.resources, str(said))
