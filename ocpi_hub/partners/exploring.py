"""What a platform offers, as it says itself: GET versions, GET details (version_information_endpoint.asciidoc).

Reads and judges; keeps nothing. Forgiving where partners differ: unknown versions, unknown modules, roles on
`credentials`, `clientinfo` for hubclientinfo, single objects in a list.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, ValidationError

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.speaking import unwrapped
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told, Unreachable
from ocpi_hub.partners.guard import Guard, url_problem
from ocpi_hub.partners.journal import About
from ocpi_hub.wire.errors import NoMatchingEndpoints, ServerError, UnableToUseApi, UnsupportedVersion, from_validation
from ocpi_hub.wire.parties import Endpoint, InterfaceRole, ModuleId, Version

log = structlog.get_logger()

OURS = ("2.2.1",)
"""The versions that we speak, best first."""
FUNCTIONAL = frozenset(ModuleId) - {ModuleId.CREDENTIALS, ModuleId.HUB_CLIENT_INFO}
_ALIASES = {"clientinfo": ModuleId.HUB_CLIENT_INFO.value}
MOST_ENDPOINTS = 200
_SHOWN = 10

Step = Literal["url", "versions", "details", "endpoints", "credentials", "parties"]
M = TypeVar("M", bound=BaseModel)


class HandshakeFailed(Exception):
    """A handshake came to an end at `step`. `reason` is a sentence, for the operator and for the partner.

    `kind` is the OCPI error that says it (3001, 3002, 3003); `http_status` and `ocpi_status` are what the partner
    answered, where it answered; `refused`: it clearly said no, so nothing has changed on its side.
    """

    def __init__(
        self, step: Step, reason: str, *, kind: type[ServerError] = UnableToUseApi, answered: Result | None = None
    ) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason
        self.kind = kind
        self.http_status = answered.http_status if answered is not None else None
        self.ocpi_status = answered.ocpi_status if isinstance(answered, Refused) else None
        self.refused = isinstance(answered, Refused)

    @property
    def details(self) -> dict[str, Any]:
        """For the admin REST."""
        return {"step": self.step, "http_status": self.http_status, "ocpi_status": self.ocpi_status}


@dataclass(frozen=True, slots=True)
class Explored:
    """A platform that we can work with. `endpoints` is (module, interface role) → URL as it was given."""

    versions_url: str
    version: str
    credentials_url: str
    endpoints: Mapping[tuple[str, str], str]
    token_encoding: str
    wraps_objects: bool
    credentials_token: str = field(repr=False)


async def explore(
    resources: Resources,
    versions_url: str,
    credentials_token: str,
    *,
    first_encoding: str = "base64",
    only_version: str | None = None,
) -> Explored:
    """Ask a platform for its versions and for the endpoints of the best one that we share.

    `only_version` restricts the choice, for POST and PUT /credentials belong to one version. The encoding of the
    credentials token is found by trial, `first_encoding` first. Raises HandshakeFailed.
    """
    await _check_url(resources, versions_url, step="versions", name="the versions URL")
    told = await _first_call(resources, versions_url, credentials_token, first_encoding)
    version = _choose(_read_many(Version, told.answer.data), (only_version,) if only_version else OURS)
    await _check_url(resources, version.url, step="details", name=f"the URL of version {version.version}")
    result = await resources.one(PartnerClient).call(
        "GET",
        version.url,
        credentials_token=credentials_token,
        encoding=told.token_encoding,
        about=About("handshake", "details"),
    )
    data = _told("details", f"GET {version.url}", result).answer.data
    details = _details(data)
    endpoints = await _endpoints(resources, details)
    return Explored(
        versions_url=versions_url,
        version=version.version,
        credentials_url=_required(endpoints),
        endpoints=endpoints,
        token_encoding=told.token_encoding,
        wraps_objects=isinstance(data, list),
        credentials_token=credentials_token,
    )


async def _first_call(resources: Resources, url: str, credentials_token: str, first: str) -> Told:
    """GET versions, with the token presented in one way and then in the other ("trial and error").

    Not every platform answers a token that it cannot read with 401: some say 400 or 403, some fall over.
    """
    results = []
    for encoding in ("raw", "base64") if first == "raw" else ("base64", "raw"):
        result = await resources.one(PartnerClient).call(
            "GET",
            url,
            credentials_token=credentials_token,
            encoding=encoding,
            about=About("handshake", "versions"),
        )
        results.append(result)
        if isinstance(result, Told) or result.http_status not in (400, 401, 403, 500):
            break
    return _told("versions", f"GET {url}", results[-1] if isinstance(results[-1], Told) else results[0])


def _told(step: Step, what: str, result: Result) -> Told:
    match result:
        case Told():
            return result
        case Refused():
            raise HandshakeFailed(step, f"{what}: {result.message}", answered=result)
        case Unreachable():
            raise HandshakeFailed(step, f"{what}: {result.reason}", answered=result)


def _read_many(model: type[M], data: Any) -> list[M]:
    """The good ones of a list; what cannot be read is left out (transport_and_format, GET)."""
    found = []
    for one in data if isinstance(data, list) else []:
        try:
            found.append(model.model_validate(one))
        except ValidationError as error:
            log.info("partner.skipped", what=model.__name__, reason=from_validation(error).message)
    return found


def _choose(offered: list[Version], wanted: tuple[str, ...]) -> Version:
    if not offered:
        raise HandshakeFailed("versions", "the answer is not a list of versions")
    for version in wanted:
        for one in offered:
            if one.version.strip() == version:
                return one
    listed = ", ".join(one.version for one in offered[:_SHOWN])
    raise HandshakeFailed("versions", f"needed {' or '.join(wanted)}, found {listed}", kind=UnsupportedVersion)


def _details(data: Any) -> list[Endpoint]:
    data = unwrapped(data)
    if not isinstance(data, Mapping) or not isinstance(data.get("endpoints"), list):
        raise HandshakeFailed("details", "the answer has no list of endpoints")
    return _read_many(Endpoint, data["endpoints"][:MOST_ENDPOINTS])


async def _endpoints(resources: Resources, offered: list[Endpoint]) -> dict[tuple[str, str], str]:
    """What they offer by (module, role); the first one counts. A module that we know needs a URL that we may call."""
    found: dict[tuple[str, str], str] = {}
    for endpoint in offered:
        module = _ALIASES.get(str(endpoint.identifier).lower(), str(endpoint.identifier).lower())
        known = module in frozenset(ModuleId)
        if module == ModuleId.CREDENTIALS:
            role = InterfaceRole.SENDER.value  # says nothing on this module (version_information_endpoint, NOTE)
        elif endpoint.role is not None:
            role = str(endpoint.role).upper()
        else:
            log.info("partner.skipped", what="Endpoint", reason="no role", module=module)
            continue
        if known:
            await _check_url(resources, endpoint.url, step="endpoints", name=f"the URL of {module} {role}")
        found.setdefault((module, role), endpoint.url)
    return found


def _required(endpoints: Mapping[tuple[str, str], str]) -> str:
    """The credentials endpoint; without it, or without any module beside it, there is nothing to connect."""
    credentials_url = endpoints.get((ModuleId.CREDENTIALS, InterfaceRole.SENDER))
    if credentials_url is None:
        raise HandshakeFailed("endpoints", "there is no credentials endpoint", kind=NoMatchingEndpoints)
    if not any(module in FUNCTIONAL for module, _ in endpoints):
        raise HandshakeFailed("endpoints", "there is no module beside credentials", kind=NoMatchingEndpoints)
    return credentials_url


async def _check_url(resources: Resources, url: str, *, step: Step, name: str) -> None:
    problem = await problem_with(resources, url)
    if problem is not None:
        raise HandshakeFailed(step, f"{name}: {problem}")


async def problem_with(resources: Resources, url: str) -> str | None:
    """Why we would not call this URL, as one phrase; None when we would.

    https to the public internet; http only inside OCPI_HUB_PARTNER_NETWORKS. Whatever is said here, the guard
    judges every address again when it is connected to.
    """
    problem = url_problem(url)
    if problem is not None:
        return problem
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme.lower() == "https"
    guard = Guard(resources.settings.partner_networks, public=secure)
    if _is_address(host):
        allowed = guard.allows(host)
    elif secure:
        return None
    elif not resources.settings.partner_networks:
        allowed = False
    else:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 80, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return "the host name was not found"
        allowed = all(guard.allows(str(info[4][0])) for info in found)
    if allowed:
        return None
    if secure:
        return "the host's address is not one that partners may live at"
    return "https is needed (a lab may allow its networks by OCPI_HUB_PARTNER_NETWORKS)"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
