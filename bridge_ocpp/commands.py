"""What the business side wants of a charger, asked over its connection; how it ended is an Outcome, never an error."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import col

from bridge_ocpp import noting, records
from bridge_ocpp.asking import NoAnswer
from bridge_ocpp.connected import Connected
from bridge_ocpp.dialects.device_words import Unsayable
from bridge_ocpp.dialects.words import Payload
from bridge_ocpp.journal import mask
from bridge_ocpp.ocppj import Broken, CallError
from bridge_ocpp.port import (
    Command,
    LimitTransaction,
    Outcome,
    OutcomeStatus,
    RawCall,
    SetProfile,
    ShareCurrent,
    StartCharging,
    StopCharging,
    TellCost,
    Transaction,
)
from bridge_ocpp.quirks import mend
from bridge_ocpp.schemas import Violation
from bridge_ocpp.smart import applying, starting
from bridge_ocpp.speaker import PENDING, REJECTED
from bridge_ocpp.tables import TransactionRow
from bridge_ocpp.transactions import remote_starts

log = structlog.get_logger()

_UNABLE = {"NotImplemented", "NotSupported"}
_MAY_STILL_START = {OutcomeStatus.ACCEPTED, OutcomeStatus.TIMEOUT}


_NOT_WHILE_PENDING = (StartCharging, StopCharging)
"""What must not be asked of a charger whose boot is pending (1.6, 4.2; 2.0.1, B02.FR.05)."""
_COMPOSED: Mapping[type, Callable[[Connected, Any, applying.Ask], Awaitable[Outcome]]] = {
    LimitTransaction: applying.limit,
    ShareCurrent: applying.share,
    StartCharging: starting.start,
}
"""Commands that become others, by what is known of the charger."""


async def execute(connection: Connected, command: Command, *, within: float) -> Outcome:
    """Ask the charger and wait at most `within` seconds, the time for its turn included."""
    boot_answer = connection.speaker.boot_answer
    if boot_answer == REJECTED:  # it answers nothing (1.6, 4.2; 2.0.1, B03), so nobody need wait for that
        return Outcome(OutcomeStatus.REJECTED, "the charger's boot was rejected: it comes again by itself")
    if boot_answer == PENDING and isinstance(command, _NOT_WHILE_PENDING):
        return Outcome(OutcomeStatus.REJECTED, "the charger's boot has not been accepted yet")
    try:
        if isinstance(command, RawCall):
            return await _raw(connection, command, within=within)
        composed = _COMPOSED.get(type(command))
        if composed is not None:
            return await composed(connection, command, partial(_translated, connection, within=within))
        return await _translated(connection, command, within=within)
    except NoAnswer as nothing:
        return Outcome(OutcomeStatus.OFFLINE if nothing.offline else OutcomeStatus.TIMEOUT, str(nothing))


async def _raw(connection: Connected, command: RawCall, *, within: float) -> Outcome:
    edition, action = connection.edition, command.action
    if not edition.knows(action):
        return Outcome(OutcomeStatus.NOT_SUPPORTED, f"{connection.dialect.protocol} has no {action}")
    broken = edition.request_sent(action).violations(dict(command.payload))
    if broken:
        return Outcome(OutcomeStatus.INVALID, _sentence(broken))
    answer = await connection.asker.ask(action, command.payload, within=within)
    if isinstance(answer, CallError | Broken):
        return _refused(answer)
    await noting.note_raw(connection, command, answer.payload)
    return Outcome(OutcomeStatus.ACCEPTED, payload=mask(answer.payload))


async def _translated(connection: Connected, command: Command, *, within: float) -> Outcome:
    outbound = connection.dialect.outbound.get(type(command))
    if outbound is None:
        return Outcome(OutcomeStatus.NOT_SUPPORTED, f"{connection.dialect.protocol} has no {type(command).__name__}")
    about = await _about(connection, command)
    if about is None and _names(command) is not None:
        return Outcome(OutcomeStatus.UNKNOWN_TRANSACTION, "no such transaction runs at this charger")
    try:
        payload = outbound.say(command, about)
    except Unsayable as reason:
        return Outcome(OutcomeStatus.INVALID, str(reason))
    action = outbound.action_of(command)
    broken = connection.edition.request_sent(action).violations(dict(payload))
    if broken:
        return Outcome(OutcomeStatus.INVALID, f"cannot be said in {connection.dialect.protocol}: {_sentence(broken)}")
    if isinstance(command, StartCharging) and not connection.dialect.echoes_remote_start:
        return await _remembered(connection, command, action, payload, within=within)
    return await _asked(connection, command, action, payload, within=within)


async def _remembered(
    connection: Connected, command: StartCharging, action: str, payload: Payload, *, within: float
) -> Outcome:
    """A remote start that the charger cannot name later is written down first, and crossed out when refused."""
    desk, key = connection.desk, connection.speaker.key
    await desk.ledger.write(lambda db: remote_starts.remember(db, key, command, now=desk.now()))
    outcome = await _asked(connection, command, action, payload, within=within)
    if outcome.status not in _MAY_STILL_START:
        await desk.ledger.write(lambda db: remote_starts.forget(db, key, command))
    return outcome


async def _asked(connection: Connected, command: Command, action: str, payload: Payload, *, within: float) -> Outcome:
    answer = await connection.asker.ask(action, payload, within=within)
    if isinstance(answer, CallError | Broken):
        return _refused(answer)
    schema, said = connection.edition.response_heard(action), answer.payload
    if not schema.holds(said):
        mended = mend(said, schema.violations, connection.dialect.leniency)
        for note in mended.notes:
            connection.speaker.note(f"{action} answer {note}")
        if mended.fault is not None:
            await connection.reject_result(answer.message_id, mended.fault, mended.reason, action=action)
            return Outcome(OutcomeStatus.FAILED, f"the answer breaks its schema: {mended.reason}", said)
    outcome = connection.dialect.outbound[type(command)].read(said)
    await noting.note(connection, command, outcome)
    return outcome


async def _about(connection: Connected, command: Command) -> Transaction | None:
    """The running transaction that the command names, if it names one."""
    named = _names(command)
    if named is None:
        return None

    async def find(db: Any) -> TransactionRow | None:
        row: TransactionRow | None = await db.scalar(
            select(TransactionRow).where(
                col(TransactionRow.id) == named,
                col(TransactionRow.charger_key) == connection.speaker.key,
                col(TransactionRow.ended_at).is_(None),
            )
        )
        return row

    row = await connection.desk.ledger.write(find)
    return None if row is None else records.transaction(row)


def _names(command: Command) -> str | None:
    """Our id of the transaction that the command is about."""
    if isinstance(command, StopCharging | TellCost):
        return command.transaction_id
    return command.charging_profile.transaction_id if isinstance(command, SetProfile) else None


def _refused(answer: CallError | Broken) -> Outcome:
    """A CALLERROR is the charger's answer; an answer that is no frame is one, too."""
    if isinstance(answer, Broken):
        return Outcome(OutcomeStatus.FAILED, f"the answer is no OCPP: {answer.reason}")
    status = OutcomeStatus.NOT_SUPPORTED if answer.code in _UNABLE else OutcomeStatus.FAILED
    error = {"code": answer.code, "description": answer.description, "details": answer.details}
    return Outcome(status, f"{answer.code}: {answer.description}".rstrip(": "), error=error)


def _sentence(broken: list[Violation]) -> str:
    return "; ".join(f"{found.where}: {_rule(found)}" for found in broken[:3])


def _rule(found: Violation) -> str:
    """What is wrong; of a word that there is not, all that there are."""
    words = found.about.get("options") if found.rule == "enum" else None
    return f"it is one of {', '.join(map(str, words))}" if words else found.message
