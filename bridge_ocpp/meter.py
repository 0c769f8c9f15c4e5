"""What a meter says: numbers with their units normalised, and the energy that follows from them. Pure.

Nothing here knows a message or a table.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from bridge_ocpp.clock import Said
from bridge_ocpp.port import Sample

REGISTER = "Energy.Active.Import.Register"
INTERVAL = "Energy.Active.Import.Interval"
SIGNED = "Signed"
"""The measurand of a signed value that came without a plain one: only the signature counts, the value is 0."""
BEGIN = "Transaction.Begin"
END = "Transaction.End"

METER_BACKWARDS = "meter_backwards"
NO_BEGIN_READING = "no_begin_reading"
METER_FLAGS = (METER_BACKWARDS, NO_BEGIN_READING)

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),(\d+)")
"""`12,5` and `1.234,5`: a decimal comma."""
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+")
"""`1,234.5`: a comma between thousands."""
_LIMIT = Decimal(10) ** 18

_UNITS: dict[str, tuple[str, Decimal]] = {
    "wh": ("Wh", Decimal(1)),
    "kwh": ("Wh", Decimal(1000)),
    "varh": ("varh", Decimal(1)),
    "kvarh": ("varh", Decimal(1000)),
    "w": ("W", Decimal(1)),
    "kw": ("W", Decimal(1000)),
    "va": ("VA", Decimal(1)),
    "kva": ("VA", Decimal(1000)),
    "vah": ("VAh", Decimal(1)),
    "kvah": ("VAh", Decimal(1000)),
    "var": ("var", Decimal(1)),
    "kvar": ("var", Decimal(1000)),
    "a": ("A", Decimal(1)),
    "v": ("V", Decimal(1)),
    "percent": ("Percent", Decimal(1)),
    "hertz": ("Hz", Decimal(1)),
    "hz": ("Hz", Decimal(1)),
    "celsius": ("Celsius", Decimal(1)),
    "celcius": ("Celsius", Decimal(1)),
}

# What a measurand is in where the charger names no unit.
_DEFAULTS = (
    ("Energy.Reactive", "varh"),
    ("Energy.Apparent", "VAh"),
    ("Energy", "Wh"),
    ("Power.Reactive", "var"),
    ("Power.Factor", ""),
    ("Power", "W"),
    ("Current", "A"),
    ("Voltage", "V"),
    ("SoC", "Percent"),
    ("Frequency", "Hz"),
    ("Temperature", "Celsius"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value with the time that the charger gave it; units as in `port.Sample`."""

    said: Said
    measurand: str
    value: Decimal
    unit: str
    phase: str | None = None
    context: str = "Sample.Periodic"
    location: str = "Outlet"
    signed: Mapping[str, Any] | None = None

    def fingerprint(self) -> UUID:
        """The same for the same reading sent again, whenever that happens."""
        when = self.said.at.isoformat() if self.said.at else self.said.text
        signed = json.dumps(self.signed, sort_keys=True, default=str) if self.signed else ""
        what = (self.measurand, str(self.value.normalize()), self.unit, self.phase or "", self.context, self.location)
        content = "\x1f".join((when, *what, signed))
        return UUID(bytes=hashlib.blake2b(content.encode(), digest_size=16).digest())


@dataclass(frozen=True, slots=True)
class Energy:
    """What was delivered, in Wh (None: no reading tells), and what is wrong with the readings."""

    wh: Decimal | None
    flags: tuple[str, ...] = ()


def signed_alone(said: Said, *, context: str, signed: Mapping[str, Any]) -> Reading:
    """A signed value that came without a plain reading beside it."""
    return Reading(said, SIGNED, Decimal(0), "", context=context, signed=signed)


def read_number(value: object) -> Decimal | None:
    """A number as a meter writes it, or None for what is none (`NaN`, words, `1,234`) or beyond all sense."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    if "," in text:
        text = _without_comma(text)
    if not _NUMBER.fullmatch(text) or len(text) > 64:
        return None
    number = Decimal(text)
    return number if abs(number) < _LIMIT else None


def _without_comma(text: str) -> str:
    """The number with a point, where a comma can mean one thing only: `1,234` is two numbers, and stays as it is."""
    if _GROUPED.fullmatch(text):
        return text.replace(",", "")
    found = _COMMA.fullmatch(text)
    if found is None or (len(found[3]) == 3 and not found[2] and found[1].strip("0")):
        return text
    return text.replace(".", "").replace(",", ".")


def normalise(value: Decimal, unit: str | None, measurand: str) -> tuple[Decimal, str]:
    """The value in the unit that `port.Sample` promises. A unit that nobody knows stays as it came."""
    if not unit:
        return value, next((default for prefix, default in _DEFAULTS if measurand.startswith(prefix)), "")
    folded = unit.strip().casefold()
    if folded == "k" and measurand.startswith("Temperature"):
        return value - Decimal("273.15"), "Celsius"
    if folded == "fahrenheit":
        return ((value - 32) * 5 / 9).quantize(Decimal("0.001")), "Celsius"
    if folded in _UNITS:
        name, factor = _UNITS[folded]
        return value * factor, name
    return value, unit


def is_register(sample: Sample | Reading) -> bool:
    """Whether this is the plain running total: all phases, where the cable leaves the charger."""
    return sample.measurand == REGISTER and sample.phase is None and sample.location == "Outlet"


def energy(samples: Sequence[Sample]) -> Energy:
    """The energy of a transaction from all its samples, in order of time.

    The register decides: its value at the end less its value at the beginning. Where a meter only counts per phase, or
    does so until the end, the phases are added; where it only reports intervals, the intervals. A register that ran
    backwards is flagged; when it ended below its beginning, only what it had counted before it fell is certain.
    """
    registers = _at_one_place([sample for sample in samples if sample.measurand == REGISTER])
    plain = [sample for sample in registers if sample.phase is None]
    phases = {sample.phase for sample in registers if sample.phase is not None}
    of_phases = _added(_counted([s for s in registers if s.phase == phase]) for phase in sorted(phases))
    if plain and (of_phases.wh is None or any(sample.context != BEGIN for sample in plain)):
        return _counted(plain)
    if phases:
        return of_phases
    intervals = [s.value for s in _at_one_place([s for s in samples if s.measurand == INTERVAL]) if s.phase is None]
    return Energy(sum(intervals, Decimal(0)) if intervals else None)


def _at_one_place(samples: list[Sample]) -> list[Sample]:
    places = sorted({sample.location for sample in samples}, key=lambda place: (place != "Outlet", place))
    return [sample for sample in samples if sample.location == places[0]]


def _counted(samples: list[Sample]) -> Energy:
    begins = [sample for sample in samples if sample.context == BEGIN]
    if len(samples) == 1 and not begins:
        return Energy(None, (NO_BEGIN_READING,))
    ends = [sample for sample in samples if sample.context == END]
    first, last = (begins or samples)[0], (ends or samples)[-1]
    between = [s for s in samples if first.at <= s.at <= last.at and s.context not in (BEGIN, END)]
    between = [s for s in between if s is not first and s is not last]
    values = [first.value, *(sample.value for sample in between), *([last.value] if last is not first else [])]
    flags = [METER_BACKWARDS] if any(later < earlier for earlier, later in pairwise(values)) else []
    if not begins:
        flags.append(NO_BEGIN_READING)
    if last.value < first.value:
        return Energy(max(values) - first.value, tuple(flags))
    return Energy(last.value - first.value, tuple(flags))


def _added(parts: Iterable[Energy]) -> Energy:
    known = list(parts)
    flags = tuple(dict.fromkeys(flag for part in known for flag in part.flags))
    counted = [part.wh for part in known if part.wh is not None]
    return Energy(sum(counted, Decimal(0)) if counted else None, flags)
