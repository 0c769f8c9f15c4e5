"""What the link's security owes to chargers, and asks of them: certificates to deliver, requests to renew, lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import commands
from bridge_ocpp.connected import Connected
from bridge_ocpp.dialects.security_words import CSMS_ROOT, MANUFACTURER_ROOT, DeliverCertificate
from bridge_ocpp.errands.running import Errand, Later
from bridge_ocpp.port import ListCertificates, Outcome, OutcomeStatus, RequestSigning, SigningState
from bridge_ocpp.security import signing
from bridge_ocpp.security.signing import DELIVERY, RENEWAL
from bridge_ocpp.security.tables import CertificateRow

_AWAY = (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT)


async def deliver(connection: Connected) -> Later | None:
    """Give the charger the certificates that were signed for it."""
    desk, key = connection.desk, connection.speaker.key
    mine = (col(CertificateRow.charger_key) == key, col(CertificateRow.state) == SigningState.SIGNED)
    query = select(CertificateRow).where(*mine).order_by(col(CertificateRow.requested_at))

    async def read(db: AsyncSession) -> list[CertificateRow]:
        return list(await db.scalars(query))

    for row in await desk.ledger.write(read):
        command = DeliverCertificate(row.chain or "", row.kind, row.number)
        outcome = await commands.execute(connection, command, within=desk.config.charger_timeout)
        if outcome.status in _AWAY:
            return Later(outcome.detail)
        await desk.ledger.write(lambda db: _delivered(db, row.id, outcome, connection))  # noqa: B023
    return None


async def _delivered(db: AsyncSession, request_id: str, outcome: Outcome, connection: Connected) -> None:
    """A certificate that the charger did not take is of no use to it, nor to anybody else."""
    row = await db.get_one(CertificateRow, request_id, with_for_update=True)
    if row.state != SigningState.SIGNED:
        return
    if outcome.accepted:
        row.state = SigningState.INSTALLED
        return
    row.state, row.revoked_at = SigningState.REFUSED, connection.desk.now()
    row.detail = outcome.detail[:500] or outcome.status.value


async def renew(connection: Connected) -> Later | None:
    """Ask the charger for new requests; what it says to that is up to it."""
    desk, key = connection.desk, connection.speaker.key
    for kind in await desk.ledger.write(lambda db: signing.ending(db, key, now=desk.now())):
        outcome = await commands.execute(connection, RequestSigning(kind), within=desk.config.charger_timeout)
        if outcome.status in _AWAY:
            return Later(outcome.detail)
    return None


KINDS: Mapping[str, Errand] = {DELIVERY: deliver, RENEWAL: renew}


async def list_certificates(connection: Connected, command: ListCertificates, *, within: float) -> Outcome:
    """See port.ListCertificates: in one question, or in one for each kind where the version has it so."""
    outbound = connection.dialect.outbound.get(ListCertificates)
    if outbound is None or outbound.at_most is None:
        return await commands.execute(connection, command, within=within)
    found: list[Mapping[str, Any]] = []
    for kind in command.kinds or (CSMS_ROOT, MANUFACTURER_ROOT):
        outcome = await commands.execute(connection, replace(command, kinds=(kind,)), within=within)
        if not outcome.accepted or outcome.payload is None:
            return outcome
        found += [{"type": kind, **each, "children": []} for each in outcome.payload["certificates"]]
    return Outcome(OutcomeStatus.ACCEPTED, payload={"certificates": found})
