"""What a site's chargers may draw, as rows, and how rows change: when cars come and go, before each question, after
each answer. No I/O: the rows are given, and may be of no database.

A charger is limited by TxDefaultProfile and TxProfile, EVSE by EVSE; where it refuses these, as a whole by a station
profile; where it refuses this too, it counts with all that it can draw.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from bridge_ocpp.port import OutcomeStatus, RateUnit
from bridge_ocpp.smart.plan import Outlet, Wish, orders, targets
from bridge_ocpp.smart.sites import Lane, Member, Site
from bridge_ocpp.smart.tables import ShareRow

ZERO = Decimal(0)
ASKING = timedelta(seconds=10)
"""How long an answer may take before the question is asked again."""
SETTLED = timedelta(seconds=20)
"""A car needs a moment to follow its share: only what it draws after that says how much it can use."""
TURN = timedelta(minutes=15)
"""How long a car charges before one that waits takes its place, where not all can charge at once."""
PAUSED_NOW = timedelta(minutes=1)
TRY_AGAIN = timedelta(minutes=15)
"""After that, a charger that refused every way is asked again."""
MOST_REFUSALS = 3
_NO = (
    OutcomeStatus.REJECTED,
    OutcomeStatus.NOT_SUPPORTED,
    OutcomeStatus.UNKNOWN_TRANSACTION,
    OutcomeStatus.INVALID,
)


class Way(Enum):
    """How a charger is limited, and in which unit it is told."""

    CARS_A = (False, RateUnit.A)
    CARS_W = (False, RateUnit.W)
    WHOLE_A = (True, RateUnit.A)
    WHOLE_W = (True, RateUnit.W)

    @property
    def whole(self) -> bool:
        return self.value[0]

    @property
    def unit(self) -> RateUnit:
        return self.value[1]


WAYS = tuple(Way)


class What(Enum):
    """What is asked: the limit of a car, of one that comes, or of the charger as a whole."""

    CAR = auto()
    NEWCOMER = auto()
    WHOLE = auto()


@dataclass(frozen=True, slots=True)
class Parked:
    """A running transaction; `full`: its car takes no more."""

    transaction_id: str
    full: bool = False


@dataclass(slots=True)
class Standing:
    """A charger of a site as it stands now: `rows` by EVSE, row 0 always; `parked` by EVSE."""

    key: str
    member: Member
    rows: dict[int, ShareRow]
    evses: tuple[int, ...] = (1,)
    parked: Mapping[int, Parked] = field(default_factory=dict)
    online: bool = True

    @property
    def whole(self) -> ShareRow:
        return self.rows[0]

    @property
    def way(self) -> Way:
        return WAYS[self.whole.way]

    @property
    def obeys(self) -> bool:
        return self.online and self.whole.refused_at is None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a charger, with what is to be restored when it says no. `first`: the first of its way."""

    charger_key: str
    evse_id: int
    what: What
    to: Decimal
    way: Way
    number: int
    before: Decimal | None
    transaction_id: str | None = None
    first: bool = False


# --- cars come and go ----------------------------------------------------------------------------------------


def follow(standing: Standing, *, now: datetime) -> list[ShareRow]:
    """Rows as the cars are: new ones for new cars; the rows that are needed no more are given back, taken out."""
    whole = standing.whole
    if whole.refused_at is not None and now >= whole.refused_at + TRY_AGAIN:
        _begin_way(whole, 0)
    gone = [row for evse, row in standing.rows.items() if evse and (standing.way.whole or evse not in standing.parked)]
    for row in gone:
        del standing.rows[row.evse_id]
    if standing.way.whole:
        return gone
    for evse, parked in standing.parked.items():
        known = standing.rows.get(evse)
        if known is not None and known.transaction_id != parked.transaction_id:
            gone.append(standing.rows.pop(evse))
            known = None
        if known is None:
            standing.rows[evse] = ShareRow(
                charger_key=standing.key,
                evse_id=evse,
                site_key=whole.site_key,
                transaction_id=parked.transaction_id,
                worst=ZERO,
                sure=True,
                since=now,
            )
    return gone


def booted(whole: ShareRow) -> None:
    """After a boot nothing is certain: the charger may have forgotten its profiles, or learned to obey.

    A question that is under way may still reach it: nothing else is asked before that is over.
    """
    under_way = whole.asking_until
    _begin_way(whole, 0)
    whole.asking_until = under_way


def _begin_way(whole: ShareRow, way: int) -> None:
    whole.way, whole.refusals, whole.refused_at = way, 0, None
    whole.asked, whole.worst, whole.sure, whole.asking_until = None, None, False, None
    whole.number += 1


# --- as outlets ----------------------------------------------------------------------------------------------


def outlets_of(site: Site, standing: Standing, *, now: datetime) -> list[Outlet]:
    """The charger's outlets as the plan knows them."""
    if standing.way.whole:
        return [_as_a_whole(site, standing, now=now)]
    return [_evse(site, standing, evse, now=now) for evse in standing.evses]


def _evse(site: Site, standing: Standing, evse: int, *, now: datetime) -> Outlet:
    row, parked = standing.rows.get(evse), standing.parked.get(evse)
    return Outlet(
        key=f"{standing.key}/{evse}",
        lanes=standing.member.lanes,
        wish=_wish([parked] if parked else []),
        minimum=site.minimum,
        maximum=standing.member.maximum,
        share=(row.worst if row is not None else None) or ZERO,
        default=standing.whole.worst,
        start=site.start,
        sure=row is None or row.sure,
        busy=row is not None and _busy(row, now),
        obeys=standing.obeys,
        drawing=_drawing(row, now) if row is not None else None,
        waited=_waited(row, site, now) if row is not None else ZERO,
    )


def _as_a_whole(site: Site, standing: Standing, *, now: datetime) -> Outlet:
    row, count = standing.whole, len(standing.evses)
    most = standing.member.maximum * max(1, len(standing.parked))
    return Outlet(
        key=f"{standing.key}/0",
        lanes=standing.member.lanes,
        wish=_wish(standing.parked.values()),
        minimum=site.minimum,
        maximum=most,
        share=standing.member.maximum * count if row.worst is None else row.worst,
        default=ZERO,
        sure=row.sure,
        busy=_busy(row, now),
        obeys=standing.obeys,
        idle=site.start * count,
        waited=_waited(row, site, now),
    )


def _wish(parked: Iterable[Parked]) -> Wish:
    cars = list(parked)
    if not cars:
        return Wish.NONE
    return Wish.FULL if all(car.full for car in cars) else Wish.CHARGE


def _busy(row: ShareRow, now: datetime) -> bool:
    return row.asking_until is not None and row.asking_until > now


def _drawing(row: ShareRow, now: datetime) -> Decimal | None:
    """What the car drew when it could have drawn its share. A lower share since then says nothing new about it."""
    settled = row.raised_at is not None and row.drawing_at is not None and row.drawing_at >= row.raised_at + SETTLED
    return row.drawing if settled and row.sure and now - (row.drawing_at or now) < TURN else None


def _waited(row: ShareRow, site: Site, now: datetime) -> Decimal:
    """Who is served first: whose turn lasts, then who waits, the longest first, then whose turn is over; last, who has
    been paused only now: while places change hands nobody is to be fetched back."""
    seconds = Decimal(int((now - (row.since or now)).total_seconds()))
    if (row.asked or ZERO) < site.minimum:
        return seconds if seconds >= PAUSED_NOW.total_seconds() else seconds - 1_000_000
    return 1_000_000 - seconds if seconds < TURN.total_seconds() else -seconds


# --- questions and answers -----------------------------------------------------------------------------------


def decide(site: Site, limits: Mapping[Lane, Decimal], standings: Iterable[Standing], *, now: datetime) -> list[Ask]:
    """What to ask now, written down in the rows as what may happen from now on."""
    chargers = {standing.key: standing for standing in standings}
    outlets = [outlet for standing in chargers.values() for outlet in outlets_of(site, standing, now=now)]
    asks = [_newcomer(site, standing, now) for standing in chargers.values() if _start_is_lowered(site, standing, now)]
    _new_turns(chargers, targets(limits, outlets), outlets, now)
    for order in orders(limits, outlets):
        key, _, evse = order.key.rpartition("/")
        standing = chargers[key]
        what = What.WHOLE if standing.way.whole else What.CAR
        asks.append(_asked(site, standing, int(evse), what, order.to, now))
    if not asks:
        load = {lane: sum((o.bound for o in outlets if lane in o.lanes), ZERO) for lane in limits}
        asks = [
            _newcomer(site, standing, now)
            for standing in chargers.values()
            if _start_may_rise(site, standing, limits, load, now)
        ]
    return asks


def _new_turns(
    chargers: Mapping[str, Standing], wanted: Mapping[str, Decimal], outlets: Iterable[Outlet], now: datetime
) -> None:
    """A car whose turn is over and that goes on while others wait begins another: next time it is before the others."""
    cars = [outlet for outlet in outlets if outlet.wish is Wish.CHARGE and outlet.key in wanted]
    if all(wanted[outlet.key] >= outlet.minimum for outlet in cars):
        return
    for outlet in cars:
        if -1_000_000 < outlet.waited < 0 and wanted[outlet.key] >= outlet.minimum:
            key, _, evse = outlet.key.rpartition("/")
            chargers[key].rows[int(evse)].since = now


def _start_is_lowered(site: Site, standing: Standing, now: datetime) -> bool:
    """Whether newcomers must be told to start lower, or it is not certain that they were."""
    row = standing.whole
    if standing.way.whole or not standing.obeys or _busy(row, now):
        return False
    return row.worst is None or row.worst > site.start or (not row.sure and row.worst == site.start)


def _start_may_rise(
    site: Site, standing: Standing, limits: Mapping[Lane, Decimal], load: dict[Lane, Decimal], now: datetime
) -> bool:
    row = standing.whole
    if standing.way.whole or not standing.obeys or _busy(row, now) or row.worst is None or row.worst >= site.start:
        return False
    more = sum(
        (max(site.start - max((standing.rows[e].worst or ZERO) if e in standing.rows else ZERO, row.worst), ZERO)
         for e in standing.evses), ZERO)  # fmt: skip
    if any(load[lane] + more > limits[lane] for lane in standing.member.lanes):
        return False
    for lane in standing.member.lanes:
        load[lane] += more
    return True


def _newcomer(site: Site, standing: Standing, now: datetime) -> Ask:
    return _asked(site, standing, 0, What.NEWCOMER, site.start, now)


def _asked(site: Site, standing: Standing, evse: int, what: What, to: Decimal, now: datetime) -> Ask:
    """Ask: from now on the outlet may draw what it was asked for, and what it drew before."""
    row = standing.rows[evse]
    before, served = row.worst, (row.asked or ZERO) >= site.minimum
    if served != (to >= site.minimum):
        row.since = now
    row.asked, row.sure, row.asking_until = to, False, now + ASKING
    row.worst = None if before is None else max(before, to)
    row.number += 1
    return Ask(standing.key, evse, what, to, standing.way, row.number, before, row.transaction_id, first=before is None)


def answered(row: ShareRow, whole: ShareRow, ask: Ask, status: OutcomeStatus, *, now: datetime) -> bool:
    """Take note of an answer; whether the limit has changed. An answer to an older question changes nothing.

    Only a plain yes lowers what may be drawn, and only a plain no takes back what it was raised by: a question whose
    answer was lost may have been obeyed.
    """
    if row.number != ask.number:
        return False
    row.asking_until = None
    if status is OutcomeStatus.ACCEPTED:
        changed = row.worst != ask.to or ask.before != ask.to
        row.worst, row.sure, whole.refusals = ask.to, True, 0
        if ask.before is None or ask.to > ask.before:
            row.raised_at = now
        return changed
    if status in _NO:
        row.worst, row.asked = ask.before, ask.before
    if status in _NO or status is OutcomeStatus.FAILED:
        whole.refusals += MOST_REFUSALS if status is OutcomeStatus.NOT_SUPPORTED else 1
        if whole.refusals >= MOST_REFUSALS and whole.way == WAYS.index(ask.way):
            _refused(whole, now)
    return False


def _refused(whole: ShareRow, now: datetime) -> None:
    """The next way of limiting; after the last one the charger counts with all that it can draw."""
    if whole.way + 1 < len(WAYS):
        _begin_way(whole, whole.way + 1)
    else:
        _begin_way(whole, 0)
        whole.refused_at = now
