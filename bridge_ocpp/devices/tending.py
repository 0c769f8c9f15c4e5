"""The errands of a charger, one function each: boot again, report, fulfil wishes, availability, forget tokens."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import commands
from bridge_ocpp.connected import Connected
from bridge_ocpp.devices import asking, defaults, reports, variables
from bridge_ocpp.devices.tables import AvailabilityRow, VariableRow
from bridge_ocpp.devices.variables import name_of
from bridge_ocpp.dialects.device_words import reported
from bridge_ocpp.errands.running import Errand, Later
from bridge_ocpp.port import (
    ChangeAvailability,
    ClearCache,
    ConnectorStatus,
    GetBaseReport,
    GetVariables,
    Outcome,
    OutcomeStatus,
    SetVariables,
    Trigger,
    VariableSetting,
)
from bridge_ocpp.speaker import REJECTED
from bridge_ocpp.tables import ChargerRow, ConnectorRow

_AWAY = (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT)
_BASES = ("FullInventory", "ConfigurationInventory")


async def tell_boot(connection: Connected) -> Later | None:
    """A charger whose boot was answered with another word than the operator's of now is asked to boot again.

    One that was rejected must not be asked for anything; it comes by itself when its interval is over (1.6, 4.2).
    """
    speaker, desk = connection.speaker, connection.desk
    row = await desk.ledger.write(lambda db: db.get(ChargerRow, speaker.key))
    if row is None or row.boot_answer in (None, REJECTED, row.boot_status):
        return None
    outcome = await commands.execute(connection, Trigger("BootNotification"), within=desk.config.charger_timeout)
    if outcome.status in (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT):
        return Later(outcome.detail)
    return None


async def report(connection: Connected) -> Later | None:
    """The errand: ask for everything. A charger that cannot report is asked again when its firmware has changed."""
    desk, key = connection.desk, connection.speaker.key
    request_id = await desk.ledger.write(lambda db: reports.begin(db, key, now=desk.now()))
    outcome = Outcome(OutcomeStatus.NOT_SUPPORTED)
    for base in _BASES:
        command = GetBaseReport(request_id, base)
        outcome = await commands.execute(connection, command, within=desk.config.charger_timeout)
        if outcome.status is not OutcomeStatus.NOT_SUPPORTED:
            break
    if outcome.status in _AWAY:
        return Later(outcome.detail)
    if not outcome.accepted:
        await desk.ledger.write(lambda db: reports.refused(db, key, outcome))
        return None
    if outcome.payload is None or "variables" not in outcome.payload:
        return Later("the report is on its way", reports.PATIENCE)
    found = [reported(item) for item in outcome.payload["variables"]]

    async def complete(db: AsyncSession) -> None:
        await variables.store(db, key, found, at=desk.now(), report_id=request_id)
        await reports.complete(db, key, request_id, at=desk.now())

    await desk.ledger.write(complete)
    return None


async def fulfil(connection: Connected) -> Later | None:
    """Tell the charger what is wished and not so, and look at what it says afterwards."""
    desk, key = connection.desk, connection.speaker.key

    async def read(db: AsyncSession) -> list[VariableRow]:
        await defaults.apply(db, key, connection.dialect, desk.config.wishes, at=desk.now())
        return [row for row in await variables.wished(db, key) if row.wish_state in variables.OPEN]

    rows = await desk.ledger.write(read)
    if not rows:
        return None
    within = desk.config.charger_timeout * (len(rows) + 1)
    accepted = tuple(name_of(row) for row in rows if row.wish_state == "SET")
    settings = tuple(VariableSetting(name_of(row), row.wanted or "") for row in rows if row.wish_state != "SET")
    outcome = Outcome(OutcomeStatus.ACCEPTED)
    if accepted:
        outcome = await asking.get_variables(connection, GetVariables(accepted), within=within)
    if outcome.accepted and settings:
        outcome = await asking.set_variables(connection, SetVariables(settings), within=within)
    if not outcome.accepted:
        return Later(outcome.detail or outcome.status.value)
    left = await desk.ledger.write(lambda db: variables.wished(db, key))
    open_ = [row.variable for row in left if row.wish_state in variables.OPEN]
    return Later(f"not so yet: {', '.join(open_)}") if open_ else None


async def availability(connection: Connected) -> Later | None:
    """Tell the charger what it does not know: a wish that was never told, and one that it has forgotten since."""
    desk, key = connection.desk, connection.speaker.key

    async def read(db: AsyncSession) -> tuple[list[AvailabilityRow], dict[tuple[int, int], str]]:
        wishes = select(AvailabilityRow).where(col(AvailabilityRow.charger_key) == key)
        connectors = select(ConnectorRow).where(col(ConnectorRow.charger_key) == key)
        said = {(row.evse_id, row.connector_id): row.status or "" for row in await db.scalars(connectors)}
        return list(await db.scalars(wishes.order_by(col(AvailabilityRow.evse_id)))), said

    wishes, said = await desk.ledger.write(read)
    for wish in wishes:
        if wish.told_at is not None and not _forgotten(wish, said):
            continue
        command = ChangeAvailability(wish.operative, wish.evse_id or None, wish.connector_id or None)
        outcome = await asking.change_availability(connection, command, within=desk.config.charger_timeout)
        if outcome.status in _AWAY:
            return Later(outcome.detail)
    return None


_OUT = (ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED)
_BUSY = (
    *(ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE),
    *(ConnectorStatus.OCCUPIED, ConnectorStatus.PREPARING, ConnectorStatus.FINISHING),
)


def _forgotten(wish: AvailabilityRow, said: Mapping[tuple[int, int], str]) -> bool:
    """Whether what the connectors say is not what was wished. One in use may still have to finish."""
    words = [
        word
        for (evse, connector), word in said.items()
        if word and wish.evse_id in (0, evse) and wish.connector_id in (0, connector) and (evse or not wish.evse_id)
    ]
    if wish.operative:
        return any(word == ConnectorStatus.UNAVAILABLE for word in words)
    return any(word not in _OUT and word not in _BUSY for word in words)


async def clear_cache(connection: Connected) -> Later | None:
    """Have the charger forget the tokens that it remembers; one that has no such memory has nothing to forget."""
    outcome = await commands.execute(connection, ClearCache(), within=connection.desk.config.charger_timeout)
    return Later(outcome.detail) if outcome.status in _AWAY else None


KINDS: Mapping[str, Errand] = {
    "boot": tell_boot,
    "report": report,
    "wishes": fulfil,
    "availability": availability,
    "cache": clear_cache,
}
