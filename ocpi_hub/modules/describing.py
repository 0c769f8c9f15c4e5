"""Mounting the routes of client-owned objects, and what the OpenAPI document says of them, from a Kind.

Bodies are read by our own reader and kept as they came (modules/owned.py), so FastAPI is told of them here.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, create_model
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from ocpi_hub.modules.asking import Heard
from ocpi_hub.objects.kinds import DEFAULT_TOKEN_TYPE, Kind
from ocpi_hub.wire.types import DateTime, OcpiModel

Json = dict[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]

_PAGE: tuple[tuple[str, Json, str], ...] = (
    ("date_from", {"type": "string", "format": "date-time"}, "Only objects last updated at or after this time"),
    ("date_to", {"type": "string", "format": "date-time"}, "Only objects last updated before this time"),
    ("offset", {"type": "integer", "minimum": 0}, "How many objects to leave out at the start"),
    ("limit", {"type": "integer", "minimum": 1}, "The most objects to return"),
    ("cursor", {"type": "string"}, "From a next link only: where that page begins"),
)
_LENGTHS = {"country_code": 2, "party_id": 3}
_DONE = {"GET": "read", "PUT": "keep", "PATCH": "change", "DELETE": "remove", "POST": "add"}


class Direct(APIRoute):
    """A route that is described to FastAPI and called without it: `endpoint(request)` and its answer, sent.

    Nothing is injected, so what FastAPI does for injection on every request is left out: it cost more than keeping
    the object (docs/performance.md).
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises HTTPException 405 for a method that no route at this path has."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405)
        response: Response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def straight(router: APIRouter) -> dict[tuple[int, str], tuple[tuple[str, ...], Endpoint]]:
    """The routes that need no way to be found: how many ids stand in the URL, and the method, say which it is. Each
    with the names of its ids. Routes with words of their own in their path are not among them."""
    found: dict[tuple[int, str], tuple[tuple[str, ...], Endpoint]] = {}
    for route in router.routes:
        segments = route.path.removeprefix("/").split("/") if isinstance(route, Direct) and route.path else []
        if isinstance(route, Direct) and all(one.startswith("{") and one.endswith("}") for one in segments):
            names = tuple(one[1:-1] for one in segments)
            found |= {(len(names), method): (names, route.endpoint) for method in route.methods or ()}
    return found


def add(
    router: APIRouter,
    kind: Kind,
    verb: str,
    endpoint: Callable[[Heard], Awaitable[Response]],
    *,
    interface: str,
    depth: int | None = None,
) -> None:
    """Mount `endpoint` at the object (`depth` 0) or its child of that depth; without a depth, at the module itself."""
    levels = _levels(kind)
    names = ["country_code", "party_id"] if interface == "receiver" and depth is not None else []
    names += [name for name, _ in levels[: depth + 1]] if depth is not None else []
    model = levels[depth or 0][1]
    listed = verb == "GET" and depth is None
    extra: Json = {"parameters": _page(kind) if listed else _path(kind, names)}
    if verb in ("PUT", "PATCH", "POST"):
        extra["requestBody"] = _body(model, partial=verb == "PATCH")

    async def asked(request: Request) -> Response:
        return await endpoint(Heard(request))

    name = f"{_DONE[verb]}_{model.__name__}{'s' if listed else ''}_{interface}".lower()
    path = "".join(f"/{{{name}}}" for name in names)
    router.add_api_route(
        path,
        asked,
        methods=[verb],
        name=name,
        operation_id=name,
        response_model=None,
        responses=_responses(verb, model, listed=listed),
        openapi_extra=extra,
    )


def _levels(kind: Kind) -> list[tuple[str, type[OcpiModel]]]:
    """The name of the id in a URL and the model of each level: location_id Location, evse_uid EVSE, …"""
    own = (f"{kind.name}_{kind.key_field}".lower(), kind.model)
    return [own, *((f"{child.name}_{child.key_field}".lower(), child.model) for child in kind.children)]


def _page(kind: Kind) -> list[Json]:
    return [
        _parameter(name, "query", schema, text=text, required=kind.dated and name == "date_from")
        for name, schema, text in _PAGE
    ]


def _path(kind: Kind, names: list[str]) -> list[Json]:
    found = [
        _parameter(name, "path", {"type": "string", "minLength": 1, "maxLength": _LENGTHS.get(name, 36)}, required=True)
        for name in names
    ]
    if kind.typed:
        schema = {"type": "string", "default": DEFAULT_TOKEN_TYPE}
        found.append(_parameter("type", "query", schema, text="The token's type"))
    return found


def _body(model: type[OcpiModel], *, partial: bool) -> Json:
    schema: Json = {"$ref": f"#/components/schemas/{model.__name__}"}
    if partial:
        schema = {"type": "object", "required": ["last_updated"], "description": f"Fields of {model.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _responses(verb: str, model: type[OcpiModel], *, listed: bool) -> dict[int | str, Json]:
    if verb == "GET":
        return {200: {"model": _answer(f"{model.__name__}List" if listed else model.__name__, model, listed)}}
    created: dict[int | str, Json] = {201: {"model": Done}} if verb in ("PUT", "POST") else {}
    return {200: {"model": Done}} | created


class Done(BaseModel):
    """An answer without data (transport_and_format, "Response format")."""

    status_code: int
    status_message: str | None = None
    timestamp: DateTime


@cache
def _answer(name: str, model: type[OcpiModel], listed: bool) -> type[BaseModel]:
    """An answer with a model, or a list of it."""
    data: Any = list[model] if listed else model  # type: ignore[valid-type]
    found: type[BaseModel] = create_model(f"{name}Answer", __base__=Done, data=(data, ...))
    return found


def _parameter(name: str, place: str, schema: Json, *, text: str = "", required: bool = False) -> Json:
    found: Json = {"name": name, "in": place, "required": required, "schema": schema}
    return found | ({"description": text} if text else {})
