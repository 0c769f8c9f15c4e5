"""How much a charger takes in one message: what the operator said, else what it reports of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bridge_ocpp.connected import Connected
from bridge_ocpp.devices.tables import VariableRow
from bridge_ocpp.devices.variables import key_of
from bridge_ocpp.port import Command
from bridge_ocpp.tables import ChargerRow

AT_ONCE = 50
"""Items in one message to a charger that says nothing of its limits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a charger takes in one message: items, and bytes of the whole frame (0: it does not say)."""

    items: int
    size: int = 0


async def limits_of(
    connection: Connected, what: str, *, command: type[Command] | None = None, otherwise: int = AT_ONCE
) -> Limits:
    """How much of `what` the charger takes at once (see Dialect.limits)."""
    dialect, key = connection.dialect, connection.speaker.key
    names = {limit: key_of(name) for limit, name in dialect.limits.items() if limit in (what, f"{what}_bytes")}

    async def read(db: Any) -> tuple[dict[str, int], dict[str, str | None]]:
        charger = await db.get(ChargerRow, key)
        query = select(col(VariableRow.name_key), col(VariableRow.value)).where(
            col(VariableRow.charger_key) == key, col(VariableRow.name_key).in_(names.values())
        )
        return (charger.items_per_message if charger is not None else {}), {
            row.name_key: row.value for row in await db.execute(query)
        }

    said, values = await connection.desk.ledger.write(read)
    items = said.get(what) or _number(values.get(names.get(what, ""))) or otherwise
    outbound = dialect.outbound.get(command) if command is not None else None
    if outbound is not None and outbound.at_most is not None:
        items = min(items, outbound.at_most)
    return Limits(items, _number(values.get(names.get(f"{what}_bytes", ""))) or 0)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() and int(text) > 0 else None


def chunks(items: Sequence[Any], limits: Limits, size_of: Callable[[Any], int]) -> list[list[Any]]:
    """The items in order, in as few messages as the limits allow; an item that is too large alone goes alone."""
    found: list[list[Any]] = []
    size = 0
    for item in items:
        more = size_of(item)
        if not found or len(found[-1]) >= limits.items or (limits.size and size + more > limits.size):
            found.append([])
            size = _FRAME
        found[-1].append(item)
        size += more
    return found


_FRAME = 80
"""Bytes of a frame around its items: the message id, the action, brackets."""
