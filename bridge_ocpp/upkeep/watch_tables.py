"""What chargers reported: alerts, monitors, messages on displays, customers' data. Times are UTC."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Identity, Index, Numeric, PrimaryKeyConstraint
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import JsonDocument, Moment


class AlertRow(SQLModel, table=True):
    """Something that is, or was, wrong. `subject` says what: as long as it stands, the same is the same alert."""

    __tablename__ = "ocpp_alert"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_alert"),
        Index("uq_ocpp_alert_standing", "charger_key", "subject", unique=True, postgresql_where="cleared_at IS NULL"),
        Index("ix_ocpp_alert_charger", "charger_key", "id"),
        Index("ix_ocpp_alert_cleared", "cleared_at", postgresql_where="cleared_at IS NOT NULL"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(),), nullable=False)
    charger_key: str
    charger_id: str
    subject: str
    source: str
    evse_id: int = 0
    connector_id: int = 0
    component: str | None = None
    variable: str | None = None
    severity: int | None = None
    text: str
    value: str | None = None
    tech_code: str | None = None
    count: int = 1
    raised_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)
    cleared_at: datetime | None = Field(default=None, sa_type=Moment)


class MonitorRow(SQLModel, table=True):
    """A monitor as the charger reported it under `request_id`."""

    __tablename__ = "ocpp_monitor"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "monitor_id", name="pk_ocpp_monitor"),)

    charger_key: str
    monitor_id: int = Field(sa_type=BigInteger)
    request_id: int = Field(sa_type=BigInteger)
    component: str
    component_instance: str = ""
    variable: str
    variable_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0
    type: str
    value: Decimal = Field(sa_type=Numeric)
    severity: int
    transaction: bool = False


class MessageRow(SQLModel, table=True):
    """A message on a display (MessageInfoType) as the charger reported it under `request_id`."""

    __tablename__ = "ocpp_display_message"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "message_id", name="pk_ocpp_display_message"),)

    charger_key: str
    message_id: int = Field(sa_type=BigInteger)
    request_id: int = Field(sa_type=BigInteger)
    document: str = Field(sa_type=JsonDocument)


class CustomerRow(SQLModel, table=True):
    """A part of what a charger said of a customer; part -1 is the question. Kept for a day: it is personal data."""

    __tablename__ = "ocpp_customer"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "request_id", "part", name="pk_ocpp_customer"),
        Index("ix_ocpp_customer_at", "at"),
    )

    charger_key: str
    charger_id: str
    request_id: int = Field(sa_type=BigInteger)
    part: int
    data: str = ""
    last: bool = False
    at: datetime = Field(sa_type=Moment)
