"""Rows as the values of the port: transactions, samples, states, chargers. Reads only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import port
from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.tables import ChargerRow, ConnectorRow, SampleRow, TransactionEventRow, TransactionRow


def transaction(row: TransactionRow) -> port.Transaction:
    """The transaction as it stands."""
    return port.Transaction(
        id=row.id,
        charger_id=row.charger_id,
        ocpp_id=row.ocpp_id,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        id_token=token(row.id_token, row.id_token_type),
        started_at=row.started_at,
        ended_at=row.ended_at,
        energy_wh=row.energy_wh,
        charging_state=port.ChargingState(row.charging_state) if row.charging_state else None,
        stop_reason=row.stop_reason,
        remote_start_id=row.remote_start_id,
        reservation_id=row.reservation_id,
        group=token(row.group_token, row.group_token_type),
        suspect=row.suspect,
        flags=tuple(row.flags),
    )


def token(value: str | None, kind: str | None) -> port.IdToken | None:
    return None if value is None else port.IdToken(value, kind or "ISO14443")


def sample(row: SampleRow) -> port.Sample:
    return port.Sample(
        at=row.at,
        measurand=row.measurand,
        value=row.value,
        unit=row.unit,
        phase=row.phase,
        context=row.context,
        location=row.location,
        signed=row.signed,
    )


async def samples_of(db: AsyncSession, transaction_id: str) -> tuple[port.Sample, ...]:
    """All samples of a transaction, in order of time."""
    rows = await db.scalars(
        select(SampleRow)
        .where(col(SampleRow.transaction_id) == transaction_id)
        .order_by(col(SampleRow.at), col(SampleRow.said_at), col(SampleRow.id))
    )
    return tuple(sample(row) for row in rows)


async def states_of(db: AsyncSession, transaction_id: str) -> tuple[port.StateChange, ...]:
    """The changes of state of a transaction, in order of time."""
    event = TransactionEventRow
    rows = await db.execute(
        select(col(event.at), col(event.charging_state))
        .where(col(event.transaction_id) == transaction_id, col(event.charging_state).is_not(None))
        .order_by(col(event.at), col(event.seq_no).nulls_first(), col(event.id))
    )
    changes: list[port.StateChange] = []
    for at, word in rows:
        state = port.ChargingState(str(word))
        if not changes or changes[-1].state != state:
            changes.append(port.StateChange(at, state))
    return tuple(changes)


def charger(row: ChargerRow, connectors: Iterable[ConnectorRow], *, alive: bool) -> port.ChargerRecord:
    """A charger is online while its bridge process is alive."""
    dialect = DIALECTS.get(row.protocol or "")
    return port.ChargerRecord(
        id=row.id,
        online=row.online and alive,
        security_profile=row.security_profile,
        boot_status=row.boot_status,
        last_seen_at=row.last_seen_at,
        protocol=row.protocol,
        vendor=row.vendor,
        model=row.model,
        serial_number=row.serial_number,
        firmware_version=row.firmware_version,
        connectors=tuple(_connector(each) for each in connectors),
        quirks=tuple(row.quirks),
        booted_at=row.booted_at,
        boot_reason=row.boot_reason,
        boot_answer=row.boot_answer,
        items_per_message=row.items_per_message,
        knows_masters=dialect is not None and dialect.knows_masters,
        certificate_serial=row.certificate_serial,
    )


def _connector(row: ConnectorRow) -> port.ConnectorRecord:
    return port.ConnectorRecord(
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        status=port.ConnectorStatus(row.status) if row.status else None,
        error_code=row.error_code,
        changed_at=row.changed_at,
    )


def transactions_where(which: port.TransactionFilter) -> Sequence[ColumnElement[bool]]:
    """The conditions of a filter."""
    conditions: list[ColumnElement[bool]] = []
    if which.charger_id is not None:
        conditions.append(col(TransactionRow.charger_key) == which.charger_id.casefold())
    if which.token is not None:
        conditions.append(col(TransactionRow.token_key) == which.token.casefold())
    if which.active is not None:
        ended: Any = col(TransactionRow.ended_at)
        conditions.append(ended.is_(None) if which.active else ended.is_not(None))
    return conditions


def kept_verdict(verdict: port.Verdict | None) -> dict[str, str | None] | None:
    """A verdict as JSON."""
    if verdict is None:
        return None
    return {
        "status": verdict.status,
        "group": verdict.group.value if verdict.group else None,
        "group_type": verdict.group.type if verdict.group else None,
        "expires_at": verdict.expires_at.isoformat() if verdict.expires_at else None,
        "message": verdict.message,
        "master": "yes" if verdict.master else None,
    }


def read_verdict(kept: dict[str, str | None] | None) -> port.Verdict | None:
    """The verdict again."""
    if kept is None:
        return None
    group, expires = kept["group"], kept["expires_at"]
    return port.Verdict(
        port.AuthStatus(kept["status"] or port.AuthStatus.INVALID),
        port.IdToken(group, kept["group_type"] or "ISO14443") if group is not None else None,
        datetime.fromisoformat(expires) if expires else None,
        kept["message"],
        kept.get("master") is not None,
    )
