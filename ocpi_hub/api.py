"""Every URL of OCPI, in one file: the generic router for each kind of object, the special modules, the door around all.

The version details are made of what is mounted here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import passing
from ocpi_hub.modules import (
    chargingprofiles,
    commands,
    credentials,
    describing,
    hubclientinfo,
    owned,
    preferences,
    versions,
)
from ocpi_hub.modules.versions import Mounted
from ocpi_hub.objects.kinds import KINDS, SESSIONS
from ocpi_hub.routing.address import VERSION
from ocpi_hub.routing.door import Door, Place, Straight
from ocpi_hub.wire.parties import InterfaceRole, ModuleId


class Ocpi(NamedTuple):
    """Everything under /ocpi: the routes, and the door through which they are reached."""

    routes: FastAPI
    door: Door


def create_ocpi(resources: Resources) -> Ocpi:
    """The app for everything under /ocpi. Its errors are rendered by the door, whoever raised them."""
    passing.bind(resources)
    served: set[tuple[str, InterfaceRole]] = set()
    straight: dict[Place, Straight] = {}
    app = FastAPI(
        title="OCPI hub",
        version=VERSION,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys((HTTPException, RequestValidationError, Exception), _leave_to_the_door),
    )
    mounted: list[Mounted] = []
    app.include_router(versions.router(VERSION, mounted))
    mounted.append(Mounted(ModuleId.CREDENTIALS, InterfaceRole.SENDER, f"/ocpi/{VERSION}/credentials"))
    app.include_router(credentials.router(VERSION), prefix=mounted[-1].path)
    path = f"/ocpi/{VERSION}/sender/{ModuleId.HUB_CLIENT_INFO}"
    mounted.append(Mounted(ModuleId.HUB_CLIENT_INFO, InterfaceRole.SENDER, path))
    app.include_router(hubclientinfo.sender(), prefix=path)
    for module, role, router in functional():
        mounted.append(Mounted(module, role, f"/ocpi/{VERSION}/{role.value.lower()}/{module}"))
        app.include_router(router, prefix=mounted[-1].path)
        served.add((module, role))
        straight |= {(module, role, *place): route for place, route in describing.straight(router).items()}
    for module, role in PASSED_ON:
        mounted.append(Mounted(module, role, f"/ocpi/{VERSION}/{role.value.lower()}/{module}"))
    return Ocpi(app, Door(app, resources=resources, served=served, straight=straight))


PASSED_ON = (
    (ModuleId.COMMANDS, InterfaceRole.SENDER),
    (ModuleId.CHARGING_PROFILES, InterfaceRole.SENDER),
)
"""What the hub offers only by passing it on to the party that is meant: the door does it, there is no route."""


def openapi(app: FastAPI) -> dict[str, Any]:
    """What the OCPI side takes and gives, for machines. No answer is ever a 422: that is the framework's own idea."""
    document = app.openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["security"] = [{"credentials token": []}]
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    token = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <base64 of the token>"}
    document.setdefault("components", {})["securitySchemes"] = {"credentials token": token}
    return document


def functional() -> Iterator[tuple[str, InterfaceRole, APIRouter]]:
    """The functional modules: each interface of each kind of object, then what is no kept object."""
    for module, kind in KINDS.items():
        asked = owned.sender(kind)
        if kind is SESSIONS:
            preferences.add(asked)
        yield module, InterfaceRole.SENDER, asked
        yield module, InterfaceRole.RECEIVER, owned.receiver(kind)
    yield ModuleId.COMMANDS, InterfaceRole.RECEIVER, commands.receiver()
    yield ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER, chargingprofiles.receiver()


async def _leave_to_the_door(request: Request, error: Exception) -> NoReturn:
    if isinstance(error, HTTPException) and error.status_code == 405:
        error.headers = {"Allow": ", ".join(sorted(_methods_at(request)))}
    raise error


def _methods_at(request: Request) -> Iterator[str]:
    """Every method of this URL; the framework names those of its first route only (RFC 9110, 10.2.1)."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method
