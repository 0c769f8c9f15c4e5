"""A charge, an EVSE with its meter, and how times are written: what both versions of the simulator share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from uuid import uuid4

Payload = dict[str, Any]
Steps = Callable[["Evse", datetime, datetime], list[tuple[datetime, Decimal]]]

LEAST_A = Decimal(6)
"""With less current per phase no car charges (IEC 61851-1)."""


@dataclass
class Charge:
    """One charge at an EVSE; energy in Wh, power in W. `ocpp_id` is None until the central system has named it.

    `suspended`: the car is full; `held`: the charging profiles leave it too little; `waits`: the car takes nothing
    until it knows its schedule. It takes `wants_wh` at most, and no more than `most_w` while a signal says so.
    """

    evse: int
    token: str
    started_at: datetime
    meter_start: Decimal
    shown_as: str = "ISO14443"
    local_id: str = field(default_factory=lambda: str(uuid4()))
    ocpp_id: int | str | None = None
    remote_start_id: int | None = None
    seq_no: int = 0
    suspended: bool = False
    suspended_at: datetime | None = None
    held: bool = False
    offered_a: Decimal | None = None
    stop_reason: str = "Local"
    group: str | None = None
    reservation_id: int | None = None
    wants_wh: Decimal | None = None
    waits: bool = False
    most_w: Decimal | None = None
    prefers: bool = False
    soc: Decimal | None = None
    tariff_id: str | None = None
    cost: Payload | None = None

    def next_seq(self) -> int:
        self.seq_no += 1
        return self.seq_no - 1

    def got_wh(self, meter: Decimal) -> Decimal:
        """What the car has taken so far."""
        return meter - self.meter_start

    def is_served(self, meter: Decimal) -> bool:
        """Whether the car has all that it wanted."""
        return self.wants_wh is not None and self.got_wh(meter) >= self.wants_wh


@dataclass(frozen=True)
class Reservation:
    """An EVSE kept for a token, or another of its group, until `expires_at`."""

    id: int
    token: str
    expires_at: datetime | None = None
    group: str | None = None

    def lets_in(self, token: str, group: str | None) -> bool:
        return token.casefold() == self.token.casefold() or (group is not None and group == self.group)


@dataclass(frozen=True)
class Drawn:
    """What is measured beside the register: power in W, current and offered current in A on each of `phases`."""

    power_w: Decimal
    current_a: Decimal
    offered_a: Decimal
    phases: int

    def current_on(self, phase: int) -> Decimal:
        """A on a phase of the meter, which has three whatever the car loads."""
        return self.current_a if phase <= self.phases else Decimal(0)


@dataclass
class Evse:
    """An EVSE with one connector and a meter. The meter runs while a charge is on and not suspended, as fast as the
    EVSE, the car (`car_a`, A per phase) and the charging profiles (`steps`: which current holds from when on) allow."""

    number: int
    power_w: Decimal
    phases: int = 3
    voltage: int = 230
    car_a: Decimal | None = None
    steps: Steps | None = None
    meter_wh: Decimal = Decimal(0)
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "Available"
    charge: Charge | None = None
    reservation: Reservation | None = None
    dc: bool = False

    @property
    def most_a(self) -> Decimal:
        """What the EVSE can give per phase."""
        return (self.power_w / (self.voltage * self.phases)).quantize(Decimal("0.1"), ROUND_FLOOR)

    @property
    def charging_since(self) -> datetime | None:
        return None if self.charge is None else self.charge.started_at

    def read(self, at: datetime) -> Decimal:
        """The register in Wh at `at`."""
        if self.charge is not None and not self.charge.suspended and at > self.read_at:
            steps = self._limits(self.read_at, at)
            for (start, limit), (end, _) in zip(steps, [*steps[1:], (at, limit_of(steps))], strict=True):
                seconds = Decimal((end - start) / timedelta(microseconds=1)) / 1_000_000
                self.meter_wh += self._power(limit) * seconds / 3600
            if self.charge.wants_wh is not None:
                self.meter_wh = min(self.meter_wh, self.charge.meter_start + self.charge.wants_wh)
        self.read_at = max(at, self.read_at)
        return self.meter_wh.quantize(Decimal(1))

    def offered_a(self, at: datetime) -> Decimal:
        """The current per phase that the car may draw."""
        return limit_of(self._limits(at, at + timedelta(microseconds=1))[:1])

    def drawn_w(self, at: datetime) -> Decimal:
        """The power that the car draws."""
        if self.charge is None or self.charge.suspended or self.charge.is_served(self.meter_wh):
            return Decimal(0)
        return self._power(self.offered_a(at))

    def drawn_a(self, at: datetime) -> Decimal:
        """The current that the car draws on each phase."""
        return (self.drawn_w(at) / (self.voltage * self.phases)).quantize(Decimal("0.1"))

    def _limits(self, since: datetime, until: datetime) -> list[tuple[datetime, Decimal]]:
        return [(since, self.most_a)] if self.steps is None else self.steps(self, since, until)

    def _power(self, limit: Decimal) -> Decimal:
        amperes = limit if self.car_a is None else min(limit, self.car_a)
        if amperes < LEAST_A or (self.charge is not None and self.charge.waits):
            return Decimal(0)
        power = self.power_w if amperes >= self.most_a else amperes * self.voltage * self.phases
        most = self.charge.most_w if self.charge is not None else None
        return power if most is None else min(power, max(most, Decimal(0)))


def limit_of(steps: list[tuple[datetime, Decimal]]) -> Decimal:
    """The current of the last step."""
    return steps[-1][1]


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
