"""Drivers' tokens and their authorization (mod_tokens). Not the credentials tokens of platforms: see parties.py.

ProfileType of mod_sessions stands here, because a token names a profile and a session names a token.
"""

from enum import StrEnum
from typing import Annotated

from ocpi_hub.wire.parties import OwnedModel
from ocpi_hub.wire.types import Boolean, CiString, DateTime, DisplayText, Id36, Many, OcpiModel, Open, String


class TokenType(StrEnum):
    """What a token is (mod_tokens.asciidoc, TokenType); open, partners may know more."""

    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    OTHER = "OTHER"
    RFID = "RFID"


class WhitelistType(StrEnum):
    """When a CPO may authorize a token by itself (mod_tokens.asciidoc, WhitelistType)."""

    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class AllowedType(StrEnum):
    """The answer to a real-time authorization (mod_tokens.asciidoc, AllowedType)."""

    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


class ProfileType(StrEnum):
    """How a driver wants to be charged (mod_sessions.asciidoc, ProfileType)."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


AnyTokenType = Annotated[TokenType | str, Open(TokenType)]


class EnergyContract(OcpiModel):
    """The driver's own energy supplier (mod_tokens.asciidoc, EnergyContract)."""

    supplier_name: Annotated[str, String(64)]
    contract_id: Annotated[str, String(64)] | None = None


class Token(OwnedModel):
    """What a driver identifies with; `uid` and `type` together are its identity (mod_tokens.asciidoc, Token)."""

    uid: Id36
    type: AnyTokenType
    contract_id: Annotated[str, CiString(36)]
    visual_number: Annotated[str, String(64)] | None = None
    issuer: Annotated[str, String(64)]
    group_id: Annotated[str, CiString(36)] | None = None
    valid: Boolean
    whitelist: WhitelistType
    language: Annotated[str, String(2)] | None = None
    default_profile_type: ProfileType | None = None
    energy_contract: EnergyContract | None = None
    last_updated: DateTime


class LocationReferences(OcpiModel):
    """Where a driver wants to charge; no EVSEs means any of the location (mod_tokens.asciidoc, LocationReferences)."""

    location_id: Id36
    evse_uids: Many[Id36] = ()


class AuthorizationInfo(OcpiModel):
    """What the eMSP answers about a token (mod_tokens.asciidoc, AuthorizationInfo)."""

    allowed: AllowedType
    token: Token
    location: LocationReferences | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None
    info: DisplayText | None = None
