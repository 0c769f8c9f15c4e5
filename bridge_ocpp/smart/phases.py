"""Which phases a car loads, learned from its charger's meter. Pure: readings and bits, no clock.

A set of phases is a number: bit 0 is what the charger calls L1, bit 1 L2, bit 2 L3.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bridge_ocpp.meter import Reading
from bridge_ocpp.smart.tables import ShareRow

LOADS = Decimal(4)
"""With this much on one phase, in A, a car is charging: only then its other phases say something."""
NOTHING = Decimal(1)
"""A phase below this, in A, is not loaded; from this on it is."""
SURE_AFTER = timedelta(seconds=20)
"""For so long, and by two measurements or more, a phase must have been empty."""
_NAMES = ("L1", "L2", "L3")
_VOLTAGE = Decimal(230)


def currents(readings: Iterable[Reading]) -> dict[int, Decimal]:
    """A by phase (0 is L1), as the newest reading of each says; power is taken where no current is told.

    Power is turned into A at 230 V: that is near enough to tell a loaded phase from an empty one.
    """
    found: dict[str, dict[int, Decimal]] = {"Current.Import": {}, "Power.Active.Import": {}}
    for reading in readings:
        phase = (reading.phase or "").removesuffix("-N")
        if reading.location == "Outlet" and reading.measurand in found and phase in _NAMES:
            found[reading.measurand][_NAMES.index(phase)] = reading.value
    power = {phase: watts / _VOLTAGE for phase, watts in found["Power.Active.Import"].items()}
    return power | found["Current.Import"]


def learn(row: ShareRow, amperes: Mapping[int, Decimal], *, at: datetime, settled: bool) -> None:
    """Take note of a measurement: a phase that is loaded counts at once, one that is empty only when it stays so.

    `settled`: the car has had the time to follow its last raise, and may be expected to load all that it will.
    """
    loaded = sum(1 << phase for phase, value in amperes.items() if value >= NOTHING)
    row.idle_phases &= ~loaded
    if not settled or max(amperes.values(), default=Decimal(0)) < LOADS:
        row.seen_idle, row.seen_since = 0, None
        return
    empty = sum(1 << phase for phase, value in amperes.items() if value < NOTHING)
    if row.seen_since is None or row.seen_idle & empty != row.seen_idle:
        row.seen_idle, row.seen_since = empty, at
    elif at >= row.seen_since + SURE_AFTER:
        row.idle_phases |= row.seen_idle


def unloaded(bits: int, phases: Sequence[int]) -> tuple[int, ...]:
    """The phases of the site that are not loaded, of a charger whose L1, L2 and L3 are these `phases` of it."""
    return tuple(phase for position, phase in enumerate(phases) if bits >> position & 1)
