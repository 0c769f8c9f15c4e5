"""Asking a silent platform for its versions: whether it counts as OFFLINE, and whether it has come back.

A failed push alone does not make a platform OFFLINE; only failures for a while and no versions do
(mod_hub_client_info, "Still alive check").
"""

from datetime import datetime, timedelta
from random import random
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.delivery import outages
from ocpi_hub.delivery.outages import Known, Trouble
from ocpi_hub.delivery.settling import Verdict, verdict
from ocpi_hub.delivery.tables import Outage
from ocpi_hub.partners import presence
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told, Unreachable
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.journal import About
from ocpi_hub.partners.manners import profile_of
from ocpi_hub.partners.tables import Platform
from ocpi_hub.wire.parties import ConnectionStatus

log = structlog.get_logger()


async def ask(resources: Resources, platform_id: str) -> Result | None:
    """GET the platform's versions; None when there is nothing to ask it with."""
    async with resources.unit_of_work() as db:
        platform = await db.get(Platform, platform_id)
    if platform is None or platform.versions_url is None or platform.their_credentials_token is None:
        return None
    try:
        token = Vault.of(resources.settings).unseal(platform.their_credentials_token)
    except ValueError as error:
        log.error("delivery.key_lost", platform=platform_id, reason=str(error))
        return None
    profile = profile_of(platform)
    return await resources.one(PartnerClient).call(
        "GET",
        platform.versions_url,
        credentials_token=token,
        encoding=profile.token_encoding,
        platform_id=platform_id,
        correlation_id=str(uuid4()),
        profile=profile,
        about=About("probe", "versions"),
    )


async def conclude(resources: Resources, platform_id: str, answer: Result) -> None:
    """Write down what the answer means for the platform's status."""
    at, failing_for = resources.clock(), timedelta(seconds=resources.settings.offline_after)
    async with resources.unit_of_work() as db:
        if isinstance(answer, Told):
            changed = await _answered(db, platform_id, at=at)
        else:
            changed = await _failed(db, platform_id, answer, at=at, failing_for=failing_for)
        if changed:
            resources.one(Directory).changed(db)
    log.info("delivery.probed", platform=platform_id, answered=isinstance(answer, Told), reason=_reason(answer))


async def _failed(
    db: AsyncSession, platform_id: str, answer: Refused | Unreachable, *, at: datetime, failing_for: timedelta
) -> bool:
    """The first failure of a platform that was only silent is one failure, like that of a push."""
    # The platform first: so locks come in the same order as when its status changes.
    platform = await db.get(Platform, platform_id, with_for_update=True)
    outage = await db.get(Outage, platform_id)
    if platform is None or outage is None:
        return False  # it is gone, or has answered meanwhile
    if platform.status != ConnectionStatus.CONNECTED.value:
        return False
    if outage.failures > 0 and outage.since <= at - failing_for:
        return await presence.went_offline(db, platform_id, at)
    known = Known(outage.failures, outage.failed_at, outage.retry_at) if outage.failures > 0 else None
    retry_after = answer.retry_after if isinstance(answer, Unreachable) else None
    down = verdict(answer) is Verdict.DOWN
    trouble = Trouble(at, _reason(answer) or "", down=down, retry_after=retry_after)
    await outages.went_on(db, platform_id, known, trouble, at=at, jitter=random())
    return False


async def _answered(db: AsyncSession, platform_id: str, *, at: datetime) -> bool:
    await presence.seen(db, platform_id, at)
    if await presence.came_back(db, platform_id, at):
        return True
    platform = await db.get(Platform, platform_id)
    if platform is not None and platform.status == ConnectionStatus.CONNECTED.value:
        await outages.watch_again(db, platform_id, at=at)
    return False


def _reason(answer: Result) -> str | None:
    match answer:
        case Told():
            return None
        case Refused(message=message):
            return message
        case Unreachable(reason=reason):
            return reason
