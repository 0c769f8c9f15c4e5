"""From the rows of a charger to the outlets that the plan knows. No I/O: the rows are given."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from bridge_ocpp.smart.phases import unloaded
from bridge_ocpp.smart.plan import Outlet, Wish
from bridge_ocpp.smart.sites import Lane, Member, Site
from bridge_ocpp.smart.standing import Parked, Standing
from bridge_ocpp.smart.tables import ShareRow

ZERO = Decimal(0)
SETTLED = timedelta(seconds=20)
"""A car needs a moment to follow its share: only what it draws after that says how much it can use."""
TURN = timedelta(minutes=15)
"""How long a car charges before one that waits takes its place, where not all can charge at once."""
PAUSED_NOW = timedelta(minutes=1)


def outlets_of(site: Site, standing: Standing, *, now: datetime) -> list[Outlet]:
    """The charger's outlets as the plan knows them."""
    if standing.way.whole:
        return [_as_a_whole(site, standing, now=now)]
    return [_evse(site, standing, evse, now=now) for evse in standing.evses]


def _evse(site: Site, standing: Standing, evse: int, *, now: datetime) -> Outlet:
    row, parked = standing.rows.get(evse), standing.parked.get(evse)
    spare = _spare(site, standing, row)
    return Outlet(
        key=f"{standing.key}/{evse}",
        lanes=standing.member.lanes - spare,
        wish=_wish([parked] if parked else []),
        minimum=minimum_of(site, standing.member, parked),
        maximum=standing.member.maximum,
        share=(row.worst if row is not None else None) or ZERO,
        default=standing.whole.worst,
        start=site.start,
        sure=row is None or _is_told(row, now),
        busy=row is not None and busy(row, now),
        obeys=standing.obeys and (row is None or _can_be_told(row, now)),
        drawing=_drawing(row, now) if row is not None else None,
        waited=_waited(row, site, now) if row is not None else ZERO,
        weight=parked.weight if parked is not None else Decimal(1),
        spare=spare,
        most=parked.wanted.most if parked is not None else None,
    )


def minimum_of(site: Site, member: Member, parked: Parked | None) -> Decimal:
    """The least that the car at an EVSE can charge with. One that says it needs more than there can ever be is not
    believed."""
    least = parked.wanted.least if parked is not None else None
    return max(site.minimum, least) if least is not None and least <= member.maximum else site.minimum


def _can_be_told(row: ShareRow, now: datetime) -> bool:
    """Whether there is a car that a profile can be set for."""
    return row.expected_until is None and (row.early_until is None or now >= row.early_until)


def _is_told(row: ShareRow, now: datetime) -> bool:
    """Whether the charger knows what the car has, and the car need not be told once more."""
    return row.sure and not row.again and (row.lasts_until is None or now < row.lasts_until)


def _spare(site: Site, standing: Standing, row: ShareRow | None) -> frozenset[Lane]:
    """The lanes that the car at an EVSE was measured not to load."""
    if row is None or not site.learn_phases:
        return frozenset()
    member = standing.member
    return frozenset(
        (circuit, phase) for circuit in member.circuits for phase in unloaded(row.idle_phases, member.phases)
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
        assumed=row.worst is None,
        sure=row.sure,
        busy=busy(row, now),
        obeys=standing.obeys,
        idle=site.start * count,
        waited=_waited(row, site, now),
    )


def _wish(parked: Iterable[Parked]) -> Wish:
    cars = list(parked)
    if not cars:
        return Wish.NONE
    return Wish.FULL if all(car.full for car in cars) else Wish.CHARGE


def busy(row: ShareRow, now: datetime) -> bool:
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
