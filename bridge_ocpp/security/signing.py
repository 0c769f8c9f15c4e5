"""Certificates that chargers ask for: signed by an authority of ours, or by somebody else after an operator's word.

What was signed is an errand until the charger has it. Who may sign what is authority.py's business.
"""

from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from cryptography import x509
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from bridge_ocpp import errands
from bridge_ocpp.config import Signing
from bridge_ocpp.dialects.security_words import CHARGER, FOR_CARS, RENEWABLE, SigningWanted
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import SigningState
from bridge_ocpp.security import authority
from bridge_ocpp.security.authority import Authority
from bridge_ocpp.security.tables import AuthorityRow, CertificateRow
from bridge_ocpp.tables import ChargerRow

log = structlog.get_logger()

DELIVERY, RENEWAL = "certificate", "renewal"
"""The kinds of errands."""
RENEW_BEFORE = timedelta(days=30)
ASK_AGAIN = timedelta(days=1)
OPEN = (SigningState.WAITING, SigningState.SIGNED)

_LOCK = 0x0C99_CA01
"""One process at a time may make an authority."""


async def our_authority(db: AsyncSession, signing: Signing, *, now: datetime) -> Authority:
    """The authority that signs now: made when there is none that lasts as long as what it would sign."""
    await db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    lasting = col(AuthorityRow.not_after) > now + signing.lifetime
    query = select(AuthorityRow).where(lasting).order_by(col(AuthorityRow.not_before).desc())
    for row in await db.scalars(query):
        try:
            key = authority.unseal(row.sealed_key, signing.secret)
        except ValueError:
            log.warning("authority.not_ours", serial=row.serial, why="its key was sealed with another secret key")
            continue
        return Authority(x509.load_pem_x509_certificate(row.certificate.encode()), key)
    made = authority.make(signing.name, now=now)
    certificate = made.certificate
    db.add(
        AuthorityRow(
            serial=authority.serial_of(certificate),
            certificate=authority.pem([certificate]),
            sealed_key=authority.seal(made.key, signing.secret),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
    )
    log.info("authority.made", serial=authority.serial_of(certificate))
    return made


async def trusted(db: AsyncSession, *, now: datetime) -> list[str]:
    """Our authorities whose certificates still count, as PEM."""
    query = select(col(AuthorityRow.certificate)).where(col(AuthorityRow.not_after) > now)
    return list(await db.scalars(query.order_by(col(AuthorityRow.serial))))


# --- from the charger ------------------------------------------------------------------------------------------


async def wanted(db: AsyncSession, told: SigningWanted, signing: Signing, hearing: Hearing) -> str | None:
    """Take a request in; None when it was accepted, else why it was not."""
    key, now = hearing.speaker.key, hearing.received
    charger = await db.get_one(ChargerRow, key, with_for_update=True)
    try:
        request = authority.read_request(told.csr)
        its_own = _check_name(request, charger, told.kind)
    except ValueError as error:
        log.warning("signing.refused", charger=charger.id, reason=str(error))
        return str(error)
    mine = (col(CertificateRow.charger_key) == key, col(CertificateRow.kind) == told.kind)
    same = await db.scalar(
        select(CertificateRow).where(*mine, col(CertificateRow.csr) == told.csr, col(CertificateRow.state).in_(OPEN))
    )
    if same is not None:
        same.number = told.number
    else:
        older = update(CertificateRow).where(*mine, col(CertificateRow.state).in_(OPEN))
        await db.execute(
            older.values(state=SigningState.REJECTED, decided_at=now, detail="the charger asked again", revoked_at=now)
        )
        same = CertificateRow(
            id=str(uuid4()),
            charger_key=key,
            charger_id=charger.id,
            kind=told.kind,
            number=told.number,
            csr=told.csr,
            state=SigningState.WAITING,
            requested_at=now,
        )
        db.add(same)
        if its_own and signs(signing, told.kind):
            await sign(db, same, signing, now=now)
    log.info("signing.wanted", charger=charger.id, kind=told.kind, state=same.state)
    if same.state == SigningState.SIGNED:
        await errands.owe(db, key, DELIVERY, due_at=now)
    return None


def signs(signing: Signing, kind: str) -> bool:
    """Whether our authority signs this kind."""
    return (kind == CHARGER and signing.own) or (kind == FOR_CARS and signing.own_for_cars)


def _check_name(request: x509.CertificateSigningRequest, charger: ChargerRow, kind: str) -> bool:
    """A charger asks for itself: by its id, or by its serial number as the specification has it (A00.FR.511).

    Towards cars it may have another name (its SeccId): False then, and an operator decides.
    """
    name = authority.common_name(request)
    mine = {charger.key, (charger.serial_number or charger.id).casefold()}
    if name.casefold() in mine:
        return True
    if kind == CHARGER or not name:
        raise ValueError(f"the request is for {name[:50]!r}, and this charger is {charger.id}")
    return False


async def sign(db: AsyncSession, row: CertificateRow, signing: Signing, *, now: datetime) -> None:
    """Sign it with our authority."""
    ours = await our_authority(db, signing, now=now)
    request = authority.read_request(row.csr)
    certificate = authority.sign(ours, request, now=now, lifetime=signing.lifetime, for_cars=row.kind == FOR_CARS)
    signed(row, [certificate, ours.certificate], now=now)


def signed(row: CertificateRow, chain: list[x509.Certificate], *, now: datetime) -> None:
    """Somebody has signed it: note what, for the charger and for the gate."""
    own = chain[0]
    row.state, row.decided_at = SigningState.SIGNED, now
    row.serial, row.fingerprint = authority.serial_of(own), authority.fingerprint(own)
    row.chain = authority.pem(chain)
    row.not_before, row.not_after = own.not_valid_before_utc, own.not_valid_after_utc


# --- before they expire ---------------------------------------------------------------------------------------------


async def owe_renewals(db: AsyncSession, *, now: datetime) -> int:
    """Have chargers asked for new requests whose certificates end soon, their own and those towards cars; each once a
    day, until it has asked."""
    due = (
        update(CertificateRow)
        .where(
            *_ending(now),
            func.coalesce(col(CertificateRow.renewal_asked_at), now - ASK_AGAIN) <= now - ASK_AGAIN,
        )
        .values(renewal_asked_at=now)
        .returning(col(CertificateRow.charger_key))
        .execution_options(synchronize_session=False)
    )
    keys = sorted(set(await db.scalars(due)))
    for key in keys:
        await errands.owe(db, key, RENEWAL, due_at=now)
    return len(keys)


async def ending(db: AsyncSession, charger_key: str, *, now: datetime) -> list[str]:
    """The kinds of certificates of a charger that it is to be asked to renew."""
    mine = (col(CertificateRow.charger_key) == charger_key, col(CertificateRow.renewal_asked_at).is_not(None))
    found = set(await db.scalars(select(col(CertificateRow.kind)).where(*mine, *_ending(now))))
    return [kind for kind in RENEWABLE if kind in found]


def _ending(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Certificates that chargers have, that count and end soon, and that they did not ask anew for."""
    row, newer = CertificateRow, aliased(CertificateRow)
    asked_since = (
        select(col(newer.id))
        .where(
            col(newer.charger_key) == col(row.charger_key),
            col(newer.kind) == col(row.kind),
            col(newer.requested_at) > col(row.requested_at),
            col(newer.state).in_((*OPEN, SigningState.INSTALLED)),
        )
        .exists()
    )
    return (
        col(row.state) == SigningState.INSTALLED,
        col(row.kind).in_(RENEWABLE),
        col(row.revoked_at).is_(None),
        col(row.not_after) < now + RENEW_BEFORE,
        ~asked_since,
    )
