"""Facts about periodic event streams: values of a monitored variable that a charger sends without being answered."""

from dataclasses import dataclass
from decimal import Decimal

from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.words import Fact


@dataclass(frozen=True, slots=True)
class StreamOpened(Fact):
    """The charger wants to send values of the variable that `monitoring_id` watches.

    At least every `interval` seconds, or as soon as it has `values` of them.
    """

    stream_id: int
    monitoring_id: int
    interval: int | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True)
class StreamClosed(Fact):
    """The charger will send no more of it."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class StreamTold(Fact):
    """Values, each with its distance from `base` in seconds; `pending` are still to come."""

    stream_id: int
    base: Said
    pending: int
    values: tuple[tuple[Decimal, str], ...]
