"""What the door learns of a request as it goes, and the journal's note of it when it is answered."""

from dataclasses import dataclass, field
from datetime import datetime

from starlette.types import Scope

from ocpi_hub.partners.journal import IN, Note
from ocpi_hub.routing.address import Target
from ocpi_hub.routing.call import query_of, tail_of
from ocpi_hub.routing.rendering import Answer
from ocpi_hub.routing.rules import REFUSED
from ocpi_hub.wire.headers import MessageIds, Routing


@dataclass(slots=True)
class Heard:
    """A request, as far as it came: whose it is, for whom, the rule that routes it, its body."""

    at: datetime
    platform_id: str | None = None
    routing: Routing = field(default_factory=Routing)
    rule: str = REFUSED
    body: bytes = b""


_NAMED = 4


def _path(scope: Scope, target: Target) -> str:
    """What follows the module, without the secret of a callback URL and without the rest of what is no URL of ours."""
    if target.stands_in:
        return f"via/{target.module}/***"
    if target.module is not None:
        return tail_of(scope)
    segments = [part for part in scope["path"].split("/") if part]
    return "/".join([*segments[:_NAMED], *(["…"] if len(segments) > _NAMED else [])])


def noted(heard: Heard, scope: Scope, target: Target, *, ids: MessageIds, answer: Answer, seconds: float) -> Note:
    """The note. To whom it was: the party that it named, else the one that answered."""
    query, path = query_of(scope), _path(scope, target)
    return Note(
        at=heard.at,
        direction=IN,
        correlation_id=ids.correlation_id or "",
        request_id=ids.request_id or "",
        platform_id=heard.platform_id,
        from_party=heard.routing.from_,
        to_party=heard.routing.to or answer.routing.from_,
        module=target.module or "",
        interface=target.interface.value if target.interface else "",
        method=scope["method"],
        path=f"{path}?{query}" if query else path,
        http_status=answer.http_status,
        ocpi_status=answer.status_code,
        milliseconds=round(seconds * 1000),
        rule=heard.rule,
        reason=answer.reason,
        request_body=heard.body,
        response_body=answer.body,
    )
