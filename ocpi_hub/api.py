"""Every URL of OCPI, in one file: the generic router for each kind of object, the special modules, the door around all.

The version details are made of what is mounted here.
"""

from collections.abc import Iterator
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
    mounted: list[Mounted] = []
    app.include_router(versions.router(VERSION, mounted))
    mounted.append(Mounted(ModuleId.CREDENTIALS, InterfaceRole.SENDER, f"/ocpi/{VERSION}/credentials"))
    app.include_router(credentials.router(VERSION), prefix=mounted[-1].path)
    for module, role, router in functional():
        mounted.append(Mounted(module, role, f"/ocpi/{VERSION}/{role.value.lower()}/{module}"))
        app.include_router(router, prefix=mounted[-1].path)
    return app


def functional() -> Iterator[tuple[str, InterfaceRole, APIRouter]]:
    """The functional modules: each interface of each kind of object, then what is no kept object."""
    for module, kind in KINDS.items():
        yield module, InterfaceRole.SENDER, owned.sender(kind)
        yield module, InterfaceRole.RECEIVER, owned.receiver(kind)
    yield ModuleId.COMMANDS, InterfaceRole.RECEIVER, commands.receiver()


async def _leave_to_the_door(_request: Request, error: Exception) -> NoReturn:
    raise error
