"""The rows of what is owed to chargers. Times are UTC."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, text
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment


class ErrandRow(SQLModel, table=True):
    """Something that is owed to a charger until it is done; `version` counts how often it was owed anew meanwhile.

    It is run by the bridge process that holds the charger's socket, under a lease: a process that dies leaves it due.
    """

    __tablename__ = "ocpp_errand"
    __table_args__ = (
        PrimaryKeyConstraint("charger_key", "kind", name="pk_ocpp_errand"),
        Index("ix_ocpp_errand_due", "due_at"),
    )

    charger_key: str
    kind: str
    version: int = Field(default=1, sa_type=BigInteger, sa_column_kwargs={"server_default": text("1")})
    due_at: datetime = Field(sa_type=Moment)
    leased_until: datetime | None = Field(default=None, sa_type=Moment)
    attempts: int = 0
    detail: str | None = None
