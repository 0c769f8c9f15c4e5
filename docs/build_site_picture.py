"""Draws docs/smart-charging.svg: a morning of ten cars at a site of 63 A. `make docs` runs it.

The decisions are the balancer's own (bridge_ocpp/smart), the chargers are the simulator's, with their profiles, meters
and cars; only the sockets and the clock are missing: time is counted, not waited for.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path

from bridge_ocpp.dialects import v201
from bridge_ocpp.port import ChargingProfile, Kind, OutcomeStatus, Purpose, RateUnit
from bridge_ocpp.simulator.meter import Charge, Evse
from bridge_ocpp.simulator.stack import Stack
from bridge_ocpp.smart.applying import FIRST_CAR_ID, NEWCOMER_ID, constant
from bridge_ocpp.smart.outlets import outlets_of
from bridge_ocpp.smart.shares import answered, decide, follow
from bridge_ocpp.smart.sites import read_site
from bridge_ocpp.smart.standing import Ask, Parked, Standing, What
from bridge_ocpp.smart.tables import ShareRow

PICTURE = Path(__file__).with_name("smart-charging.svg")
BEGIN = datetime(2026, 3, 2, 7, tzinfo=UTC)
HOURS = 5
STEP = 10
"""Seconds between two looks, and between two points of the curves."""
SITE = {"limit_a": 63, "chargers": [f"BOX-{n}" for n in range(1, 11)]}
GRID = (Decimal(40), 150, 200)
"""The grid allows less for a while: A per phase, from minute, to minute."""


@dataclass
class Car:
    """A car: plugged in from minute to minute, the most it takes per phase, and what it needs."""

    name: str
    comes: int
    leaves: int
    takes_a: int
    needs_kwh: float
    colour: str


CARS = (
    Car("1", 5, 250, 32, 30, "#2f6f9f"),
    Car("2", 18, 190, 16, 24, "#4c9f8f"),
    Car("3", 25, 285, 32, 26, "#83b75b"),
    Car("4", 40, 130, 32, 30, "#c9b037"),
    Car("5", 52, 270, 16, 11, "#e08e3c"),
    Car("6", 60, 235, 32, 38, "#cf5f4a"),
    Car("7", 75, 290, 16, 14, "#a94a72"),
    Car("8", 95, 260, 32, 34, "#7d5aa6"),
    Car("9", 120, 280, 32, 30, "#5567b5"),
    Car("10", 140, 295, 16, 22, "#5d7f96"),
)


@dataclass
class Box:
    """A simulated charger without its socket."""

    standing: Standing
    car: Car
    stack: Stack = field(default_factory=Stack)
    evse: Evse = field(init=False)

    def __post_init__(self) -> None:
        self.evse = Evse(1, Decimal(22_080), car_a=Decimal(self.car.takes_a), steps=self.stack.steps, read_at=BEGIN)

    def obey(self, ask: Ask) -> None:
        """Take a profile, as a 2.0.1 station would get it."""
        purpose = Purpose.DEFAULT if ask.what is What.NEWCOMER else Purpose.TRANSACTION
        number = NEWCOMER_ID if ask.what is What.NEWCOMER else FIRST_CAR_ID + 1
        profile = ChargingProfile(number, purpose, Kind.RELATIVE, 0, constant(ask.to, RateUnit.A))
        said = dict(v201.charging.written(profile, None))
        if ask.what is What.CAR:
            said["transactionId"] = ask.transaction_id
        self.stack.put(ask.evse_id, said, key="id")

    def drive(self, at: datetime) -> None:
        """The car comes, is full, or leaves."""
        minute = (at - BEGIN).total_seconds() / 60
        meter, charge = self.evse.read(at), self.evse.charge
        if charge is None and self.car.comes <= minute < self.car.leaves:
            self.evse.charge = Charge(1, self.car.name, at, meter, ocpp_id=f"T{self.car.name}")
        elif charge is not None and minute >= self.car.leaves:
            self.stack.ended(charge.ocpp_id)
            self.evse.charge = None
        elif charge is not None and meter - charge.meter_start >= Decimal(self.car.needs_kwh) * 1000:
            charge.suspended = True


@dataclass
class Seen:
    """One moment: drawn A per car, what may be drawn at most, the limit; per car: free, waiting, charging or full."""

    minute: float
    drawn: list[float]
    counts: float
    limit: float
    states: list[str]


def morning() -> list[Seen]:
    """Live through it."""
    site = read_site("Garage", SITE)
    boxes = []
    for key, car in zip(site.members, CARS, strict=True):
        row = ShareRow(charger_key=key, evse_id=0, site_key="garage")
        boxes.append(Box(Standing(key, site.members[key], {0: row}), car))
    seen = []
    for step in range(HOURS * 3600 // STEP + 1):
        at = BEGIN + timedelta(seconds=step * STEP)
        seen.append(_look(site, boxes, at))
    return seen


def _look(site: object, boxes: list[Box], at: datetime) -> Seen:
    minute = (at - BEGIN).total_seconds() / 60
    external = GRID[0] if GRID[1] <= minute < GRID[2] else None
    for box in boxes:
        box.drive(at)
        charge, standing = box.evse.charge, box.standing
        standing.parked = {} if charge is None else {1: Parked(str(charge.ocpp_id), charge.suspended)}
        follow(standing, now=at)
        row = standing.rows.get(1)
        if row is not None and minute % 0.5 == 0:
            row.drawing, row.drawing_at = box.evse.drawn_a(at), at
    lanes = site.lanes(external)  # type: ignore[attr-defined]
    by_key = {box.standing.key: box for box in boxes}
    while asks := decide(site, lanes, [box.standing for box in boxes], now=at):  # type: ignore[arg-type]
        for ask in asks:
            box = by_key[ask.charger_key]
            box.evse.read(at)
            box.obey(ask)
            row = box.standing.rows[ask.evse_id]
            answered(row, box.standing.whole, ask, OutcomeStatus.ACCEPTED, now=at)
    counts = sum(
        (outlet.bound for box in boxes for outlet in outlets_of(site, box.standing, now=at)),  # type: ignore[arg-type]
        Decimal(0),
    )
    drawn = [float(box.evse.drawn_a(at)) for box in boxes]
    return Seen(minute, drawn, float(counts), float(lanes["", 1]), [_state(box, at) for box in boxes])


def _state(box: Box, at: datetime) -> str:
    charge = box.evse.charge
    if charge is None:
        return "free"
    if charge.suspended:
        return "full"
    return "charging" if box.evse.drawn_w(at) > 0 else "waiting"


# --- the drawing ---------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, RIGHT = 1040, 738, 64, 132
TOP, PLOT, ROWS, ROW = 84, 330, 504, 21
MOST = 72.0


def x(minute: float) -> float:
    return round(LEFT + minute / (HOURS * 60) * (WIDTH - LEFT - RIGHT), 1)


def y(amperes: float) -> float:
    return round(TOP + PLOT - amperes / MOST * PLOT, 1)


def draw(seen: list[Seen]) -> str:
    """The picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Ten cars share 63 A" font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 34, "Ten cars at a site of 63 A", size=21, weight=600),
        _text(
            LEFT,
            58,
            "Current per phase. Each colour is a car; the black line is the limit, the dotted one all that could be "
            "drawn at that moment.",
            size=13,
            fill="#5a6875",
        ),
        *_axes(),
        *_areas(seen),
        _line([(s.minute, s.counts) for s in seen], stroke="#1b2733", width=1.1, dash="1.5 3"),
        _line([(s.minute, s.limit) for s in seen], stroke="#1b2733", width=2),
        *_notes(),
        *_rows(seen),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(
    left: float,
    top: float,
    text: str,
    *,
    size: int = 12,
    fill: str = "#1b2733",
    anchor: str = "start",
    weight: int = 400,
) -> str:
    return (
        f'<text x="{left}" y="{top}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _axes() -> list[str]:
    parts = []
    for amperes in (0, 10, 20, 30, 40, 50, 60, 70):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(amperes)}" y2="{y(amperes)}" stroke="#e4e9ee" '
            f'stroke-width="1"/>'
        )
        parts.append(_text(LEFT - 10, y(amperes) + 4, f"{amperes} A", anchor="end", fill="#5a6875"))
    for hour in range(HOURS + 1):
        left, bottom = x(hour * 60), ROWS + ROW * len(CARS)
        parts.append(f'<line x1="{left}" x2="{left}" y1="{TOP}" y2="{bottom}" stroke="#eef2f5" stroke-width="1"/>')
        clock = f"{(BEGIN + timedelta(hours=hour)):%H:%M}"
        parts.append(_text(left, TOP + PLOT + 20, clock, anchor="middle", fill="#5a6875"))
    return parts


def _areas(seen: list[Seen]) -> list[str]:
    """What each car draws, one upon the other. A step keeps its value until the next one."""
    floor = [0.0] * len(seen)
    parts = []
    for index, car in enumerate(CARS):
        ceiling = [low + moment.drawn[index] for low, moment in zip(floor, seen, strict=True)]
        over = _steps([(s.minute, a) for s, a in zip(seen, ceiling, strict=True)])
        under = _steps([(s.minute, a) for s, a in zip(seen, floor, strict=True)])
        points = " ".join(f"{left},{top}" for left, top in [*over, *reversed(under)])
        parts.append(f'<polygon points="{points}" fill="{car.colour}" fill-opacity="0.86"/>')
        floor = ceiling
    return parts


def _steps(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a curve that jumps; points on a straight line are left out."""
    found: list[tuple[float, float]] = []
    for minute, amperes in points:
        here = (x(minute), y(amperes))
        if found and found[-1][1] != here[1]:
            found.append((here[0], found[-1][1]))
            found.append(here)
        elif not found:
            found.append(here)
    found.append((x(points[-1][0]), y(points[-1][1])))
    return found


def _line(points: list[tuple[float, float]], *, stroke: str, width: float, dash: str = "") -> str:
    path = " ".join(f"{left},{top}" for left, top in _steps(points))
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashes}/>'


def _notes() -> list[str]:
    right = WIDTH - RIGHT + 10
    middle = (x(GRID[1]) + x(GRID[2])) / 2
    return [
        _text(right, y(63) + 4, "limit 63 A", weight=600),
        _text(middle, y(40) - 12, "the grid allows 40 A", size=12, anchor="middle", weight=600),
    ]


_SHADE = {"charging": 0.9, "full": 0.25, "waiting": 0.0}


def _rows(seen: list[Seen]) -> list[str]:
    """When each car was there, and what it did."""
    parts = [_text(LEFT, ROWS - 18, "Who is plugged in", size=14, weight=600)]
    legend = ((0.9, "charging"), (0.0, "waiting for its turn"), (0.25, "full, still plugged in"))
    left = LEFT + 168
    for shade, words in legend:
        parts.append(_bar(left, ROWS - 28, 22, 11, "#5567b5", shade))
        parts.append(_text(left + 29, ROWS - 18, words, fill="#5a6875"))
        left += 56 + 6 * len(words)
    for index, car in enumerate(CARS):
        top = ROWS + index * ROW
        parts.append(_text(LEFT - 10, top + 13, f"car {car.name}", anchor="end", fill="#5a6875"))
        for start, end, state in _spans(seen, index):
            parts.append(_bar(x(start), top + 3, x(end) - x(start), ROW - 7, car.colour, _SHADE[state]))
        label = f"≤ {car.takes_a} A, {car.needs_kwh:g} kWh"
        parts.append(_text(WIDTH - RIGHT + 10, top + 13, label, size=11, fill="#5a6875"))
    return parts


def _bar(left: float, top: float, width: float, height: float, colour: str, shade: float) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="1.5" fill="{colour}" '
        f'fill-opacity="{shade}" stroke="{colour}" stroke-width="1"/>'
    )


def _spans(seen: list[Seen], index: int) -> list[tuple[float, float, str]]:
    found: list[tuple[float, float, str]] = []
    for moment in seen:
        state = moment.states[index]
        if found and found[-1][2] == state and state != "free":
            found[-1] = (found[-1][0], moment.minute, state)
        elif state != "free":
            found.append((moment.minute, moment.minute, state))
            if len(found) > 1 and found[-2][1] == moment.minute - STEP / 60:
                found[-2] = (found[-2][0], moment.minute, found[-2][2])
        else:
            continue
    return [(start, max(end, start + STEP / 60), state) for start, end, state in found]


def build() -> str:
    """The picture, drawn anew; the same every time."""
    return draw(morning())


if __name__ == "__main__":
    PICTURE.write_text(build())
