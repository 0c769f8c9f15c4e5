"""What operators see and decide of certificates and security events (port.SecurityBook), in their transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import errands
from bridge_ocpp.config import Signing
from bridge_ocpp.dialects.security_words import CHARGER, CRITICAL, FOR_CARS, OTHER_EVENTS
from bridge_ocpp.port import AuthorityRecord, CertificateRecord, SecurityEventRecord, SigningState
from bridge_ocpp.security import authority
from bridge_ocpp.security.signing import DELIVERY, our_authority, sign, signed
from bridge_ocpp.security.tables import AuthorityRow, CertificateRow, SecurityEventRow


class Strongbox:
    """Implements port.SecurityBook."""

    def __init__(self, signing: Signing, *, now: Callable[[], datetime]) -> None:
        self._signing = signing
        self._now = now

    async def certificates(
        self, db: AsyncSession, *, charger_id: str | None = None, state: SigningState | None = None
    ) -> Sequence[CertificateRecord]:
        query = select(CertificateRow).order_by(col(CertificateRow.requested_at).desc())
        if charger_id is not None:
            query = query.where(col(CertificateRow.charger_key) == charger_id.casefold())
        if state is not None:
            query = query.where(col(CertificateRow.state) == state)
        return [_record(row) for row in await db.scalars(query)]

    async def certificate(self, request_id: str, db: AsyncSession) -> CertificateRecord | None:
        row = await db.get(CertificateRow, request_id)
        return None if row is None else _record(row)

    async def approve(self, request_id: str, db: AsyncSession, *, chain: str | None = None) -> CertificateRecord:
        row = await self._waiting(request_id, db)
        now = self._now()
        if chain is not None:
            signed(row, authority.read_chain(chain, authority.read_request(row.csr), now=now), now=now)
        elif row.kind != CHARGER and not (row.kind == FOR_CARS and self._signing.own_for_cars):
            raise ValueError(f"our authority signs no {row.kind}: give the chain that another one has signed")
        else:
            await sign(db, row, self._signing, now=now)
        await errands.owe(db, row.charger_key, DELIVERY, due_at=now)
        return _record(row)

    async def reject(self, request_id: str, db: AsyncSession, *, reason: str = "") -> CertificateRecord:
        row = await self._waiting(request_id, db)
        row.state, row.decided_at, row.detail = SigningState.REJECTED, self._now(), reason or "by the operator"
        return _record(row)

    async def revoke(self, request_id: str, db: AsyncSession) -> CertificateRecord:
        row = await self._locked(request_id, db)
        if row.serial is None:
            raise ValueError("there is no certificate yet: reject the request instead")
        row.revoked_at = row.revoked_at or self._now()
        if row.state == SigningState.SIGNED:
            row.state, row.detail = SigningState.REJECTED, "revoked before the charger had it"
        return _record(row)

    async def authorities(self, db: AsyncSession) -> Sequence[AuthorityRecord]:
        await our_authority(db, self._signing, now=self._now())
        await db.flush()
        rows = await db.scalars(select(AuthorityRow).order_by(col(AuthorityRow.not_before).desc()))
        return [AuthorityRecord(row.serial, row.certificate, row.not_before, row.not_after) for row in rows]

    async def security_events(
        self, charger_id: str, db: AsyncSession, *, limit: int = 100, critical: bool | None = None
    ) -> Sequence[SecurityEventRecord]:
        query = select(SecurityEventRow).where(col(SecurityEventRow.charger_key) == charger_id.casefold())
        if critical is not None:
            query = query.where(col(SecurityEventRow.critical) == critical)
        rows = await db.scalars(query.order_by(col(SecurityEventRow.id).desc()).limit(limit))
        return [
            SecurityEventRecord(row.id or 0, row.kind, row.critical, row.at, row.said_at, row.received_at, row.info)
            for row in rows
        ]

    async def event_counts(self, db: AsyncSession) -> Sequence[tuple[str, bool, int]]:
        kind, critical = col(SecurityEventRow.kind), col(SecurityEventRow.critical)
        counts: dict[tuple[str, bool], int] = {}
        for name, is_critical, count in await db.execute(select(kind, critical, func.count()).group_by(kind, critical)):
            known = name if name in CRITICAL | OTHER_EVENTS else "other"
            counts[known, is_critical] = counts.get((known, is_critical), 0) + count
        return [(name, is_critical, count) for (name, is_critical), count in sorted(counts.items())]

    async def _waiting(self, request_id: str, db: AsyncSession) -> CertificateRow:
        row = await self._locked(request_id, db)
        if row.state != SigningState.WAITING:
            raise ValueError(f"the request is {row.state}, and only one that is WAITING can be decided")
        return row

    async def _locked(self, request_id: str, db: AsyncSession) -> CertificateRow:
        row = await db.get(CertificateRow, request_id, with_for_update=True)
        if row is None:
            raise KeyError(request_id)
        return row


def _record(row: CertificateRow) -> CertificateRecord:
    return CertificateRecord(
        id=row.id,
        charger_id=row.charger_id,
        kind=row.kind,
        state=SigningState(row.state),
        requested_at=row.requested_at,
        csr=row.csr,
        decided_at=row.decided_at,
        detail=row.detail,
        serial=row.serial,
        chain=row.chain,
        not_before=row.not_before,
        not_after=row.not_after,
        revoked_at=row.revoked_at,
    )
