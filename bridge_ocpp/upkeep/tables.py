"""What is kept of upkeep: firmware roll-outs and each charger's part in them, logs that were asked for.

Times are UTC, durations in seconds.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Sequence, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from bridge_ocpp.tables import Moment

REQUEST_NUMBER = Sequence("ocpp_request_number", start=1, minvalue=1, maxvalue=2**31 - 1, metadata=SQLModel.metadata)
"""What a charger is told to call a request by when it speaks of it later; never given twice in an installation."""


async def next_request(db: AsyncSession) -> int:
    """The number of a new request."""
    return int(await db.scalar(REQUEST_NUMBER.next_value()) or 0)


class FirmwareJobRow(SQLModel, table=True):
    """A roll-out. `forgiven` failures were there when it was last resumed and do not stop it again."""

    __tablename__ = "ocpp_firmware_job"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_firmware_job"),
        Index("ix_ocpp_firmware_job_running", "created_at", postgresql_where="status = 'Running'"),
    )

    id: str
    status: str
    reason: str | None = None
    location: str
    version: str | None = None
    retrieve_at: datetime | None = Field(default=None, sa_type=Moment)
    install_at: datetime | None = Field(default=None, sa_type=Moment)
    signing_certificate: str | None = None
    signature: str | None = None
    retries: int | None = None
    retry_interval: int | None = None
    at_once: int
    stop_after_failures: int | None = None
    forgiven: int = 0
    timeout: int
    created_at: datetime = Field(sa_type=Moment)
    give_up_at: datetime = Field(sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)


class FirmwareTaskRow(SQLModel, table=True):
    """One charger's part in a roll-out. `deadline` is when what it is doing should have ended."""

    __tablename__ = "ocpp_firmware_task"
    __table_args__ = (
        PrimaryKeyConstraint("job_id", "charger_key", name="pk_ocpp_firmware_task"),
        UniqueConstraint("request_id", name="uq_ocpp_firmware_task_request"),
        Index("ix_ocpp_firmware_task_charger", "charger_key", "asked_at"),
        Index("ix_ocpp_firmware_task_state", "job_id", "state", "position"),
    )

    job_id: str
    charger_key: str
    charger_id: str
    position: int
    request_id: int = Field(sa_type=BigInteger)
    state: str
    progress: str | None = None
    detail: str | None = None
    version_before: str | None = None
    version_after: str | None = None
    attempts: int = 0
    asked_at: datetime | None = Field(default=None, sa_type=Moment)
    deadline: datetime | None = Field(default=None, sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)


class LogRow(SQLModel, table=True):
    """A log that a charger is to upload to `url`. `upload_key` is the digest of the secret in a URL of our own."""

    __tablename__ = "ocpp_log"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_ocpp_log"),
        UniqueConstraint("request_id", name="uq_ocpp_log_request"),
        UniqueConstraint("upload_key", name="uq_ocpp_log_upload"),
        Index("ix_ocpp_log_charger", "charger_key", "created_at"),
        Index("ix_ocpp_log_open", "state", postgresql_where="state IN ('Waiting', 'Asked', 'Running')"),
        Index("ix_ocpp_log_created", "created_at"),
    )

    id: str
    charger_key: str
    charger_id: str
    kind: str
    url: str
    upload_key: str | None = None
    since: datetime | None = Field(default=None, sa_type=Moment)
    until: datetime | None = Field(default=None, sa_type=Moment)
    retries: int | None = None
    retry_interval: int | None = None
    request_id: int = Field(sa_type=BigInteger)
    state: str
    progress: str | None = None
    detail: str | None = None
    filename: str | None = None
    size: int | None = Field(default=None, sa_type=BigInteger)
    attempts: int = 0
    asked_at: datetime | None = Field(default=None, sa_type=Moment)
    deadline: datetime = Field(sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)
