"""The life of the credentials tokens that platforms present to us: issued, adopted, retired, revoked.

A token is handed out once and kept as a keyed digest. When it is replaced, old and new both work until the partner
is seen with the new one, or the grace has passed: so a crash between any two steps leaves a pair that works.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault, new_secret
from ocpi_hub.partners.directory import Caller, Directory
from ocpi_hub.partners.tables import CredentialsToken

log = structlog.get_logger()

INVITE, HANDSHAKE, LIVE = "invite", "handshake", "live"


async def issue(
    db: AsyncSession, resources: Resources, platform_id: str, *, purpose: str, expires_at: datetime | None = None
) -> str:
    """A new credentials token for a platform; this is the only time that it can be read."""
    token = new_secret()
    db.add(
        CredentialsToken(
            platform_id=platform_id,
            digest=Vault.of(resources.settings).digest(token),
            purpose=purpose,
            created_at=resources.clock(),
            expires_at=expires_at,
        )
    )
    await db.flush()
    resources.one(Directory).changed(db)
    return token


async def holds(db: AsyncSession, resources: Resources, token: str) -> bool:
    """Whether the token still opens anything; read from the rows, not from a picture of them."""
    query = select(CredentialsToken.expires_at).where(
        CredentialsToken.digest == Vault.of(resources.settings).digest(token)
    )
    row = (await db.execute(query)).one_or_none()
    return row is not None and (row.expires_at is None or row.expires_at > resources.clock())


async def revoke(db: AsyncSession, resources: Resources, platform_id: str, *, token: str | None = None) -> None:
    """All tokens of a platform, or one of them, stop working at once."""
    statement = delete(CredentialsToken).where(col(CredentialsToken.platform_id) == platform_id)
    if token is not None:
        statement = statement.where(col(CredentialsToken.digest) == Vault.of(resources.settings).digest(token))
    await db.execute(statement)
    resources.one(Directory).changed(db)


async def revoke_invitations(db: AsyncSession, resources: Resources, platform_id: str) -> int:
    """The invitations of a platform stop working at once; gives how many there were."""
    statement = delete(CredentialsToken).where(
        col(CredentialsToken.platform_id) == platform_id, col(CredentialsToken.purpose) == INVITE
    )
    gone = (await db.execute(statement.returning(col(CredentialsToken.id)))).all()
    resources.one(Directory).changed(db)
    return len(gone)


async def retire(db: AsyncSession, resources: Resources, platform_id: str, *, successor: str | None = None) -> None:
    """Every live token of the platform but the successor works only for the grace from now on."""
    until = resources.clock() + timedelta(seconds=resources.settings.token_grace)
    statement = update(CredentialsToken).where(
        col(CredentialsToken.platform_id) == platform_id, col(CredentialsToken.purpose) == LIVE
    )
    if successor is not None:
        statement = statement.where(col(CredentialsToken.digest) != Vault.of(resources.settings).digest(successor))
    await db.execute(statement.values(expires_at=until))
    resources.one(Directory).changed(db)


async def promote(db: AsyncSession, resources: Resources, platform_id: str, *, token: str) -> None:
    """A token that was given out in our own handshake becomes the live one; all others of the platform go."""
    digest = Vault.of(resources.settings).digest(token)
    others = delete(CredentialsToken).where(
        col(CredentialsToken.platform_id) == platform_id, col(CredentialsToken.digest) != digest
    )
    await db.execute(others)
    await db.execute(
        update(CredentialsToken).where(col(CredentialsToken.digest) == digest).values(purpose=LIVE, expires_at=None)
    )
    resources.one(Directory).changed(db)


async def adopt(resources: Resources, caller: Caller) -> None:
    """A live token was used for the first time: the partner has it, so the tokens before it end here.

    Of requests that come with it at once, one does this and says so.
    """
    async with resources.unit_of_work() as db:
        first = await db.scalar(
            update(CredentialsToken)
            .where(col(CredentialsToken.id) == caller.token_id, col(CredentialsToken.first_used_at).is_(None))
            .values(first_used_at=resources.clock(), encoding=caller.encoding)
            .returning(col(CredentialsToken.id))
        )
        if first is None:
            return
        await db.execute(
            delete(CredentialsToken).where(
                col(CredentialsToken.platform_id) == caller.platform.id,
                col(CredentialsToken.purpose) == LIVE,
                col(CredentialsToken.id) < caller.token_id,
            )
        )
        resources.one(Directory).changed(db)
    log.info("partner.credentials_adopted", platform=caller.platform.id, token_encoding=caller.encoding)
