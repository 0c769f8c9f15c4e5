"""What a charger measured, between its samples: the meter's register, and power or current, by straight lines.

Times are whole milliseconds since 1970, the finest that OCPI carries, so nothing here is rounded twice.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import pairwise

from .errors import PricingError
from .reading import Unreadable, as_moment, as_number

Sampled = Sequence[tuple[datetime, Decimal]]
"""(time, value) pairs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_MS_PER_HOUR = 3_600_000
_FINEST = Decimal("1e-9")  # of a reading: callers may interpolate, and quotients have many digits
DIGIT = Decimal("0.0001")
"""The last digit of an OCPI number (types.asciidoc)."""


def to_ms(moment: datetime) -> int:
    """Whole milliseconds; what is finer is cut off, as when the time is written."""
    return (as_moment(moment) - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def read_samples(samples: Iterable[tuple[datetime, Decimal]], field: str) -> list[tuple[int, Decimal]]:
    """The pairs in order of time. Raises PricingError naming the sample."""
    read = []
    for index, (moment, value) in enumerate(samples):
        try:
            exact = value.quantize(_FINEST) if isinstance(value, Decimal) and value.is_finite() else value
            read.append((to_ms(moment), as_number(exact)))
        except Unreadable as reason:
            raise PricingError(f"{field}[{index}]", str(reason)) from None
    return sorted(read, key=lambda sample: sample[0])


class Meter:
    """A register in Wh that never runs backwards. Before the first and after the last sample it stands still."""

    def __init__(self, samples: Sampled, start: int) -> None:
        read = read_samples(samples, "samples") or [(start, Decimal(0))]
        self.times = [time for time, _ in read]
        self.values = [value for _, value in read]
        for index in range(1, len(read)):
            if self.values[index] < self.values[index - 1]:
                raise PricingError(f"samples[{index}]", "the register runs backwards")
        self._zero = self._value(start) if start > self.times[0] else self.values[0]

    def _value(self, ms: int) -> Decimal:
        after = bisect_right(self.times, ms)
        if after == 0:
            return self.values[0]
        if after == len(self.times):
            return self.values[-1]
        (t0, v0), (t1, v1) = self._sample(after - 1), self._sample(after)
        return v0 + (v1 - v0) * (ms - t0) / (t1 - t0)

    def _sample(self, index: int) -> tuple[int, Decimal]:
        return self.times[index], self.values[index]

    def kwh(self, ms: int) -> Decimal:
        """The energy since the start, to the last digit of an OCPI number."""
        return ((self._value(ms) - self._zero) / 1000).quantize(DIGIT, rounding=ROUND_HALF_UP)

    def when(self, kwh: Decimal) -> int | None:
        """The first moment at which this much had been consumed; None if it never was."""
        wanted = self._zero + kwh * 1000
        if wanted <= self._zero or wanted > self.values[-1]:
            return None
        after = bisect_left(self.values, wanted)
        (t0, v0), (t1, v1) = self._sample(after - 1), self._sample(after)
        return t0 + int(((wanted - v0) * (t1 - t0) / (v1 - v0)).to_integral_value(ROUND_CEILING))

    def power(self) -> "Curve":
        """The mean power between each two samples, in kW."""
        pieces = []
        for index in range(1, len(self.times)):
            (t0, v0), (t1, v1) = self._sample(index - 1), self._sample(index)
            if t1 > t0:
                mean = ((v1 - v0) * _MS_PER_HOUR / (t1 - t0) / 1000).quantize(DIGIT, rounding=ROUND_HALF_UP)
                pieces.append((t0, mean, t1, mean))
        return Curve(pieces, rest=Decimal(0))


class Curve:
    """A quantity over time as straight pieces `(t0, v0, t1, v1)`; outside them it is `rest`."""

    def __init__(self, pieces: list[tuple[int, Decimal, int, Decimal]], rest: Decimal) -> None:
        self.pieces = pieces
        self._starts = [piece[0] for piece in pieces]
        self._rest = rest

    @classmethod
    def through(cls, samples: Sampled, field: str, *, start: int) -> "Curve | None":
        """The straight lines through the samples; the first value holds from the start on, the last one for ever."""
        read = read_samples(samples, field)
        if not read:
            return None
        read.insert(0, (min(start, read[0][0]), read[0][1]))
        pieces = [(t0, v0, t1, v1) for (t0, v0), (t1, v1) in pairwise(read) if t1 > t0]
        return cls(pieces, rest=read[-1][1])

    def crossings(self, bound: Decimal) -> Iterable[int]:
        """When the quantity passes the bound, and when it jumps."""
        for t0, v0, t1, v1 in self.pieces:
            yield t0
            yield t1
            if min(v0, v1) < bound < max(v0, v1):
                yield t0 + int(((bound - v0) * (t1 - t0) / (v1 - v0)).to_integral_value(ROUND_CEILING))

    def ends(self, start: int, end: int) -> tuple[Decimal, Decimal]:
        """The values at both ends of a stretch that lies within one piece."""
        index = bisect_right(self._starts, start) - 1
        if index < 0 or start >= self.pieces[index][2]:
            return self._rest, self._rest
        t0, v0, t1, v1 = self.pieces[index]
        slope = (v1 - v0) / (t1 - t0)
        return v0 + slope * (start - t0), v0 + slope * (end - t0)


@dataclass(frozen=True, slots=True)
class Recording:
    """All that a charger measured in one session, between `start` and `end` (milliseconds)."""

    start: int
    end: int
    meter: Meter
    current: Curve | None
    power: Curve
    parked: tuple[tuple[int, bool], ...]

    def parked_at(self, ms: int) -> bool:
        """Whether the vehicle is parked from this moment on; before the first change it is charging."""
        index = bisect_right(self.parked, ms, key=lambda change: change[0])
        return index > 0 and self.parked[index - 1][1]


def record(
    samples: Sampled,
    *,
    start: int,
    end: int,
    currents: Sampled,
    powers: Sampled,
    parked: Sequence[tuple[datetime, bool]],
) -> Recording:
    """Read what was measured. Raises PricingError naming the list and the entry."""
    meter = Meter(samples, start)
    return Recording(
        start=start,
        end=end,
        meter=meter,
        current=Curve.through(currents, "currents", start=start),
        power=Curve.through(powers, "powers", start=start) or meter.power(),
        parked=tuple(sorted(((to_ms(moment), state) for moment, state in parked), key=lambda change: change[0])),
    )
