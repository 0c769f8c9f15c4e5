"""Whether what a call names is there: the charger, its EVSE and connector, the chargers of a filter."""

from collections.abc import Collection
from typing import Any

from bridge_ocpp.port import ChangeAvailability, ChargerBook, ChargerRecord, Command, Reset, Trigger, UnlockConnector
from ocpi_hub.admin.answers import AdminError, not_found
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import placing


async def charger(resources: Resources, charger_id: str) -> ChargerRecord:
    """Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        record = await resources.get(ChargerBook).charger(charger_id, db)  # type: ignore[type-abstract]
    if record is None:
        raise not_found("charger", charger_id)
    return record


async def filtered(resources: Resources, charger_id: str | None, found: Collection[Any]) -> None:
    """Say of a filter that finds nothing that there is no such charger. What is on record of one that was removed is
    still found. Raises AdminError 404."""
    if charger_id is not None and not found:
        await charger(resources, charger_id)


async def place(resources: Resources, charger_id: str, order: Command) -> None:
    """The charger, and the EVSE and connector that an order names. Raises AdminError 404, or 422 for half a place.

    A charger has the EVSEs that the operator gave it and those that it told of. Of one that nothing is known of yet,
    the charger itself decides.
    """
    record = await charger(resources, charger_id)
    evse, connector = _named(order)
    if evse is None:
        if connector is not None:
            raise AdminError(422, "invalid", "connector: needs its evse")
        return
    async with resources.unit_of_work() as db:
        placed = {one.evse_id for one in await placing.evses_of(db, record.id.lower())}
    told = [(one.evse_id, one.connector_id) for one in record.connectors if one.evse_id > 0]
    evses = placed | {number for number, _ in told}
    if evses and evse not in evses:
        raise not_found("EVSE", f"{evse} at {record.id}: it has {_list(evses)}")
    connectors = {number for of, number in told if of == evse and number > 0}
    if connector is not None and connectors and connector not in connectors:
        raise not_found("connector", f"{connector} at EVSE {evse} of {record.id}: it has {_list(connectors)}")


def _named(order: Command) -> tuple[int | None, int | None]:
    if isinstance(order, Reset):
        return order.evse_id, None
    if isinstance(order, UnlockConnector | Trigger | ChangeAvailability):
        return order.evse_id, order.connector_id
    return None, None


def _list(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
