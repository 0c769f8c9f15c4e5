"""price(): a tariff and a CDR in, a CostReport out. Linear in periods and elements, exact, and without a clock.

The order of work is the specification's: lines by period and dimension, step_size once, sums, limits.
"""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal, localcontext
from functools import reduce

from .cdr import Period, Usage, read_usage
from .errors import CdrError, TariffError
from .limits import limit
from .lines import NOTHING, Line, add, to_price
from .money import EXACT, ZERO
from .reading import Document, as_zone
from .report import CostReport, sum_of
from .restrictions import State
from .steps import round_up_session
from .tariff import Candidates, Component, Kind, PreparedTariff, first
from .tariff_reading import prepare

Tariffs = Document | PreparedTariff | Sequence[Document | PreparedTariff]
"""One tariff for the whole CDR, or several: then each period's tariff_id says which one prices it."""

_ONE = Decimal(1)


def price(tariff: Tariffs, cdr: Document, *, time_zone: str | tzinfo) -> CostReport:
    """What a CDR, or a running Session, costs under a tariff (mod_tariffs and mod_cdrs of OCPI 2.2.1).

    `time_zone` is that of the Location: it is in no CDR. Validity dates of the tariff are not asked again. Raises
    TariffError, CdrError or TimeZoneError, naming the field.
    """
    return price_usage(read_tariffs(tariff), read_usage(cdr), zone=as_zone(time_zone))


def read_tariffs(tariff: Tariffs) -> tuple[PreparedTariff, ...]:
    """One or more tariffs, prepared; all in one currency. Raises TariffError."""
    if isinstance(tariff, PreparedTariff):
        return (tariff,)
    if not isinstance(tariff, Sequence):
        return (prepare(tariff),)
    book = tuple(
        one if isinstance(one, PreparedTariff) else prepare(one, path=f"[{index}]") for index, one in enumerate(tariff)
    )
    if not book:
        raise TariffError("tariffs", "must have at least one entry")
    for index, one in enumerate(book):
        if one.currency != book[0].currency:
            raise TariffError(f"[{index}].currency", f"is {one.currency}, but {book[0].currency} in the first tariff")
    return book


def price_usage(book: tuple[PreparedTariff, ...], usage: Usage, *, zone: tzinfo) -> CostReport:
    """price() for documents that are already read."""
    tariffs = tariffs_of(usage, book)
    with localcontext(EXACT):
        walk = _Walk(usage, zone)
        for period, tariff in zip(usage.periods, tariffs, strict=True):
            walk.visit(period, tariff)
        steps = round_up_session(walk.lines)
        sums = sum_of(walk.lines)
        total, limits = limit(reduce(add, sums.values(), NOTHING), dict.fromkeys(tariffs))
    return CostReport(
        currency=book[0].currency,
        time_zone=zone,
        lines=tuple(walk.lines),
        steps=steps,
        limits=limits,
        total_cost=to_price(total),
        subtotals=sums,
        usage=usage,
        expired=walk.begin is None,
    )


def tariffs_of(usage: Usage, book: tuple[PreparedTariff, ...]) -> list[PreparedTariff]:
    """The tariff of every period. A single tariff prices all; of several, a period without tariff_id keeps the last.

    Raises CdrError for a tariff_id that is none of several.
    """
    if len(book) == 1:
        return [book[0]] * len(usage.periods)
    by_id = {tariff.id.casefold(): tariff for tariff in book}
    current, tariffs = book[0], []
    for period in usage.periods:
        if period.tariff_id is not None:
            found = by_id.get(period.tariff_id.casefold())
            if found is None:
                raise CdrError(f"charging_periods[{period.index}].tariff_id", "is none of the tariffs given")
            current = found
        tariffs.append(current)
    return tariffs


class _Walk:
    """Goes through the periods in order of time and writes down what each of them owes, before step_size."""

    def __init__(self, usage: Usage, zone: tzinfo) -> None:
        self.lines: list[Line] = []
        self.begin = usage.begin
        self._zone = zone
        self._start = usage.periods[0].start
        self._session_start = usage.periods[self.begin or 0].start
        self._kwh = ZERO
        self._fee_due = self._reservation_fee_due = True

    def visit(self, period: Period, tariff: PreparedTariff) -> None:
        """Add the lines of one period: reserved time by the reservation elements, all else by the others."""
        self._period, self._tariff, self._state = period, tariff, self._state_at(period)
        if period.reserved:
            self._visit_reservation(period.reserved, tariff)
        if self._fee_due and not period.is_only_reserved:
            self._fee_due = not self._owe_fee(Kind.FLAT, tariff.flat)
        if period.energy:
            self._owe(Kind.ENERGY, tariff.energy, measured=period.energy)
            self._kwh += period.energy
        if period.time:
            self._owe(Kind.TIME, tariff.time, measured=period.time)
        if period.parking:
            self._owe(Kind.PARKING_TIME, tariff.parking, measured=period.parking)

    def _visit_reservation(self, hours: Decimal, tariff: PreparedTariff) -> None:
        expired = self.begin is None
        if self._reservation_fee_due:
            fees = tariff.expired_flat if expired else tariff.reservation_flat
            self._reservation_fee_due = not self._owe_fee(Kind.RESERVATION_FLAT, fees)
        times = tariff.expired_time if expired else tariff.reservation_time
        self._owe(Kind.RESERVATION_TIME, times, measured=hours)

    def _state_at(self, period: Period) -> State:
        reserving = self.begin is None or period.index < self.begin
        return State(
            local=period.start.astimezone(self._zone),
            kwh=self._kwh,
            elapsed=period.start - (self._start if reserving else self._session_start),
            min_current=period.min_current,
            max_current=period.max_current,
            min_power=period.min_power,
            max_power=period.max_power,
        )

    def _owe(self, kind: Kind, candidates: Candidates, *, measured: Decimal) -> None:
        self._write(kind, candidates, measured=measured, won=first(candidates, self._state))

    def _owe_fee(self, kind: Kind, candidates: Candidates) -> bool:
        """A flat fee has a line only where it is due: once, when it is first active."""
        won = first(candidates, self._state)
        if won is not None:
            self._write(kind, candidates, measured=_ONE, won=won)
        return won is not None

    def _write(self, kind: Kind, candidates: Candidates, *, measured: Decimal, won: Component | None) -> None:
        period = self._period
        self.lines.append(
            Line(kind, period.index, period.start, measured, won, candidates, self._state, self._tariff.id)
        )
