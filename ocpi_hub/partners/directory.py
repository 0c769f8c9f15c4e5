"""The picture of who is connected, kept in each process, and the one place that reads credentials tokens.

A change is announced over Valkey after its commit. Without Valkey a picture is at most five seconds old, and a
token that the picture does not know is looked up in the database before it is refused.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Self

import structlog
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.database import apart, session_maker
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners import agreements
from ocpi_hub.partners.agreed import Agreed
from ocpi_hub.partners.manners import profile_of
from ocpi_hub.partners.snapshot import PartyEntry, PlatformEntry, Snapshot, TokenEntry
from ocpi_hub.partners.tables import CredentialsToken, Endpoint, HostedParty, Party, Platform
from ocpi_hub.wire.headers import PartyId, token_candidates
from ocpi_hub.wire.parties import ConnectionStatus, Role

log = structlog.get_logger()

CHANNEL = "ocpi-hub:directory"
MAX_AGE = 5.0
MOST_PRESENTED = 10_000
_ANNOUNCING = "ocpi_hub.directory"


@dataclass(frozen=True, slots=True)
class Caller:
    """The platform that a credentials token identifies, and what that token opens.

    `purpose` is invite, handshake or live; `adopted`: this live token has been used before. `encoding` is how it was
    presented: raw or base64.
    """

    platform: PlatformEntry
    parties: tuple[PartyEntry, ...]
    purpose: str
    presented_token: str = field(repr=False)
    token_id: int
    adopted: bool
    encoding: str

    def speaks_for(self, party: PartyId, role: Role | None = None) -> PartyId | None:
        """The party as it registered itself, when it belongs to this platform (in this role, where one is given).

        What a party may do depends on its role: the same party may be an eMSP here and a CPO on another platform.
        """
        return next((e.party for e in self.parties if e.party == party and role in (None, e.role)), None)


class Directory:
    """One per process; see the module. `now()` is cheap and may be asked for every message."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        # Who asks for the picture may be in a transaction: with connections of the same pool, as many transactions as
        # it has would wait for a connection that they hold themselves.
        self._engine = apart(resources.engine)
        self._sessions = session_maker(self._engine)
        self._vault = Vault.of(resources.settings)
        self._presented: dict[str, dict[str, str]] = {}
        self._snapshot: Snapshot | None = None
        self._taken_at = 0.0
        self._taken_of = -1
        self._turns_at: datetime | None = None
        self._changes = 0
        self._taking = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._announcing: set[asyncio.Task[None]] = set()

    @classmethod
    def open(cls, resources: Resources) -> Self:
        return cls(resources)

    async def aclose(self) -> None:
        """Let what is being announced go out, and stop listening."""
        if self._announcing:
            await asyncio.wait(list(self._announcing), timeout=2)
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._engine.dispose()

    async def now(self) -> Snapshot:
        """The current picture."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        while self._snapshot is None or self._stale():
            async with self._taking:
                if self._snapshot is None or self._stale():
                    changes, began = self._changes, monotonic()
                    self._snapshot = await self._take()
                    self._taken_of, self._taken_at = changes, began
                    self._turns_at = self._snapshot.agreed.next_turn()
        return self._snapshot

    def _stale(self) -> bool:
        if self._taken_of != self._changes or monotonic() - self._taken_at > MAX_AGE:
            return True
        return self._turns_at is not None and self._resources.clock() >= self._turns_at

    async def agreed(self, version: int) -> Agreed:
        """The agreements at this version, or newer. Who has read `agreements.VERSION` in its own transaction does not
        depend on how old a picture is."""
        found = (await self.now()).agreed
        if found.version < version:
            self._changes += 1
            found = (await self.now()).agreed
        return found

    def changed(self, db: AsyncSession) -> None:
        """Call after writing to partners' tables: once `db` has committed, every process takes a new picture."""
        if not db.info.get(_ANNOUNCING):
            db.info[_ANNOUNCING] = True
            event.listen(db.sync_session, "after_commit", self._announce, once=True)

    def _announce(self, _session: object) -> None:
        self._changes += 1
        task = asyncio.get_running_loop().create_task(self._publish())
        self._announcing.add(task)
        task.add_done_callback(self._announcing.discard)

    async def _publish(self) -> None:
        try:
            await self._resources.redis.publish(CHANNEL, "changed")
        except (RedisError, OSError) as error:
            log.warning("directory.not_announced", error=type(error).__name__)

    async def _listen(self) -> None:
        """Hear of changes in other processes, for as long as this one lives."""
        while True:
            with contextlib.suppress(RedisError, OSError):
                async with self._resources.redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for _ in channel.listen():
                        self._changes += 1
            await asyncio.sleep(1)

    async def _take(self) -> Snapshot:
        settings = self._resources.settings
        async with self._sessions() as db:
            await db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            hosted = [PartyId(row.country_code, row.party_id) for row in await db.scalars(select(HostedParty))]
            return Snapshot(
                hub=PartyId(settings.country_code, settings.party_id),
                hosted=[PartyId(settings.cpo_country_code, settings.cpo_party_id), *hosted],
                platforms=[_platform(row) for row in await db.scalars(select(Platform).order_by(col(Platform.name)))],
                parties=[_party(row) for row in await db.scalars(select(Party).order_by(col(Party.id)))],
                endpoints={
                    (row.platform_id, row.identifier, row.role): row.url for row in await db.scalars(select(Endpoint))
                },
                tokens=[_token(row) for row in await db.scalars(select(CredentialsToken))],
                agreed=await agreements.read(db, self._resources),
            )

    async def authenticate(self, authorization: str | None) -> Caller | None:
        """Whose credentials token an Authorization header carries; None when nobody's.

        Tokens are found by a keyed digest, so neither the answer nor its time depends on how much of one is right.
        """
        digests = self._digests(authorization or "")
        if not digests:
            return None
        snapshot = await self.now()
        found = _first(snapshot, digests)
        if found is None and await self._is_new(digests):
            self._changes += 1
            snapshot = await self.now()
            found = _first(snapshot, digests)
        platform = snapshot.platform(found.platform_id) if found else None
        if found is None or platform is None:
            return None
        if found.expires_at is not None and found.expires_at <= self._resources.clock():
            return None
        presented = digests[found.digest]
        self._presented[authorization or ""] = {found.digest: presented}
        return Caller(
            platform=platform,
            parties=tuple(snapshot.parties_of(platform.id)),
            purpose=found.purpose,
            presented_token=presented,
            token_id=found.id,
            adopted=found.adopted,
            encoding=_encoding(authorization or "", presented),
        )

    def _digests(self, authorization: str) -> dict[str, str]:
        """What an Authorization header may mean, by keyed digest. The headers that meant something are remembered, for
        each platform sends one again and again; whether it still means something is asked each time."""
        known = self._presented.get(authorization)
        if known is not None:
            if self._snapshot is not None and _first(self._snapshot, known) is not None:
                return known
            del self._presented[authorization]
        if len(self._presented) > MOST_PRESENTED:
            self._presented.clear()
        return {self._vault.digest(token): token for token in token_candidates(authorization)}

    async def _is_new(self, digests: Iterable[str]) -> bool:
        query = select(CredentialsToken.id).where(col(CredentialsToken.digest).in_(list(digests))).limit(1)
        async with self._sessions() as db:
            return await db.scalar(query) is not None


def _first(snapshot: Snapshot, digests: Iterable[str]) -> TokenEntry | None:
    return next((token for digest in digests if (token := snapshot.by_digest(digest)) is not None), None)


def _encoding(authorization: str, presented: str) -> str:
    """How the token that matched was written: as it is, or encoded."""
    value = authorization.strip().partition(" ")[2].strip()
    return "raw" if value == presented.strip() else "base64"


def _platform(row: Platform) -> PlatformEntry:
    profile = profile_of(row)
    return PlatformEntry(
        id=row.id,
        name=row.name,
        status=ConnectionStatus(row.status),
        version=row.version,
        versions_url=row.versions_url,
        their_credentials_token=row.their_credentials_token,
        token_encoding=profile.token_encoding,
        profile=profile,
        registered_at=row.registered_at,
        last_seen_at=row.last_seen_at,
    )


def _party(row: Party) -> PartyEntry:
    return PartyEntry(
        platform_id=row.platform_id,
        party=PartyId(row.country_code, row.party_id),
        role=Role(row.role),
        business_details=row.business_details,
        changed_at=row.changed_at,
    )


def _token(row: CredentialsToken) -> TokenEntry:
    assert row.id is not None
    return TokenEntry(
        id=row.id,
        platform_id=row.platform_id,
        digest=row.digest,
        purpose=row.purpose,
        adopted=row.first_used_at is not None,
        expires_at=row.expires_at,
    )
