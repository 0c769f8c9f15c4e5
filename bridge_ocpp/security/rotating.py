"""A new password for a charger, so that no crash and no lost answer locks it out.

It is written down before it is sent. Until the charger has answered or used it, both count (credentials.py).
"""

import secrets

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp import commands, passwords
from bridge_ocpp.connected import Connected
from bridge_ocpp.dialects.security_words import SetPassword
from bridge_ocpp.port import Outcome, OutcomeStatus, RotatePassword
from bridge_ocpp.security import credentials
from bridge_ocpp.security.admission import KeptPassword
from bridge_ocpp.tables import ChargerRow

log = structlog.get_logger()

LENGTH = 20
"""Bytes of a password, written as 40 hexadecimal characters: what 1.6 calls a key, and 2.x takes as a password."""

_MAY_BE_USED = (OutcomeStatus.SCHEDULED, OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT)


async def rotate(connection: Connected, _command: RotatePassword, *, within: float) -> Outcome:
    """See port.RotatePassword."""
    desk, key = connection.desk, connection.speaker.key
    password = secrets.token_hex(LENGTH).upper()
    salt = passwords.new_salt()
    new = KeptPassword(salt, passwords.digest(password, salt=salt, pepper=desk.config.secret), pending=True)

    async def begin(db: AsyncSession) -> bool:
        row = await db.get(ChargerRow, key, with_for_update=True)
        return row is not None and credentials.await_use(row, new)

    if not await desk.ledger.write(begin):
        return Outcome(
            OutcomeStatus.FAILED, "too many passwords wait for this charger to use them; set one with PATCH instead"
        )
    outcome = await commands.execute(connection, SetPassword(password), within=within)

    async def settle(db: AsyncSession) -> None:
        row = await db.get(ChargerRow, key, with_for_update=True)
        if row is None:
            return
        if outcome.accepted:
            credentials.used(row, new)
        elif not _undecided(outcome):
            credentials.withdraw(row, new)

    await desk.ledger.write(settle)
    log.info("bridge.password_rotated", charger=connection.speaker.id, outcome=outcome.status.value)
    return outcome


def _undecided(outcome: Outcome) -> bool:
    """Whether the charger may come with the new password although it did not say so."""
    unreadable = outcome.status is OutcomeStatus.FAILED and outcome.error is None
    return outcome.status in _MAY_BE_USED or unreadable
