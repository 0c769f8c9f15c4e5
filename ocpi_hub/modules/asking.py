"""What an endpoint may ask for, as FastAPI dependencies, and the one way in which it answers.

The door has put the caller, the routing and the ids into the request; here they become typed arguments.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypedDict, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.directory import Caller
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.envelope import ABSENT, envelope
from ocpi_hub.wire.errors import InvalidParameters, from_validation
from ocpi_hub.wire.headers import Routing

M = TypeVar("M", bound=BaseModel)


class Origin(TypedDict):
    """What is known of where a change comes from."""

    source: str | None
    at: datetime
    correlation_id: str


# All of these are async although they wait for nothing: FastAPI would send plain functions through its thread pool.


async def _resources(request: Request) -> Resources:
    resources: Resources = request.state.resources
    return resources


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _routing(request: Request) -> Routing:
    routing: Routing = request.state.routing
    return routing


async def _correlation(request: Request) -> str:
    correlation_id: str = request.state.correlation_id
    return correlation_id


async def _body(request: Request) -> bytes:
    return await request.body()


async def _document(request: Request) -> dict[str, Any]:
    return read_document(await request.body())


async def _work(resources: Annotated[Resources, Depends(_resources)]) -> AsyncIterator[AsyncSession]:
    async with resources.unit_of_work() as db:
        yield db


ResourcesDep = Annotated[Resources, Depends(_resources)]
CallerDep = Annotated[Caller, Depends(_caller)]
"""The authenticated platform with its parties."""
RoutingDep = Annotated[Routing, Depends(_routing)]
"""To whom and from whom; on a functional module `from_` is always a party of the caller's platform."""
CorrelationDep = Annotated[str, Depends(_correlation)]
BodyDep = Annotated[bytes, Depends(_body)]
"""The body as it came."""
DocumentDep = Annotated[dict[str, Any], Depends(_document)]
"""The body, which must be a JSON object: fractions are Decimals, nothing is lost or validated."""
WorkDep = Annotated[AsyncSession, Depends(_work, scope="function")]
"""One transaction, committed before the answer leaves; an exception rolls it back."""


class Heard:
    """One request to a route that asks FastAPI for nothing (describing.Direct), as the door let it in."""

    __slots__ = ("_state", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self._state: dict[str, Any] = request.scope["state"]

    @property
    def resources(self) -> Resources:
        resources: Resources = self._state["resources"]
        return resources

    @property
    def caller(self) -> Caller:
        caller: Caller = self._state["caller"]
        return caller

    @property
    def routing(self) -> Routing:
        """To whom and from whom; on a functional module `from_` is always a party of the caller's platform."""
        routing: Routing = self._state["routing"]
        return routing

    @property
    def correlation_id(self) -> str:
        correlation_id: str = self._state["correlation_id"]
        return correlation_id

    @property
    def origin(self) -> Origin:
        """Whose platform says it, when, and under which correlation id: what delivery.publish asks for."""
        return {
            "source": self.caller.platform.id,
            "at": self.resources.clock(),
            "correlation_id": self.correlation_id,
        }

    async def document(self) -> dict[str, Any]:
        """The body, which must be a JSON object; as DocumentDep."""
        return read_document(await self.request.body())


def read_document(raw: bytes) -> dict[str, Any]:
    """A body as a document. Raises BadJson, or InvalidParameters when it is not an object."""
    document = wire_json.loads(raw)
    if not isinstance(document, dict):
        raise InvalidParameters("the body must be a JSON object")
    return document


def read_model(model: type[M], document: Mapping[str, Any]) -> M:
    """The document as this model. Raises InvalidParameters that names the fields."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from None


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` for an endpoint that reads its body itself: what the body should be."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def answer(
    resources: Resources, data: Any = ABSENT, *, http_status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A success. `data` as for wire.envelope: a document, a model, Raw text, a list of them; ABSENT leaves it out."""
    body = envelope(data, at=resources.clock())
    return Response(body, status_code=http_status, headers=headers, media_type="application/json")
