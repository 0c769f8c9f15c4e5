"""What every simulated platform has: a real HTTP server, both directions of the handshake, a store, and an ear.

A subclass names its role, its modules, and what it does when it is asked for something.
"""

import asyncio
import html
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from ocpi_hub.base.secrets import new_secret
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.envelope import ABSENT, envelope
from ocpi_hub.wire.headers import PartyId, encode_token, token_candidates
from ocpi_hub.wire.types import parse_datetime

Document = dict[str, Any]
VERSION = "2.2.1"


@dataclass(frozen=True, slots=True)
class Heard:
    """One request that this platform was sent. `party` is the OCPI-from party, such as `NL/HUB`."""

    at: datetime
    verb: str
    module: str
    path: str
    party: str
    document: Any


class HubSaidNo(Exception):
    """The hub answered with something else than success; the text is its own."""


class HubUnreachable(HubSaidNo):
    """The hub did not answer at all; the text says what was asked and why nothing came."""


def _phrase(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name was not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "nobody listens there"
    return "the connection broke off"


class SimulatedPlatform:
    """One platform with one party. `tell` hears a line for each thing that happens, as (kind, text)."""

    role = ""
    modules: tuple[tuple[str, str], ...] = ()
    kept_modules: tuple[str, ...] = ()

    def __init__(self, party: PartyId, name: str, *, tell: Callable[[str, str], None] | None = None) -> None:
        self.party = party
        self.name = name
        self.heard: list[Heard] = []
        self.store: dict[str, dict[str, Document]] = {module: {} for module in self.kept_modules}
        self.own: dict[str, dict[str, Document]] = {}
        self.url = ""
        self.hub: PartyId | None = None
        self.endpoints: dict[tuple[str, str], str] = {}
        self.changed = asyncio.Condition()
        self._tell = tell or (lambda _kind, _text: None)
        self._live_tokens: set[str] = set()
        self._invitations: set[str] = set()
        self._hub_token: str | None = None
        self._http: aiohttp.ClientSession | None = None

    # -- the server ----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["SimulatedPlatform"]:
        """Listen as long as the block lasts; `url` is the base URL. Port 0 takes a free one."""
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError("a simulator listens on a loopback address only")
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_get("/", self._page)
        app.router.add_route("*", "/ocpi/{tail:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        self.url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        try:
            yield self
        finally:
            await self._http.close()
            await runner.cleanup()

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    def invite(self) -> str:
        """A credentials token with which a hub may register here, once."""
        token = new_secret()
        self._invitations.add(token)
        return token

    async def _page(self, _request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>{h.at:%H:%M:%S}</td><td>{h.verb}</td><td>{html.escape(h.module)}</td>"
            f"<td>{html.escape(h.path)}</td><td>{html.escape(h.party)}</td></tr>"
            for h in reversed(self.heard[-200:])
        )
        counts = ", ".join(f"{len(kept)} {module}" for module, kept in self.store.items()) or "nothing yet"
        page = (
            "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2>"
            f"<title>{html.escape(self.name)}</title><style>body{{font:15px system-ui;margin:2rem;max-width:70rem}}"
            "table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:left;"
            "border-bottom:1px solid #ddd}</style>"
            f"<h1>{html.escape(self.name)} ({self.role} {self.party})</h1><p>Keeps {counts}.</p>"
            "<table><tr><th>at (UTC)<th>verb<th>module<th>object<th>from</tr>" + rows + "</table>"
        )
        return web.Response(text=page, content_type="text/html")

    async def _serve(self, request: web.Request) -> web.Response:
        parts = [part for part in request.match_info["tail"].split("/") if part]
        presented = token_candidates(request.headers.get("Authorization", ""))
        invited = bool(self._invitations.intersection(presented))
        known = invited or bool(self._live_tokens.intersection(presented))
        configuration = parts[:1] == ["versions"] or parts[1:] == [] or parts[1:2] == ["credentials"]
        if not known or (invited and not configuration):
            return self._reply(request, 401, status_code=2001, message="unknown credentials token")
        document: Any = None
        if request.can_read_body:
            try:
                document = wire_json.loads(await request.read())
            except wire_json.NotJson as error:
                return self._reply(request, 400, status_code=2001, message=str(error))
        if parts == ["versions"]:
            return self._reply(request, data=[{"version": VERSION, "url": f"{self.url}/ocpi/{VERSION}"}])
        if parts == [VERSION]:
            return self._reply(request, data=self._details())
        if parts == [VERSION, "credentials"]:
            return await self._credentials(request, document)
        if len(parts) >= 3 and parts[0] == VERSION:
            return await self._module(request, parts[1].upper(), parts[2], parts[3:], document)
        return self._reply(request, 404, status_code=2000, message="no such endpoint")

    def _reply(
        self, request: web.Request, status: int = 200, *, data: Any = ABSENT, status_code: int = 1000, message: str = ""
    ) -> web.Response:
        body = envelope(data, status_code=status_code, status_message=message or None, at=datetime.now(UTC))
        headers = {
            name: request.headers[name] for name in ("X-Request-ID", "X-Correlation-ID") if name in request.headers
        }
        for word, other in (("to", "from"), ("from", "to")):
            for part in ("country-code", "party-id"):
                if f"OCPI-{word}-{part}" in request.headers:
                    headers[f"OCPI-{other}-{part}"] = request.headers[f"OCPI-{word}-{part}"]
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    def _details(self) -> Document:
        endpoints = [
            {"identifier": module, "role": role, "url": f"{self.url}/ocpi/{VERSION}/{role.lower()}/{module}"}
            for module, role in self.modules
        ]
        credentials = {
            "identifier": "credentials",
            "role": "SENDER",
            "url": f"{self.url}/ocpi/{VERSION}/credentials",
        }
        return {"version": VERSION, "endpoints": [credentials, *endpoints]}

    # -- the handshake, both ways ------------------------------------------------------------------------------

    def _our_credentials(self, token: str) -> Document:
        return {
            "token": token,
            "url": self.versions_url,
            "roles": [
                {
                    "role": self.role,
                    "party_id": self.party.party_id,
                    "country_code": self.party.country_code,
                    "business_details": {"name": self.name},
                }
            ],
        }

    async def register(self, versions_url: str, credentials_token: str) -> None:
        """Register with a hub that invited us. Raises HubSaidNo with the hub's words."""
        await self._learn(versions_url, credentials_token)
        mine = new_secret()
        self._live_tokens.add(mine)
        try:
            answer = await self._ask(
                "POST",
                self.endpoints[("credentials", "")],
                token=credentials_token,
                document=self._our_credentials(mine),
            )
        except HubSaidNo:
            self._live_tokens.discard(mine)
            raise
        self._accept(answer)
        self._tell("handshake", f"registered with {self.hub}")

    async def _credentials(self, request: web.Request, document: Any) -> web.Response:
        registered = self._hub_token is not None
        presented = token_candidates(request.headers.get("Authorization", ""))
        if request.method == "GET":
            token = next((t for t in presented if t in self._live_tokens | self._invitations), "")
            return self._reply(request, data=self._our_credentials(token))
        if request.method not in ("POST", "PUT", "DELETE") or (request.method == "POST") == registered:
            return self._reply(request, 405, status_code=2000, message="not allowed in this state")
        if request.method == "DELETE":
            self._live_tokens.clear()
            self._hub_token = None
            return self._reply(request)
        try:
            await self._learn(document["url"], document["token"])
        except (HubSaidNo, KeyError, aiohttp.ClientError) as error:
            return self._reply(request, status_code=3001, message=f"cannot read your versions: {error}")
        self._accept(document)
        mine = new_secret()
        self._live_tokens = {mine}
        self._invitations.difference_update(presented)
        self._tell("handshake", f"{self.hub} registered here")
        async with self.changed:
            self.changed.notify_all()
        return self._reply(request, data=self._our_credentials(mine))

    async def _learn(self, versions_url: str, token: str) -> None:
        versions = await self._ask("GET", versions_url, token=token)
        url = next((v["url"] for v in versions if v["version"] == VERSION), None)
        if url is None:
            raise HubSaidNo(f"no OCPI {VERSION} at {versions_url}")
        details = await self._ask("GET", url, token=token)
        self.endpoints = {(e["identifier"], e["role"]): e["url"].rstrip("/") for e in details["endpoints"]}
        found = next((e["url"] for e in details["endpoints"] if e["identifier"] == "credentials"), None)
        if found is None:
            raise HubSaidNo("the hub offers no credentials module")
        self.endpoints[("credentials", "")] = found

    def _accept(self, credentials: Document) -> None:
        self._hub_token = credentials["token"]
        hub = next(role for role in credentials["roles"] if role["role"] == "HUB")
        self.hub = PartyId(hub["country_code"], hub["party_id"])

    # -- saying and hearing ------------------------------------------------------------------------------------------

    async def say(
        self, verb: str, module: str, role: str, path: str, document: Any = None, *, to: PartyId | None = None
    ) -> Any:
        """Send a request to the hub's endpoint of a module, for `to` (the hub itself unless given)."""
        url = self.endpoints.get((module, role))
        if url is None or self.hub is None:
            raise HubSaidNo(f"the hub offers no {module} as {role}")
        target = to or self.hub
        routing = {
            "OCPI-to-country-code": target.country_code,
            "OCPI-to-party-id": target.party_id,
            "OCPI-from-country-code": self.party.country_code,
            "OCPI-from-party-id": self.party.party_id,
        }
        return await self._ask(verb, url + path, token=self._hub_token or "", document=document, headers=routing)

    async def post_to(self, url: str, document: Document) -> Any:
        """POST to a URL that the hub named, such as a response_url."""
        return await self._ask("POST", url, token=self._hub_token or "", document=document)

    async def _ask(
        self, verb: str, url: str, *, token: str, document: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        if self._http is None:
            raise RuntimeError("the simulated platform is not serving")
        sent = {
            "Authorization": encode_token(token),
            "X-Request-ID": str(uuid4()),
            "X-Correlation-ID": str(uuid4()),
            **(headers or {}),
        }
        body = None
        if document is not None:
            sent["Content-Type"] = "application/json"
            body = wire_json.dumps(document).encode()
        try:
            async with self._http.request(verb, url, data=body, headers=sent, allow_redirects=False) as response:
                raw = await response.read()
        except aiohttp.InvalidURL:
            raise HubSaidNo(f"{url} is not a URL") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise HubUnreachable(f"{verb} {url}: {_phrase(error)}") from error
        try:
            answer = wire_json.loads(raw)
        except wire_json.NotJson:
            raise HubSaidNo(f"{verb} {url}: HTTP {response.status}, not OCPI") from None
        if response.status >= 300 or not 1000 <= int(answer.get("status_code", 0)) < 2000:
            message = answer.get("status_message") or ""
            raise HubSaidNo(f"{verb} {url}: HTTP {response.status}, {answer.get('status_code')} {message}".rstrip())
        return answer.get("data")

    async def _module(
        self, request: web.Request, role: str, module: str, path: list[str], document: Any
    ) -> web.Response:
        if (module, role) not in self.modules:
            return self._reply(request, 404, status_code=2000, message=f"no {module} as {role} here")
        party = "/".join(request.headers.get(f"OCPI-from-{part}", "") for part in ("country-code", "party-id"))
        self.heard.append(Heard(datetime.now(UTC), request.method, module, "/".join(path), party.strip("/"), document))
        reply = await self.hear(request, role, module, path, document)
        async with self.changed:
            self.changed.notify_all()
        return reply

    async def hear(self, request: web.Request, role: str, module: str, path: list[str], document: Any) -> web.Response:
        """Answer a request for one of our modules: lists and objects of our own, and what others push to us."""
        if role == "SENDER" and request.method == "GET":
            return self._sender_get(request, module, path)
        if role == "RECEIVER" and module in self.store:
            return self._receive(request, module, path, document)
        return self._reply(request, 405, status_code=2000, message=f"{request.method} is not for {module}")

    def _sender_get(self, request: web.Request, module: str, path: list[str]) -> web.Response:
        objects = self.own.get(module, {})
        if path:
            found = objects.get(path[0].lower())
            if found is None:
                return self._reply(request, 404, status_code=2003, message=f"no {module} {path[0]}")
            return self._reply(request, data=found)
        offset, limit = int(request.query.get("offset", 0)), min(int(request.query.get("limit", 50)), 50)
        matching = [one for one in objects.values() if _within(one, request)]
        reply = self._reply(request, data=matching[offset : offset + limit])
        reply.headers["X-Total-Count"], reply.headers["X-Limit"] = str(len(matching)), "50"
        if offset + limit < len(matching):
            following = request.url.with_scheme("http").update_query(offset=offset + limit, limit=limit)
            reply.headers["Link"] = f'<{following}>; rel="next"'
        return reply

    def _receive(self, request: web.Request, module: str, path: list[str], document: Any) -> web.Response:
        kept = self.store[module]
        if request.method == "POST" and module == "cdrs":
            key = f"{document['country_code']}/{document['party_id']}/{document['id']}".lower()
            known, kept[key] = key in kept, document
            self._tell("cdr", f"received CDR {document['id']}")
            reply = self._reply(request, 200 if known else 201)
            reply.headers["Location"] = f"{self.url}/ocpi/{VERSION}/receiver/cdrs/{key}"
            return reply
        key = "/".join(path[:3]).lower()
        if request.method == "GET":
            if key not in kept:
                return self._reply(request, 404, status_code=2003, message=f"no {module} {key}")
            return self._reply(request, data=kept[key])
        if request.method == "PUT" and len(path) == (2 if module == "hubclientinfo" else 3):
            known, kept[key] = key in kept, document
            self._tell(module, self.describe(module, document))
            return self._reply(request, 200 if known else 201)
        if request.method == "DELETE" and module == "tariffs":
            return self._reply(request, 200 if kept.pop(key, None) else 404)
        return self._reply(request, 405, status_code=2000, message=f"{request.method} is not for {module}")

    def describe(self, module: str, document: Document) -> str:
        """One line for the live view."""
        if module == "locations":
            evses = ", ".join(f"{e.get('evse_id') or e['uid']} {e['status']}" for e in document.get("evses") or [])
            return f"sees {document.get('name') or document['id']}: {evses or 'no EVSE'}"
        if module == "sessions":
            return f"sees session {document['status']}, {document['kwh']} kWh"
        if module == "hubclientinfo":
            party = f"{document['country_code']}/{document['party_id']}"
            return f"sees {party} {document['role']} {document['status']}"
        return f"received {module} {document.get('id') or document.get('uid')}"

    async def until(self, true: Callable[[], bool], *, within: float) -> None:
        """Wait until `true()` holds; looked at after each request. Raises TimeoutError."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(true)


def _within(document: Document, request: web.Request) -> bool:
    """Whether an object was last updated between the query's date_from and date_to."""
    when = parse_datetime(document["last_updated"])
    date_from, date_to = request.query.get("date_from"), request.query.get("date_to")
    after = date_from is None or when >= parse_datetime(date_from)
    return after and (date_to is None or when < parse_datetime(date_to))
