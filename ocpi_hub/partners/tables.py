"""Platforms (connections), the parties behind them, their endpoints, and the credentials tokens they present to us.

A token that a platform presents is kept as a keyed digest; one that we present is sealed. Written in this room
only: enrolment.py and register.py, keyring.py (credentials tokens), presence.py (status, last seen), roster.py (the
list of parties that partners see), agreements.py, journal.py.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Identity, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import UtcTime


class Platform(SQLModel, table=True):
    """One connection. `status` is a ConnectionStatus: PLANNED until registered, then CONNECTED, OFFLINE, SUSPENDED.

    `expected` lists the parties that may register here ([{country_code, party_id, role}]); empty: any that is free.
    `registered_at` is None until credentials were exchanged, and again when they were revoked: then nothing may be
    sent or asked. `their_credentials_token` is sealed. `token_encoding` is how this partner wants it: base64, raw, or
    auto (transport_and_format, "Authorization header"). `profile` is what the operator set of its interop profile,
    `learned` what the hub found out ({name: {value, at, how}}). `list_owed`: it has just come (back) and is to be told
    the whole list of parties. `credentials_refused_at`: since then it does not take what we present, and needs a new
    handshake.
    """

    __tablename__ = "platform"

    id: str = Field(primary_key=True)
    name: str
    status: str = "PLANNED"
    versions_url: str | None = None
    version: str | None = None
    their_credentials_token: str | None = None
    token_encoding: str = "auto"  # noqa: S105 - the name of a setting
    expected: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
    profile: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    learned: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSONB, sa_column_kwargs={"server_default": text("'{}'::jsonb")}
    )
    created_at: datetime = Field(sa_type=UtcTime)
    registered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    status_changed_at: datetime = Field(sa_type=UtcTime)
    last_seen_at: datetime | None = Field(default=None, sa_type=UtcTime)
    list_owed: bool = False
    credentials_refused_at: datetime | None = Field(default=None, sa_type=UtcTime)


class CredentialsToken(SQLModel, table=True):
    """A credentials token that a platform presents to us. `purpose`:

    `invite` (token A: only versions and credentials), `handshake` (given out in a handshake that we began and that
    is still open: only versions and credentials), `live` (everything). A replaced live token works until `expires_at`,
    or until its successor is used on a module that only a live token opens: `first_used_at`. `encoding` is how the
    partner then presented it, raw or base64.
    """

    __tablename__ = "credentials_token"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_credentials_token_platform", "platform_id"))

    id: int | None = Field(default=None, primary_key=True)
    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE")
    digest: str
    purpose: str
    encoding: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    first_used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Party(SQLModel, table=True):
    """A party of a platform, in one role; (country_code, party_id, role) belongs to one platform only.

    `key` is `cc/pid` in lower case; the ids stand as the party registered them. `business_details` is OCPI's.
    """

    __tablename__ = "party"
    __table_args__ = (UniqueConstraint("key", "role"), Index("ix_party_platform", "platform_id"))

    id: int | None = Field(default=None, primary_key=True)
    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE")
    key: str
    country_code: str
    party_id: str
    role: str
    business_details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    changed_at: datetime = Field(sa_type=UtcTime)


class ListedParty(SQLModel, table=True):
    """A line of the list that partners see (mod_hub_client_info, ClientInfo object): a party in a role, its status.

    It is never deleted: who is gone is SUSPENDED. `platform_id` is the connection that the line comes from, which may
    be gone too; None: a party of our own chargers. `announced`: partners are owed the line as it stands.
    """

    __tablename__ = "listed_party"
    __table_args__ = (
        UniqueConstraint("key", "role"),
        Index("ix_listed_party_platform", "platform_id"),
        Index("ix_listed_party_news", "id", postgresql_where="NOT announced"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), primary_key=True)
    key: str
    role: str
    country_code: str
    party_id: str
    platform_id: str | None = None
    status: str
    last_updated: datetime = Field(sa_type=UtcTime)
    announced: bool = False


class HostedParty(SQLModel, table=True):
    """A party of our own chargers, beside that of the settings: no partner may claim it. `key` as in Party."""

    __tablename__ = "hosted_party"

    key: str = Field(primary_key=True)
    country_code: str
    party_id: str
    created_at: datetime = Field(sa_type=UtcTime)


class Agreement(SQLModel, table=True):
    """Who may talk with whom (docs/agreements.md). `party_a` and `party_b` are `NL/ABC` as they were given, or `*` for
    anybody; they have no direction. `modules` None: all. `allowed` False: these may not. In force from `valid_from` on
    and before `valid_until`.
    """

    __tablename__ = "agreement"

    id: str = Field(primary_key=True)
    party_a: str
    party_b: str
    modules: list[str] | None = Field(default=None, sa_type=ARRAY(String))
    allowed: bool = True
    valid_from: datetime | None = Field(default=None, sa_type=UtcTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcTime)
    note: str = ""
    changed_at: datetime = Field(sa_type=UtcTime)


class Message(SQLModel, table=True):
    """A note of the journal: one message of one hop, and how it was answered (journal.py). `id` is in the order of
    time. `direction` is in or out; `rule` is what routed it. Parties are `NL/ABC`. `path` names no token."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_correlation", "correlation_id"),
        Index("ix_message_platform", "platform_id", "id"),
    )

    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)
    direction: str
    correlation_id: str
    request_id: str
    request_id_in: str | None = None
    platform_id: str | None = None
    from_party: str | None = None
    to_party: str | None = None
    module: str
    interface: str
    method: str
    path: str
    http_status: int | None = None
    ocpi_status: int | None = None
    milliseconds: int
    rule: str
    reason: str | None = None


class MessageBody(SQLModel, table=True):
    """The bodies of a message of the journal, masked and cut; kept for a shorter time than the note."""

    __tablename__ = "message_body"

    id: UUID = Field(primary_key=True)
    request: str | None = None
    response: str | None = None


class AgreementsVersion(SQLModel, table=True):
    """How often agreements were changed: by this one row a writer sees at once that its picture of them is old."""

    __tablename__ = "agreements_version"

    id: int = Field(default=1, primary_key=True)
    version: int = Field(default=0, sa_type=BigInteger)


class Endpoint(SQLModel, table=True):
    """One line of a platform's version details, the URL as it was given."""

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("platform_id", "identifier", "role"),)

    id: int | None = Field(default=None, primary_key=True)
    platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE")
    identifier: str
    role: str
    url: str
