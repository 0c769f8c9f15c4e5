"""Keeping what talking with a partner has shown of its ways, beside what the operator set, with when and from what."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.profile import LEARNABLE
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import Platform

log = structlog.get_logger()


async def learn(
    db: AsyncSession, resources: Resources, platform_id: str, facts: Mapping[str, Any], *, how: str
) -> None:
    """Keep what talking with a partner has shown; `how` says what showed it. Nothing new is written twice."""
    assert facts.keys() <= set(LEARNABLE)
    platform = await db.scalar(select(Platform).where(col(Platform.id) == platform_id).with_for_update(key_share=True))
    if platform is None:
        return
    news = {name: value for name, value in facts.items() if platform.learned.get(name, {}).get("value") != value}
    if not news:
        return
    at = resources.clock().isoformat()
    told = {name: {"value": value, "at": at, "how": how} for name, value in news.items()}
    platform.learned = {**platform.learned, **told}
    db.add(platform)
    resources.one(Directory).changed(db)
    log.info("partner.learned", platform=platform_id, how=how, **news)
