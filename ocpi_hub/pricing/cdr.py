"""A CDR, or a running Session, as the engine reads it: its charging periods with their volumes, in order.

Volumes are taken as they stand, never derived from the clock. What is impossible is refused with its field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from typing import Any

from .errors import CdrError
from .money import EXACT, HOUR, ZERO, divide
from .reading import Document, Fields, Unreadable, as_mapping, as_moment, as_number

SESSION_ONLY = frozenset({"CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "POWER", "STATE_OF_CHARGE"})
"""Dimensions that a Session may show and a CDR must not (mod_cdrs, CdrDimensionType)."""

_SLOTS = {
    "ENERGY": "energy",
    "TIME": "time",
    "PARKING_TIME": "parking",
    "RESERVATION_TIME": "reserved",
    "MIN_CURRENT": "min_current",
    "MAX_CURRENT": "max_current",
    "MIN_POWER": "min_power",
    "MAX_POWER": "max_power",
}
_VOLUMES = frozenset({"ENERGY", "TIME", "PARKING_TIME", "RESERVATION_TIME"})


class Period:
    """A charging period: energy in kWh, times in hours, currents in A, powers in kW; None is not given."""

    __slots__ = (
        "energy",
        "index",
        "max_current",
        "max_power",
        "min_current",
        "min_power",
        "parking",
        "reserved",
        "session_only",
        "start",
        "tariff_id",
        "time",
    )

    def __init__(self, index: int, start: datetime, tariff_id: str | None = None) -> None:
        self.index = index
        self.start = start
        self.tariff_id = tariff_id
        self.energy: Decimal | None = None
        self.time: Decimal | None = None
        self.parking: Decimal | None = None
        self.reserved: Decimal | None = None
        self.min_current: Decimal | None = None
        self.max_current: Decimal | None = None
        self.min_power: Decimal | None = None
        self.max_power: Decimal | None = None
        self.session_only: tuple[str, ...] = ()

    @property
    def is_only_reserved(self) -> bool:
        """Whether the EVSE was kept for the driver and nothing else happened."""
        return bool(self.reserved) and not (self.energy or self.time or self.parking)


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """What happened, in order of time. `end` is None while the session runs; so is `start` where it is not known."""

    start: datetime | None
    end: datetime | None
    periods: tuple[Period, ...]
    document: Mapping[str, Any]

    @property
    def begin(self) -> int | None:
        """Where the session proper begins: the first period that is more than a reservation; None if it expired."""
        return next((period.index for period in self.periods if not period.is_only_reserved), None)

    def end_of(self, index: int) -> datetime | None:
        """A period ends when the next one starts, the last one when the session ends (mod_cdrs, ChargingPeriod)."""
        return self.periods[index + 1].start if index + 1 < len(self.periods) else self.end

    def total(self, slot: str) -> Decimal | None:
        """The sum of one volume over all periods; None where no period gives it."""
        volumes = [volume for volume in (getattr(period, slot) for period in self.periods) if volume is not None]
        return reduce(EXACT.add, volumes, ZERO) if volumes else None

    @property
    def hours(self) -> Decimal | None:
        """How long all of it took, in hours; None while it runs or where a time is not known."""
        if self.start is None or self.end is None:
            return None
        return divide(seconds_of(self.end - self.start), HOUR)


def seconds_of(span: timedelta) -> Decimal:
    """A time span in seconds, exactly."""
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds).scaleb(-6)


def read_usage(document: Document) -> Usage:
    """Read the parts of a CDR or Session that pricing needs. Raises CdrError, naming the field.

    The agreed placeholder `1970-1-1T00:00:00Z` (mod_cdrs, CDR Object, NOTE) as start or end is "not known".
    """
    fields = Fields(document, CdrError)
    start, end = _known(fields, "start_date_time"), _known(fields, "end_date_time")
    entries = fields.items("charging_periods")
    if not entries:
        fields.fail("charging_periods", "must have at least one entry")
    periods = tuple(_read_period(entry, index) for index, entry in enumerate(entries))
    for earlier, later in pairwise(periods):
        if later.start < earlier.start:
            fields.fail(f"charging_periods[{later.index}].start_date_time", "is before the period before it")
    if end is not None and start is not None and end < start:
        fields.fail("end_date_time", "is before start_date_time")
    if end is not None and periods[-1].start > end:
        fields.fail(f"charging_periods[{len(periods) - 1}].start_date_time", "is after end_date_time")
    return Usage(start=start, end=end, periods=periods, document=fields.values)


def _known(fields: Fields, name: str) -> datetime | None:
    moment = fields.moment(name)
    return None if moment is None or moment.timestamp() == 0 else moment


class _BadDimension(ValueError):
    """What is wrong with a dimension, and in which of its fields."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message


def _read_period(entry: object, index: int) -> Period:
    path = f"charging_periods[{index}]"
    try:
        values = as_mapping(entry)
    except Unreadable as reason:
        raise CdrError(path, str(reason)) from None
    try:
        start = as_moment(values.get("start_date_time"))
    except Unreadable as reason:
        raise CdrError(f"{path}.start_date_time", str(reason)) from None
    tariff_id, dimensions = values.get("tariff_id"), values.get("dimensions")
    if tariff_id is not None and not isinstance(tariff_id, str):
        raise CdrError(f"{path}.tariff_id", "must be a string")
    if not isinstance(dimensions, list | tuple) or not dimensions:
        raise CdrError(f"{path}.dimensions", "must be a list with at least one entry")
    period = Period(index, start, tariff_id)
    for position, dimension in enumerate(dimensions):
        try:
            _read_dimension(dimension, period)
        except _BadDimension as bad:
            raise CdrError(f"{path}.dimensions[{position}]{bad.field}", bad.message) from None
    return period


def _read_dimension(dimension: object, period: Period) -> None:
    """Put one dimension into its period."""
    try:
        values = as_mapping(dimension)
    except Unreadable as reason:
        raise _BadDimension("", str(reason)) from None
    name = values.get("type")
    if not isinstance(name, str):
        raise _BadDimension(".type", "must be a dimension of OCPI 2.2.1")
    try:
        volume = as_number(values.get("volume"))
    except Unreadable as reason:
        raise _BadDimension(".volume", str(reason)) from None
    slot = _SLOTS.get(name)
    if slot is None:
        if name not in SESSION_ONLY:
            raise _BadDimension(".type", "must be a dimension of OCPI 2.2.1")
        period.session_only += (name,)
        return
    if getattr(period, slot) is not None:
        raise _BadDimension(".type", "is given twice in this period")
    if volume < 0 and name in _VOLUMES:
        fed_back = ": OCPI has no price for energy fed back" if name == "ENERGY" else ""
        raise _BadDimension(".volume", f"must not be negative{fed_back}")
    setattr(period, slot, volume)
