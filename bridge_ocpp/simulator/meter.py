"""A charge, an EVSE with its meter, and how times are written: what both versions of the simulator share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

Payload = dict[str, Any]


@dataclass
class Charge:
    """One charge at an EVSE; energy in Wh, power in W. `ocpp_id` is None until the central system has named it."""

    evse: int
    token: str
    started_at: datetime
    meter_start: Decimal
    local_id: str = field(default_factory=lambda: str(uuid4()))
    ocpp_id: int | str | None = None
    remote_start_id: int | None = None
    seq_no: int = 0
    suspended: bool = False
    stop_reason: str = "Local"

    def next_seq(self) -> int:
        self.seq_no += 1
        return self.seq_no - 1


@dataclass
class Evse:
    """An EVSE with one connector and a meter. The meter runs while a charge is on and not suspended."""

    number: int
    power_w: Decimal
    meter_wh: Decimal = Decimal(0)
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "Available"
    charge: Charge | None = None
    reservation: tuple[int, str] | None = None

    def read(self, at: datetime) -> Decimal:
        """The register in Wh at `at`."""
        if self.charge is not None and not self.charge.suspended:
            seconds = Decimal((at - self.read_at) / timedelta(microseconds=1)) / 1_000_000
            self.meter_wh += self.power_w * max(seconds, Decimal(0)) / 3600
        self.read_at = at
        return self.meter_wh.quantize(Decimal(1))


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
