"""What is kept of a charger's credentials, on its row: read for the gate, and changed by how the charger came in."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import passwords
from bridge_ocpp.security.admission import Entry, KeptPassword, Known
from bridge_ocpp.tables import ChargerRow

MOST_PENDING = 8
"""Passwords that may wait for a charger to use them; a ninth is not sent, for none of them may be forgotten."""


async def known(db: AsyncSession, charger_key: str, *, serial: str | None) -> Known | None:
    """What the gate needs to know of a charger; `serial` is that of the certificate that it shows."""
    query = select(
        col(ChargerRow.security_profile),
        col(ChargerRow.password_salt),
        col(ChargerRow.password_digest),
        col(ChargerRow.pending_passwords),
    ).where(col(ChargerRow.key) == charger_key)
    found = (await db.execute(query)).first()
    if found is None:
        return None
    profile, salt, digest, pending = found
    kept = [KeptPassword(salt, digest)] if salt is not None and digest is not None else []
    kept += [KeptPassword(bytes.fromhex(e["salt"]), bytes.fromhex(e["digest"]), pending=True) for e in pending]
    return Known(profile, tuple(kept))


def entered(row: ChargerRow, entry: Entry) -> None:
    """The charger came in: it may not come less safely again, and a new password that it used is the only one."""
    row.security_profile = max(row.security_profile, entry.profile)
    if entry.serial is not None:
        row.certificate_serial = entry.serial
    if entry.password is not None and entry.password.pending:
        settle(row, entry.password.salt, entry.password.digest)


def settle(row: ChargerRow, salt: bytes, digest: bytes) -> None:
    """This password, and no other, is the charger's."""
    row.password_salt, row.password_digest, row.pending_passwords = salt, digest, []


def set_password(row: ChargerRow, password: str, pepper: bytes) -> None:
    """The operator's word: no other password counts. Raises ValueError for one that chargers cannot carry."""
    salt = passwords.new_salt()
    settle(row, salt, passwords.digest(passwords.checked(password), salt=salt, pepper=pepper))
