"""PATCH and the levels of a Location, as pure functions from document to document: nothing given is ever changed.

A PATCH is merged into the kept document and the *result* is validated (objects/writing.py): there is no second,
partial model. No I/O and no clock here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpi_hub.wire.errors import InvalidParameters, NotFound
from ocpi_hub.wire.types import OcpiModel, same_id

Document = Mapping[str, Any]
LAST_UPDATED = "last_updated"


@dataclass(frozen=True, slots=True)
class Child:
    """Objects inside of an object that have an address of their own: the EVSEs of a Location, their Connectors."""

    name: str
    field: str
    key_field: str
    model: type[OcpiModel]


@dataclass(frozen=True, slots=True)
class Shape:
    """How an object is merged: which fields name it, which hold addressable children, which only grow.

    `keys` never change by a PATCH; `children` are the levels below, outermost first; a list in `growing` is
    appended to (mod_sessions, PATCH: "add all the ChargingPeriod objects").
    """

    keys: tuple[str, ...]
    children: tuple[Child, ...] = ()
    growing: frozenset[str] = frozenset()

    @property
    def below(self) -> "Shape":
        """The shape of the first level of children."""
        return Shape((self.children[0].key_field,), self.children[1:])


def merge(document: Document, changes: Document, shape: Shape) -> dict[str, Any]:
    """`document` with the fields of `changes`, which has a `last_updated` (transport_and_format, PATCH).

    A field is replaced whole, inner objects too: half of an old Price under half of a new one is no price. null
    takes a field away, so that a required one is then missed by the model. Children are merged one by one by their
    key and keep their places, new ones come last; an empty list or null changes no child: PATCH removes nothing.
    Raises InvalidParameters without `last_updated`, and where `changes` names another object.
    """
    require_last_updated(changes)
    return _merge(document, changes, shape, path="")


def require_last_updated(changes: Document) -> None:
    """Raise InvalidParameters unless there is a `last_updated` (status_codes, 2001)."""
    if changes.get(LAST_UPDATED) is None:
        raise InvalidParameters(f"{LAST_UPDATED}: is required in a PATCH")


def find_child(document: Document, children: Sequence[Child], ids: Sequence[str]) -> Document | None:
    """The child at `ids` (EVSE uid, then Connector id); `document` itself for no ids; None when there is none."""
    found: Document | None = document
    for child, wanted in zip(children, ids, strict=False):
        if found is None:
            return None
        siblings = _siblings(found, child)
        place = _place(siblings, child, wanted)
        found = None if place is None else siblings[place]
    return found


def change_child(
    document: Document,
    children: Sequence[Child],
    ids: Sequence[str],
    change: Callable[[Document | None], Document],
) -> dict[str, Any]:
    """`document` with the child at `ids` replaced by `change(child)`, which is given None where there is none yet.

    The child keeps its place, a new one comes last, and its `last_updated` is carried up to every parent
    (mod_locations, PUT and PATCH: "SHALL also set the new last_updated value on the parent"). Raises NotFound
    when a level between does not exist.
    """
    child, wanted = children[0], ids[0]
    siblings = _siblings(document, child)
    place = _place(siblings, child, wanted)
    kept = None if place is None else siblings[place]
    if len(ids) == 1:
        changed: Document = change(kept)
    elif kept is None:
        raise NotFound(f"there is no such {child.name}", status_code=2003)
    else:
        changed = change_child(kept, children[1:], ids[1:], change)
    siblings = [*siblings, changed] if place is None else [*siblings[:place], changed, *siblings[place + 1 :]]
    return {**document, child.field: siblings, LAST_UPDATED: changed[LAST_UPDATED]}


def require_same(document: Document, names: Document, *, path: str = "") -> None:
    """Raise InvalidParameters where a field of `document` names another object than `names` does.

    Only what both sides name is compared, and without case; what is missing or not a string is for the model to say.
    """
    for field, expected in names.items():
        given = document.get(field)
        if isinstance(given, str) and not same_id(given, expected):
            raise InvalidParameters(f"{path}{field}: is not the {field} of the object that is addressed")


def _merge(document: Document, changes: Document, shape: Shape, *, path: str) -> dict[str, Any]:
    names = {key: document[key] for key in shape.keys}
    require_same(changes, names, path=path)
    merged = dict(document)
    by_field = {child.field: child for child in shape.children[:1]}
    repeated = changes.get(LAST_UPDATED) == document.get(LAST_UPDATED)
    for field, value in changes.items():
        if field in by_field:
            merged[field] = _merge_children(_siblings(document, by_field[field]), value, shape, path=f"{path}{field}")
        elif field in shape.growing:
            merged[field] = _grow(document.get(field), value, path=f"{path}{field}", repeated=repeated)
        elif field in names:
            continue
        elif value is None:
            merged.pop(field, None)
        else:
            merged[field] = value
    return merged


def _merge_children(kept: Sequence[Document], changes: Any, shape: Shape, *, path: str) -> list[Document]:
    child, below = shape.children[0], shape.below
    merged = list(kept)
    for index, change in enumerate(_a_list(changes, path)):
        here = f"{path}.{index}."
        if not isinstance(change, Mapping):
            raise InvalidParameters(f"{path}.{index}: must be an object")
        key = change.get(child.key_field)
        if not isinstance(key, str):
            raise InvalidParameters(f"{here}{child.key_field}: is required")
        place = _place(merged, child, key)
        if place is None:
            merged.append(change)
        else:
            merged[place] = _merge(merged[place], change, below, path=here)
    return merged


def _grow(kept: Any, more: Any, *, path: str, repeated: bool) -> list[Any]:
    """`kept` and `more`. A PATCH that is sent again because its answer was lost adds nothing twice."""
    before, after = list(kept or ()), _a_list(more, path)
    if repeated and after and before[-len(after) :] == after:
        return before
    return before + after


def _a_list(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidParameters(f"{path}: must be a list")
    return value


def _siblings(document: Document, child: Child) -> list[Document]:
    return list(document.get(child.field) or ())


def _place(siblings: Sequence[Document], child: Child, key: str) -> int | None:
    for place, sibling in enumerate(siblings):
        if same_id(sibling[child.key_field], key):
            return place
    return None
