"""Asking a silent platform for its versions: whether it counts as OFFLINE, and whether it has come back.

A failed push alone does not make a platform OFFLINE; only failures for a while and no versions do
(mod_hub_client_info, "Still alive check").
"""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.delivery import outages
from ocpi_hub.partners import presence
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told, Unreachable
from ocpi_hub.partners.directory import Directory
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
    return await resources.one(PartnerClient).call(
        "GET", platform.versions_url, credentials_token=token, encoding=platform.token_encoding, platform_id=platform_id
    )


async def conclude(resources: Resources, platform_id: str, answer: Result) -> None:
    """Write down what the answer means for the platform's status."""
    at = resources.clock()
    async with resources.unit_of_work() as db:
        if isinstance(answer, Told):
            changed = await _answered(db, platform_id, at=at)
        else:
            changed = await presence.went_offline(db, platform_id, at)
        if changed:
            resources.one(Directory).changed(db)
    log.info("delivery.probed", platform=platform_id, answered=isinstance(answer, Told), reason=_reason(answer))


async def _answered(db: AsyncSession, platform_id: str, *, at: datetime) -> bool:
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
