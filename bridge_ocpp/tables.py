"""What the bridge knows of chargers, connectors and transactions, and the journal of what was said.

A `key` is an id folded to lower case: ids compare case-insensitively and travel as they came. Constraints are named
here one by one, so that they are called the same whoever makes the tables. Energy is in Wh, times are UTC.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    any_,
    cast,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel


class Moment(TypeDecorator[datetime]):
    """A timestamptz that refuses a time without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone must not reach the database")
        return value


class JsonDocument(TypeDecorator[str]):
    """A JSONB column whose Python side is JSON text: a frame is written without being built up again."""

    impl = JSONB
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _as_it_is

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], str | None]:
        return _as_it_is

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        # Read as text: the driver's own JSONB codec parses, and turns numbers into floats.
        return cast(column, Text)


def _as_it_is(value: str | None) -> str | None:
    return value


def any_of(keys: Iterable[str]) -> ColumnElement[Any]:
    """What a column is compared with that may be any of these: one statement, however many they are."""
    return any_(literal(list(keys), ARRAY(Text)))


EMPTY_OBJECT = {"server_default": text("'{}'::jsonb")}

TRANSACTION_NUMBER = Sequence(
    "ocpp_transaction_number", start=1, minvalue=1, maxvalue=2**31 - 1, metadata=SQLModel.metadata
)
"""What chargers that want a number of us call their transactions; never given twice in an installation."""


class ChargerRow(SQLModel, table=True):
    """A charger. `password_digest` is HMAC-SHA256 (see passwords.py); None: it has no password.

    `pending_passwords` were sent to the charger and may be in use there: `{"salt", "digest"}` in hexadecimal each.
    `security_profile` is the lowest at which it may come in; it rises with how the charger comes in, and never falls
    by itself. `certificate_serial` is that of the client certificate that it last showed, in hexadecimal.

    `generation` counts its sockets and `process_id` is the bridge process that holds the newest: the close of an older
    socket finds another generation here and changes nothing. `behind_since`: from then on the charger may have
    queued messages that it has not delivered yet. `boot_status` is what the operator wants its boots answered with,
    `boot_answer` what its last one was. `items_per_message`: what the operator knows of how much it takes at once.
    """

    __tablename__ = "ocpp_charger"
    __table_args__ = (
        PrimaryKeyConstraint("key", name="pk_ocpp_charger"),
        Index("ix_ocpp_charger_process", "process_id", postgresql_where="online"),
    )

    key: str
    id: str
    security_profile: int = Field(sa_type=SmallInteger)
    password_salt: bytes | None = None
    password_digest: bytes | None = None
    pending_passwords: list[dict[str, str]] = Field(default_factory=list, sa_type=JSONB)
    certificate_serial: str | None = None
    boot_status: str = "Accepted"
    online: bool = False
    generation: int = Field(default=0, sa_type=BigInteger)
    process_id: UUID | None = Field(default=None, sa_type=Uuid)
    connected_at: datetime | None = Field(default=None, sa_type=Moment)
    last_seen_at: datetime | None = Field(default=None, sa_type=Moment)
    behind_since: datetime | None = Field(default=None, sa_type=Moment)
    protocol: str | None = None
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    booted_at: datetime | None = Field(default=None, sa_type=Moment)
    boot_reason: str | None = None
    boot_answer: str | None = None
    items_per_message: dict[str, int] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=EMPTY_OBJECT)
    shows_cost: bool = False
    quirks: list[str] = Field(default_factory=list, sa_type=JSONB)
    registered_at: datetime = Field(sa_type=Moment)


class BridgeRow(SQLModel, table=True):
    """A bridge process. When it has not said that it lives by `alive_until`, its chargers are offline."""

    __tablename__ = "ocpp_bridge"
    __table_args__ = (PrimaryKeyConstraint("process_id", name="pk_ocpp_bridge"),)

    process_id: UUID = Field(sa_type=Uuid)
    alive_until: datetime = Field(sa_type=Moment)


class ConnectorRow(SQLModel, table=True):
    """A connector and what it last said. `said_at` is the charger's time, `changed_at` the one that counts."""

    __tablename__ = "ocpp_connector"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "evse_id", "connector_id", name="pk_ocpp_connector"),)

    charger_key: str
    evse_id: int
    connector_id: int
    status: str | None = None
    error_code: str | None = None
    info: str | None = None
    said_at: datetime | None = Field(default=None, sa_type=Moment)
    changed_at: datetime | None = Field(default=None, sa_type=Moment)


class TransactionRow(SQLModel, table=True):
    """A transaction. EVSE and connector 0: not known yet.

    `start_key` is the content of a start that waits for us to name the transaction: sent again, it is found here.
    `stray_key` keeps apart what names a transaction that we never named (see transactions.py). `…_received_at` is when
    we heard, beside the charger's time. `authorized`: its token was accepted. `settle_at`: an end with gaps waits until
    then. `start_told` and `told_at`: the business side knows of its start, of its end.
    """

    __tablename__ = "ocpp_transaction"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_transaction"),
        UniqueConstraint("charger_key", "ocpp_id", "stray_key", name="uq_ocpp_transaction_ocpp_id"),
        UniqueConstraint("charger_key", "start_key", name="uq_ocpp_transaction_start_key"),
        Index("ix_ocpp_transaction_open", "charger_key", "evse_id", postgresql_where="ended_at IS NULL"),
        Index("ix_ocpp_transaction_settle", "settle_at", postgresql_where="settle_at IS NOT NULL"),
        Index("ix_ocpp_transaction_started", "started_at", "id"),
        Index("ix_ocpp_transaction_charger", "charger_key", "started_at"),
        Index("ix_ocpp_transaction_token", "token_key", "started_at"),
    )

    id: str
    charger_key: str
    charger_id: str
    ocpp_id: str
    stray_key: str = ""
    start_key: str | None = None
    evse_id: int = 0
    connector_id: int = 0
    id_token: str | None = None
    id_token_type: str | None = None
    token_key: str | None = None
    group_token: str | None = None
    group_token_type: str | None = None
    authorized: bool = False
    started_at: datetime = Field(sa_type=Moment)
    started_received_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    ended_received_at: datetime | None = Field(default=None, sa_type=Moment)
    energy_wh: Decimal | None = Field(default=None, sa_type=Numeric)
    meter_begin: Decimal | None = Field(default=None, sa_type=Numeric)
    meter_last_at: datetime | None = Field(default=None, sa_type=Moment)
    charging_state: str | None = None
    state_at: datetime | None = Field(default=None, sa_type=Moment)
    stop_reason: str | None = None
    remote_start_id: int | None = Field(default=None, sa_type=BigInteger)
    reservation_id: int | None = Field(default=None, sa_type=BigInteger)
    first_seq: int | None = Field(default=None, sa_type=BigInteger)
    last_seq: int | None = Field(default=None, sa_type=BigInteger)
    start_seen: bool = False
    start_told: bool = False
    told_at: datetime | None = Field(default=None, sa_type=Moment)
    settle_at: datetime | None = Field(default=None, sa_type=Moment)
    suspect: bool = False
    flags: list[str] = Field(default_factory=list, sa_type=JSONB)


class TransactionEventRow(SQLModel, table=True):
    """One message about a transaction, or a state that followed from a connector's status. `digest` is its content."""

    __tablename__ = "ocpp_transaction_event"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_transaction_event"),
        UniqueConstraint("transaction_id", "digest", name="uq_ocpp_transaction_event_digest"),
        Index("ix_ocpp_transaction_event_seq", "transaction_id", "seq_no"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    transaction_id: str
    digest: str
    stage: str | None = None
    seq_no: int | None = Field(default=None, sa_type=BigInteger)
    said_at: datetime | None = Field(default=None, sa_type=Moment)
    at: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    charging_state: str | None = None
    verdict: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


class SampleRow(SQLModel, table=True):
    """A measured value, of a transaction or of none. `fingerprint` is its content (see meter.Reading)."""

    __tablename__ = "ocpp_sample"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_sample"),
        UniqueConstraint("transaction_id", "fingerprint", name="uq_ocpp_sample_fingerprint"),
        Index("ix_ocpp_sample_loose", "received_at", postgresql_where="transaction_id IS NULL"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    transaction_id: str | None = None
    fingerprint: UUID = Field(sa_type=Uuid)
    charger_key: str
    evse_id: int
    ocpp_id: str | None = None
    at: datetime = Field(sa_type=Moment)
    said_at: datetime | None = Field(default=None, sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    measurand: str
    value: Decimal = Field(sa_type=Numeric)
    unit: str
    phase: str | None = None
    context: str
    location: str
    signed: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


class RemoteStartRow(SQLModel, table=True):
    """A remote start that a charger accepted and cannot name: the next start with that token there is its own."""

    __tablename__ = "ocpp_remote_start"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_remote_start"),
        Index("ix_ocpp_remote_start_token", "charger_key", "token_key", "asked_at"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    charger_key: str
    token_key: str
    evse_id: int | None = None
    remote_start_id: int = Field(sa_type=BigInteger)
    asked_at: datetime = Field(sa_type=Moment)


class ReservationRow(SQLModel, table=True):
    """A reservation that a charger took, with the id that it knows. `status`: Active, Cancelled, Expired, Removed."""

    __tablename__ = "ocpp_reservation"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "reservation_id", name="pk_ocpp_reservation"),
        Index("ix_ocpp_reservation_changed", "changed_at"),
    )

    charger_key: str
    reservation_id: int = Field(sa_type=BigInteger)
    charger_id: str
    evse_id: int | None = None
    id_token: str
    status: str
    expires_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)


class NoticeRow(SQLModel, table=True):
    """Something that a charger told and that is kept as it came: firmware progress, security events, reports."""

    __tablename__ = "ocpp_notice"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_notice"),
        Index("ix_ocpp_notice_charger", "charger_key", "topic", "id"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    charger_key: str
    topic: str
    said_at: datetime | None = Field(default=None, sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    document: str = Field(sa_type=JsonDocument)


class FrameRow(SQLModel, table=True):
    """A frame of the journal, secrets masked. It may be lost and is pruned: it is for looking, not for counting.

    `payload` is JSON as text: JSONB would put its keys into another order.
    """

    __tablename__ = "ocpp_frame"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_frame"),
        Index("ix_ocpp_frame_charger", "charger_key", "id"),
        Index("ix_ocpp_frame_at", "at"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    charger_key: str
    at: datetime = Field(sa_type=Moment)
    direction: str
    kind: str
    action: str | None = None
    message_id: str
    payload: str = Field(sa_type=Text)
