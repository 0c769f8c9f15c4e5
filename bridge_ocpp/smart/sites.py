"""A site as an operator describes it: its limit, its circuits, its chargers; read strictly, told plainly. Pure.

Currents are A per phase. A limit in W is divided by phases and voltage, so it holds on each phase by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

Lane = tuple[str, int]
"""A circuit and one of its phases; the site itself is the circuit ""."""

STEP = Decimal("0.1")
MOST = Decimal(100_000)


class SiteProblem(ValueError):
    """The description cannot be meant; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Member:
    """A charger of a site: the phases that it loads, the most that each of its EVSEs can draw, its circuits from the
    site inwards. What the charger calls L1 is the first of the phases, and so on: that is how it is rotated."""

    id: str
    phases: tuple[int, ...]
    maximum: Decimal
    circuits: tuple[str, ...] = ("",)

    @property
    def lanes(self) -> frozenset[Lane]:
        return frozenset((circuit, phase) for circuit in self.circuits for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Site:
    """A site. `limits` are A per phase by circuit; `start` is what a car may draw before its share has come."""

    id: str
    limits: Mapping[str, Decimal]
    members: Mapping[str, Member]
    minimum: Decimal = Decimal(6)
    start: Decimal = Decimal(0)
    voltage: int = 230
    phases: int = 3
    learn_phases: bool = False
    document: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def lanes(self, external: Decimal | None = None) -> dict[Lane, Decimal]:
        """What each phase of each circuit has; `external` limits the site as a whole while it holds."""
        found = {(circuit, phase): limit for circuit, limit in self.limits.items() for phase in self._phases()}
        if external is not None:
            found |= {("", phase): min(external, found[("", phase)]) for phase in self._phases()}
        return found

    def amperes(self, *, limit_a: Decimal | None, limit_w: Decimal | None) -> Decimal:
        """A limit in either unit, in A per phase."""
        if limit_a is not None:
            return limit_a
        return _per_phase(limit_w or Decimal(0), self.voltage, self.phases)

    def _phases(self) -> range:
        return range(1, self.phases + 1)


_FIELDS = {"limit_a", "limit_w", "minimum_a", "start_a", "voltage", "phases", "learn_phases", "chargers", "circuits"}
_CIRCUIT = {"id", "limit_a", "limit_w", "chargers", "circuits"}
_CHARGER = {"id", "phases", "maximum_a"}


def read_site(site_id: str, said: Mapping[str, Any]) -> Site:
    """The site that is described. Raises SiteProblem."""
    _only(said, _FIELDS, "")
    voltage = _whole(said.get("voltage", 230), "voltage", 50, 1000)
    phases = _whole(said.get("phases", 3), "phases", 1, 3)
    if phases == 2:
        raise SiteProblem("phases", "is 1 or 3")
    minimum = _amperes(said.get("minimum_a", 6), "minimum_a")
    start = _amperes(said.get("start_a", 0), "start_a")
    if start > minimum:
        raise SiteProblem("start_a", "must not be above minimum_a")
    learn = said.get("learn_phases", False)
    if not isinstance(learn, bool):
        raise SiteProblem("learn_phases", "is true or false")
    limits: dict[str, Decimal] = {}
    members: dict[str, Member] = {}
    reading = _Reading(voltage, phases, limits, members)
    reading.circuit(said, "", (), "")
    if not members:
        raise SiteProblem("chargers", "name at least one charger")
    return Site(site_id, limits, members, minimum, start, voltage, phases, learn, dict(said))


@dataclass(slots=True)
class _Reading:
    voltage: int
    phases: int
    limits: dict[str, Decimal]
    members: dict[str, Member]

    def circuit(self, said: Mapping[str, Any], name: str, above: tuple[str, ...], where: str) -> None:
        """Read a circuit, its chargers and the circuits inside it."""
        self.limits[name] = self._limit(said, where)
        path = (*above, name)
        for index, charger in enumerate(_list(said.get("chargers", []), f"{where}chargers")):
            member = self._member(charger, path, f"{where}chargers.{index}")
            if member.id.casefold() in self.members:
                raise SiteProblem(f"{where}chargers.{index}", f"{member.id} is named twice")
            self.members[member.id.casefold()] = member
        for index, inner in enumerate(_list(said.get("circuits", []), f"{where}circuits")):
            place = f"{where}circuits.{index}"
            _only(_mapping(inner, place), _CIRCUIT, f"{place}.")
            inner_name = _text(inner.get("id"), f"{place}.id")
            if inner_name in self.limits:
                raise SiteProblem(f"{place}.id", f"there is a circuit {inner_name} already")
            if len(path) > 8:
                raise SiteProblem(place, "circuits are nested too deeply")
            self.circuit(inner, inner_name, path, f"{place}.")

    def _limit(self, said: Mapping[str, Any], where: str) -> Decimal:
        given = [name for name in ("limit_a", "limit_w") if said.get(name) is not None]
        if len(given) != 1:
            raise SiteProblem(f"{where}limit_a", "give limit_a or limit_w, one of them")
        value = _amperes(said[given[0]], f"{where}{given[0]}", most=MOST * 1000)
        return value if given[0] == "limit_a" else _per_phase(value, self.voltage, self.phases)

    def _member(self, said: Any, path: tuple[str, ...], where: str) -> Member:
        document = {"id": said} if isinstance(said, str) else _mapping(said, where)
        _only(document, _CHARGER, f"{where}.")
        phases = tuple(_list(document.get("phases", list(range(1, self.phases + 1))), f"{where}.phases"))
        fitting = all(isinstance(p, int) and not isinstance(p, bool) and 1 <= p <= self.phases for p in phases)
        if not phases or not fitting or len(set(phases)) != len(phases):
            raise SiteProblem(f"{where}.phases", f"are a list of different numbers from 1 to {self.phases}")
        maximum = _amperes(document.get("maximum_a", 32), f"{where}.maximum_a")
        return Member(_text(document.get("id"), f"{where}.id"), phases, maximum, path)


def per_phase(limit_w: Decimal, site: Site) -> Decimal:
    """W of the whole site as A on each of its phases, rounded down."""
    return _per_phase(limit_w, site.voltage, site.phases)


def _per_phase(limit_w: Decimal, voltage: int, phases: int) -> Decimal:
    return (limit_w / (voltage * phases)).quantize(STEP, ROUND_FLOOR)


def _amperes(value: Any, field: str, *, most: Decimal = MOST) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool | list | dict) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= most:
        raise SiteProblem(field, f"is a number from 0 to {most:f}")
    return number.quantize(STEP, ROUND_FLOOR)


def _whole(value: Any, field: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SiteProblem(field, f"is a whole number from {least} to {most}")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 48 or not value.isprintable():
        raise SiteProblem(field, "is a text of 1 to 48 characters")
    return value


def _list(value: Any, field: str) -> Iterator[Any]:
    if not isinstance(value, list):
        raise SiteProblem(field, "is a list")
    return iter(value)


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SiteProblem(field, "is an object")
    return value


def _only(said: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for name in said:
        if name not in known:
            raise SiteProblem(f"{where}{name}", "is not known here")
