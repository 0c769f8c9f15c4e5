"""Smart charging: what is asked of a charger, what it tells, and what is known of limits and sites.

Limits are A per phase or W in all, as Decimal with one decimal; durations are seconds; times are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from bridge_ocpp.port.commands import Command
from bridge_ocpp.port.events import Event
from bridge_ocpp.port.profiles import ChargingProfile, Purpose, RateUnit, Schedule

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bridge_ocpp.port.wishes import Preference


# --- what a charger is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetProfile(Command):
    """Keep this profile at an EVSE; 0 is the charger as a whole, or every EVSE of it for a TxDefaultProfile."""

    evse_id: int
    charging_profile: ChargingProfile


@dataclass(frozen=True, slots=True)
class ClearProfiles(Command):
    """Forget the profile with this id, or all that fit what is said. UNKNOWN_PROFILE where there is none."""

    profile_id: int | None = None
    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True)
class GetComposite(Command):
    """What an EVSE reckons with for the next `duration` seconds. `Outcome.payload` is a schedule (`read_schedule`)."""

    evse_id: int
    duration: int
    unit: RateUnit | None = None


@dataclass(frozen=True, slots=True)
class GetProfiles(Command):
    """Let the charger report its profiles, where the version can; they come later, as reports with `request_id`."""

    request_id: int
    evse_id: int | None = None


@dataclass(frozen=True, slots=True)
class LimitTransaction(Command):
    """A ceiling for a running transaction, or none any more; where a site shares its power, inside the share.

    UNKNOWN_PROFILE when there was none to take away.
    """

    transaction_id: str
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class ShareCurrent(Command):
    """What a site gives a running transaction, in A per phase; said in `unit`, at `voltage` V on `phases`.

    To a car that said when it leaves: as a schedule, with no more than `least` A from `until` (UTC) on, and with at
    most `most_periods` periods (None: as many as there are).
    """

    transaction_id: str
    amperes: Decimal
    unit: RateUnit = RateUnit.A
    voltage: int = 230
    phases: int = 3
    until: datetime | None = None
    least: Decimal = Decimal(0)
    most_periods: int | None = None


# --- what it tells -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LimitChanged(Event):
    """What an EVSE may use has changed for another reason than a ceiling that was asked for; EVSE 0 is all of them.

    `source` is `site`, or a 2.0.1 ChargingLimitSourceEnumType (EMS, SO, CSO, Other) that the charger obeys.
    """

    evse_id: int
    source: str


# --- what an operator looks at -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """A profile that a charger keeps. `source` is who set it: CSO (we) or what the charger reported."""

    charger_id: str
    evse_id: int
    profile: ChargingProfile
    source: str


@dataclass(frozen=True, slots=True)
class NeedsRecord:
    """What the car at an EVSE said that it needs (ISO 15118), and how it means to charge; `needs` is as it came.

    `energy_wh` is from when it was told until `departure_at`; `maximum_a` and `minimum_a` are A per phase, `maximum_w`
    and `minimum_w` W in all. `schedule_follows` was the answer: at once, later or never. `plan` is its own schedule,
    and `plan_fits`: it was within the limits.
    """

    charger_id: str
    evse_id: int
    transaction_id: str | None
    told_at: datetime
    schedule_follows: str | None
    departure_at: datetime | None
    energy_wh: Decimal | None
    maximum_a: Decimal | None
    maximum_w: Decimal | None
    minimum_a: Decimal | None
    minimum_w: Decimal | None
    needs: Mapping[str, Any] | None
    plan: Schedule | None
    plan_fits: bool | None


@dataclass(frozen=True, slots=True)
class ReservationRecord:
    """A reservation, with the id that the charger knows. `status`: Active, Used, Expired, Removed or Cancelled."""

    reservation_id: int
    charger_id: str
    evse_id: int | None
    id_token: str
    status: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OutletRecord:
    """An EVSE of a site, or a charger that is limited as a whole (EVSE 0), as it stands; A per phase.

    `state`: charging, full, waiting, expected, free, offline or refuses. `limit_a` was confirmed or asked last (None:
    nothing was); `counts_a` is the most that may be drawn there now, which is what counts against the site's limit.
    Where car or driver said both, `in_time`: at this limit the car has what it needs at `departure_at`.
    """

    charger_id: str
    evse_id: int
    circuit: str
    phases: tuple[int, ...]
    state: str
    limit_a: Decimal | None
    counts_a: Decimal
    drawing_a: Decimal | None = None
    transaction_id: str | None = None
    departure_at: datetime | None = None
    in_time: bool | None = None


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """A site as described and as it stands. `limit_a` holds now; `counts_a` are the sums by circuit and phase."""

    id: str
    document: Mapping[str, Any]
    limit_a: Decimal
    outlets: tuple[OutletRecord, ...]
    counts_a: Mapping[str, Mapping[int, Decimal]]
    over_limit: bool
    external_a: Decimal | None = None
    external_until: datetime | None = None


class SmartBook(Protocol):
    """Sites, profiles and reservations, for operators; rows are written to the caller's transaction."""

    async def put_site(self, site_id: str, document: Mapping[str, Any], db: AsyncSession) -> None:
        """Make or replace a site. Raises ValueError that begins with the field which cannot be meant."""

    async def limit_site(
        self, site_id: str, *, amperes: Decimal | None, watts: Decimal | None, until: datetime | None, db: AsyncSession
    ) -> bool:
        """Limit a site from outside until then; without a limit, no more. False: there is no such site."""

    async def remove_site(self, site_id: str, db: AsyncSession) -> bool: ...

    async def sites(self, db: AsyncSession) -> Sequence[SiteRecord]: ...

    async def site(self, site_id: str, db: AsyncSession) -> SiteRecord | None: ...

    async def prefer(self, transaction_id: str, preference: Preference, db: AsyncSession) -> None:
        """Let the site of a running transaction, if it has one, share by what the driver prefers from now on."""

    async def most_power(self, transaction_id: str, db: AsyncSession) -> Decimal | None:
        """The most that the site of a running transaction can ever give it, in W; None where no site limits it."""

    async def profiles(self, charger_id: str | None, db: AsyncSession) -> Sequence[ProfileRecord]:
        """The profiles that chargers keep, as far as they accepted or reported them."""

    async def needs(self, charger_id: str | None, db: AsyncSession) -> Sequence[NeedsRecord]:
        """What the cars that are there said of themselves, by charger and EVSE."""

    async def reservations(self, charger_id: str | None, db: AsyncSession) -> Sequence[ReservationRecord]:
        """Newest first."""
