"""periods(): from what our own charger measured to charging periods, cut at every moment that matters for the price.

mod_cdrs asks a CPO to start a ChargingPeriod at every moment that has relevance for the total costs. Pricing these
periods is exact, for a running session as for a CDR.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from ocpi_hub.wire.types import format_datetime

from .errors import PricingError
from .measured import DIGIT, Recording, Sampled, from_ms, record, to_ms
from .moments import cut_points, restrictions_of
from .money import ZERO
from .reading import Document, as_zone
from .restrictions import Consumed, Current, Power, State
from .tariff import Component, PreparedTariff, first
from .tariff_reading import prepare

_MS_PER_HOUR = Decimal(3_600_000)

Range = tuple[Decimal, Decimal]
Winners = tuple[Component | PreparedTariff | None, ...]
Tariffs = Sequence[PreparedTariff]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time in which no price changes: milliseconds, kWh before and after it, least and most A and kW."""

    start: int
    end: int
    kwh: Range = (ZERO, ZERO)
    parked: bool = False
    current: Range | None = None
    power: Range | None = None

    def state(self, zone: tzinfo, origin: int) -> State:
        """What the restrictions of a tariff see at its start."""
        return State(
            from_ms(self.start).astimezone(zone),
            self.kwh[0],
            timedelta(milliseconds=self.start - origin),
            *(self.current or (None, None)),
            *(self.power or (None, None)),
        )

    def joined(self, later: "Piece") -> "Piece":
        """This piece and the one that follows it as one."""
        return replace(
            self,
            end=later.end,
            kwh=(self.kwh[0], later.kwh[1]),
            current=_widest(self.current, later.current),
            power=_widest(self.power, later.power),
        )


def periods(
    tariff: Document | PreparedTariff | None,
    *,
    start: datetime,
    end: datetime,
    samples: Sampled,
    time_zone: str | tzinfo,
    parked: Sequence[tuple[datetime, bool]] = (),
    currents: Sampled = (),
    powers: Sampled = (),
    reserved_from: datetime | None = None,
    later: Sequence[tuple[datetime, Document | PreparedTariff]] = (),
) -> list[dict[str, Any]]:
    """The charging_periods of a session of ours as OCPI documents, volumes with four decimals.

    `end` is the end of the session, or now while it runs. `samples` are (time, Wh) readings of the energy register.
    `parked` are (time, whether the vehicle is connected but not requesting power) changes; before the first it is
    charging. `currents` (time, A summed over the phases) and `powers` (time, kW) matter only where the tariff asks;
    without `powers` the mean between two readings counts. `reserved_from` is where a reservation before the session
    began. Without a tariff, only parking cuts. `later` are (time, tariff) in order: from then on that tariff prices,
    with energy and duration counted on from the start. Raises PricingError, naming the argument.
    """
    prepared = tariff if tariff is None or isinstance(tariff, PreparedTariff) else prepare(tariff)
    if to_ms(end) < to_ms(start):
        raise PricingError("end", "is before the start")
    recording = record(samples, start=to_ms(start), end=to_ms(end), currents=currents, powers=powers, parked=parked)
    zone = as_zone(time_zone)
    documents = []
    if reserved_from is not None and to_ms(reserved_from) < to_ms(start):
        reserved = reservation_periods(prepared, start=reserved_from, end=start, time_zone=zone)
        documents = [period for period in reserved if period["dimensions"][0]["volume"]]
    changes = [(to_ms(at), one if isinstance(one, PreparedTariff) else prepare(one)) for at, one in later]
    used = [one for one in (prepared, *(one for _, one in changes)) if one is not None]
    pieces = _pieces(recording, used, zone=zone, changes={at for at, _ in changes})

    def in_force(piece: Piece) -> PreparedTariff | None:
        return next((one for at, one in reversed(changes) if at <= piece.start), prepared)

    def winners(piece: Piece) -> Winners:
        priced_by = in_force(piece)
        if priced_by is None:
            return ()
        state = piece.state(zone, recording.start)
        time = priced_by.parking if piece.parked else priced_by.time
        return priced_by, first(priced_by.energy, state), first(time, state), first(priced_by.flat, state)

    return documents + [_document(piece, in_force(piece)) for piece in _merge(pieces, winners)]


def reservation_periods(
    tariff: Document | PreparedTariff | None,
    *,
    start: datetime,
    end: datetime,
    time_zone: str | tzinfo,
    expired: bool = False,
) -> list[dict[str, Any]]:
    """The charging_periods of the time that an EVSE was kept for a driver; `expired` when no session followed."""
    prepared = tariff if tariff is None or isinstance(tariff, PreparedTariff) else prepare(tariff)
    zone, origin = as_zone(time_zone), to_ms(start)
    moments = cut_points(prepared, start=start, end=end, time_zone=zone) if prepared else []
    bounds = sorted({origin, *map(to_ms, moments), to_ms(end)})

    def winners(piece: Piece) -> Winners:
        if prepared is None:
            return ()
        state = piece.state(zone, origin)
        times = prepared.expired_time if expired else prepared.reservation_time
        return first(times, state), first(prepared.expired_flat if expired else prepared.reservation_flat, state)

    pieces = [Piece(a, b) for a, b in pairwise(bounds)] or [Piece(origin, origin)]
    return [_document(piece, prepared, reserved=True) for piece in _merge(pieces, winners)]


# --- cutting -----------------------------------------------------------------------------------------------------


def _pieces(recording: Recording, tariffs: Tariffs, *, zone: tzinfo, changes: Collection[int]) -> list[Piece]:
    """The session cut at every moment that could matter: to any of its tariffs, and where one follows another."""
    currents = _bounds(tariffs, Current) if recording.current else []
    powers = _bounds(tariffs, Power)
    pieces = []
    for (start, before), (end, after) in pairwise(_boundaries(recording, tariffs, zone=zone, changes=changes)):
        piece = Piece(start, end, (before, after), recording.parked_at(start))
        if currents and recording.current:
            piece = replace(piece, current=_band(recording.current.ends(start, end), currents))
        if powers:
            piece = replace(piece, power=_band(recording.power.ends(start, end), powers))
        pieces.append(piece)
    return pieces


def _boundaries(
    recording: Recording, tariffs: Tariffs, *, zone: tzinfo, changes: Collection[int]
) -> list[tuple[int, Decimal]]:
    """Where pieces begin and end: (milliseconds, kWh so far). A bound of kWh is met exactly, not by interpolation."""
    start, end, meter = recording.start, recording.end, recording.meter
    moments = {*changes, *(at for at, _ in recording.parked)}
    reached: dict[int, list[Decimal]] = {}
    for tariff in tariffs:
        moments.update(map(to_ms, cut_points(tariff, start=from_ms(start), end=from_ms(end), time_zone=zone)))
    for curve, kind in ((recording.current, Current), (recording.power, Power)):
        moments.update(at for bound in _bounds(tariffs, kind) if curve for at in curve.crossings(bound))
    for bound in _bounds(tariffs, Consumed):
        at = meter.when(bound)
        if at is not None and at <= end:
            reached.setdefault(at, []).append(bound.quantize(DIGIT, rounding=ROUND_CEILING))
    plain = {(at, meter.kwh(at)) for at in moments if start < at < end and at not in reached}
    exact = {(at, kwh) for at, bounds in reached.items() for kwh in bounds}
    return [(start, ZERO), *sorted(plain | exact), (end, max(meter.kwh(end), *(kwh for _, kwh in exact), ZERO))]


def _bounds(tariffs: Tariffs, kind: type[Consumed] | type[Current] | type[Power]) -> list[Decimal]:
    """All bounds that the tariffs set for energy, current or power, ascending."""
    found = [r for tariff in tariffs for r in restrictions_of(tariff, kind)]
    return sorted({bound for r in found for bound in (r.least, r.below) if bound is not None})


def _band(ends: Range, bounds: Iterable[Decimal]) -> Range:
    """The least and the most within one band of the tariff: `[low, high)`, so the most stays one digit below high."""
    middle = sum(ends) / 2
    low = max((bound for bound in bounds if bound <= middle), default=None)
    high = min((bound for bound in bounds if bound > middle), default=None)
    least, most = (value.quantize(DIGIT, rounding=ROUND_HALF_UP) for value in (min(ends), max(ends)))
    if low is not None:
        least, most = max(least, low), max(most, low)
    if high is not None:
        least, most = min(least, high - DIGIT), min(most, high - DIGIT)
    return least, most


def _widest(a: Range | None, b: Range | None) -> Range | None:
    return (min(a[0], b[0]), max(a[1], b[1])) if a and b else a or b


def _merge(pieces: list[Piece], winners: Callable[[Piece], Winners]) -> list[Piece]:
    """The same pieces without the cuts that change nothing: neither whether it is parked nor which prices apply."""
    kept: list[tuple[Piece, Winners]] = []
    for piece in pieces:
        if piece.start == piece.end and piece.kwh[0] == piece.kwh[1] and len(pieces) > 1:
            continue
        won = winners(piece)
        if kept and kept[-1][0].parked == piece.parked and kept[-1][1] == won:
            joined = kept[-1][0].joined(piece)
            if winners(joined) == won:
                kept[-1] = joined, won
                continue
        kept.append((piece, won))
    return [piece for piece, _ in kept]


# --- writing -----------------------------------------------------------------------------------------------------


def _document(piece: Piece, tariff: PreparedTariff | None, *, reserved: bool = False) -> dict[str, Any]:
    hours = (Decimal(piece.end - piece.start) / _MS_PER_HOUR).quantize(DIGIT, rounding=ROUND_HALF_UP)
    kwh = piece.kwh[1] - piece.kwh[0]
    volumes: dict[str, Decimal] = {}
    if reserved:
        volumes["RESERVATION_TIME"] = hours
    else:
        if kwh or not piece.parked:
            volumes["ENERGY"] = kwh
        volumes["PARKING_TIME" if piece.parked else "TIME"] = hours
    for name, range_ in (("CURRENT", piece.current), ("POWER", piece.power)):
        if range_ is not None:
            volumes[f"MIN_{name}"], volumes[f"MAX_{name}"] = range_
    document: dict[str, Any] = {
        "start_date_time": format_datetime(from_ms(piece.start)),
        "dimensions": [{"type": name, "volume": volume} for name, volume in volumes.items()],
    }
    return document | ({"tariff_id": tariff.id} if tariff is not None else {})
