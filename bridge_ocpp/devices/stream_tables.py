"""The open periodic event streams of chargers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment


class StreamRow(SQLModel, table=True):
    """One open stream. `values` are the newest, `{"at", "value"}` each; `heard` counts all since it was opened."""

    __tablename__ = "ocpp_stream"
    __table_args__ = (PrimaryKeyConstraint("charger_key", "stream_id", name="pk_ocpp_stream"),)

    charger_key: str
    stream_id: int = Field(sa_type=BigInteger)
    monitoring_id: int = Field(sa_type=BigInteger)
    interval: int | None = Field(default=None, sa_type=BigInteger)
    most_values: int | None = Field(default=None, sa_type=BigInteger)
    opened_at: datetime = Field(sa_type=Moment)
    heard_at: datetime | None = Field(default=None, sa_type=Moment)
    heard: int = Field(default=0, sa_type=BigInteger)
    pending: int = Field(default=0, sa_type=BigInteger)
    values: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
