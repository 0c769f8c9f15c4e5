"""What a wire model knows of its fields: which are numbers, which are times, which may be left out.

Read once from the models, so that no list of names is kept beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from ocpi_hub.wire.types import OcpiModel


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a model by what they are; `lists` are the optional ones that are lists, `inner` those that hold
    other objects, alone or in a list."""

    numbers: frozenset[str]
    times: frozenset[str]
    optional: frozenset[str]
    lists: frozenset[str]
    inner: Mapping[str, "Shape"]


@cache
def shape_of(model: type[OcpiModel]) -> Shape:
    """The shape of a model and of everything inside of it."""
    kinds = {name: _kind(field.annotation) for name, field in model.model_fields.items()}
    optional = frozenset(name for name, field in model.model_fields.items() if not field.is_required())
    return Shape(
        numbers=frozenset(name for name, (kind, _) in kinds.items() if kind in (Decimal, int)),
        times=frozenset(name for name, (kind, _) in kinds.items() if kind is datetime),
        optional=optional,
        lists=frozenset(name for name, (_, many) in kinds.items() if many and name in optional),
        inner={
            name: shape_of(kind)
            for name, (kind, _) in kinds.items()
            if isinstance(kind, type) and issubclass(kind, OcpiModel)
        },
    )


def _kind(annotation: Any) -> tuple[Any, bool]:
    """What a field holds, and whether a list of it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (Union, UnionType):
        some = [one for one in get_args(annotation) if one is not NoneType]
        return _kind(some[0]) if len(some) == 1 else (object, False)
    if origin is tuple:
        return _kind(get_args(annotation)[0])[0], True
    return annotation, False
