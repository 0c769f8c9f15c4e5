"""What chargers watch and show: monitors and alerts, messages on displays, what they know of a customer.

Commands, records and the door (WatchBook) that operators' calls go through. Standard library only; times are UTC.
What a charger has is known by what it reports: rows are written from reports alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from bridge_ocpp.port.commands import Command
from bridge_ocpp.port.devices import VariableName
from bridge_ocpp.port.words import IdToken

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


# --- monitors and alerts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Monitor:
    """Watch a variable (2.0.1 MonitorEnumType): thresholds and deltas in its unit, periods in seconds.

    `severity` is 0 (danger) to 9 (debug). `id` is the charger's; with one, that monitor is replaced.
    """

    variable: VariableName
    type: str
    value: Decimal
    severity: int
    transaction: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class SetMonitors(Command):
    """Set monitors; the outcome's payload says of each what became of it."""

    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True)
class ClearMonitors(Command):
    """Remove monitors by the charger's ids."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetMonitoringBase(Command):
    """Which monitors are in force: All, FactoryDefault or HardWiredOnly."""

    base: str


@dataclass(frozen=True, slots=True)
class SetMonitoringLevel(Command):
    """Report events of this severity and of graver ones (lower numbers)."""

    severity: int


@dataclass(frozen=True, slots=True)
class ReportMonitors(Command):
    """Report all monitors; they come by themselves, under this number."""

    request_id: int


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """Something is wrong at a charger: `source` is `monitor` (an event of the charger's) or `status` (a connector).

    EVSE and connector 0 are the charger as a whole. `count` is how often it was said while it lasted.
    """

    id: int
    charger: str
    source: str
    evse_id: int
    connector_id: int
    component: str | None
    variable: str | None
    severity: int | None
    text: str
    value: str | None
    tech_code: str | None
    count: int
    raised_at: datetime
    changed_at: datetime
    cleared_at: datetime | None


# --- displays -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShowMessage(Command):
    """Show a text. `priority`: AlwaysFront, InFront, NormalCycle; `state`: only while Charging, Faulted, Idle, …"""

    id: int
    text: str
    priority: str = "NormalCycle"
    format: str = "UTF8"
    language: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class ListMessages(Command):
    """Report all messages; they come by themselves, under this number."""

    request_id: int


@dataclass(frozen=True, slots=True)
class RemoveMessage(Command):
    """Remove a message."""

    id: int


# --- customers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskCustomer(Command):
    """What the charger keeps of a customer: `report` it, `clear` it, or both (2.0.1, N09 and N10)."""

    request_id: int
    report: bool
    clear: bool
    id_token: IdToken | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """What a charger said of a customer; `complete` once its last part has come."""

    request_id: int
    charger: str
    data: str
    complete: bool
    asked_at: datetime


# --- the door ------------------------------------------------------------------------------------------------------


class WatchBook(Protocol):
    """What chargers reported, for operators."""

    async def next_request(self, db: AsyncSession) -> int:
        """A number for a request whose answer comes by itself."""

    async def alerts(
        self, db: AsyncSession, *, charger_id: str | None = None, active: bool | None = None, limit: int = 200
    ) -> Sequence[AlertRecord]:
        """Newest first."""

    async def clear_alert(self, alert_id: int, db: AsyncSession) -> AlertRecord | None:
        """The operator has seen to it; it is raised again when the charger says it again."""

    async def alert_counts(self, db: AsyncSession) -> Mapping[int | None, int]:
        """How many alerts stand, by severity."""

    async def monitors(self, charger_id: str, db: AsyncSession) -> Sequence[Monitor]: ...

    async def forget_monitors(self, charger_id: str, db: AsyncSession) -> None:
        """The charger says that it has none."""

    async def messages(self, charger_id: str, db: AsyncSession) -> Sequence[Mapping[str, Any]]:
        """MessageInfoType as reported."""

    async def forget_messages(self, charger_id: str, db: AsyncSession) -> None: ...

    async def shows_cost(self, charger_id: str, db: AsyncSession) -> bool:
        """Whether drivers see at this charger what they pay."""

    async def show_cost(self, charger_id: str, shows: bool, db: AsyncSession) -> bool:
        """Switch it; False for a charger that there is not."""

    async def ask_customer(self, charger_id: str, request_id: int, db: AsyncSession) -> None:
        """Await what the charger will say under this number."""

    async def customer(self, charger_id: str, request_id: int, db: AsyncSession) -> CustomerRecord | None: ...
