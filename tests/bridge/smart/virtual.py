"""A site in virtual time: chargers that obey, refuse, lose messages and go away, and the balancer's own decisions."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from bridge_ocpp.port import OutcomeStatus
from bridge_ocpp.smart.ahead import SLACK
from bridge_ocpp.smart.expecting import VALID, expect
from bridge_ocpp.smart.outlets import SETTLED
from bridge_ocpp.smart.phases import learn
from bridge_ocpp.smart.shares import ASKING, answered, booted, decide, follow
from bridge_ocpp.smart.sites import Lane, Member, Site
from bridge_ocpp.smart.standing import Ask, Parked, Standing, What
from bridge_ocpp.smart.tables import ShareRow
from bridge_ocpp.smart.wishes import Wanted

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CARS = count(1)
NEUTRAL = D(1)


@dataclass
class Car:
    """A car that draws what it may, up to `takes`."""

    takes: Decimal
    transaction_id: str = field(default_factory=lambda: f"T{next(_CARS)}")
    share: Decimal | None = None
    full: bool = False
    loads: int = 3
    """On how many phases; a car never begins to load another one."""
    weight: Decimal = NEUTRAL
    until: datetime | None = None
    """The share came with a remote start and ends by itself."""
    wanted: Wanted = field(default_factory=Wanted)
    early: bool = False
    """Its charger takes no profile before it has said what it needs."""
    falls_at: datetime | None = None
    """From then on it was told the least that it can charge with."""

    def says(self, standing: Standing, evse: int, wanted: Wanted) -> None:
        """What it needs, as needs.py writes it down."""
        self.wanted, self.early = wanted, False
        row = standing.rows.get(evse)
        if row is not None and row.transaction_id == self.transaction_id:
            row.again, row.early_until = True, None

    def draws(self, default: Decimal) -> Decimal:
        limit = default if self.share is None else self.share
        return D(0) if self.full or limit < 6 else min(limit, self.takes)


@dataclass
class Box:
    """A charger as it really is, whatever the central system thinks."""

    key: str
    member: Member
    evses: tuple[int, ...] = (1,)
    refuses: frozenset[What] = frozenset()
    online: bool = True
    default: Decimal | None = None
    whole: Decimal | None = None
    noes: int = 0
    cars: dict[int, Car] = field(default_factory=dict)
    coming: dict[int, tuple[Decimal, datetime]] = field(default_factory=dict)
    """What a remote start gave the car that comes next, and until when."""

    def plugs(self, evse: int, car: Car, now: datetime) -> None:
        """A car comes, with what was given to it."""
        given, until = self.coming.pop(evse, (None, now))
        if given is not None and now < until:
            car.share, car.until = given, until
        self.cars[evse] = car

    def draws(self) -> Decimal:
        """A per phase, all EVSEs together."""
        most = self.member.maximum
        each = [min(car.draws(most if self.default is None else self.default), most) for car in self.cars.values()]
        total = sum(each, D(0))
        return total if self.whole is None else min(total, self.whole)

    def draws_on(self, phase: int) -> Decimal:
        """A on a phase of the site."""
        most = self.member.maximum
        default = most if self.default is None else self.default
        cars = [car for car in self.cars.values() if phase in self.member.phases[: car.loads]]
        total = sum((min(car.draws(default), most) for car in cars), D(0))
        return total if self.whole is None else min(total, self.whole)

    def takes(self, ask: Ask, now: datetime) -> OutcomeStatus:
        """Do what is asked, or refuse."""
        if ask.what in self.refuses:
            return OutcomeStatus.REJECTED
        if ask.what is What.NEWCOMER:
            self.default = ask.to
        elif ask.what is What.WHOLE:
            self.whole, self.default = ask.to, None
        else:
            car = self.cars.get(ask.evse_id)
            if car is None or car.transaction_id != ask.transaction_id:
                return OutcomeStatus.REJECTED
            if car.early:
                return OutcomeStatus.TOO_EARLY
            car.share, car.until = ask.to, None
            leaves = car.wanted.until
            car.falls_at = leaves + SLACK if leaves is not None and leaves > now else None
        return OutcomeStatus.ACCEPTED


@dataclass
class World:
    """The site and what is under way. `chaos` draws what happens to each question."""

    site: Site
    boxes: dict[str, Box]
    chaos: Random | None = None
    now: datetime = NOON
    lanes: dict[Lane, Decimal] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    due: list[tuple[datetime, int, Any]] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.lanes = self.site.lanes()
        for box in self.boxes.values():
            row = ShareRow(charger_key=box.key, evse_id=0, site_key=self.site.id)
            self.standings[box.key] = Standing(box.key, box.member, {0: row}, box.evses)

    def step(self, seconds: float = 1) -> None:
        """Time passes: what is due happens, the balancer looks and asks."""
        self.now += timedelta(seconds=seconds)
        self.happen()
        for box in self.boxes.values():
            for car in box.cars.values():
                if car.until is not None and car.until <= self.now:
                    car.share, car.until = None, None
                if car.falls_at is not None and car.falls_at <= self.now and car.share is not None:
                    car.share = min(car.share, D(6))
            standing = self.standings[box.key]
            standing.online = box.online
            if box.online:
                standing.parked = {
                    e: Parked(car.transaction_id, car.full, car.weight, car.wanted) for e, car in box.cars.items()
                }
            follow(standing, now=self.now)
        asks = decide(self.site, self.lanes, list(self.standings.values()), now=self.now)
        for ask in asks:
            self._send(ask)
        self.happen()

    def happen(self) -> None:
        while ready := [item for item in self.due if item[0] <= self.now]:
            first = min(ready, key=lambda item: item[:2])
            self.due.remove(first)
            first[2]()

    def _send(self, ask: Ask) -> None:
        self.asked += 1
        fate = self.chaos.choice(["done"] * 3 + ["no", "lost", "unheard", "unheard", "late"]) if self.chaos else "done"
        box = self.boxes[ask.charger_key]
        # Three refusals in a row are no chance: such a charger is limited in another way, or not at all.
        box.noes = box.noes + 1 if fate == "no" else 0 if fate == "done" else box.noes
        fate = "lost" if fate == "no" and box.noes > 2 else fate
        delay = timedelta(seconds=self.chaos.uniform(0, 8) if self.chaos else 0)
        if not box.online or fate == "lost":
            self._at(delay, lambda: self._answer(ask, OutcomeStatus.TIMEOUT if box.online else OutcomeStatus.OFFLINE))
        elif fate == "no":
            self._at(delay, lambda: self._answer(ask, OutcomeStatus.REJECTED))
        elif fate == "unheard":
            self._at(delay, lambda: box.takes(ask, self.now))
            self._at(ASKING, lambda: self._answer(ask, OutcomeStatus.TIMEOUT))
        elif fate == "late":
            # A charger works its questions off in their order: this one before any that is asked after it.
            said: list[OutcomeStatus] = []
            self._at(ASKING - timedelta(seconds=1), lambda: said.append(box.takes(ask, self.now)))
            self._at(ASKING + timedelta(seconds=2), lambda: self._answer(ask, said[0]))
        else:
            self._at(delay, lambda: self._answer(ask, box.takes(ask, self.now)))

    def _at(self, delay: timedelta, happens: Any) -> None:
        self.due.append((self.now + delay, len(self.due) + self.asked * 1000, happens))

    def _answer(self, ask: Ask, status: OutcomeStatus) -> None:
        standing = self.standings[ask.charger_key]
        row = standing.rows.get(ask.evse_id)
        if row is not None:
            answered(row, standing.whole, ask, status, now=self.now)

    def start(self, box: Box, evse: int, *, refused: bool = False) -> Decimal | None:
        """A remote start: what it brings, or None for none; a refused one takes it back."""
        row = expect(self.site, self.lanes, list(self.standings.values()), at=(box.key, evse), now=self.now)
        if row is None or row.asked is None:
            return None
        if refused:
            del self.standings[box.key].rows[evse]
        else:
            box.coming[evse] = row.asked, self.now + VALID
        return row.asked

    def load(self) -> dict[Lane, Decimal]:
        """What is really drawn."""
        return {
            lane: sum((box.draws_on(lane[1]) for box in self.boxes.values() if lane in box.member.lanes), D(0))
            for lane in self.lanes
        }

    def reboot(self, box: Box) -> None:
        booted(self.standings[box.key].whole)

    def measure(self) -> None:
        """Meter values arrive."""
        for box in self.boxes.values():
            for evse, car in box.cars.items():
                row = self.standings[box.key].rows.get(evse)
                if box.online and row is not None:
                    drawn = car.draws(box.default or D(0))
                    row.drawing, row.drawing_at = drawn, self.now
                    settled = row.raised_at is not None and self.now >= row.raised_at + SETTLED
                    each = {n: drawn if n < car.loads else D(0) for n in range(len(box.member.phases))}
                    learn(row, each, at=self.now, settled=settled)


def member(
    name: str, *, phases: tuple[int, ...] = (1, 2, 3), maximum: int = 32, circuits: tuple[str, ...] = ("",)
) -> Member:
    return Member(name, phases, D(maximum), circuits)


def world(limit: int, boxes: list[Box], *, chaos: Random | None = None, **more: Any) -> World:
    limits = {"": D(limit), **more.pop("limits", {})}
    more.setdefault("learn_phases", True)
    site = Site("S", limits, {box.key: box.member for box in boxes}, **more)
    return World(site, {box.key: box for box in boxes}, chaos)
