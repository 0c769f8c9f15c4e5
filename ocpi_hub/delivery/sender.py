"""One platform's debts on their way: leased and written as letters, called, and handed to settling.

Database and network never meet in one function: `turn` is a transaction without a call, `call` a call without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import random
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import text

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.delivery import letters, outages, outbox
from ocpi_hub.delivery.letters import Called, Letter
from ocpi_hub.delivery.outages import Known
from ocpi_hub.delivery.outbox import Debt
from ocpi_hub.delivery.settling import settle
from ocpi_hub.dialects.profile import Profile
from ocpi_hub.dialects.speaking import slash_learned
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told
from ocpi_hub.partners.journal import About
from ocpi_hub.partners.learning import learn
from ocpi_hub.partners.manners import profile_of
from ocpi_hub.partners.origins import Origins
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import loads
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole

log = structlog.get_logger()

AT_ONCE = 8
"""How many lanes of one platform a process tells at the same time."""


@dataclass(frozen=True, slots=True)
class Post:
    """What a turn gave to send, and how this platform is spoken to."""

    letters: list[Letter]
    credentials_token: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class _Platform:
    """What sending needs to know of a platform, read anew for every turn; `endpoints`: RECEIVER URLs by module; `own`:
    where its credentials token may go."""

    id: str
    status: str
    sealed_token: str | None
    profile: Profile
    endpoints: Mapping[str, str]
    own: Origins
    outage: Known | None


async def turn(resources: Resources, platform_id: str, called: Sequence[Called], *, flying: int) -> Post | None:
    """One transaction: settle what came back, lease more debts, write their letters. None: nothing to send now.

    `flying` calls are still under way. A platform that is down gets one letter at a time until it answers.
    """
    settings, at = resources.settings, resources.clock()
    async with resources.unit_of_work() as db:
        platform = await _read(db, platform_id)
        if platform is None:
            return None
        outage = await settle(db, platform_id, platform.outage, called, profile=platform.profile, at=at)
        await _learn(db, resources, platform, called)
        token = await _token(db, resources, platform, at=at)
        retry_at = outage.retry_at if outage else None
        room = AT_ONCE - flying if retry_at is None else 1 - min(flying, 1)
        if token is None or room == 0 or (retry_at is not None and retry_at > at):
            return None
        until, trial = at + timedelta(seconds=settings.lease), retry_at is not None
        debts = await outbox.lease(db, platform_id, room=room, at=at, until=until, least_tried=trial)
        hub = PartyId(settings.country_code, settings.party_id)
        written, returns = await letters.write(
            db, debts, endpoints=platform.endpoints, own=platform.own, profile=platform.profile, hub=hub, at=at
        )
        await outbox.give_back(db, returns, at=at)
        return Post(written, token, platform.profile) if debts else None


async def call(resources: Resources, letter: Letter, post: Post) -> Called:
    """Send a letter. It ends before its lease does, so that no lane is told by two at once.

    A PATCH of something that the partner does not have becomes a PUT (transport_and_format, PATCH); so does one that it
    does not know at all.
    """
    result = await _call(resources, letter, post)
    unknown = letter.verb == "PATCH" and not isinstance(result, Told) and result.http_status in (405, 501)
    missing = letter.verb == "PATCH" and isinstance(result, Refused) and result.http_status not in (401, 403)
    if unknown or missing:
        letter = replace(letter, verb="PUT")
        result = await _call(resources, letter, post)
    return Called(letter, result, unknown)


async def _call(resources: Resources, letter: Letter, post: Post) -> Result:
    settings, debt = resources.settings, letter.debt
    share = 0.4 if post.profile.push == "patch" else 0.8  # a PATCH may be followed by a PUT
    return await resources.one(PartnerClient).call(
        letter.verb,
        letter.url,
        credentials_token=post.credentials_token,
        encoding=post.profile.token_encoding,
        platform_id=debt.platform_id,
        body=letter.body,
        routing=letter.routing,
        correlation_id=debt.correlation_id,
        about=_about(debt),
        timeout=min(settings.partner_timeout, share * settings.lease),
        profile=post.profile,
    )


async def _learn(db: AsyncSession, resources: Resources, platform: _Platform, called: Sequence[Called]) -> None:
    """What need not be tried again: a redirect to the same URL with or without a slash at its end, an unknown PATCH."""
    for one in called:
        if one.knows_no_patch and isinstance(one.result, Told) and platform.profile.takes_patch:
            how = f"HTTP 405 or 501 to PATCH {one.letter.debt.kind}"
            await learn(db, resources, platform.id, {"takes_patch": False}, how=how)
        if isinstance(one.result, Told) and one.result.url != one.letter.url and one.letter.debt.url is None:
            slash = slash_learned(one.letter.url, one.result.url)
            if slash is not None:
                how = f"a redirect of {one.letter.verb} {one.letter.debt.kind}"
                await learn(db, resources, platform.id, {"trailing_slash": slash}, how=how)
                return


def _about(debt: Debt) -> About:
    """For the journal. The module of a message without a kept object stands in its lane: `de/msp:commands/7`."""
    module = debt.kind if debt.kind != "message" else debt.lane.rpartition(":")[2].partition("/")[0]
    return About("callback" if debt.url else "push", module, InterfaceRole.RECEIVER.value)


# The platform is locked first, and weakly: so locks come in the same order as when its status changes.
_READ = text("""
SELECT platform.id, platform.status, platform.their_credentials_token, platform.token_encoding, platform.versions_url,
       platform.profile::text, platform.learned::text, outage.failures, outage.failed_at, outage.retry_at,
       ARRAY(SELECT identifier FROM endpoint WHERE platform_id = platform.id AND role = 'RECEIVER' ORDER BY id),
       ARRAY(SELECT url FROM endpoint WHERE platform_id = platform.id AND role = 'RECEIVER' ORDER BY id),
       ARRAY(SELECT url FROM endpoint WHERE platform_id = platform.id)
FROM platform LEFT JOIN outage ON outage.platform_id = platform.id
WHERE platform.id = :platform_id
FOR KEY SHARE OF platform
""")


async def _read(db: AsyncSession, platform_id: str) -> _Platform | None:
    row = (await db.execute(_READ, {"platform_id": platform_id})).one_or_none()
    if row is None:
        return None
    id_, status, sealed, encoding, home, set_, learned, failures, failed_at, retry_at, modules, urls, every = row
    outage = Known(failures, failed_at, retry_at) if failures is not None else None
    profile = profile_of(_Ways(loads(set_), loads(learned), encoding))
    own = Origins.of([home, *every], profile.hosts)
    return _Platform(id_, status, sealed, profile, dict(zip(modules, urls, strict=True)), own, outage)


@dataclass(frozen=True, slots=True)
class _Ways:
    profile: Mapping[str, Any]
    learned: Mapping[str, Any]
    token_encoding: str


async def _token(db: AsyncSession, resources: Resources, platform: _Platform, *, at: datetime) -> str | None:
    """What we present to this platform; None when nothing may be sent to it now."""
    if platform.status != ConnectionStatus.CONNECTED.value or platform.sealed_token is None:
        return None
    try:
        return Vault.of(resources.settings).unseal(platform.sealed_token)
    except ValueError as error:
        log.error("delivery.key_lost", platform=platform.id, reason=str(error))
        trouble = outages.Trouble(at, str(error), down=True)
        await outages.went_on(db, platform.id, platform.outage, trouble, at=at, jitter=random())
        return None
