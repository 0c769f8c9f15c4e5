"""Every URL of OCPI, in one file: the generic router for each kind of object, the special modules, the door around all.

The version details are made of what is mounted here.
"""

from typing import NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from ocpi_hub.base.resources import Resources
from ocpi_hub.modules import commands, credentials, owned, versions
from ocpi_hub.modules.versions import Mounted
from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.routing.address import VERSION
from ocpi_hub.routing.door import Door
from ocpi_hub.wire.parties import InterfaceRole, ModuleId


def create_ocpi(resources: Resources) -> FastAPI:
    """The app for everything under /ocpi. Its errors are rendered by the door, whoever raised them."""
    app = FastAPI(
        title="OCPI hub",
        version=VERSION,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Door, resources=resources)],
        exception_handlers={HTTPException: _leave_to_the_door, RequestValidationError: _leave_to_the_door},
    )
    for router in routers():
        app.include_router(router)
    return app


def routers() -> list[APIRouter]:
    """What is mounted, with the paths that stand in the version details."""
    mounted: list[Mounted] = []

    def mount(module: str, role: InterfaceRole, router: APIRouter) -> APIRouter:
        path = f"/ocpi/{VERSION}/{role.value.lower()}/{module}"
        mounted.append(Mounted(module, role, path))
        outer = APIRouter(prefix=path, tags=[f"{module} ({role.value.lower()})"])
        outer.include_router(router)
        return outer

    found = [versions.router(VERSION, lambda: mounted), _credentials(mounted)]
    for module, kind in KINDS.items():
        found.append(mount(module, InterfaceRole.SENDER, owned.sender(kind)))
        found.append(mount(module, InterfaceRole.RECEIVER, owned.receiver(kind)))
    found.append(mount(ModuleId.COMMANDS, InterfaceRole.RECEIVER, commands.receiver()))
    return found


def _credentials(mounted: list[Mounted]) -> APIRouter:
    path = f"/ocpi/{VERSION}/credentials"
    mounted.append(Mounted(ModuleId.CREDENTIALS, InterfaceRole.SENDER, path))
    outer = APIRouter(prefix=path)
    outer.include_router(credentials.router(VERSION))
    return outer


async def _leave_to_the_door(_request: Request, error: Exception) -> NoReturn:
    raise error
