"""Reading and writing variables in as many messages as a charger needs, joined again into one answer.

A charger that refuses a message is asked in halves.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp import commands, errands, ocppj
from bridge_ocpp.connected import Connected, Procedure
from bridge_ocpp.devices import local_list, variables
from bridge_ocpp.devices.limits import Limits, chunks, limits_of
from bridge_ocpp.devices.tables import AvailabilityRow
from bridge_ocpp.devices.variables import key_of
from bridge_ocpp.dialects.device_words import Reported, named, reported
from bridge_ocpp.journal import is_secret
from bridge_ocpp.port import (
    ChangeAvailability,
    Command,
    GetLocalListVersion,
    GetVariables,
    Outcome,
    OutcomeStatus,
    SendLocalList,
    SetVariables,
    VariableName,
    VariableSetting,
)


class NotAnswered(Exception):
    """The charger could not be asked to the end; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


async def get_variables(connection: Connected, command: GetVariables, *, within: float) -> Outcome:
    """See port.GetVariables. What was read is written down, too."""
    names = [_at_home(connection, name) for name in command.names]
    limits = await limits_of(connection, "get_variables", command=GetVariables)
    try:
        found = await _read(connection, names, limits, until=_deadline(within))
    except NotAnswered as nothing:
        return nothing.outcome
    return _joined(found)


async def set_variables(connection: Connected, command: SetVariables, *, within: float) -> Outcome:
    """See port.SetVariables. What was accepted is read back at once, and compared with what is wished."""
    settings = [replace(setting, name=_at_home(connection, setting.name)) for setting in command.settings]
    limits = await limits_of(connection, "set_variables", command=SetVariables)
    until, key = _deadline(within), connection.speaker.key
    try:
        found = await _write(connection, settings, limits, until=until)
    except NotAnswered as nothing:
        return nothing.outcome
    await connection.desk.ledger.write(lambda db: variables.answered(db, key, settings, found))
    accepted = [item.name for item in found if item.status == "Accepted"]
    try:
        if accepted:
            limits = await limits_of(connection, "get_variables", command=GetVariables)
            await _read(connection, accepted, limits, until=until)
    except NotAnswered:
        pass  # the wish stays SET, and is looked at again
    return _joined(found)


async def change_availability(connection: Connected, command: ChangeAvailability, *, within: float) -> Outcome:
    """Ask, and write down what was answered to the wish, where there is one."""
    desk, place = connection.desk, (connection.speaker.key, command.evse_id or 0, command.connector_id or 0)
    outcome = await commands.execute(connection, command, within=within)

    async def note(db: AsyncSession) -> None:
        row = await db.get(AvailabilityRow, place, with_for_update=True)
        if row is not None and row.operative == command.operative:
            row.outcome, row.told_at = outcome.status.value, desk.now()

    if outcome.status not in (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT):
        await desk.ledger.write(note)
    return outcome


PROCEDURES: Mapping[type[Command], Procedure] = {
    GetVariables: get_variables,
    SetVariables: set_variables,
    ChangeAvailability: change_availability,
    GetLocalListVersion: local_list.version,
    SendLocalList: local_list.send,
}


_ITEM = 120
"""Bytes of an item around its name and value."""


async def _read(
    connection: Connected, names: Sequence[VariableName], limits: Limits, *, until: float
) -> list[Reported]:
    found: list[Reported] = []
    for chunk in chunks(names, limits, lambda name: _ITEM + len(key_of(name))):
        part = await _halved(connection, chunk, lambda some: GetVariables(tuple(some)), lambda n: n, until=until)
        found += part
        desk, key = connection.desk, connection.speaker.key
        if await desk.ledger.write(lambda db: variables.store(db, key, part, at=desk.now())):  # noqa: B023
            due = desk.now() + errands.FIRST_WAIT
            await desk.ledger.write(lambda db: errands.owe(db, key, "wishes", due_at=due))  # noqa: B023
    return found


async def _write(
    connection: Connected, settings: Sequence[VariableSetting], limits: Limits, *, until: float
) -> list[Reported]:
    found: list[Reported] = []
    for chunk in chunks(settings, limits, lambda one: _ITEM + len(key_of(one.name)) + len(ocppj.dumps(one.value))):
        found += await _halved(
            connection, chunk, lambda some: SetVariables(tuple(some)), lambda one: one.name, until=until
        )
    return found


async def _halved(
    connection: Connected,
    chunk: Sequence[Any],
    say: Callable[[Sequence[Any]], Command],
    name_of: Callable[[Any], VariableName],
    *,
    until: float,
) -> list[Reported]:
    """Ask for a chunk; one that the charger answers with an error is asked for in halves. Raises NotAnswered."""
    outcome = await commands.execute(connection, say(chunk), within=_left(until))
    if outcome.accepted and outcome.payload is not None:
        return _matched([name_of(item) for item in chunk], outcome.payload["variables"])
    refused = outcome.status in (OutcomeStatus.FAILED,) and outcome.error is not None
    if not refused:
        raise NotAnswered(outcome)
    if len(chunk) == 1:
        return [Reported(name_of(chunk[0]), "Rejected", detail=outcome.detail)]
    middle = len(chunk) // 2
    first = await _halved(connection, chunk[:middle], say, name_of, until=until)
    return first + await _halved(connection, chunk[middle:], say, name_of, until=until)


def _matched(names: Sequence[VariableName], found: Sequence[Mapping[str, Any]]) -> list[Reported]:
    """The answers in the order asked: by their names, or by their place where they have none."""
    if found and "variable" not in found[0]:
        return [Reported(name, item["status"]) for name, item in zip(names, found, strict=False)]
    by_key = {key_of(item.name): item for item in map(reported, found)}
    missing = "the charger left it out of its answer"
    return [
        named(by_key[key_of(name)], name) if key_of(name) in by_key else Reported(name, "Rejected", detail=missing)
        for name in names
    ]


def _at_home(connection: Connected, name: VariableName) -> VariableName:
    """Where a version keeps all variables in one component, that is where this one is."""
    own = connection.dialect.own_component
    return replace(name, component=own) if own else name


def _joined(found: Sequence[Reported]) -> Outcome:
    """One answer. What is secret is not in it."""
    secret = [is_secret(item.name.variable) for item in found]
    shown = [replace(item, value=None) if hidden else item for item, hidden in zip(found, secret, strict=True)]
    plain = [{**item.plain(), "secret": hidden} for item, hidden in zip(shown, secret, strict=True)]
    return Outcome(OutcomeStatus.ACCEPTED, payload={"variables": plain})


def _deadline(within: float) -> float:
    return asyncio.get_running_loop().time() + within


def _left(until: float) -> float:
    return max(0.001, until - asyncio.get_running_loop().time())
