"""URLs of ours that stand for a partner's own: made, called, and forgotten when they expire (rows P5, R17, R18).

Each is bound to the one platform that may call it and to the party whose URL it is, and works until it expires: a
CPO may post CANCELED_RESERVATION to the URL of a RESERVE_NOW hours later (mod_commands).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urljoin, urlsplit

import structlog
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault, new_secret
from ocpi_hub.dialects.speaking import with_params
from ocpi_hub.partners.access import agree
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.learning import learn
from ocpi_hub.partners.origins import host_of
from ocpi_hub.routing import forward
from ocpi_hub.routing.address import VERSION
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.forward import Message
from ocpi_hub.routing.tables import Proxy
from ocpi_hub.wire.errors import HubError, MethodNotAllowed, NotFound
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.paging import read_next

log = structlog.get_logger()

RESULT, NEXT, OBJECT = "result", "next", "object"
LIFETIME = timedelta(days=1)
LONGEST = 255  # types, URL
_NOTHING = "there is nothing at this URL, or not any more"
_VERBS = {RESULT: "POST", NEXT: "GET", OBJECT: "GET"}


@dataclass(frozen=True, slots=True)
class End:
    """A party on one of its platforms."""

    platform_id: str
    party: PartyId


async def make(
    db: AsyncSession,
    resources: Resources,
    url: str,
    *,
    purpose: str,
    module: str,
    caller: End,
    target: End,
    until: datetime | None = None,
) -> str:
    """A URL of ours for `url` at the target, to be called by the caller; it works for a day if nothing else is said.

    Raises HubError where OCPI_HUB_PUBLIC_URL leaves no room for it (types, URL: 255 characters).
    """
    secret, now = new_secret(), resources.clock()
    ours = f"{resources.settings.api_url}/ocpi/{VERSION}/via/{module}/{secret}"
    if len(ours) > LONGEST:
        raise HubError("the hub's own URL is too long to stand for another")
    vault = Vault.of(resources.settings)
    db.add(
        Proxy(
            digest=vault.digest(secret),
            purpose=purpose,
            module=module,
            url=vault.seal(url),
            caller_platform_id=caller.platform_id,
            caller_party=str(caller.party),
            target_platform_id=target.platform_id,
            target_party=str(target.party),
            created_at=now,
            expires_at=until or now + LIFETIME,
        )
    )
    await db.flush()
    return ours


async def keep_until(db: AsyncSession, resources: Resources, ours: str, until: datetime) -> None:
    """Let a URL of ours work until then, and no longer."""
    digest = Vault.of(resources.settings).digest(ours.rpartition("/")[2])
    await db.execute(update(Proxy).where(col(Proxy.digest) == digest).values(expires_at=until))


async def forget(db: AsyncSession, at: datetime) -> None:
    """Remove what has expired."""
    await db.execute(delete(Proxy).where(col(Proxy.expires_at) <= at))


async def serve(resources: Resources, call: Call) -> Passed:
    """A call to a URL of ours that stands for another. Raises NotFound for one that expired, that is not the caller's,
    whose two parties may not talk any more, or that is at no host of the target's any more."""
    row = await _find(resources, call)
    if row is None:
        raise NotFound(_NOTHING)
    snapshot = await resources.one(Directory).now()
    caller, target = PartyId.parse(row.caller_party), PartyId.parse(row.target_party)
    platform = snapshot.platform(row.target_platform_id)
    if platform is None or not agree(snapshot, caller, target, row.module):
        raise NotFound(_NOTHING)
    if call.method != _VERBS[row.purpose]:
        raise MethodNotAllowed(f"only {_VERBS[row.purpose]} is possible here")
    url = Vault.of(resources.settings).unseal(row.url)
    if not snapshot.origins_of(platform.id).has(url):  # the platform has moved since then
        log.warning("proxy.moved", platform=platform.id, host=host_of(url))
        raise NotFound(_NOTHING)
    known = replace(call, routing=Routing(to=target, from_=caller))
    message = forward.message_for(known, target, platform, url=url, hub=snapshot.hub)
    passed = await forward.forward(resources, message)
    return await stand_in(resources, passed, message, caller_platform_id=row.caller_platform_id)


async def _find(resources: Resources, call: Call) -> Proxy | None:
    digest = Vault.of(resources.settings).digest(call.target.rest[0])
    async with resources.sessions() as db:
        row = await db.get(Proxy, digest)
    if row is None or row.expires_at <= resources.clock():
        return None
    if call.caller is None or row.caller_platform_id != call.caller.platform.id:
        log.warning("proxy.foreign", owner=row.caller_platform_id)
        return None
    return row


async def stand_in(resources: Resources, passed: Passed, message: Message, *, caller_platform_id: str) -> Passed:
    """The answer with URLs of ours in its headers: Link (the next page) and Location (where an object is kept).

    They are called with what we present to the platform, so one that leads to another's host is left out; in the place
    of such a Link the hub counts offsets where X-Total-Count says that there is more.
    """
    given = {NEXT: read_next(passed.headers.get("link")), OBJECT: passed.headers.get("location")}
    headers = {name: value for name, value in passed.headers.items() if name not in ("link", "location")}
    urls = {purpose: urljoin(message.url, url) for purpose, url in given.items() if url}
    for purpose, url in urls.items():
        usable = await _usable(resources, url, purpose, message, passed)
        if usable is None:
            continue
        async with resources.unit_of_work() as db:
            ours = await make(
                db,
                resources,
                usable,
                purpose=purpose,
                module=message.module,
                caller=End(caller_platform_id, message.from_),
                target=End(message.platform.id, message.to),
            )
        headers |= {"link": f'<{ours}>; rel="next"'} if purpose == NEXT else {"location": ours}
    return replace(passed, headers=headers)


async def _usable(resources: Resources, url: str, purpose: str, message: Message, passed: Passed) -> str | None:
    """The URL where it may be called, or one in its place; what a bad Link teaches is on the platform's page."""
    own = (await resources.one(Directory).now()).origins_of(message.platform.id)
    problem = own.problem(resources.settings.partner_networks, url)
    if problem is None:
        return url
    log.warning("forward.bad_header", what=purpose, platform=message.platform.id, reason=problem)
    counted = _by_offset(message, passed) if purpose == NEXT else None
    if counted is not None and message.platform.profile.link == "follow":
        how = f"a page of {message.module} with a link to {host_of(url)}, which is not its own host"
        async with resources.unit_of_work() as db:
            await learn(db, resources, message.platform.id, {"link": "offset"}, how=how)
    return counted


def _by_offset(message: Message, passed: Passed) -> str | None:
    """The page after this one, by its offset; None where nobody knows that there is one."""
    total, found = passed.headers.get("x-total-count", ""), passed.data
    before = parse_qs(urlsplit(message.url).query).get("offset", ["0"])[-1]
    if not all(text.isascii() and text.isdigit() and len(text) <= 15 for text in (total, before)):
        return None
    so_far = int(before) + len(found) if isinstance(found, list) and found else int(total)
    return with_params(message.url, {"offset": str(so_far)}) if so_far < int(total) else None
