"""Upkeep at the doorway: firmware and logs, monitors, messages on displays, customers' data, what a charge costs.

Commands, records and the door (UpkeepBook) that operators' calls go through. Standard library only; times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bridge_ocpp.port.commands import Command

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class NotPossible(Exception):
    """What was asked for cannot be; `chargers` are those that it is about. The text is for the operator.

    `busy`: it may be asked again later. Else it names chargers that there are not, or none.
    """

    def __init__(self, reason: str, chargers: Sequence[str] = (), *, busy: bool = False) -> None:
        super().__init__(reason)
        self.chargers = tuple(chargers)
        self.busy = busy


# --- firmware -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UpdateFirmware(Command):
    """Fetch an image from `location` at `retrieve_at` or later, and install it at `install_at`, or when it is there.

    `retry_interval` is in seconds.
    """

    request_id: int
    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateSignedFirmware(Command):
    """The same with an image that the charger must verify: `signing_certificate` is PEM, `signature` base64.

    A charger that cannot verify says so; it is never asked to install the image unverified instead.
    """

    request_id: int
    location: str
    retrieve_at: datetime
    signing_certificate: str
    signature: str
    install_at: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


class JobStatus(StrEnum):
    """A roll-out as a whole. STOPPED may be resumed; who was asked before goes on."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    FINISHED = "Finished"


class TaskState(StrEnum):
    """One charger's part. INSTALLED: it says so, and has not yet come back with another version."""

    WAITING = "Waiting"
    ASKED = "Asked"
    RUNNING = "Running"
    INSTALLED = "Installed"
    DONE = "Done"
    FAILED = "Failed"
    SKIPPED = "Skipped"


@dataclass(frozen=True, slots=True)
class ChargerGroup:
    """The chargers that say this of themselves; None is any."""

    vendor: str | None = None
    model: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class NewFirmwareJob:
    """A roll-out to start: to `chargers`, or to all of `group`.

    `version` is what they report afterwards, where it is known. `at_once` may be at work at the same time;
    `stop_after_failures` (None: never) ends the asking. `timeout` (seconds) is for one charger, from when it was asked
    or may begin; `give_up_after` (seconds) for those that never came to be asked.
    """

    location: str
    chargers: tuple[str, ...] = ()
    group: ChargerGroup | None = None
    version: str | None = None
    retrieve_at: datetime | None = None
    install_at: datetime | None = None
    signing_certificate: str | None = None
    signature: str | None = None
    retries: int | None = None
    retry_interval: int | None = None
    at_once: int = 10
    stop_after_failures: int | None = 3
    timeout: int = 7200
    give_up_after: int = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class FirmwareTask:
    """One charger in a roll-out. `progress` is the charger's last own word; `detail` why it failed or waits."""

    charger: str
    state: TaskState
    progress: str | None
    detail: str | None
    version_before: str | None
    version_after: str | None
    asked_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FirmwareJob:
    """A roll-out as it stands; `reason` says why it was stopped, `counts` how many chargers are in which state."""

    id: str
    status: JobStatus
    reason: str | None
    location: str
    version: str | None
    signed: bool
    retrieve_at: datetime | None
    install_at: datetime | None
    at_once: int
    stop_after_failures: int | None
    created_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    tasks: tuple[FirmwareTask, ...] = ()


# --- logs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchDiagnostics(Command):
    """Upload the diagnostics of `since` to `until` to `url`. The answer's `filename` is in the outcome's payload."""

    request_id: int
    url: str
    since: datetime | None = None
    until: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True)
class FetchSecurityLog(Command):
    """The same for the log of security events."""

    request_id: int
    url: str
    since: datetime | None = None
    until: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


class LogKind(StrEnum):
    """Which log of a charger."""

    DIAGNOSTICS = "diagnostics"
    SECURITY = "security"


@dataclass(frozen=True, slots=True)
class NewLog:
    """A log to fetch. `upload_key` is a digest of the secret in `url` where the upload comes to ourselves."""

    charger: str
    kind: LogKind
    url: str
    upload_key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log that was asked for. `size` in bytes is known of uploads that came to ourselves; `detail` why it failed."""

    id: str
    charger: str
    kind: LogKind
    state: TaskState
    progress: str | None
    detail: str | None
    filename: str | None
    ours: bool
    size: int | None
    created_at: datetime
    changed_at: datetime


# --- cost ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TellCost(Command):
    """What a running transaction (ours, `Transaction.id`) costs so far, in its currency, taxes included."""

    transaction_id: str
    total: Decimal


# --- the door -------------------------------------------------------------------------------------------------------


class UpkeepBook(Protocol):
    """Upkeep for operators; rows are written to the caller's transaction and the bridge does the rest."""

    async def start_firmware(self, wanted: NewFirmwareJob, db: AsyncSession) -> FirmwareJob:
        """Raises NotPossible for chargers that there are not or that another roll-out has, or for none at all."""

    async def firmware_jobs(self, db: AsyncSession, *, limit: int = 100) -> Sequence[FirmwareJob]:
        """Newest first, without their tasks."""

    async def firmware_job(self, job_id: str, db: AsyncSession) -> FirmwareJob | None: ...

    async def stop_firmware(self, job_id: str, db: AsyncSession) -> FirmwareJob | None:
        """Ask nobody any more. Who was asked goes on: OCPP has no word to call an update back."""

    async def resume_firmware(self, job_id: str, db: AsyncSession, *, retry_failed: bool) -> FirmwareJob | None:
        """Go on; failures so far are forgiven, and with `retry_failed` those chargers are asked again."""

    async def fetch_log(self, wanted: NewLog, db: AsyncSession) -> LogRecord:
        """Raises NotPossible for a charger that there is not."""

    async def logs(self, db: AsyncSession, *, charger_id: str | None = None, limit: int = 100) -> Sequence[LogRecord]:
        """Newest first."""

    async def log(self, log_id: str, db: AsyncSession) -> LogRecord | None: ...

    async def log_awaiting(self, upload_key: str, db: AsyncSession) -> LogRecord | None:
        """The log whose upload is still expected under this digest."""

    async def log_uploaded(self, log_id: str, size: int, db: AsyncSession) -> None:
        """Its file has come, `size` bytes."""

    async def forget_log(self, log_id: str, db: AsyncSession) -> bool: ...

    async def forget_logs(self, before: datetime, db: AsyncSession) -> Sequence[str]:
        """Forget what was asked for before then; the ids."""
