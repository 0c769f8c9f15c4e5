"""The operator's side of connections: invite, look, suspend, resume, remove; for the admin REST and the CLI.

Handshakes themselves are in handshake.py. Whoever gives a `db` decides when it is committed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.profile import changed
from ocpi_hub.partners import keyring, presence, roster
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.manners import all_learned, profile_of
from ocpi_hub.partners.tables import CredentialsToken, Endpoint, HostedParty, Party, Platform
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, Role

log = structlog.get_logger()


class UnknownPartner(LookupError):
    """There is no platform with this id."""

    def __init__(self, platform_id: str) -> None:
        super().__init__(f"there is no partner {platform_id}")


class NotRegistered(Exception):
    """What was asked for needs credentials in force, and there are none."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(f"{platform.name} is not registered: its status is {platform.status}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a partner needs to register with us. The credentials token can be read here, once, and nowhere else."""

    platform_id: str
    name: str
    versions_url: str
    credentials_token: str = field(repr=False)


async def invite(
    db: AsyncSession, resources: Resources, *, name: str, parties: Iterable[Mapping[str, Any]] = ()
) -> Invitation:
    """A new platform, PLANNED, and a credentials token (CREDENTIALS_TOKEN_A) with which it may register, once.

    `parties` are those that may register here (country_code, party_id, role); empty: any that is free. Raises
    InvalidParameters for a party that cannot be.
    """
    if not name.strip() or len(name) > 100:
        raise InvalidParameters("name: must be 1 to 100 characters")
    expected = [_expected(index, party) for index, party in enumerate(parties)]
    now = resources.clock()
    platform = Platform(id=str(uuid4()), name=name.strip(), expected=expected, created_at=now, status_changed_at=now)
    db.add(platform)
    await roster.refresh(db, platform.id, at=now)
    return await invite_again(db, resources, platform.id)


async def invite_again(db: AsyncSession, resources: Resources, platform_id: str) -> Invitation:
    """Another invitation for a platform whose first one was lost or ran out, or that must register anew.

    Credentials in force stay so until the new invitation is used. Raises UnknownPartner.
    """
    platform = await find(db, platform_id)
    expires_at = resources.clock() + timedelta(seconds=resources.settings.invitation_lifetime)
    token = await keyring.issue(db, resources, platform.id, purpose=keyring.INVITE, expires_at=expires_at)
    log.info("partner.invited", platform=platform.id, name=platform.name)
    return Invitation(platform.id, platform.name, f"{resources.settings.api_url}/ocpi/versions", token)


async def invitations(db: AsyncSession, resources: Resources) -> list[dict[str, Any]]:
    """Invitations that are in force, the first to end first; never with their tokens."""
    query = (
        select(CredentialsToken, Platform)
        .join(Platform, col(Platform.id) == col(CredentialsToken.platform_id))
        .where(CredentialsToken.purpose == keyring.INVITE, col(CredentialsToken.expires_at) > resources.clock())
        .order_by(col(CredentialsToken.expires_at), col(CredentialsToken.id))
    )
    return [
        {
            "partner": {"id": platform.id, "name": platform.name, "status": platform.status},
            "parties": platform.expected,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        for token, platform in (await db.execute(query)).all()
    ]


async def withdraw(db: AsyncSession, resources: Resources, platform_id: str) -> tuple[int, bool]:
    """Take the invitations of a platform back: how many, and whether the platform was forgotten with them.

    One that never registered is: a party that nobody invites is no longer PLANNED. Raises UnknownPartner.
    """
    platform = await find(db, platform_id)
    withdrawn = await keyring.revoke_invitations(db, resources, platform_id)
    forgotten = bool(withdrawn) and platform.status == ConnectionStatus.PLANNED
    if forgotten:
        await remove(db, resources, platform_id)
    log.info("partner.invitation_withdrawn", platform=platform_id, invitations=withdrawn, forgotten=forgotten)
    return withdrawn, forgotten


def _expected(index: int, party: Mapping[str, Any]) -> dict[str, str]:
    try:
        role = Role(party["role"])
        who = PartyId(party["country_code"], party["party_id"])
    except (KeyError, ValueError, TypeError):
        roles = ", ".join(Role)
        raise InvalidParameters(
            f"parties.{index}: needs country_code, party_id and role, which is one of {roles}"
        ) from None
    return {"country_code": who.country_code, "party_id": who.party_id, "role": role.value}


async def find(db: AsyncSession, platform_id: str) -> Platform:
    """The platform's row, locked. Raises UnknownPartner."""
    platform = await db.scalar(select(Platform).where(Platform.id == platform_id).with_for_update())
    if platform is None:
        raise UnknownPartner(platform_id)
    return platform


async def show(db: AsyncSession, platform_id: str) -> dict[str, Any]:
    """One platform as operators see it. No credentials token is ever in it. Raises UnknownPartner."""
    found = await list_partners(db, platform_id=platform_id)
    if not found:
        raise UnknownPartner(platform_id)
    return found[0]


async def list_partners(db: AsyncSession, *, platform_id: str | None = None) -> list[dict[str, Any]]:
    """Every platform as operators see it, by name."""
    query = select(Platform).order_by(col(Platform.name), col(Platform.id))
    if platform_id is not None:
        query = query.where(Platform.id == platform_id)
    platforms = (await db.scalars(query)).all()
    ids = [platform.id for platform in platforms]
    parties = (await db.scalars(select(Party).where(col(Party.platform_id).in_(ids)).order_by(col(Party.id)))).all()
    endpoints = (
        await db.scalars(
            select(Endpoint)
            .where(col(Endpoint.platform_id).in_(ids))
            .order_by(col(Endpoint.identifier), col(Endpoint.role))
        )
    ).all()
    tokens = (
        await db.scalars(
            select(CredentialsToken)
            .where(col(CredentialsToken.platform_id).in_(ids))
            .order_by(col(CredentialsToken.id))
        )
    ).all()
    return [
        _document(
            platform,
            [party for party in parties if party.platform_id == platform.id],
            [endpoint for endpoint in endpoints if endpoint.platform_id == platform.id],
            [token for token in tokens if token.platform_id == platform.id],
        )
        for platform in platforms
    ]


def _document(
    platform: Platform, parties: list[Party], endpoints: list[Endpoint], tokens: list[CredentialsToken]
) -> dict[str, Any]:
    presented = [token.encoding for token in tokens if token.encoding is not None]
    return {
        "id": platform.id,
        "name": platform.name,
        "status": platform.status,
        "registered": platform.registered_at is not None,
        "needs_handshake": platform.credentials_refused_at is not None,
        "credentials_refused_at": platform.credentials_refused_at,
        "version": platform.version,
        "versions_url": platform.versions_url,
        "parties": [
            {
                "country_code": party.country_code,
                "party_id": party.party_id,
                "role": party.role,
                "business_details": party.business_details,
            }
            for party in parties
        ],
        "expected_parties": platform.expected,
        "endpoints": [
            {"identifier": endpoint.identifier, "role": endpoint.role, "url": endpoint.url} for endpoint in endpoints
        ],
        "profile": platform.profile,
        "learned": all_learned(platform),
        "profile_in_force": profile_of(platform).document(),
        "token_encoding": {"we_send": platform.token_encoding, "they_send": presented[-1] if presented else None},
        "credentials": [
            {"purpose": token.purpose, "created_at": token.created_at, "expires_at": token.expires_at}
            for token in tokens
        ],
        "created_at": platform.created_at,
        "registered_at": platform.registered_at,
        "status_changed_at": platform.status_changed_at,
        "last_seen_at": platform.last_seen_at,
    }


async def suspend(db: AsyncSession, resources: Resources, platform_id: str) -> None:
    """Nothing passes any more, in either direction, but the credentials stay. Raises UnknownPartner, NotRegistered."""
    platform = await find(db, platform_id)
    if platform.registered_at is None:
        raise NotRegistered(platform)
    await presence.set_status(db, platform, ConnectionStatus.SUSPENDED, at=resources.clock())
    resources.one(Directory).changed(db)


async def resume(db: AsyncSession, resources: Resources, platform_id: str) -> None:
    """End a suspension. Raises UnknownPartner, NotRegistered."""
    platform = await find(db, platform_id)
    if platform.registered_at is None:
        raise NotRegistered(platform)
    if platform.status == ConnectionStatus.SUSPENDED:
        await presence.set_status(db, platform, ConnectionStatus.CONNECTED, at=resources.clock())
        resources.one(Directory).changed(db)


async def set_profile(db: AsyncSession, resources: Resources, platform_id: str, profile: Mapping[str, Any]) -> None:
    """Change the interop profile: the fields that are named, null for taking one back.

    Raises UnknownPartner, and InvalidParameters that names what is wrong.
    """
    platform = await find(db, platform_id)
    platform.profile = changed(platform.profile, profile)
    db.add(platform)
    resources.one(Directory).changed(db)


async def remove(db: AsyncSession, resources: Resources, platform_id: str) -> None:
    """Forget a platform, its parties, its credentials and what it is owed. Raises UnknownPartner.

    `handshake.disconnect` before this lets the partner know.
    """
    platform = await find(db, platform_id)
    if platform.status != ConnectionStatus.SUSPENDED:
        await presence.set_status(db, platform, ConnectionStatus.SUSPENDED, at=resources.clock())
    await db.delete(platform)
    await roster.refresh(db, platform_id, at=resources.clock())
    resources.one(Directory).changed(db)
    log.info("partner.removed", platform=platform_id)


async def host(db: AsyncSession, resources: Resources, party: PartyId) -> None:
    """Note a party of our own chargers, so that it is reached here and no partner may claim it.

    Raises InvalidParameters when it belongs to a partner.
    """
    if await db.scalar(select(Party.id).where(Party.key == party.key).limit(1)) is not None:
        raise InvalidParameters(f"the party {party} belongs to a partner")
    row = {
        "key": party.key,
        "country_code": party.country_code,
        "party_id": party.party_id,
        "created_at": resources.clock(),
    }
    await db.execute(insert(HostedParty).values(row).on_conflict_do_nothing())
    resources.one(Directory).changed(db)
