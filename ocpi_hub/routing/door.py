"""The door in front of every OCPI route: who calls, with which ids, from whom and to whom; then the route, or an error.

ASGI, because it must hold for what no route sees: unknown paths, wrong methods, bodies that are too large. It puts
`caller`, `routing`, `request_id`, `correlation_id` and `resources` into the request's state.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import lru_cache
from time import perf_counter
from types import MappingProxyType
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from ocpi_hub.base.metrics import LATENCY, REQUESTS
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import keyring, presence
from ocpi_hub.partners.directory import Caller, Directory
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.journal import Journal
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing import opening, proxies
from ocpi_hub.routing.address import Here, Nobody, Target, There, address
from ocpi_hub.routing.authorize import ask_everyone
from ocpi_hub.routing.call import Call, Passed, query_of, tail_of
from ocpi_hub.routing.checks import require_own
from ocpi_hub.routing.direct import direct
from ocpi_hub.routing.heard import Heard, noted
from ocpi_hub.routing.reading import body_of, check_query, headers_of, segments_of
from ocpi_hub.routing.rendering import Answer
from ocpi_hub.routing.rules import rule_of
from ocpi_hub.wire.errors import (
    GenericClientError,
    HubError,
    InvalidParameters,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
)
from ocpi_hub.wire.headers import MessageIds, PartyId, Routing
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, ModuleId, Role

log = structlog.get_logger()

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_MODULES = frozenset(ModuleId) | {"versions", "details"}

Straight = tuple[tuple[str, ...], Callable[[Request], Awaitable[Response]]]
Place = tuple[str | None, InterfaceRole | None, int, str]


class Door:
    """Wraps the app that holds the OCPI routes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        resources: Resources,
        served: Collection[tuple[str, InterfaceRole]] = (),
        straight: Mapping[Place, Straight] = MappingProxyType({}),
    ) -> None:
        """`served` are the modules that parties of our own chargers have. `straight` are routes of the app that are
        called without asking it: by module, interface, the number of ids in the URL, and method; with the names of
        the ids. The app's own way to a route costs a seventh of a PUT."""
        self._app = app
        self._served, self._straight = served, straight
        self._resources = resources
        self._directory = resources.one(Directory)
        self._journal = resources.one(Journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one answer in the envelope, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        headers = headers_of(scope)
        given = MessageIds.read(headers)
        ids = MessageIds(given.request_id or str(uuid4()), given.correlation_id or str(uuid4()))
        answer = Answer(send, ids=ids, clock=self._resources.clock)
        target, heard = Target(None), Heard(self._resources.clock())
        # Each request runs in a context of its own, which may begin as that of the request before it.
        clear_contextvars()
        bind_contextvars(request_id=ids.request_id, correlation_id=ids.correlation_id)
        try:
            segments = segments_of(scope)
            target = Target.read(segments[1:])
            scope["path"] = target.path(segments)
            scope["state"] = dict(scope.get("state") or {}) | {
                "resources": self._resources,
                "request_id": ids.request_id,
                "correlation_id": ids.correlation_id,
            }
            await self._serve(scope, receive, headers=headers, target=target, answer=answer, heard=heard)
        except Exception as error:
            await answer.fail(error)
        finally:
            seconds = perf_counter() - began
            _count(scope["method"], target, answer, seconds=seconds)
            self._journal.note(noted(heard, scope, target, ids=ids, answer=answer, seconds=seconds))

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        *,
        headers: dict[str, str],
        target: Target,
        answer: Answer,
        heard: Heard,
    ) -> None:
        caller = await self._let_in(headers, target)
        answer.authenticated = True
        heard.platform_id = caller.platform.id
        scope["state"]["caller"] = caller
        if target.module is None:
            raise NotFound("there is nothing at this URL")
        check_query(scope)
        routing = self._routing(headers, caller) if target.routed else Routing()
        scope["state"]["routing"] = routing
        snapshot = await self._directory.now()
        if target.routed:
            answer.routing = Routing(to=routing.from_, from_=snapshot.hub)
        heard.routing, heard.rule = routing, rule_of(target, scope["method"], routing, snapshot)
        body = heard.body = await body_of(receive, headers, limit=self._resources.settings.body_limit)
        if target.routed or target.stands_in:
            call = Call(
                method=scope["method"],
                target=target,
                path=tail_of(scope),
                query=query_of(scope),
                body=body,
                headers=headers,
                caller=caller,
                routing=routing,
                correlation_id=scope["state"]["correlation_id"],
                request_id=scope["state"]["request_id"],
                rule=heard.rule,
            )
            passed = await self._pass(call, snapshot, answer)
            if passed is not None:
                await answer.pass_on(passed)
                return
        route = self._straight.get((target.module, target.interface, len(target.rest), scope["method"]))
        if route is None:
            await self._app(scope, _once(body, receive), answer.send)
            return
        names, endpoint = route
        scope["path_params"] = dict(zip(names, target.rest, strict=True))
        response = await endpoint(Request(scope, _once(body, receive)))
        await response(scope, receive, answer.send)

    async def _pass(self, call: Call, snapshot: Snapshot, answer: Answer) -> Passed | None:
        """The answer of whom the call is for; None when that is the hub, or a party of our own chargers."""
        if call.target.stands_in:
            return await proxies.serve(self._resources, call)
        found: opening.Found = address(call.target, call.routing, snapshot)
        if found == Here(snapshot.hub):
            found = await opening.find(self._resources, call, snapshot)
        match found:
            case There() if call.method not in _METHODS:
                raise MethodNotAllowed("this method is not part of OCPI")
            case There():
                return await direct(self._resources, call, found, snapshot)
            case opening.Everyone(only):
                return await ask_everyone(self._resources, call, snapshot, only=only)
            case Nobody(error):
                raise error
            case Here(party):
                answer.routing = Routing(to=call.routing.from_, from_=party)
                if party in snapshot.hosted:
                    self._require_theirs(call, party)
        return None

    def _require_theirs(self, call: Call, party: PartyId) -> None:
        """A party of our own chargers is spoken to as any other CPO: in the name of the sender only, and on what a CPO
        offers. Raises what the checks find, and HubError (R9)."""
        require_own(call)
        module, interface = call.target.module or "", call.target.interface
        assert interface is not None
        if (module, interface) not in self._served or not serves(Role.CPO, module, interface):
            raise HubError(f"{party} does not offer {module} {interface.value}")

    async def _let_in(self, headers: dict[str, str], target: Target) -> Caller:
        """The platform that calls. Raises NotAuthenticated, or GenericClientError (HTTP 403) when it is suspended."""
        caller = await self._directory.authenticate(headers.get("authorization"))
        if caller is None:
            raise NotAuthenticated("the credentials token is missing or unknown")
        bind_contextvars(platform=caller.platform.id)
        if caller.purpose != keyring.LIVE and not target.opens_to_invited:
            raise NotAuthenticated("this credentials token opens versions and credentials only")
        offline = caller.platform.status is ConnectionStatus.OFFLINE
        await presence.heard_from(self._resources, caller.platform.id, offline=offline)
        if target.opens_to_invited:
            return caller
        if not caller.adopted:
            await keyring.adopt(self._resources, caller)
        if caller.platform.status is ConnectionStatus.SUSPENDED:
            raise GenericClientError("this connection is suspended; ask the hub's operator", http_status=403)
        return caller

    def _routing(self, headers: dict[str, str], caller: Caller) -> Routing:
        """To and from; `from_` as the party registered itself. Raises InvalidParameters when it is not the caller's.

        A platform with one party may leave the from headers out: then there is nothing to tell apart.
        """
        routing = Routing.read(headers)
        if routing.from_ is None:
            own = {entry.party for entry in caller.parties}
            if len(own) != 1:
                raise InvalidParameters(
                    "OCPI-from-country-code, OCPI-from-party-id: are required, for your platform has several parties"
                )
            return Routing(to=routing.to, from_=own.pop())
        party = caller.speaks_for(routing.from_)
        if party is None:
            raise InvalidParameters(
                f"OCPI-from-country-code, OCPI-from-party-id: {routing.from_} is not a party of your platform"
            )
        return Routing(to=routing.to, from_=party)


def _once(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, and then whatever the server says."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _count(method: str, target: Target, answer: Answer, *, seconds: float) -> None:
    module = target.module if target.module in _MODULES else "other"
    interface = target.interface.value.lower() if target.interface else ""
    verb = method if method in _METHODS else "other"
    _counter(module, interface, verb, answer.http_status, answer.status_code).inc()
    _histogram(module, verb).observe(seconds)


# What a set of labels counts is found once: looking it up costs more than counting.


@lru_cache(maxsize=4096)
def _counter(module: str, interface: str, verb: str, http_status: int, status_code: int) -> Counter:
    return REQUESTS.labels(module, interface, verb, str(http_status), str(status_code))


@lru_cache(maxsize=1024)
def _histogram(module: str, verb: str) -> Histogram:
    return LATENCY.labels(module, verb)
