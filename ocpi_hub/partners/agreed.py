"""What agreements say about two parties at one moment. Pure; asked by access.py alone (decision 13).

The agreement that names the pair most closely decides: both parties, then one of them and anybody, then anybody and
anybody. Where none is in force the hub's mode does: open allows, closed does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ocpi_hub.wire.headers import PartyId

ANYONE = "*"


@dataclass(frozen=True, slots=True)
class Term:
    """One agreement as it is read. `pair` are two keys (`nl/abc`) in their order, ANYONE for anybody; `modules` None
    is all of them, those that partners invented included. It holds from `valid_from` on and before `valid_until`."""

    id: str
    pair: tuple[str, str]
    modules: frozenset[str] | None
    allowed: bool
    valid_from: datetime | None
    valid_until: datetime | None
    changed_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it is in force."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_until is None or at < self.valid_until)

    def turns(self) -> Iterator[datetime]:
        """When it begins and when it ends, where it says so."""
        yield from (at for at in (self.valid_from, self.valid_until) if at is not None)

    def covers(self, module: str) -> bool:
        return self.modules is None or module in self.modules

    def names(self, a: str, b: str) -> bool:
        """Whether it is about these two, by their keys."""
        return self.pair in _ways(a, b)


def pair_of(a: str, b: str) -> tuple[str, str]:
    """Two keys in the order in which an agreement is kept: it has no direction."""
    return (a, b) if a <= b else (b, a)


def _ways(a: str, b: str) -> tuple[tuple[str, str], ...]:
    """The pairs under which an agreement about these two may stand."""
    return (pair_of(a, b), (ANYONE, a), (ANYONE, b), (ANYONE, ANYONE))


class Agreed:
    """All agreements, as they stand `at` a moment. `version` tells pictures of them apart."""

    def __init__(self, terms: Iterable[Term], *, opened: bool, at: datetime, version: int = 0) -> None:
        self.terms = tuple(terms)
        self.opened = opened
        self.at = at
        self.version = version
        self._of_pair: dict[tuple[str, str], list[Term]] = {}
        for term in self.terms:
            self._of_pair.setdefault(term.pair, []).append(term)

    @property
    def plain(self) -> bool:
        """Whether everybody may talk with everybody, without a look at any agreement."""
        return self.opened and not self.terms

    def allows(self, a: PartyId, b: PartyId, module: str) -> bool:
        """Whether these two may exchange messages of a module. A party needs no agreement with itself."""
        return self.plain or a.key == b.key or self._allows(a.key, b.key, module, self.at)

    def plans(self, a: PartyId, b: PartyId, module: str) -> bool:
        """Whether an agreement that has not begun yet will allow it."""
        begins = (term.valid_from for term in self._about(a.key, b.key) if term.allowed and term.covers(module))
        return any(at is not None and at > self.at and self._allows(a.key, b.key, module, at) for at in begins)

    def turned_at(self, a: PartyId, b: PartyId) -> datetime | None:
        """When what these two may do was changed last, as far as the agreements that are kept know."""
        known = [(term.changed_at, *term.turns()) for term in self._about(a.key, b.key)]
        return max((at for times in known for at in times if at <= self.at), default=None)

    def next_turn(self) -> datetime | None:
        """When the next agreement begins or ends."""
        return min((at for term in self.terms for at in term.turns() if at > self.at), default=None)

    def changed_since(self, before: "Agreed") -> list[Term]:
        """The agreements that came, went, were changed, began or ended between two moments."""
        fresh, stale = set(self.terms), set(before.terms)
        turned = {term for term in fresh & stale if term.holds(before.at) != term.holds(self.at)}
        return [*((fresh ^ stale) | turned)]

    def _about(self, a: str, b: str) -> list[Term]:
        return [term for way in _ways(a, b) for term in self._of_pair.get(way, ())]

    def _allows(self, a: str, b: str, module: str, at: datetime) -> bool:
        exact, one, other, anyone = (
            [term for term in self._of_pair.get(way, ()) if term.holds(at)] for way in _ways(a, b)
        )
        for level in (exact, [*one, *other], anyone):
            said = _says(level, module)
            if said is not None:
                return said
        return self.opened


def _says(level: Sequence[Term], module: str) -> bool | None:
    """What agreements of one rank say together: a forbidding one wins; an allowing one lists all that is allowed;
    None: nothing about this module."""
    if any(not term.allowed and term.covers(module) for term in level):
        return False
    allowing = [term for term in level if term.allowed]
    return any(term.covers(module) for term in allowing) if allowing else None
