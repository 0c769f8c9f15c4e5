"""A partner platform: a real HTTP server on loopback that speaks OCPI 2.2.1 and shares no code with the hub.

async with Partner(("CPO", "NL", "ABC")) as cpo:
    await cpo.register(versions_url, token_a)               # the handshake, the partner begins
    await cpo.put("locations", "NL/ABC/LOC1", {…}, to="NL/HUB")
    [push] = await cpo.hears("tokens", "PUT")               # waits until the hub has said it
    cpo.misbehave(faults.status(503), module="tokens", times=2)
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from aiohttp import web

from tests.world import ocpi
from tests.world.faults import Fault

SENDERS = ("locations", "tariffs", "tokens", "sessions", "cdrs", "commands", "chargingprofiles")
ROUTED = {*SENDERS}


@dataclass(frozen=True)
class Heard:
    """One request as it came. `path` is what follows the endpoint, `module` is `versions`, `details`, `results`, …"""

    module: str
    interface: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class _Misbehaviour:
    fault: Fault
    module: str | None
    method: str | None
    times: int | None


@dataclass
class Partner:
    """One platform with any number of parties, each `(role, country_code, party_id)`. See the module's example."""

    party: tuple[str, str, str] = ("CPO", "NL", "ABC")
    more: tuple[tuple[str, str, str], ...] = ()
    name: str = "Partner"
    version: str = "2.2.1"

    encoding: str = "base64"  # how it presents tokens: base64, raw, newline
    understands: set[str] = field(default_factory=lambda: {"base64"})  # how tokens may be presented to it
    informed: bool = False  # has a RECEIVER for hubclientinfo, and so is told who is connected
    calls_back: bool = True  # during the hub's POST /credentials, with the hub's new token (CREDENTIALS_TOKEN_B)
    grace: bool = True  # after a PUT of the hub, its old token still works
    credentials_code: int = 200
    wraps: bool = False  # wrap every single object in a list, as some libraries do
    with_ids: bool = True  # send X-Request-ID and X-Correlation-ID

    accepts: set[str] = field(default_factory=set)  # credentials tokens that the hub may present
    hub_token: str | None = None  # what this platform presents to the hub
    hub_versions: str | None = None
    hub_endpoints: dict[tuple[str, str], str] = field(default_factory=dict)
    called_back: list[int] = field(default_factory=list)  # HTTP statuses of those calls

    heard: list[Heard] = field(default_factory=list)
    kept: dict[tuple[str, str], Any] = field(default_factory=dict)  # (module, path) → what was put here
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # module → what its SENDER lists
    authorizes: dict[str, dict[str, Any]] = field(default_factory=dict)  # token uid → AuthorizationInfo
    command_result: dict[str, Any] = field(default_factory=lambda: {"result": "ACCEPTED", "timeout": 30})
    page_size: int = 50
    filters: bool = True  # keeps to date_from and date_to, by the second
    versions: list[dict[str, str]] = field(default_factory=list)
    endpoints: list[dict[str, str]] = field(default_factory=list)

    @property
    def roles(self) -> list[dict[str, Any]]:
        return [ocpi.role(*party, name=self.name) for party in (self.party, *self.more)]

    @property
    def here(self) -> str:
        """Its first party as `NL/ABC`."""
        return f"{self.party[1]}/{self.party[2]}"

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    def result_url(self, name: str = "1") -> str:
        """A response_url at this partner; what is posted there is heard as module `results`."""
        return f"{self.url}/ocpi/results/{name}"

    def issue(self) -> str:
        """A credentials token that the hub may present: CREDENTIALS_TOKEN_A when the hub is to begin."""
        token = secrets.token_urlsafe(24)
        self.accepts.add(token)
        return token

    def credentials(self, token: str) -> dict[str, Any]:
        return {"token": token, "url": self.versions_url, "roles": self.roles}

    # -- running ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._changed = asyncio.Condition()
        self._faults: list[_Misbehaviour] = []
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await self.start()
        self._client = httpx.AsyncClient(timeout=30, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._runner.cleanup()

    async def start(self, port: int = 0) -> None:
        """Listen, on the same port again after stop(port)."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()
        self.port: int = self._runner.addresses[-1][1]
        self.url = f"http://127.0.0.1:{self.port}"
        base = f"{self.url}/ocpi/{self.version}"
        self.versions = self.versions or [{"version": self.version, "url": base}]
        receivers = (*SENDERS, "hubclientinfo") if self.informed else SENDERS
        self.endpoints = self.endpoints or [
            {"identifier": "credentials", "role": "RECEIVER", "url": f"{base}/credentials"},
            *({"identifier": m, "role": "SENDER", "url": f"{self.url}/ocpi/sender/{m}"} for m in SENDERS),
            *({"identifier": m, "role": "RECEIVER", "url": f"{self.url}/ocpi/receiver/{m}"} for m in receivers),
        ]

    async def stop(self) -> int:
        """Refuse connections, as a machine that is down; gives the port for start()."""
        await self._site.stop()
        return self.port

    # -- speaking to the hub -----------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        to: str | None = None,
        from_: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request to the hub with this platform's token, ids and the routing headers that are given."""
        sent = {"Authorization": ocpi.encode(token or self.hub_token or "none", self.encoding)}
        if self.with_ids:
            sent |= {"X-Request-ID": secrets.token_hex(16), "X-Correlation-ID": secrets.token_hex(16)}
        sent |= ocpi.routing(to, from_)
        sent |= dict(headers or {})
        return await self._client.request(method, url, json=json, content=content, headers=sent)

    async def call(
        self, verb: str, module: str, path: str = "", *, role: str = "RECEIVER", **kw: Any
    ) -> httpx.Response:
        """A request to a module of the hub, found through its version details, from this partner's first party."""
        base = self.hub_endpoints[(module, role)]
        return await self.request(verb, f"{base}/{path}" if path else base, **({"from_": self.here} | kw))

    async def get(self, module: str, path: str = "", **kw: Any) -> httpx.Response:
        """GET of the hub's SENDER interface."""
        return await self.call("GET", module, path, **({"role": "SENDER"} | kw))

    async def put(self, module: str, path: str, json: Any, **kw: Any) -> httpx.Response:
        """PUT to the hub's RECEIVER interface."""
        return await self.call("PUT", module, path, json=json, **kw)

    async def patch(self, module: str, path: str, json: Any, **kw: Any) -> httpx.Response:
        return await self.call("PATCH", module, path, json=json, **kw)

    async def post(self, module: str, path: str, json: Any, **kw: Any) -> httpx.Response:
        return await self.call("POST", module, path, json=json, **kw)

    async def learn(self, versions_url: str, token: str) -> None:
        """GET versions and details of the hub."""
        listed = await self.request("GET", versions_url, token=token)
        [details] = [line["url"] for line in listed.json()["data"] if line["version"] == self.version]
        told = await self.request("GET", details, token=token)
        self.hub_versions = versions_url
        self.hub_endpoints = {(e["identifier"], e["role"]): e["url"] for e in told.json()["data"]["endpoints"]}

    @property
    def credentials_url(self) -> str:
        return next(url for (module, _), url in self.hub_endpoints.items() if module == "credentials")

    async def register(self, versions_url: str, token_a: str, *, method: str = "POST") -> httpx.Response:
        """The handshake, this platform being the Sender: versions, details, POST /credentials, keep the answer."""
        await self.learn(versions_url, token_a)
        mine = self.issue()
        answer = await self.request(method, self.credentials_url, token=token_a, json=self.credentials(mine))
        if answer.status_code in (200, 201) and answer.json()["status_code"] == 1000:
            self.hub_token = answer.json()["data"]["token"]
        return answer

    async def renew(self) -> httpx.Response:
        """PUT /credentials: new tokens both ways."""
        assert self.hub_versions is not None
        return await self.register(self.hub_versions, self.hub_token or "", method="PUT")

    # -- hearing -------------------------------------------------------------------------------------------------------

    def misbehave(
        self, fault: Fault, *, module: str | None = None, method: str | None = None, times: int | None = None
    ) -> None:
        """Answer with this fault, for one module or method only, so many times; the newest rule wins."""
        self._faults.insert(0, _Misbehaviour(fault, module, method, times))

    def behave(self) -> None:
        self._faults.clear()

    def told(self, module: str, method: str | None = None) -> list[Heard]:
        """What the hub has said so far."""
        return [h for h in self.heard if h.module == module and method in (None, h.method)]

    async def hears(self, module: str, method: str | None = None, *, count: int = 1, within: float = 30) -> list[Heard]:
        """Wait until the hub has said `count` such things; gives all of them."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(lambda: len(self.told(module, method)) >= count)
        return self.told(module, method)

    async def hears_until(self, true: Callable[[], bool], *, within: float = 30) -> None:
        """Wait until `true()` holds; looked at after each request."""
        async with asyncio.timeout(within), self._changed:
            await self._changed.wait_for(true)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        interface, module, path = _where(request.path, self.version)
        body = await request.read()
        heard = Heard(module, interface, request.method, path, dict(request.query), request.headers.copy(), body)
        async with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()
        for rule in list(self._faults):
            if rule.module in (None, module) and rule.method in (None, request.method) and rule.times != 0:
                rule.times = None if rule.times is None else rule.times - 1
                response = await rule.fault(request)
                if response is not None:
                    return response
                break
        response = await self._properly(heard)
        for name in ("X-Request-ID", "X-Correlation-ID"):
            if name in request.headers:
                response.headers[name] = request.headers[name]
        if module in ROUTED:
            for a, b in (("to", "from"), ("from", "to")):
                for part in ("country-code", "party-id"):
                    if f"OCPI-{a}-{part}" in request.headers:
                        response.headers[f"OCPI-{b}-{part}"] = request.headers[f"OCPI-{a}-{part}"]
        return response

    async def _properly(self, heard: Heard) -> web.Response:
        presented = ocpi.decode(heard.headers.get("Authorization", ""), encodings=self.understands)
        known = presented & self.accepts
        if not known:
            return web.json_response(ocpi.envelope(status_code=2000, message="who are you?"), status=401)
        if heard.module == "versions":
            return self._give(self.versions)
        if heard.module == "details":
            return self._give({"version": self.version, "endpoints": self.endpoints})
        if heard.module == "credentials":
            return await self._credentials(heard, known.pop())
        return self._sender(heard) if heard.interface == "sender" else self._receiver(heard)

    async def _credentials(self, heard: Heard, presented: str) -> web.Response:
        if heard.method == "GET":
            return self._give(self.credentials(presented))
        if heard.method == "DELETE":
            self.accepts.clear()
            self.hub_token = None
            return web.json_response(ocpi.envelope())
        offered = heard.json
        if self.calls_back:
            asked = await self.request("GET", offered["url"], token=offered["token"])
            self.called_back.append(asked.status_code)
            await self.learn(offered["url"], offered["token"])
        self.hub_token, self.hub_versions = offered["token"], offered["url"]
        self.accepts = {presented} if heard.method == "PUT" and self.grace else set()
        return self._give(self.credentials(self.issue()), code=self.credentials_code)

    def _sender(self, heard: Heard) -> web.Response:
        if heard.module == "tokens" and heard.path.endswith("/authorize"):
            info = self.authorizes.get(heard.path.removesuffix("/authorize"))
            if info is None:
                return web.json_response(ocpi.envelope(status_code=2004, message="unknown token"), status=404)
            return self._give(info)
        if heard.method != "GET":
            return web.json_response(ocpi.envelope())
        every = self.objects.get(heard.module, [])
        if heard.path:
            found = [thing for thing in every if heard.path in (thing.get("id"), thing.get("uid"))]
            return self._give(found[0]) if found else web.json_response(ocpi.envelope(status_code=2003), status=404)
        if self.filters:
            since, until = heard.query.get("date_from", ""), heard.query.get("date_to", "~")
            every = [thing for thing in every if since[:19] <= str(thing.get("last_updated", since))[:19] < until]
        offset, limit = int(heard.query.get("offset", 0)), min(int(heard.query.get("limit", 10**6)), self.page_size)
        response = web.json_response(ocpi.envelope(every[offset : offset + limit]))
        response.headers.update({"X-Total-Count": str(len(every)), "X-Limit": str(self.page_size)})
        if offset + limit < len(every):
            params = {k: v for k, v in heard.query.items() if k.startswith("date_")}
            params |= {"offset": str(offset + limit), "limit": str(limit)}
            next_ = f"{self.url}/ocpi/sender/{heard.module}?{urlencode(params)}"
            response.headers["Link"] = f'<{next_}>; rel="next"'
        return response

    def _receiver(self, heard: Heard) -> web.Response:
        place = (heard.module, heard.path)
        if heard.module in ("commands", "chargingprofiles"):
            return self._give(self.command_result)
        if heard.method == "GET":
            found = self.kept.get(place)
            return self._give(found) if found is not None else web.json_response(ocpi.envelope(), status=404)
        if heard.method == "POST" and heard.module == "cdrs":
            self.kept[("cdrs", heard.json["id"])] = heard.json
            where = f"{self.url}/ocpi/receiver/cdrs/{heard.json['id']}"
            return web.json_response(ocpi.envelope(), status=201, headers={"Location": where})
        new = place not in self.kept
        if heard.method == "DELETE":
            self.kept.pop(place, None)
        elif heard.body:
            self.kept[place] = heard.json
        return web.json_response(ocpi.envelope(), status=201 if new and heard.method == "PUT" else 200)

    def _give(self, data: Any, *, code: int = 200) -> web.Response:
        wrapped = [data] if self.wraps and not isinstance(data, list) else data
        return web.json_response(ocpi.envelope(wrapped), status=code)


def _where(path: str, version: str) -> tuple[str, str, str]:
    """(interface, module, rest) of a request's path."""
    parts = path.strip("/").split("/")
    match parts:
        case ["ocpi", "versions"]:
            return "", "versions", ""
        case ["ocpi", found] if found == version:
            return "", "details", ""
        case ["ocpi", found, "credentials"] if found == version:
            return "", "credentials", ""
        case ["ocpi", "results", *rest]:
            return "receiver", "results", "/".join(rest)
        case ["ocpi", ("sender" | "receiver") as interface, module, *rest]:
            return interface, module, "/".join(rest)
    return "", path, ""
