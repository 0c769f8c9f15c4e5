"""From a Tariff document to a PreparedTariff: every field checked, every complaint with the field's path.

A tariff whose meaning is not certain is refused, not guessed: an unknown restriction could be the one that matters.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from .errors import TariffError
from .reading import Document, Fields
from .restrictions import (
    WEEKDAYS,
    Consumed,
    Current,
    Dates,
    Duration,
    Power,
    Reservation,
    Restriction,
    TimeOfDay,
    Weekdays,
)
from .tariff import Candidates, Component, Element, Kind, Limit, PreparedTariff

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]", re.ASCII)
_DAY = 24 * 60
_DIMENSIONS = {kind.value: kind for kind in (Kind.FLAT, Kind.ENERGY, Kind.TIME, Kind.PARKING_TIME)}
_RESERVED = {Kind.FLAT: Kind.RESERVATION_FLAT, Kind.TIME: Kind.RESERVATION_TIME}
_EXPIRED = (Reservation.RESERVATION_EXPIRES, Reservation.RESERVATION)


def prepare(tariff: Document, *, path: str = "") -> PreparedTariff:
    """Read a tariff once, to price many CDRs with it.

    `path` stands before the fields in errors, such as `tariffs[0]`. Raises TariffError for a tariff without
    elements, an unknown restriction or dimension, and whatever else is not a Tariff of OCPI 2.2.1.
    """
    fields = Fields(tariff, TariffError, path=path)
    tariff_id, currency = fields.text("id"), fields.text("currency")
    if not tariff_id:
        fields.fail("id", "is missing")
    if currency is None or len(currency) != 3 or not currency.isalpha():
        fields.fail("currency", "must be a currency of ISO 4217 such as EUR")
    components: list[Component] = []
    elements: list[Element] = []
    for index, entry in enumerate(fields.objects("elements", least=1)):
        element = _read_element(entry, index)
        elements.append(element)
        components += [_read_component(one, element) for one in entry.objects("price_components", least=1)]
    minimum, maximum = _read_limit(fields, "min_price"), _read_limit(fields, "max_price")
    return PreparedTariff(
        id=tariff_id,
        currency=currency.upper(),
        type=fields.text("type"),
        elements=tuple(elements),
        flat=_sort(components, Kind.FLAT),
        energy=_sort(components, Kind.ENERGY),
        time=_sort(components, Kind.TIME),
        parking=_sort(components, Kind.PARKING_TIME),
        reservation_flat=_sort(components, Kind.RESERVATION_FLAT, Reservation.RESERVATION),
        reservation_time=_sort(components, Kind.RESERVATION_TIME, Reservation.RESERVATION),
        expired_flat=_sort(components, Kind.RESERVATION_FLAT, *_EXPIRED),
        expired_time=_sort(components, Kind.RESERVATION_TIME, *_EXPIRED),
        min_price=minimum,
        max_price=maximum,
        valid_from=fields.moment("start_date_time"),
        valid_to=fields.moment("end_date_time"),
        content=(currency.upper(), minimum, maximum, *(_content(one) for one in components)),
    )


def _sort(components: list[Component], kind: Kind, *reservations: Reservation) -> Candidates:
    """The components of a kind; those of the first kind of reservation come first, wherever they stand."""
    of_kind = tuple(component for component in components if component.kind is kind)
    if not reservations:
        return of_kind
    return tuple(one for wanted in reservations for one in of_kind if one.element.reservation is wanted)


def _content(one: Component) -> tuple[object, ...]:
    element = one.element
    return element.index, element.reservation, element.restrictions, one.kind, one.price, one.vat, one.step_size


def _read_component(fields: Fields, element: Element) -> Component:
    kind = _DIMENSIONS.get(fields.text("type") or "")
    if kind is None:
        fields.fail("type", f"must be one of {', '.join(_DIMENSIONS)}")
    if element.reservation is not None:
        if kind not in _RESERVED:
            fields.fail("type", "must be FLAT or TIME: a reservation has no other dimension")
        kind = _RESERVED[kind]
    price, step, vat = fields.required_number("price"), fields.whole("step_size"), fields.number("vat")
    if step is None or step < 0:
        fields.fail("step_size", "is missing" if step is None else "must be 0 or more")
    if vat is not None and vat < 0:
        fields.fail("vat", "must be a percentage, 0 or more")
    factor = Decimal(1) + (vat.scaleb(-2) if vat is not None else 0)
    return Component(kind=kind, price=price, step_size=step, vat=vat, vat_factor=factor, element=element)


def _read_limit(fields: Fields, name: str) -> Limit | None:
    if not fields.has(name):
        return None
    price = fields.inner(name)
    return Limit(price.required_number("excl_vat"), price.number("incl_vat"))


# --- elements and their restrictions ---------------------------------------------------------------------------


def _read_element(fields: Fields, index: int) -> Element:
    if not fields.has("restrictions"):
        return Element(index=index, restrictions=(), reservation=None)
    restrictions = fields.inner("restrictions")
    for name in restrictions.values:
        if name not in _KNOWN and restrictions.has(name):
            restrictions.fail(name, "is not a restriction of OCPI 2.2.1")
    found = (read(restrictions) for read in _READERS)
    return Element(
        index=index,
        restrictions=tuple(restriction for restriction in found if restriction is not None),
        reservation=_read_reservation(restrictions),
    )


def _read_reservation(fields: Fields) -> Reservation | None:
    text = fields.text("reservation")
    if text is None:
        return None
    if text not in Reservation.__members__:
        fields.fail("reservation", f"must be {' or '.join(Reservation)}")
    return Reservation(text)


def _read_time_of_day(fields: Fields) -> TimeOfDay | None:
    start, end = _minute(fields, "start_time"), _minute(fields, "end_time")
    start, end = start or 0, end or _DAY  # 00:00 as an end is the end of the day
    return None if start == end or (start, end) == (0, _DAY) else TimeOfDay(start, end)


def _minute(fields: Fields, name: str) -> int | None:
    text = fields.text(name)
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    if found is None:
        fields.fail(name, "must be a time of day such as 13:30")
    return int(found[1]) * 60 + int(found[2])


def _read_dates(fields: Fields) -> Dates | None:
    start, end = _date(fields, "start_date"), _date(fields, "end_date")
    return Dates(start, end) if start or end else None


def _date(fields: Fields, name: str) -> date | None:
    text = fields.text(name)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        fields.fail(name, "must be a date such as 2015-12-24")
    return day


def _read_weekdays(fields: Fields) -> Weekdays | None:
    days = fields.items("day_of_week")
    for index, day in enumerate(days):
        if day not in WEEKDAYS:
            fields.fail(f"day_of_week[{index}]", f"must be one of {', '.join(WEEKDAYS)}")
    return Weekdays(frozenset(WEEKDAYS.index(day) for day in days)) if days else None


def _read_duration(fields: Fields) -> Duration | None:
    least, below = _seconds(fields, "min_duration"), _seconds(fields, "max_duration")
    return None if least is None and below is None else Duration(least, below)


def _seconds(fields: Fields, name: str) -> timedelta | None:
    seconds = fields.whole(name)
    if seconds is None:
        return None
    if not 0 <= seconds < 10**10:
        fields.fail(name, "must be a number of seconds, 0 or more")
    return timedelta(seconds=seconds)


Bounded = TypeVar("Bounded", Consumed, Current, Power)


def _bounds(kind: Callable[[Decimal | None, Decimal | None], Bounded], unit: str) -> Callable[[Fields], Bounded | None]:
    def read(fields: Fields) -> Bounded | None:
        least, below = fields.number(f"min_{unit}"), fields.number(f"max_{unit}")
        return None if least is None and below is None else kind(least, below)

    return read


_READERS: tuple[Callable[[Fields], Restriction | None], ...] = (
    _read_time_of_day,
    _read_weekdays,
    _read_dates,
    _read_duration,
    _bounds(Consumed, "kwh"),
    _bounds(Current, "current"),
    _bounds(Power, "power"),
)
_KNOWN = {"start_time", "end_time", "start_date", "end_date", "day_of_week", "reservation"} | {
    f"{bound}_{unit}" for bound in ("min", "max") for unit in ("kwh", "current", "power", "duration")
}
