"""The admin REST, assembled: every router behind the operator's key, OpenAPI beside them."""

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from ocpi_hub import __version__
from ocpi_hub.admin import (
    agreements,
    chargers,
    charging,
    clearing,
    devices,
    displays,
    invitations,
    ledger,
    local_lists,
    messages,
    partners,
    publishing,
    security,
    streams,
    supply,
    telling,
    tending,
    upkeep,
    variables,
    watch,
)
from ocpi_hub.admin.answers import install_errors, operator_only
from ocpi_hub.admin.describing import describe
from ocpi_hub.base.resources import Resources


class FormIsJson:
    """What calls itself a form is JSON: `curl -d` says so of every body, and no call here takes a form."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the type that its body has."""
        if scope["type"] == "http":
            form = (b"content-type", b"application/x-www-form-urlencoded")
            scope["headers"] = [
                (b"content-type", b"application/json") if header == form else header for header in scope["headers"]
            ]
        await self.app(scope, receive, send)


def create_admin(resources: Resources) -> FastAPI:
    """The app to mount at /admin/v1."""
    app = FastAPI(title="OCPI hub, for operators", version=__version__, docs_url=None, redoc_url=None,
                  redirect_slashes=False, strict_content_type=False)  # fmt: skip
    app.state.resources = resources
    app.add_middleware(FormIsJson)
    install_errors(app)
    parts = (
        partners,
        invitations,
        agreements,
        messages,
        chargers,
        variables,
        devices,
        local_lists,
        charging,
        security,
        supply,
        ledger,
        clearing,
        streams,
        upkeep,
        publishing,
        tending,
        telling,
        watch,
        displays,
    )
    for part in parts:
        app.include_router(part.router, dependencies=[Depends(operator_only)])
    describe(app)
    return app
