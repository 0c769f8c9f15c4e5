"""What is kept of a charger's credentials, on its row: read for the gate, and changed by how the charger came in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import passwords
from bridge_ocpp.security.admission import Entry, KeptPassword, Known
from bridge_ocpp.security.tables import CertificateRow
from bridge_ocpp.security.tls import ClientCertificate
from bridge_ocpp.tables import ChargerRow, any_of

MOST_PENDING = 8
"""Passwords that may wait for a charger to use them; a ninth is not sent, for none of them may be forgotten."""


Asked = tuple[str, ClientCertificate | None]
"""Who knocks, by key, and the certificate that it shows."""


async def known(db: AsyncSession, asked: Sequence[Asked]) -> list[Known | None]:
    """What the gate needs to know of each charger that knocks, and of the certificate that it shows."""
    query = select(
        col(ChargerRow.key),
        col(ChargerRow.security_profile),
        col(ChargerRow.password_salt),
        col(ChargerRow.password_digest),
        col(ChargerRow.pending_passwords),
    ).where(col(ChargerRow.key) == any_of([key for key, _ in asked]))
    rows = {row[0]: row for row in await db.execute(query)}
    issued = await _issued(db, [certificate.fingerprint for _, certificate in asked if certificate is not None])
    return [_known(rows.get(key), certificate and issued.get(certificate.fingerprint)) for key, certificate in asked]


async def _issued(db: AsyncSession, fingerprints: list[Any]) -> dict[Any, Any]:
    """The certificates among these that we gave, with their owners and whether they were revoked."""
    if not fingerprints:
        return {}
    query = select(
        col(CertificateRow.fingerprint), col(CertificateRow.charger_key), col(CertificateRow.revoked_at)
    ).where(col(CertificateRow.fingerprint).in_(fingerprints))
    return {row[0]: row for row in await db.execute(query)}


def _known(row: Any, issued: Any) -> Known | None:
    if row is None:
        return None
    _, profile, salt, digest, pending = row
    kept = [KeptPassword(salt, digest)] if salt is not None and digest is not None else []
    kept += [KeptPassword(bytes.fromhex(e["salt"]), bytes.fromhex(e["digest"]), pending=True) for e in pending]
    if issued is None:
        return Known(profile, tuple(kept))
    return Known(profile, tuple(kept), issued_to=issued[1], revoked=issued[2] is not None)


async def revoke_all(db: AsyncSession, charger_key: str, *, now: datetime) -> None:
    """A charger that is removed leaves no certificate that counts: another one may get its id."""
    mine = and_(col(CertificateRow.charger_key) == charger_key, col(CertificateRow.revoked_at).is_(None))
    await db.execute(update(CertificateRow).where(mine).values(revoked_at=now))


def entered(row: ChargerRow, entry: Entry) -> None:
    """The charger came in: it may not come less safely again, and a new password that it used counts alone."""
    row.security_profile = max(row.security_profile, entry.profile)
    if entry.serial is not None:
        row.certificate_serial = entry.serial
    if entry.password is not None and entry.password.pending:
        used(row, entry.password)


def await_use(row: ChargerRow, new: KeptPassword) -> bool:
    """Let a password count beside the present one; False where too many wait already."""
    if len(row.pending_passwords) >= MOST_PENDING:
        return False
    row.pending_passwords = [*row.pending_passwords, _plain(new)]
    return True


def used(row: ChargerRow, password: KeptPassword) -> None:
    """A password that waited is the charger's now. Those before it are over, those after it may still come.

    One that waits no longer was overtaken by a later one, or by the operator: nothing changes.
    """
    plain = _plain(password)
    if plain in row.pending_passwords:
        row.password_salt, row.password_digest = password.salt, password.digest
        row.pending_passwords = row.pending_passwords[row.pending_passwords.index(plain) + 1 :]


def withdraw(row: ChargerRow, password: KeptPassword) -> None:
    """The charger will never use this one."""
    row.pending_passwords = [each for each in row.pending_passwords if each != _plain(password)]


def set_password(row: ChargerRow, password: str, pepper: bytes) -> None:
    """The operator's word: no other password counts. Raises ValueError for one that chargers cannot carry."""
    salt = passwords.new_salt()
    row.password_digest = passwords.digest(passwords.checked(password), salt=salt, pepper=pepper)
    row.password_salt, row.pending_passwords = salt, []


def _plain(password: KeptPassword) -> dict[str, str]:
    return {"salt": password.salt.hex(), "digest": password.digest.hex()}
