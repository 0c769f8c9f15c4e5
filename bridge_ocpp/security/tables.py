"""Certificates that chargers asked for, the authorities of ours that sign them, and security events."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, Text
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment


class AuthorityRow(SQLModel, table=True):
    """A certificate authority of ours. `sealed_key` is PKCS #8 in PEM, encrypted with a key that is not in here."""

    __tablename__ = "ocpp_authority"
    __table_args__ = (PrimaryKeyConstraint("serial", name="pk_ocpp_authority"),)

    serial: str
    certificate: str = Field(sa_type=Text)
    sealed_key: str = Field(sa_type=Text)
    not_before: datetime = Field(sa_type=Moment)
    not_after: datetime = Field(sa_type=Moment)


class CertificateRow(SQLModel, table=True):
    """A signing request and what became of it (`state`: port.SigningState).

    `number` is the charger's own for it. `fingerprint` (SHA-256) is that of the signed certificate, which belongs to
    this charger and no other, whatever names stand in it. The row outlives its charger: a certificate does, too.
    """

    __tablename__ = "ocpp_certificate"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_certificate"),
        Index("ix_ocpp_certificate_charger", "charger_key", "requested_at"),
        Index("ix_ocpp_certificate_requested", "requested_at"),
        Index("ix_ocpp_certificate_fingerprint", "fingerprint", postgresql_where="fingerprint IS NOT NULL"),
    )

    id: str
    charger_key: str
    charger_id: str
    kind: str
    number: int | None = Field(default=None, sa_type=BigInteger)
    csr: str = Field(sa_type=Text)
    state: str
    requested_at: datetime = Field(sa_type=Moment)
    decided_at: datetime | None = Field(default=None, sa_type=Moment)
    detail: str | None = None
    serial: str | None = None
    fingerprint: bytes | None = None
    chain: str | None = Field(default=None, sa_type=Text)
    not_before: datetime | None = Field(default=None, sa_type=Moment)
    not_after: datetime | None = Field(default=None, sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)
    renewal_asked_at: datetime | None = Field(default=None, sa_type=Moment)


class SecurityEventRow(SQLModel, table=True):
    """Something that a charger saw happen to its security. `at` is the time that counts, `said_at` the charger's."""

    __tablename__ = "ocpp_security_event"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_security_event"),
        Index("ix_ocpp_security_event_charger", "charger_key", "id"),
        Index("ix_ocpp_security_event_received", "received_at"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    charger_key: str
    kind: str
    critical: bool
    at: datetime = Field(sa_type=Moment)
    said_at: datetime | None = Field(default=None, sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    info: str | None = None
