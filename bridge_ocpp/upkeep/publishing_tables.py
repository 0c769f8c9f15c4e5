"""What is kept of images that local controllers publish. Times are UTC, durations in seconds."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment


class PublicationRow(SQLModel, table=True):
    """An image that a local controller is to publish. `uris` is the JSON list of where it serves it now."""

    __tablename__ = "ocpp_publication"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_publication"),
        UniqueConstraint("request_id", name="uq_ocpp_publication_request"),
        Index("ix_ocpp_publication_charger", "charger_key", "created_at"),
        Index("ix_ocpp_publication_open", "state", postgresql_where="state IN ('Waiting', 'Asked', 'Running')"),
        Index("ix_ocpp_publication_created", "created_at"),
    )

    id: str
    charger_key: str
    charger_id: str
    location: str
    checksum: str
    retries: int | None = None
    retry_interval: int | None = None
    request_id: int = Field(sa_type=BigInteger)
    state: str
    progress: str | None = None
    detail: str | None = None
    uris: str = Field(default="[]", sa_type=Text)
    attempts: int = 0
    asked_at: datetime | None = Field(default=None, sa_type=Moment)
    deadline: datetime = Field(sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)
