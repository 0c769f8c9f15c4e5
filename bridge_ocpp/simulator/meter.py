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

    `suspended`: the car is full; `held`: the charging profiles leave it too little.
    """

    evse: int
    token: str
    started_at: datetime
    meter_start: Decimal
    local_id: str = field(default_factory=lambda: str(uuid4()))
    ocpp_id: int | str | None = None
    remote_start_id: int | None = None
    seq_no: int = 0
    suspended: bool = False
    held: bool = False
    offered_a: Decimal | None = None
    stop_reason: str = "Local"
    group: str | None = None

    def next_seq(self) -> int:
        self.seq_no += 1
        return self.seq_no - 1


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
    reservation: tuple[int, str] | None = None

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
        self.read_at = max(at, self.read_at)
        return self.meter_wh.quantize(Decimal(1))

    def offered_a(self, at: datetime) -> Decimal:
        """The current per phase that the car may draw."""
        return limit_of(self._limits(at, at + timedelta(microseconds=1))[:1])

    def drawn_w(self, at: datetime) -> Decimal:
        """The power that the car draws."""
        if self.charge is None or self.charge.suspended:
            return Decimal(0)
        return self._power(self.offered_a(at))

    def drawn_a(self, at: datetime) -> Decimal:
        """The current that the car draws on each phase."""
        return (self.drawn_w(at) / (self.voltage * self.phases)).quantize(Decimal("0.1"))

    def _limits(self, since: datetime, until: datetime) -> list[tuple[datetime, Decimal]]:
        return [(since, self.most_a)] if self.steps is None else self.steps(self, since, until)

    def _power(self, limit: Decimal) -> Decimal:
        amperes = limit if self.car_a is None else min(limit, self.car_a)
        if amperes < LEAST_A:
            return Decimal(0)
        return self.power_w if amperes >= self.most_a else amperes * self.voltage * self.phases


def limit_of(steps: list[tuple[datetime, Decimal]]) -> Decimal:
    """The current of the last step."""
    return steps[-1][1]


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
