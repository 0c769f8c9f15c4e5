"""The local list of a charger, in as many messages as it takes: a whole list goes as one full part and differences.

What belongs on the list is the business side's to say; here is only how it travels.
"""

import asyncio
from dataclasses import replace

from bridge_ocpp import commands
from bridge_ocpp.connected import Connected
from bridge_ocpp.devices.limits import chunks, limits_of
from bridge_ocpp.port import GetLocalListVersion, LocalListEntry, Outcome, OutcomeStatus, SendLocalList

AT_ONCE = 20
"""Entries in one message to a charger that says nothing of its limits."""
_ENTRY = 160
"""Bytes of an entry around its token and group."""


async def version(connection: Connected, command: GetLocalListVersion, *, within: float) -> Outcome:
    """See port.GetLocalListVersion; `most` in the payload is how many entries fit, where the charger reports it."""
    outcome = await commands.execute(connection, command, within=within)
    if not outcome.accepted or outcome.payload is None:
        return outcome
    room = await limits_of(connection, "local_list", otherwise=0)
    return replace(outcome, payload={**outcome.payload, "most": room.items or None})


async def send(connection: Connected, command: SendLocalList, *, within: float) -> Outcome:
    """See port.SendLocalList. The payload is {"version": n}, the version of the list after the last message.

    Each message counts on from `version`, for a difference must be newer than what it changes (1.6, 5.15).
    """
    limits = await limits_of(connection, "send_local_list", otherwise=AT_ONCE)
    until = asyncio.get_running_loop().time() + within
    parts = chunks(command.entries, limits, _size) or [[]]
    outcome = Outcome(OutcomeStatus.ACCEPTED)
    for number, entries in enumerate(parts):
        part = SendLocalList(command.version + number, full=command.full and number == 0, entries=tuple(entries))
        left = max(0.001, until - asyncio.get_running_loop().time())
        outcome = await commands.execute(connection, part, within=left)
        if not outcome.accepted:
            return outcome
    return replace(outcome, payload={"version": command.version + len(parts) - 1})


def _size(entry: LocalListEntry) -> int:
    group = entry.verdict.group if entry.verdict is not None else None
    return _ENTRY + len(entry.id_token.value) + (len(group.value) if group is not None else 0)
