"""What a charger took on is written down, whoever asked for it: profiles and reservations."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp import reservations
from bridge_ocpp.connected import Connected
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import CancelReservation, ClearProfiles, Command, Outcome, RawCall, ReserveNow, SetProfile
from bridge_ocpp.smart import keeping

log = structlog.get_logger()

_NOTED: Mapping[type, Callable[[AsyncSession, Any, Hearing], Awaitable[None]]] = {
    SetProfile: keeping.profile_set,
    ClearProfiles: keeping.profiles_cleared,
    ReserveNow: reservations.taken,
    CancelReservation: reservations.cancelled,
}


async def note(connection: Connected, command: Command, outcome: Outcome) -> None:
    """Write down what follows from a command that the charger accepted."""
    keep = _NOTED.get(type(command))
    if keep is None or not outcome.accepted:
        return
    hearing = connection.desk.hearing(connection.speaker, connection.desk.now())
    await connection.desk.ledger.write(lambda db: keep(db, command, hearing))


async def note_raw(connection: Connected, call: RawCall, answer: Mapping[str, Any]) -> None:
    """The same for an operator's own call, read as the command that it means."""
    meant = connection.dialect.meant.get(call.action)
    if meant is None:
        return
    try:
        command = meant(call.payload)
        outcome = connection.dialect.outbound[type(command)].read(answer)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("bridge.call_not_understood", action=call.action, error=type(error).__name__)
        return
    await note(connection, command, outcome)
