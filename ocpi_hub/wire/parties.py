"""Who speaks, and where: versions, credentials and the hub's list of parties (version_information_endpoint,
credentials, mod_hub_client_info). These are configuration modules: they are never routed."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.types import (
    VISIBLE_ASCII,
    BusinessDetails,
    CountryCode,
    DateTime,
    HttpUrl,
    OcpiModel,
    Open,
    PartyCode,
    Some,
    String,
)


class Role(StrEnum):
    """What a party is (types.asciidoc, Role)."""

    CPO = "CPO"
    EMSP = "EMSP"
    HUB = "HUB"
    NAP = "NAP"
    NSP = "NSP"
    OTHER = "OTHER"
    SCSP = "SCSP"


class InterfaceRole(StrEnum):
    """Which half of a module: the owner's, to be asked, or the reader's, to be told
    (version_information_endpoint.asciidoc, InterfaceRole)."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class ModuleId(StrEnum):
    """The modules of 2.2.1 (version_information_endpoint.asciidoc, ModuleID); partners may add their own."""

    CDRS = "cdrs"
    CHARGING_PROFILES = "chargingprofiles"
    COMMANDS = "commands"
    CREDENTIALS = "credentials"
    HUB_CLIENT_INFO = "hubclientinfo"
    LOCATIONS = "locations"
    SESSIONS = "sessions"
    TARIFFS = "tariffs"
    TOKENS = "tokens"


class ConnectionStatus(StrEnum):
    """How a party is connected to the hub (mod_hub_client_info.asciidoc, ConnectionStatus)."""

    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


class OwnedModel(OcpiModel):
    """An object that says whose it is (transport_and_format.asciidoc, Client Owned Object Push)."""

    country_code: CountryCode
    party_id: PartyCode

    @property
    def party(self) -> PartyId:
        """Whose it is. (`owner` is a field of Location: a company, not a party.)"""
        return PartyId(self.country_code, self.party_id)


class Version(OcpiModel):
    """A version that a platform speaks, and where its details are (version_information_endpoint.asciidoc, Version).

    Any version string is taken: partners list versions that we do not know.
    """

    version: Annotated[str, String(20)]
    url: HttpUrl


class Endpoint(OcpiModel):
    """Where one interface of a module is (version_information_endpoint.asciidoc, Endpoint).

    Unknown identifiers and roles are taken; the role may be missing, for on `credentials` it means nothing.
    """

    identifier: Annotated[ModuleId | str, Open(ModuleId)]
    role: Annotated[InterfaceRole | str, Open(InterfaceRole)] | None = None
    url: HttpUrl


class VersionDetails(OcpiModel):
    """The endpoints of one version (version_information_endpoint.asciidoc, Version details endpoint)."""

    version: Annotated[str, String(20)]
    endpoints: Some[Endpoint]


class CredentialsRole(OwnedModel):
    """A party of a platform, and what it is there (credentials.asciidoc, CredentialsRole)."""

    role: Role
    business_details: BusinessDetails


class Credentials(OcpiModel):
    """What one platform gives another to be called with: a credentials token, a versions URL and its parties
    (credentials.asciidoc, Credentials). Role and party together stand only once."""

    token: Annotated[str, StringConstraints(max_length=64, pattern=VISIBLE_ASCII)]
    url: HttpUrl
    roles: Some[CredentialsRole]

    @model_validator(mode="after")
    def _each_role_once(self) -> Self:
        if len({(role.role, role.party) for role in self.roles}) < len(self.roles):
            raise ValueError("roles: each needs a unique combination of role, party_id and country_code")
        return self


class ClientInfo(OwnedModel):
    """A party that can be reached through the hub, and how its connection is (mod_hub_client_info.asciidoc,
    ClientInfo)."""

    role: Role
    status: ConnectionStatus
    last_updated: DateTime
