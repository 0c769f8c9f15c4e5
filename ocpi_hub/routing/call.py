"""One message that came in at the door, and the answer to it when a partner gave that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.types import Scope

from ocpi_hub.partners.directory import Caller
from ocpi_hub.routing.address import Target
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId, Routing

_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F))
_VISIBLE = re.compile(rb"[!-~]*")
_MODULE_ENDS = 4  # /ocpi/2.2.1/{interface}/{module}


@dataclass(frozen=True)
class Call:
    """A message to a functional module. `path` is what follows the module's URL and `query` what follows the `?`,
    both as they came; `headers` have lower-case names. `caller` None: one of our own chargers asks. `rule` is what
    routes it (rules.py), for the journal."""

    method: str
    target: Target
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]
    caller: Caller | None
    routing: Routing
    correlation_id: str
    request_id: str | None = None
    rule: str = "direct"

    @property
    def from_(self) -> PartyId:
        """Whom it is from; the door lets nothing in to a functional module without."""
        assert self.routing.from_ is not None
        return self.routing.from_

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body, read. Raises BadJson, or InvalidParameters when it is not an object or has two members of one name:
        the bytes go on as they came, and of doubled names some receivers take the first."""
        found = wire_json.loads(self.body, unique=True)
        if not isinstance(found, dict):
            raise InvalidParameters("the body must be a JSON object")
        return found


@dataclass(frozen=True, slots=True)
class Passed:
    """A partner's answer on its way back: what is sent to the caller, whom it is from and whom it is to."""

    http_status: int
    status_code: int
    body: bytes
    data: Any
    routing: Routing
    headers: dict[str, str] = field(default_factory=dict)


def tail_of(scope: Scope) -> str:
    """What follows the module in the request's path, as it came; slashes at the end and double ones mean nothing."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    parts = [part for part in raw.partition(b"?")[0].split(b"/") if part]
    return _written(b"/".join(parts[_MODULE_ENDS:]))


def query_of(scope: Scope) -> str:
    """The query as it came."""
    return _written(scope.get("query_string", b""))


def _written(raw: bytes) -> str:
    """Bytes of a URL as text; what cannot stand in one is encoded."""
    return raw.decode("ascii") if _VISIBLE.fullmatch(raw) else quote(raw, safe=_AS_IT_IS)
