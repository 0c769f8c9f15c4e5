"""The device itself: its variables, its availability, its list of tokens, and what an operator asks of it.

Commands go out by ChargerPort.ask; DeviceBook is what the bridge has written down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from bridge_ocpp.port.commands import Command
from bridge_ocpp.port.words import IdToken, Verdict

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class VariableName:
    """Which variable (OCPP 2.0.1, part 1, device model). EVSE and connector 0 are the charger as a whole.

    Without a `component` it is the component that holds the charger's configuration keys, where its version has
    nothing finer (OCPP 1.6).
    """

    variable: str
    component: str = ""
    component_instance: str = ""
    variable_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0
    attribute: str = "Actual"


@dataclass(frozen=True, slots=True)
class VariableSetting:
    """What a variable shall be."""

    name: VariableName
    value: str


@dataclass(frozen=True, slots=True)
class LocalListEntry:
    """A token of a charger's local authorization list; without a verdict it is taken off the list."""

    id_token: IdToken
    verdict: Verdict | None


# --- commands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attend(Command):
    """Look now at what is owed to this charger, instead of with the next beat. Nothing is sent by this itself."""


@dataclass(frozen=True, slots=True)
class GetVariables(Command):
    """Read variables, split by what the charger takes at once.

    The outcome's payload is {"variables": [{…name, "status", "value"}]}, in the order asked; `status` is OCPP 2.0.1's
    GetVariableStatusEnumType.
    """

    names: tuple[VariableName, ...]


@dataclass(frozen=True, slots=True)
class SetVariables(Command):
    """Write variables, split likewise; `status` in the payload is OCPP 2.0.1's SetVariableStatusEnumType."""

    settings: tuple[VariableSetting, ...]


@dataclass(frozen=True, slots=True)
class GetBaseReport(Command):
    """All variables. The payload has them at once ({"variables": […]}), or they follow under `request_id`."""

    request_id: int
    base: str = "FullInventory"


@dataclass(frozen=True, slots=True)
class GetReport(Command):
    """Some variables: those of components that are Active, Available, Enabled or in Problem (`criteria`), or named."""

    request_id: int
    names: tuple[VariableName, ...] = ()
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reset(Command):
    """Start the charger, or one EVSE, anew: at once, or when no transaction runs (`when_idle`)."""

    when_idle: bool
    evse_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeAvailability(Command):
    """Make a charger, an EVSE or a connector operative or inoperative. SCHEDULED: once its transaction is over."""

    operative: bool
    evse_id: int | None = None
    connector_id: int | None = None


@dataclass(frozen=True, slots=True)
class Trigger(Command):
    """Ask for a message, such as StatusNotification or BootNotification."""

    message: str
    evse_id: int | None = None
    connector_id: int | None = None


@dataclass(frozen=True, slots=True)
class ClearCache(Command):
    """Forget the tokens that the charger remembers."""


@dataclass(frozen=True, slots=True)
class TransferData(Command):
    """Data of a vendor's own. The payload is the charger's answer."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None


@dataclass(frozen=True, slots=True)
class GetLocalListVersion(Command):
    """Which list the charger has: the payload is {"version": n}; 0 is an empty one, -1 none at all."""


@dataclass(frozen=True, slots=True)
class SendLocalList(Command):
    """Replace the charger's list (`full`), or change these entries of it. VERSION_MISMATCH asks for a full one."""

    version: int
    full: bool
    entries: tuple[LocalListEntry, ...]


@dataclass(frozen=True, slots=True)
class SetNetworkProfile(Command):
    """Give the charger another way to reach us, in one of its slots (NetworkConnectionProfileType)."""

    slot: int
    profile: Mapping[str, Any]


# --- what is written down ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VariableRecord:
    """A variable as the charger reported it, and what is wished of it.

    `wish_state` is one of WAITING, SET (accepted, not read back yet), DONE, DIFFERS, REJECTED, NOT_SUPPORTED,
    REBOOT_REQUIRED; None: nothing is wished. The values of `secret` variables are never shown.
    """

    name: VariableName
    value: str | None
    mutability: str | None = None
    data_type: str | None = None
    unit: str | None = None
    min_limit: str | None = None
    max_limit: str | None = None
    values: str | None = None
    secret: bool = False
    reported_at: datetime | None = None
    wanted: str | None = None
    wanted_by: str | None = None
    wanted_at: datetime | None = None
    wish_state: str | None = None
    wish_detail: str | None = None


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """How it stands with the charger's report of all its variables."""

    state: str
    asked_at: datetime
    completed_at: datetime | None = None
    firmware_version: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AvailabilityRecord:
    """What an operator wants of a charger (EVSE 0), an EVSE (connector 0) or a connector, and what it answered."""

    evse_id: int
    connector_id: int
    operative: bool
    wanted_at: datetime
    outcome: str | None = None
    told_at: datetime | None = None


class DeviceBook(Protocol):
    """What is known and wished of devices. Rows are written to the caller's transaction; errands follow by themselves.

    Each raises KeyError for a charger that there is not.
    """

    async def variables(
        self, charger_id: str, db: AsyncSession, *, search: str | None = None, differing: bool = False
    ) -> Sequence[VariableRecord]:
        """By component and variable; `search` in their names, `differing`: only where a wish is not fulfilled."""

    async def report(self, charger_id: str, db: AsyncSession) -> ReportRecord | None: ...

    async def next_report(self, charger_id: str, db: AsyncSession) -> int:
        """A request id for a report that an operator asks for."""

    async def report_again(self, charger_id: str, db: AsyncSession) -> None:
        """Ask for all variables again, soon."""

    async def wish(self, charger_id: str, settings: Sequence[VariableSetting], db: AsyncSession) -> None:
        """Raises ValueError for a variable that holds a secret: it would be kept readable."""

    async def unwish(self, charger_id: str, names: Sequence[VariableName], db: AsyncSession) -> int:
        """Wish nothing any more of these variables; how many had a wish."""

    async def want_available(self, charger_id: str, command: ChangeAvailability, db: AsyncSession) -> None: ...

    async def availabilities(self, charger_id: str, db: AsyncSession) -> Sequence[AvailabilityRecord]: ...

    async def clear_cache(self, charger_id: str, db: AsyncSession) -> None:
        """Have the charger forget the tokens that it remembers, as soon as it can be asked."""

    async def set_boot_status(self, charger_id: str, status: str, db: AsyncSession) -> None:
        """Raises ValueError for another word than Accepted, Pending and Rejected."""

    async def set_items_per_message(self, charger_id: str, limits: Mapping[str, int], db: AsyncSession) -> None: ...
