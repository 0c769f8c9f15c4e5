"""How the admin REST answers: JSON with exact numbers, one shape of error, and the operator's key at the door."""

import hmac
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

from ocpi_hub.base.resources import Resources
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import OcpiError, complaint

log = structlog.get_logger()


class File(Response):
    """A file as it is, for the OpenAPI document."""

    media_type = "application/octet-stream"


class Json(JSONResponse):
    """A JSON answer whose decimals keep every digit and whose times are RFC 3339 UTC."""

    def render(self, content: Any) -> bytes:
        # What an operator sent may stand in an error, and may have half of a surrogate pair.
        return wire_json.dumps(content).encode("utf-8", "replace")


class AdminError(Exception):
    """Something that the operator asked for cannot be done. `code` is for scripts, `message` for people."""

    def __init__(self, http_status: int, code: str, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message
        self.details = details


def not_found(what: str, name: str) -> AdminError:
    return AdminError(404, "not_found", f"there is no {what} {name}")


def rendered(http_status: int, code: str, message: str, details: Any = None) -> Json:
    """`{"error": {"code", "message", "details"}}`."""
    return Json({"error": {"code": code, "message": message, "details": details}}, status_code=http_status)


def install_errors(app: FastAPI) -> None:
    """Every error of this app leaves in the one shape."""

    @app.exception_handler(AdminError)
    async def _admin(_request: Request, error: AdminError) -> Json:
        return rendered(error.http_status, error.code, error.message, error.details)

    @app.exception_handler(OcpiError)
    async def _ocpi(_request: Request, error: OcpiError) -> Json:
        status = error.http_status if error.http_status >= 400 else 422
        return rendered(status, "invalid", str(error))

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Json:
        details = [{"field": ".".join(map(str, e["loc"][1:])), "message": complaint(e)} for e in error.errors()]
        first = details[0] if details else {"field": "", "message": "is invalid"}
        return rendered(422, "invalid", f"{first['field'] or 'body'}: {first['message']}", details)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Json:
        codes = {404: "not_found", 405: "method_not_allowed"}
        return rendered(error.status_code, codes.get(error.status_code, "error"), str(error.detail))

    @app.exception_handler(DBAPIError)
    async def _database(_request: Request, error: DBAPIError) -> Json:
        if isinstance(error, DataError) or any(said in str(error.orig) for said in _UNFIT):
            return rendered(422, "invalid", "a value cannot be kept: it has a NUL, or a number is too large")
        if getattr(error.orig, "sqlstate", None) == _NOT_UNIQUE:
            return rendered(409, "exists", "somebody made the same at this moment: look at it, then ask again")
        log.exception("admin.database_failed")
        return rendered(500, "internal", "the database refused; the log says why")

    @app.exception_handler(UnicodeEncodeError)
    async def _surrogate(_request: Request, _error: UnicodeEncodeError) -> Json:
        return rendered(422, "invalid", "a text has half of a surrogate pair: it is no Unicode")

    @app.exception_handler(Exception)
    async def _unexpected(_request: Request, _error: Exception) -> Json:
        return rendered(500, "internal", "the hub failed; its log says why")  # the framework logs it

    @app.exception_handler(wire_json.NotJson)
    async def _json(_request: Request, error: wire_json.NotJson) -> Json:
        return rendered(400, "not_json", str(error))


_NOT_UNIQUE = "23505"
_UNFIT = ("0x00", "u0000", "unsupported Unicode escape", "invalid input for query argument")
"""What the database and its driver say of values that no column can hold."""


async def operator_only(request: Request) -> None:
    """Let only the holder of OCPI_HUB_ADMIN_KEY in. Raises AdminError 401."""
    resources: Resources = request.app.state.resources
    key = resources.settings.admin_key
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    expected = key.get_secret_value() if key is not None else ""
    right = hmac.compare_digest(presented.strip().encode(), expected.encode())
    if not expected or scheme.lower() != "bearer" or not right:
        raise AdminError(401, "unauthorized", "send the admin key: Authorization: Bearer <OCPI_HUB_ADMIN_KEY>")


def resources_of(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


async def body_of(request: Request) -> dict[str, Any]:
    """The request's JSON object with exact decimals. Raises AdminError 413/422, or NotJson."""
    raw = await request.body()
    if len(raw) > resources_of(request).settings.body_limit:
        raise AdminError(413, "too_large", "the body is larger than OCPI_HUB_BODY_LIMIT")
    document = wire_json.loads(raw)
    if not isinstance(document, dict):
        raise AdminError(422, "invalid", "the body must be a JSON object")
    return document


ResourcesDep = Annotated[Resources, Depends(resources_of)]
BodyDep = Annotated[dict[str, Any], Depends(body_of)]
