"""What chargers send that breaks the schema, mended where its meaning is plain. Pure.

Each mend leaves a note, which is kept on the charger as a quirk; what has no plain meaning is a Fault. What we send
is never mended: it is valid or a bug of ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge_ocpp.meter import read_number
from bridge_ocpp.ocppj import Fault
from bridge_ocpp.schemas import Violation

ROUNDS = 4

_FAULTS = {
    "type": Fault.TYPE,
    "required": Fault.OCCURRENCE,
    "minItems": Fault.OCCURRENCE,
    "maxItems": Fault.OCCURRENCE,
    "enum": Fault.PROPERTY,
    "minLength": Fault.PROPERTY,
    "maxLength": Fault.PROPERTY,
    "pattern": Fault.PROPERTY,
    "minimum": Fault.PROPERTY,
    "maximum": Fault.PROPERTY,
    "multipleOf": Fault.PROPERTY,
}


@dataclass(frozen=True, slots=True)
class Leniency:
    """What a version's charger may get wrong without losing its message.

    `informational`: fields whose unknown words are kept as they came. `spared`: required fields that may be missing,
    by name or with the object that they are in (`sampledValue.value`). `fractional`: integers that may have a fraction.
    `unreadable`: what ought to be numbers, by object and name, and is left out where it is none.
    """

    informational: frozenset[str]
    spared: frozenset[str]
    fractional: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a payload: the notes, and the first fault (with its sentence) that could not be mended."""

    notes: tuple[str, ...] = ()
    fault: Fault | None = None
    reason: str = ""


def mend(
    payload: dict[str, Any], violations: Callable[[dict[str, Any]], Sequence[Violation]], leniency: Leniency
) -> Mended:
    """Mend `payload` in place until nothing that matters breaks its schema any more."""
    notes: dict[str, None] = {}
    tolerated: set[tuple[str, tuple[str | int, ...], str]] = set()
    for _ in range(ROUNDS):
        open_ones = [found for found in violations(payload) if _key(found) not in tolerated]
        if not open_ones:
            return Mended(tuple(notes))
        for found in open_ones:
            note = _tolerate(payload, found, leniency)
            if note:
                tolerated.add(_key(found))
            else:
                note = _repair(payload, found, leniency)
            if note is None and _named(found.path) in leniency.unreadable:
                tolerated.add(_key(found))
                note = "no number"
            if note is None:
                return Mended(tuple(notes), _FAULTS.get(found.rule, Fault.FORMAT), f"{found.where}: {found.message}")
            notes[f"{found.where}: {note}"] = None
    return Mended(tuple(notes), Fault.FORMAT, f"{open_ones[0].where}: {open_ones[0].message}")


def _key(found: Violation) -> tuple[str, tuple[str | int, ...], str]:
    return found.rule, found.path, str(found.about.get("property", ""))


def _field(found: Violation) -> str:
    return next((step for step in reversed(found.path) if isinstance(step, str)), "")


def _named(path: Sequence[str | int]) -> str:
    """The last two names of a path: `sampledValue.value`."""
    return ".".join([step for step in path if isinstance(step, str)][-2:])


def _tolerate(payload: dict[str, Any], found: Violation, leniency: Leniency) -> str | None:
    """A note for what may stay as it is."""
    if found.rule == "maxLength":
        return "too long"
    if found.rule == "minItems" and _at(payload, found.path) == []:
        return "an empty list"
    if found.rule == "required" and not leniency.spared.isdisjoint(
        (found.about["property"], _named((*found.path, found.about["property"])))
    ):
        return f"no {found.about['property']}"
    if found.rule == "enum" and _field(found) in leniency.informational:
        value = _at(payload, found.path)
        if isinstance(value, str) and _word(value, found.about["options"]) is None:
            return "an unknown word"
    if found.rule == "type" and _field(found) in leniency.fractional:
        value = _at(payload, found.path)
        if isinstance(value, Decimal) and read_number(value) is not None:
            return "a fraction for integer"
    return None


def _repair(payload: dict[str, Any], found: Violation, leniency: Leniency) -> str | None:
    """Change the one value that breaks the schema into what it plainly means; None when it means nothing plainly."""
    if not found.path:
        return None
    holder, step = _at(payload, found.path[:-1]), found.path[-1]
    value = holder[step]
    if found.rule == "enum" and isinstance(value, str):
        word = _word(value, found.about["options"])
        if word is not None:
            holder[step] = word
            return "a word in another spelling"
    if found.rule == "type":
        if value is None and isinstance(holder, dict):
            del holder[step]
            return "null"
        fractional = ("number",) if _field(found) in leniency.fractional else ()
        for wanted in (*found.about["types"], *fractional):
            converted = _converted(value, wanted)
            if converted is not None:
                holder[step] = converted
                return f"{_NAMES[type(value)]} for {wanted}"
    return None


_NAMES: dict[type, str] = {
    str: "a string",
    int: "a number",
    Decimal: "a number",
    dict: "an object",
    list: "a list",
    bool: "a boolean",
}


def _converted(value: Any, wanted: str) -> Any:
    if isinstance(value, bool):
        return None
    if wanted == "string" and isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) and read_number(value) is not None else str(value)
    if wanted in ("number", "integer") and isinstance(value, str | Decimal):
        number = read_number(value)
        if number is None or wanted == "number":
            return number
        return int(number) if number == number.to_integral_value() else None
    if wanted == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().casefold())
    if wanted == "array" and isinstance(value, dict):
        return [value]
    if wanted == "object" and value == []:
        return {}
    return None


def _word(value: str, options: Sequence[Any]) -> str | None:
    """The option that `value` spells in other letters: case, blanks, hyphens, underscores."""
    plain = _plain(value)
    return next((option for option in options if isinstance(option, str) and _plain(option) == plain), None)


def _plain(word: str) -> str:
    return word.strip().casefold().replace("_", "").replace(" ", "").replace("-", "")


def _at(payload: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        payload = payload[step]
    return payload
