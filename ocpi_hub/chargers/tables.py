"""Where our chargers stand, who may charge at them, what partners asked of them, and what became of transactions.

The bridge knows the charger; these rows know its place in OCPI. Written by the files of this folder only.
Keys are ids folded to lower case; ids themselves stand as they came.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import JsonText, UtcTime


class ChargerPlacement(SQLModel, table=True):
    """A charger and the Location it stands at; without `location_id` it is registered but roams nowhere.

    `status` is what the charger last said of itself as a whole (a ConnectorStatus), `online` whether its socket is
    open. `takes_profiles`: it takes charging profiles (None: not known), as learned of the model and firmware
    `profiles_asked_of`.
    """

    __tablename__ = "charger_placement"
    __table_args__ = (Index("ix_charger_placement_location", "owner_key", "location_key"),)

    key: str = Field(primary_key=True)
    charger_id: str
    country_code: str
    party_id: str
    owner_key: str
    location_id: str | None = None
    location_key: str | None = None
    tariff_ids: list[str] = Field(default_factory=list, sa_type=JSONB)
    online: bool = False
    status: str | None = None
    takes_profiles: bool | None = None
    profiles_asked_of: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)


class ChargerEvse(SQLModel, table=True):
    """Which EVSE of OCPI the charger's EVSE number `evse_id` is, and what its connectors last said.

    `connector_ids[n - 1]` is the OCPI id of the charger's connector n; `statuses` maps a connector's number to its
    ConnectorStatus; `status` is the EVSE's OCPI status as it was last published.
    """

    __tablename__ = "charger_evse"
    __table_args__ = (UniqueConstraint("owner_key", "uid_key"),)

    charger_key: str = Field(primary_key=True, foreign_key="charger_placement.key", ondelete="CASCADE")
    evse_id: int = Field(primary_key=True)
    owner_key: str
    uid: str
    uid_key: str
    connector_ids: list[str] = Field(sa_type=JSONB)
    statuses: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    status: str


class OwnCard(SQLModel, table=True):
    """A card of the operator's own: its sessions are kept and owed to nobody. `status` is an AuthStatus."""

    __tablename__ = "own_card"

    key: str = Field(primary_key=True)
    uid: str
    type: str = "RFID"
    status: str = "Accepted"
    group_id: str | None = None
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    master: bool = False
    updated_at: datetime = Field(sa_type=UtcTime)


class AddressedToken(SQLModel, table=True):
    """A Token that an eMSP told one party of ours alone (OCPI-to names it): no other party ever sees it.

    Keys as in objects/tables.py: `party_key` is ours, `owner_key` the eMSP, `key` is `uid/TYPE`. `first_at` is when it
    was first heard of, `arrived_after` the place of the newest Token that everybody had been told of by then.
    """

    __tablename__ = "addressed_token"
    __table_args__ = (Index("ix_addressed_token_uid", "party_key", "uid_key"),)

    party_key: str = Field(primary_key=True)
    owner_key: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    uid_key: str
    document: str = Field(sa_type=JsonText)
    last_updated: datetime = Field(sa_type=UtcTime)
    first_at: datetime = Field(sa_type=UtcTime)
    received_at: datetime = Field(sa_type=UtcTime)
    platform_id: str
    arrived_after: int = Field(sa_type=BigInteger)


class PartnerCommand(SQLModel, table=True):
    """A command of a partner to one of our chargers, from ACCEPTED to its CommandResult.

    `id` is also the remote start id and the reservation id that the charger hears: unique, and nobody else's.
    `state` goes WAITING → ASKED → ANSWERED. `outcome` is the CommandResultType told to the partner, `late_outcome`
    what the charger said after a TIMEOUT had been told. `id_token_key` is the token as the charger knows it, folded.
    `token` is the partner's Token document. `reservation_id` and `response_url` are the partner's own. `profile` is the
    OCPI ChargingProfile of a request of profiles.py, `duration` what it wants to see, in seconds.
    """

    __tablename__ = "partner_command"
    __table_args__ = (
        Index("ix_partner_command_open", "deadline", postgresql_where="state <> 'ANSWERED'"),
        Index("ix_partner_command_token", "id_token_key", "received_at"),
        Index("ix_partner_command_reservation", "from_key", "reservation_key"),
        Index("ix_partner_command_session", "session_id", "received_at"),
    )

    id: int | None = Field(default=None, sa_column_args=(Identity(),), primary_key=True)
    type: str
    platform_id: str
    from_key: str
    from_country_code: str
    from_party_id: str
    owner_country_code: str
    owner_party_id: str
    response_url: str
    correlation_id: str
    charger_id: str
    charger_key: str
    evse_id: int | None = None
    connector_id: int | None = None
    transaction_id: str | None = None
    token: str | None = Field(default=None, sa_type=JsonText)
    id_token: str | None = None
    id_token_key: str | None = None
    authorization_reference: str | None = None
    location_id: str | None = None
    reservation_id: str | None = None
    reservation_key: str | None = None
    reservation_number: int | None = None
    reserved_until: datetime | None = Field(default=None, sa_type=UtcTime)
    received_at: datetime = Field(sa_type=UtcTime)
    deadline: datetime = Field(sa_type=UtcTime)
    state: str = "WAITING"
    outcome: str | None = None
    detail: str | None = None
    late_outcome: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    session_id: str | None = None
    profile: str | None = Field(default=None, sa_type=JsonText)
    duration: int | None = None


class ProfileSetter(SQLModel, table=True):
    """The partner whose charging profile the charger took last for a session: it is told when the limits change.

    `told` are the limits that it was told last, `due_at` since when it is to be told of others.
    """

    __tablename__ = "profile_setter"
    __table_args__ = (
        Index("ix_profile_setter_transaction", "transaction_id"),
        Index("ix_profile_setter_due", "due_at", postgresql_where="due_at IS NOT NULL"),
    )

    session_id: str = Field(primary_key=True)
    transaction_id: str
    platform_id: str
    party_country_code: str
    party_id: str
    command_id: int | None = None
    told: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Authorization(SQLModel, table=True):
    """A verdict about a token at a charger, remembered for the session that may follow.

    `status` is an AuthStatus; `auth_method` an AuthMethod (None: an own card); `token` the eMSP's Token document.
    """

    __tablename__ = "charger_authorization"
    __table_args__ = (
        Index("ix_charger_authorization_token", "charger_key", "id_token_key", "at"),
        Index("ix_charger_authorization_at", "at"),
    )

    id: int | None = Field(default=None, sa_column_args=(Identity(),), primary_key=True)
    charger_key: str
    id_token_key: str
    evse_id: int | None = None
    at: datetime = Field(sa_type=UtcTime)
    status: str
    auth_method: str | None = None
    token: str | None = Field(default=None, sa_type=JsonText)
    authorization_reference: str | None = None
    command_id: int | None = None


RESERVED = "reserved:"
"""What the `transaction_id` of a session begins with as long as there is only a reservation; its number follows."""


class SessionLink(SQLModel, table=True):
    """What a transaction became: its session, its CDR, who pays, and everything as it stood at the start.

    `payer` is `partner`, `own` (an own card) or `nobody` (a token that nobody knows, or none yet). `place` is the
    CdrLocation, `time_zone` the Location's, `cdr_token` the CdrToken, `tariff` the OCPI Tariff in force. Without a
    place there is no `session_id`; a suspect or refused transaction has no `cdr_id`. `authorized`: a verdict was given
    for it; `refused`: and it was no. `cdr_number` counts the CDRs made; `status` is the session's as last published.
    `offered` are the tariff ids of the connector at the start, `later_tariffs` those that a driver chose on the way
    ([{from, tariff}]), `preferences` the ChargingPreferences that count now.
    """

    __tablename__ = "session_link"
    __table_args__ = (
        UniqueConstraint("session_id"),
        Index("ix_session_link_open", "charger_key", "id_token_key", postgresql_where="ended_at IS NULL"),
        Index("ix_session_link_evse", "charger_key", "evse_id", "started_at"),
        Index("ix_session_link_reserved", "reserved_until", postgresql_where="status = 'RESERVATION'"),
    )

    transaction_id: str = Field(primary_key=True)
    session_id: str | None = None
    charger_id: str
    charger_key: str
    evse_id: int
    connector_id: int
    id_token_key: str | None = None
    country_code: str
    party_id: str
    payer: str
    cdr_token: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    auth_method: str
    authorization_reference: str | None = None
    location_id: str | None = None
    evse_uid: str | None = None
    place: str | None = Field(default=None, sa_type=JsonText)
    time_zone: str = "UTC"
    tariff: str | None = Field(default=None, sa_type=JsonText)
    currency: str
    offered: list[str] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")}
    )
    later_tariffs: str | None = Field(default=None, sa_type=JsonText)
    preferences: str | None = Field(default=None, sa_type=JsonText)
    command_id: int | None = None
    status: str | None = None
    charging_state: str | None = None
    reserved_from: datetime | None = Field(default=None, sa_type=UtcTime)
    reserved_until: datetime | None = Field(default=None, sa_type=UtcTime)
    started_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)
    cdr_id: str | None = None
    cdr_number: int = 0
    authorized: bool = False
    refused: bool = False
    suspect: bool = False

    @property
    def is_reservation(self) -> bool:
        """Whether no transaction has come of it yet."""
        return self.transaction_id.startswith(RESERVED)
