"""What the bridge knows of devices: their variables and the wishes about them, reports, availability.

A `key` is folded to lower case; names compare without case (OCPP 2.0.1, part 2, identifierString). Times are UTC.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Index, PrimaryKeyConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment


class VariableRow(SQLModel, table=True):
    """A variable of a charger and what is wished of it. See port.VariableRecord for `wish_state`.

    `name_key` is its whole name, folded (see variables.key_of). `report_id` is the report that mentioned it last; what
    a complete report does not mention any more is gone. A `secret` variable's value is never written down.
    """

    __tablename__ = "ocpp_variable"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "name_key", name="pk_ocpp_variable"),
        Index("ix_ocpp_variable_wanted", "charger_key", postgresql_where="wanted IS NOT NULL"),
    )

    charger_key: str
    name_key: str
    component: str
    component_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0
    variable: str
    variable_instance: str = ""
    attribute: str = "Actual"
    value: str | None = Field(default=None, sa_type=Text)
    mutability: str | None = None
    data_type: str | None = None
    unit: str | None = None
    min_limit: str | None = None
    max_limit: str | None = None
    values_list: str | None = Field(default=None, sa_type=Text)
    secret: bool = Field(default=False, sa_type=Boolean)
    report_id: int | None = Field(default=None, sa_type=BigInteger)
    reported_at: datetime | None = Field(default=None, sa_type=Moment)
    wanted: str | None = Field(default=None, sa_type=Text)
    wanted_by: str | None = None
    wanted_at: datetime | None = Field(default=None, sa_type=Moment)
    wish_state: str | None = None
    wish_detail: str | None = None


class ReportRow(SQLModel, table=True):
    """A charger's report of all its variables: ASKED, COMPLETE or REFUSED. `parts` are the numbers that have come."""

    __tablename__ = "ocpp_device_report"
    __table_args__ = (PrimaryKeyConstraint("charger_key", name="pk_ocpp_device_report"),)

    charger_key: str
    request_id: int = Field(sa_type=BigInteger)
    state: str
    parts: list[int] = Field(default_factory=list, sa_type=JSONB)
    last_part: int | None = None
    firmware_version: str | None = None
    detail: str | None = None
    asked_at: datetime = Field(sa_type=Moment)
    completed_at: datetime | None = Field(default=None, sa_type=Moment)


class AvailabilityRow(SQLModel, table=True):
    """What an operator wants of a charger (EVSE 0), an EVSE (connector 0) or a connector; `outcome` is its answer."""

    __tablename__ = "ocpp_availability"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "evse_id", "connector_id", name="pk_ocpp_availability"),)

    charger_key: str
    evse_id: int
    connector_id: int
    operative: bool
    wanted_at: datetime = Field(sa_type=Moment)
    outcome: str | None = None
    told_at: datetime | None = Field(default=None, sa_type=Moment)
