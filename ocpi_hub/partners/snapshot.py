"""Who is connected, as one frozen picture: platforms, their parties, endpoints and credentials tokens.

Pure: questions only. directory.py takes the picture; nobody changes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ocpi_hub.dialects.profile import Profile
from ocpi_hub.partners.agreed import Agreed
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.origins import Origins
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, Role


@dataclass(frozen=True, slots=True)
class PlatformEntry:
    """One connection. `their_credentials_token` is sealed; None means that we cannot call this platform. `profile` is
    the one in force."""

    id: str
    name: str
    status: ConnectionStatus
    version: str | None
    versions_url: str | None
    their_credentials_token: str | None = field(repr=False)
    token_encoding: str
    profile: Profile
    registered_at: datetime | None
    last_seen_at: datetime | None

    @property
    def registered(self) -> bool:
        """Whether credentials were exchanged and are still in force."""
        return self.registered_at is not None


@dataclass(frozen=True, slots=True)
class PartyEntry:
    """A party in one role, on the platform that speaks for it; the ids as the party registered them."""

    platform_id: str
    party: PartyId
    role: Role
    business_details: Mapping[str, Any]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A credentials token that a platform may present: its keyed digest and what it opens."""

    id: int
    platform_id: str
    digest: str = field(repr=False)
    purpose: str
    adopted: bool
    expires_at: datetime | None


_OPEN = Agreed((), opened=True, at=datetime.min.replace(tzinfo=UTC))


class Snapshot:
    """The picture, indexed for the questions below. `hosted` are the parties of our own chargers."""

    def __init__(
        self,
        *,
        hub: PartyId,
        hosted: Iterable[PartyId] = (),
        platforms: Iterable[PlatformEntry] = (),
        parties: Iterable[PartyEntry] = (),
        endpoints: Mapping[tuple[str, str, str], str] | None = None,
        tokens: Iterable[TokenEntry] = (),
        agreed: Agreed = _OPEN,
    ) -> None:
        self.hub = hub
        self.agreed = agreed
        self.hosted = frozenset(hosted)
        self.platforms = tuple(platforms)
        self.parties = tuple(parties)
        self._platforms = {platform.id: platform for platform in self.platforms}
        self._endpoints = dict(endpoints or {})
        self._origins: dict[str, Origins] = {}
        self._tokens = {token.digest: token for token in tokens}
        self._of_party: dict[PartyId, list[PartyEntry]] = {}
        self._of_platform: dict[str, list[PartyEntry]] = {}
        for entry in self.parties:
            self._of_party.setdefault(entry.party, []).append(entry)
            self._of_platform.setdefault(entry.platform_id, []).append(entry)

    def platform(self, platform_id: str) -> PlatformEntry | None:
        return self._platforms.get(platform_id)

    def by_digest(self, digest: str) -> TokenEntry | None:
        return self._tokens.get(digest)

    def party(self, party: PartyId, role: Role | None = None) -> list[PartyEntry]:
        """The roles of a party, each on its platform; only one role when it is given."""
        return [entry for entry in self._of_party.get(party, ()) if role in (None, entry.role)]

    def roles_of(self, party: PartyId) -> frozenset[Role]:
        """The roles that a party has, anywhere; a party of our own chargers is a CPO."""
        own = {Role.CPO} if party in self.hosted else set()
        return frozenset(own | {entry.role for entry in self.party(party)})

    def seats_of(self, platform_id: str) -> list[tuple[PartyId, Role]]:
        """The parties of a platform, each in each of its roles."""
        return [(entry.party, entry.role) for entry in self._of_platform.get(platform_id, ())]

    def parties_of(self, platform_id: str) -> list[PartyEntry]:
        return list(self._of_platform.get(platform_id, ()))

    def platform_of(self, party: PartyId, module: str, interface: InterfaceRole) -> PlatformEntry | None:
        """The platform that answers for this party on one interface of a module.

        A party may be a CPO on one platform and an eMSP on another: the role that serves the interface decides
        (credentials.asciidoc, CredentialsRole). When none does, a party on a single platform is still found there.
        """
        entries = self.party(party)
        fitting = [entry for entry in entries if serves(entry.role, module, interface)]
        homes = {entry.platform_id for entry in fitting or entries}
        return self._platforms.get(homes.pop()) if len(homes) == 1 else None

    def endpoint(self, platform_id: str, module: str, interface: InterfaceRole) -> str | None:
        """The URL of one interface of a platform's module, to be followed by `/…`; None when it has none."""
        url = self.endpoint_itself(platform_id, module, interface)
        return url.rstrip("/") if url is not None else None

    def endpoint_itself(self, platform_id: str, module: str, interface: InterfaceRole) -> str | None:
        """The same URL exactly as it was given, for calls that end there: lists, POST of a CDR, credentials."""
        return self._endpoints.get((platform_id, module, interface))

    def origins_of(self, platform_id: str) -> Origins:
        """Where this platform may be called with what we present to it; reckoned once for each platform."""
        if platform_id not in self._origins:
            platform = self._platforms.get(platform_id)
            home, hosts = (platform.versions_url, platform.profile.hosts) if platform else (None, ())
            self._origins[platform_id] = Origins.of([home, *self.endpoints_of(platform_id).values()], hosts)
        return self._origins[platform_id]

    def endpoints_of(self, platform_id: str) -> dict[tuple[str, str], str]:
        """(module, interface role) → URL."""
        return {(module, role): url for (owner, module, role), url in self._endpoints.items() if owner == platform_id}
