"""Writing down who a platform is: its parties, its endpoints, its credentials; and who may not be whom.

A party belongs to one platform (credentials.asciidoc: the combination is "always unique"). Nothing in OCPI proves
that a platform speaks for a party, so the invitation's list decides where there is one, and else first come; one that
was somebody else's has a history here, which goes only to whom the operator names.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners import presence, roster
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.exploring import Explored
from ocpi_hub.partners.learning import learn
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.partners.tables import Endpoint, Party, Platform
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, Credentials, CredentialsRole

log = structlog.get_logger()

MOST_ROLES = 500


class ClaimRefused(InvalidParameters):
    """2001: a platform says that it speaks for a party that is not its own. Says no more than that to the partner."""


def refuse(platform_id: str, role: CredentialsRole, *, why: str) -> ClaimRefused:
    """The error for a wrong claim, and the line in the log that lets the operator look into it."""
    log.warning("partner.claim_refused", platform=platform_id, party=str(role.party), role=role.role.value, why=why)
    return ClaimRefused(
        f"roles: {role.role.value} {role.party} is not a party that this platform may register; ask the hub's operator"
    )


def check_claims(platform: Platform, roles: Sequence[CredentialsRole], snapshot: Snapshot) -> None:
    """Whether a platform may register these roles, as far as the picture knows. Raises ClaimRefused.

    Not the hub's own parties; nothing beside the invitation's list where it has one; and nothing that stands with
    another registered platform. A party may be a CPO on one platform and an eMSP on another.
    """
    if len(roles) > MOST_ROLES:
        raise InvalidParameters(f"roles: at most {MOST_ROLES} on one platform")
    expected = {(one["role"], PartyId(one["country_code"], one["party_id"])) for one in platform.expected}
    for role in roles:
        if role.party == snapshot.hub or role.party in snapshot.hosted:
            raise refuse(platform.id, role, why="a party of the hub itself")
        if expected and (role.role, role.party) not in expected:
            raise refuse(platform.id, role, why="not on the list of the invitation")
        for entry in snapshot.party(role.party, role.role):
            home = snapshot.platform(entry.platform_id)
            if entry.platform_id != platform.id and home is not None and home.registered:
                raise refuse(platform.id, role, why="belongs to another platform")


async def check_succession(db: AsyncSession, platform: Platform, roles: Sequence[CredentialsRole]) -> None:
    """Whether each party that was another platform's before is named by the list of this one's invitation: it will read
    the sessions, CDRs and tokens that are kept for the party. Raises ClaimRefused."""
    named = {(one["role"], PartyId(one["country_code"], one["party_id"])) for one in platform.expected}
    unnamed = {(role.party.key, role.role.value): role for role in roles if (role.role, role.party) not in named}
    for line in await roster.lines(db, unnamed.keys()):
        if line.platform_id != platform.id:
            raise refuse(platform.id, unnamed[line.key, line.role], why="was another platform's: invite it by its name")


async def enrol(
    db: AsyncSession, resources: Resources, platform: Platform, credentials: Credentials, explored: Explored
) -> None:
    """Write what a successful handshake has told us. The platform's row is locked by the caller.

    Raises ClaimRefused when another platform was faster with one of the parties; then nothing is written.
    """
    at = resources.clock()
    check_claims(platform, credentials.roles, await resources.one(Directory).now())
    await _write_parties(db, platform, credentials.roles, at=at)
    await db.execute(delete(Endpoint).where(col(Endpoint.platform_id) == platform.id))
    db.add_all(
        Endpoint(platform_id=platform.id, identifier=module, role=role, url=url)
        for (module, role), url in explored.endpoints.items()
    )
    platform.versions_url = credentials.url
    platform.version = explored.version
    platform.token_encoding = explored.token_encoding
    platform.their_credentials_token = Vault.of(resources.settings).seal(credentials.token)
    platform.last_seen_at = at
    platform.credentials_refused_at = None
    suspended = platform.registered_at is not None and platform.status == ConnectionStatus.SUSPENDED
    platform.registered_at = platform.registered_at or at
    status = ConnectionStatus.SUSPENDED if suspended else ConnectionStatus.CONNECTED
    await presence.set_status(db, platform, status, at=at)
    if explored.wraps_objects or "wraps_objects" in platform.learned:
        await learn(db, resources, platform.id, {"wraps_objects": explored.wraps_objects}, how="its version details")
    resources.one(Directory).changed(db)


async def _write_parties(
    db: AsyncSession, platform: Platform, roles: Sequence[CredentialsRole], *, at: datetime
) -> None:
    kept = {(role.party.key, role.role.value) for role in roles}
    for party in (await db.scalars(select(Party).where(Party.platform_id == platform.id))).all():
        if (party.key, party.role) not in kept:
            await db.delete(party)
    await db.flush()
    for role in roles:
        await _write_party(db, platform, role, at=at)


async def _write_party(db: AsyncSession, platform: Platform, role: CredentialsRole, *, at: datetime) -> None:
    """One party in one role. Of two platforms that claim it at the same moment, the database lets one through."""
    await _release(db, platform, role)
    values = {
        "platform_id": platform.id,
        "country_code": role.country_code,
        "party_id": role.party_id,
        "business_details": role.business_details.document(),
        "changed_at": at,
    }
    statement = insert(Party).values(key=role.party.key, role=role.role.value, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["key", "role"], set_=values, where=col(Party.platform_id) == platform.id
    )
    if await db.scalar(statement.returning(col(Party.id))) is None:
        raise refuse(platform.id, role, why="belongs to another platform")


async def _release(db: AsyncSession, platform: Platform, role: CredentialsRole) -> None:
    """Take the party off a platform that has left; that platform's row is locked, so it cannot come back meanwhile."""
    held = (
        select(Party)
        .join(Platform, col(Platform.id) == col(Party.platform_id))
        .where(
            Party.key == role.party.key,
            Party.role == role.role.value,
            Party.platform_id != platform.id,
            col(Platform.registered_at).is_(None),
        )
        .with_for_update()
    )
    for party in (await db.scalars(held)).all():
        await db.delete(party)
    await db.flush()


async def leave(db: AsyncSession, resources: Resources, platform: Platform) -> None:
    """Credentials are no longer in force: nothing may be sent or asked any more, in either direction.

    The parties stay, as SUSPENDED: others must hear of it (mod_hub_client_info: an object cannot be removed).
    """
    await db.execute(delete(Endpoint).where(col(Endpoint.platform_id) == platform.id))
    platform.their_credentials_token = None
    platform.credentials_refused_at = None
    platform.registered_at = None
    await presence.set_status(db, platform, ConnectionStatus.SUSPENDED, at=resources.clock())
    resources.one(Directory).changed(db)
