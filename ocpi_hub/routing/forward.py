"""One message to one platform, and what its answer means to the one that waits for it: rows R3, R7-R10, R20.

An OCPI answer goes back as it came. What is no such answer is one of the hub's own errors, always with HTTP 200:
the sender is known, and its message reached the OCPI layer (status_codes, 4xxx).
"""

from dataclasses import dataclass
from urllib.parse import quote

import structlog

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners.client import PartnerClient, Relayed, Trouble, Unreachable
from ocpi_hub.partners.journal import About, Journal
from ocpi_hub.partners.snapshot import PlatformEntry, Snapshot
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.wire.envelope import NotOcpi, read_envelope
from ocpi_hub.wire.errors import HubError, OcpiError, ReceiverNotConnected, ReceiverTimeout
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole

log = structlog.get_logger()

_KEPT_HEADERS = frozenset({"x-total-count", "x-limit", "link", "location", "retry-after", "allow"})
_AUTHORIZE_SECONDS = 10.0
_VIA = "via"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to a platform: the whole URL there, and the parties that stand in the headers."""

    platform: PlatformEntry
    method: str
    url: str
    body: bytes
    content_type: str
    routing: Routing
    correlation_id: str
    via: str
    about: About

    @property
    def module(self) -> str:
        return self.about.module

    @property
    def to(self) -> PartyId:
        assert self.routing.to is not None
        return self.routing.to

    @property
    def from_(self) -> PartyId:
        assert self.routing.from_ is not None
        return self.routing.from_


def message_for(
    call: Call, party: PartyId, platform: PlatformEntry, *, url: str, hub: PartyId, body: bytes | None = None
) -> Message:
    """The call as it goes on to a party. Raises HubError when it has come round to us again (R19)."""
    return Message(
        platform=platform,
        method=call.method,
        url=url,
        body=call.body if body is None else body,
        content_type=_plain(call.headers.get("content-type", "")),
        routing=Routing(to=party, from_=call.from_),
        correlation_id=call.correlation_id,
        via=via(call.headers.get(_VIA, ""), hub),
        about=About(
            call.rule,
            call.target.module or "",
            call.target.interface.value if call.target.interface else "",
            request_id_in=call.request_id,
        ),
    )


def via(before: str, hub: PartyId) -> str:
    """The Via header of what we pass on (RFC 9110, 7.6.3), by which a hub knows its own messages again.

    Raises HubError when it names us already.
    """
    name = quote(f"{hub.country_code}-{hub.party_id}", safe="")
    passed = [hop.split()[1].lower() for hop in before.split(",") if len(hop.split()) > 1]
    if name.lower() in passed:
        raise HubError("the message goes round in a circle: it has been here before")
    return ", ".join(filter(None, [_plain(before), f"1.1 {name}"]))


def _plain(header: str) -> str:
    """A header that can be sent again; nothing of one that cannot."""
    return header.strip() if len(header) <= 500 and _can_be_sent(header) else ""


def _can_be_sent(header: str) -> bool:
    return header.isascii() and header.isprintable()


def endpoint_of(
    snapshot: Snapshot, party: PartyId, platform: PlatformEntry | None, module: str, interface: InterfaceRole
) -> tuple[PlatformEntry, str]:
    """The platform and the URL of a party's interface, as it was given. Raises ReceiverNotConnected, HubError (R9)."""
    if platform is None:
        raise HubError(f"{party} has no platform that offers {module} {interface.value}")
    require_connected(party, platform)
    url = snapshot.endpoint_itself(platform.id, module, interface)
    if url is None:
        version = f" (it speaks OCPI {platform.version})" if platform.version else ""
        raise HubError(f"{party} is connected, but does not offer {module} {interface.value}{version}")
    return platform, url


def require_connected(party: PartyId, platform: PlatformEntry) -> None:
    """Raise ReceiverNotConnected unless messages may go to this platform now."""
    if platform.status is not ConnectionStatus.CONNECTED or platform.their_credentials_token is None:
        status = platform.status.value if platform.status is not ConnectionStatus.CONNECTED else "not registered"
        raise ReceiverNotConnected(f"{party} is not connected: {status}")


def joined(endpoint: str, path: str, query: str) -> str:
    """An endpoint's URL with what follows it; an endpoint may have a query of its own."""
    base, mark, own = endpoint.partition("?")
    url = f"{base.rstrip('/')}/{path}" if path else base
    both = "&".join(filter(None, [own if mark else "", query]))
    return f"{url}?{both}" if both else url


async def forward(resources: Resources, message: Message, *, timeout: float | None = None) -> Passed:
    """Send it, and give back the answer. Raises the hub's own errors (4000, 4002, 4003).

    `timeout` in seconds is shorter than any sender's own (R20).
    """
    platform = message.platform
    require_connected(message.to, platform)
    has_body = bool(message.body) or message.method in ("POST", "PUT", "PATCH")
    extra = {"Via": message.via} | ({"Content-Type": message.content_type} if message.content_type else {})
    found = await resources.one(PartnerClient).relay(
        message.method,
        message.url,
        credentials_token=resources.one(_Unsealed).token(platform.their_credentials_token or ""),
        encoding=platform.token_encoding,
        platform_id=platform.id,
        body=message.body if has_body else None,
        routing=message.routing,
        correlation_id=message.correlation_id,
        timeout=timeout,
        extra_headers=extra,
        about=message.about,
        profile=platform.profile,
    )
    try:
        passed = _answered(found, message)
    except OcpiError as error:
        _log(message, found, error.status_code, reason=error.message)
        raise
    if not resources.one(Journal).kept:
        _log(message, found, passed.status_code)
    return passed


class _Unsealed:
    """What we present to each platform, unsealed once per process: every message needs it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._tokens: dict[str, str] = {}

    @classmethod
    def open(cls, resources: Resources) -> "_Unsealed":
        return cls(Vault.of(resources.settings))

    async def aclose(self) -> None:
        self._tokens.clear()

    def token(self, sealed: str) -> str:
        if sealed not in self._tokens:
            if len(self._tokens) > 10_000:  # replaced ones stay until then
                self._tokens.clear()
            self._tokens[sealed] = self._vault.unseal(sealed)
        return self._tokens[sealed]


def within(call: Call, partner_timeout: float) -> float:
    """How long a forwarded call may take: a driver waits for an authorization."""
    return min(partner_timeout, _AUTHORIZE_SECONDS) if call.path.endswith("/authorize") else partner_timeout


def _answered(found: Relayed | Unreachable, message: Message) -> Passed:
    party = message.to
    if isinstance(found, Unreachable):
        if found.trouble is Trouble.TIMEOUT:
            raise ReceiverTimeout(f"{party} did not answer in time")
        if found.trouble is Trouble.ANSWER:
            raise HubError(f"{party}: {found.reason}")
        raise ReceiverNotConnected(f"{party} cannot be reached: {found.reason}")
    received = found.received
    if received.status in (401, 403, 407):
        # Passed on, it would tell the sender that its own credentials are bad.
        log.error("forward.credentials_refused", platform=message.platform.id, http_status=received.status)
        raise HubError(f"{party} does not accept the hub's credentials: a new handshake is needed")
    try:
        answer = read_envelope(received.body)
    except NotOcpi as problem:
        raise HubError(f"{party} answered HTTP {received.status}, and not OCPI: {problem}") from None
    if 300 <= received.status < 400 or (received.status >= 500 and answer.ok):
        raise HubError(f"{party} answered HTTP {received.status}")
    given = received.headers.items()
    headers = {name: value for name, value in given if name in _KEPT_HEADERS and value and _can_be_sent(value)}
    return Passed(
        # An OCPI error under HTTP 5xx is an OCPI error all the same; the HTTP error is not ours.
        http_status=received.status if received.status < 500 else 200,
        status_code=answer.status_code,
        body=received.body,
        data=answer.data,
        routing=Routing(to=message.routing.from_, from_=party),
        headers=headers,
    )


def _log(message: Message, found: Relayed | Unreachable, status_code: int, *, reason: str | None = None) -> None:
    """A line for a hop (R21): the sender's own ids are bound at the door. What went well has its line in the journal;
    what failed has one in the log as well, for a journal may be lost."""
    http_status = found.received.status if isinstance(found, Relayed) else found.http_status
    log.info(
        "forward.passed" if reason is None else "forward.failed",
        to_platform=message.platform.id,
        to=str(message.to),
        module=message.module,
        method=message.method,
        request_id_out=found.request_id,
        http_status=http_status,
        status_code=status_code,
        ms=found.milliseconds,
        **({"reason": reason} if reason else {}),
    )
