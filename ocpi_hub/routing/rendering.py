"""The answer of every request: its two ids, its routing headers, and every error in one envelope.

Errors are rendered here and nowhere else: our own tree, those of the web framework, and whatever nobody expected.
"""

from collections.abc import Mapping

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Message, Send

from ocpi_hub.base.database import is_away
from ocpi_hub.base.resources import Clock
from ocpi_hub.routing.call import Passed
from ocpi_hub.routing.reading import Overflow
from ocpi_hub.wire.envelope import envelope
from ocpi_hub.wire.errors import (
    BadJson,
    GenericClientError,
    InvalidParameters,
    MethodNotAllowed,
    NotFound,
    OcpiError,
    ServerError,
)
from ocpi_hub.wire.headers import MessageIds, Routing

log = structlog.get_logger()

_SHOWN = 5


class Answer:
    """Sends one answer. `routing` is what its headers will say, once it is known; `status_code` is OCPI's. For the
    journal: the `body`, or what was sent first of it, and the `reason` of an error."""

    def __init__(self, send: Send, *, ids: MessageIds, clock: Clock) -> None:
        self._send = send
        self._ids = ids
        self._clock = clock
        self.routing = Routing()
        self.authenticated = False
        self.started = False
        self.http_status = 0
        self.status_code = 1000
        self.reason: str | None = None
        self.body = b""

    async def send(self, message: Message) -> None:
        """The ASGI send of the app: our headers join at the start of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            self.http_status = message["status"]
            ours = self._ids.headers() | self.routing.headers()
            extra = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in ours.items()]
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        elif not self.body:
            self.body = message.get("body", b"")
        await self._send(message)

    async def pass_on(self, passed: Passed) -> None:
        """Answer with what a partner answered, byte for byte."""
        self.routing, self.status_code = passed.routing, passed.status_code
        fields = {"content-type": "application/json", "content-length": str(len(passed.body)), **passed.headers}
        await self._whole(passed.http_status, fields, passed.body)

    async def fail(self, raised: Exception) -> None:
        """Answer with an error. What is no error of OCPI is logged; the caller learns only the correlation id.

        Status codes: a request of an authenticated platform to something that exists "MUST NOT" get an HTTP error,
        so a failure of ours is HTTP 200 with 3000; only where we could not even authenticate it is HTTP 500.
        """
        error, headers = as_ocpi(raised)
        if error is None:
            if is_away(raised):  # one line each: an outage has many of them and one reason
                log.error("request.no_database", error=type(raised).__name__)
            else:
                log.error("request.failed", exc_info=raised)
            error = ServerError("the hub failed; its operator finds the reason under this correlation id")
            if not self.authenticated:
                error.http_status = 500
        if self.started:
            log.warning("request.cut_off", status_code=error.status_code)
            raise raised
        self.status_code, self.reason = error.status_code, error.message
        body = envelope(error.data, status_code=error.status_code, status_message=error.message, at=self._clock())
        fields = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        await self._whole(error.http_status, fields, body)

    async def _whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})
        await self.send({"type": "http.response.body", "body": body})


def as_ocpi(raised: Exception) -> tuple[OcpiError | None, Mapping[str, str]]:
    """The OCPI error that says it, and headers that belong to it; None for what nobody expected."""
    match raised:
        case OcpiError(http_status=401):
            return raised, {"www-authenticate": "Token"}
        case Overflow() | OcpiError(http_status=408):
            return raised, {"connection": "close"}  # nobody will read the rest of that body
        case OcpiError():
            return raised, {}
        case RequestValidationError():
            return _invalid(raised), {}
        case HTTPException(status_code=404):
            return NotFound("there is nothing at this URL"), {}
        case HTTPException(status_code=405):
            allow = (raised.headers or {}).get("Allow")
            return MethodNotAllowed("this method is not part of this interface"), {"allow": allow} if allow else {}
        case HTTPException(status_code=400):
            return BadJson("the body cannot be read"), {}
        case HTTPException(status_code=status) if status < 500:
            return GenericClientError(str(raised.detail), http_status=status), {}
    return None, {}


def _invalid(raised: RequestValidationError) -> OcpiError:
    """A parameter of the wrong shape: 2001 that names it. Values are never repeated."""
    found = raised.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return BadJson("the body is not JSON")
    said = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {_lowered(one['msg'])}" for one in found[:_SHOWN]]
    return InvalidParameters("; ".join(said))


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
