"""The schedules of this room: the journal keeps nothing longer than it should, credentials tokens are renewed."""

from datetime import timedelta

import structlog
from sqlalchemy import func
from sqlmodel import col, select

from ocpi_hub.base.jobs import scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners import handshake, journal, keyring
from ocpi_hub.partners.exploring import HandshakeFailed
from ocpi_hub.partners.tables import CredentialsToken, Platform
from ocpi_hub.wire.parties import ConnectionStatus

log = structlog.get_logger()

LOOK_EVERY = 3600.0
TRIES = 30
"""Looks in the life of a token: a month old one whose renewal fails is tried again the next day."""


@scheduled(lambda resources: 600.0)
async def prune_journal(resources: Resources) -> None:
    """Remove what is too old."""
    async with resources.unit_of_work() as db:
        await journal.prune(db, resources)


@scheduled(lambda resources: max(LOOK_EVERY, resources.settings.token_rotation / TRIES))
async def renew_tokens(resources: Resources) -> None:
    """Renew the credentials tokens that are older than OCPI_HUB_TOKEN_ROTATION (credentials, "should be renewed").

    A partner that is away is left alone until it is back; one that refuses is a line of the log, and tried again.
    """
    if not resources.settings.token_rotation:
        return
    before = resources.clock() - timedelta(seconds=resources.settings.token_rotation)
    newest = func.max(col(CredentialsToken.created_at))
    due = (
        select(Platform.id)
        .join(CredentialsToken, col(CredentialsToken.platform_id) == col(Platform.id))
        .where(Platform.status == ConnectionStatus.CONNECTED.value, CredentialsToken.purpose == keyring.LIVE)
        .group_by(col(Platform.id))
        .having(newest <= before)
    )
    async with resources.unit_of_work() as db:
        platforms = list(await db.scalars(due))
    for platform_id in platforms:
        try:
            await handshake.rotate(resources, platform_id)
        except HandshakeFailed as failure:
            log.warning("partner.not_rotated", platform=platform_id, step=failure.step, reason=str(failure))
