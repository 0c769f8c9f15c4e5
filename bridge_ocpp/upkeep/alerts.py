"""Alerts: what chargers say is wrong, one list for monitors and connectors; an alert ends when the charger says so."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.monitoring import ChargerEvent, EventsTold
from bridge_ocpp.dialects.words import ConnectorTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.journal import mask
from bridge_ocpp.port import ConnectorStatus
from bridge_ocpp.tables import NoticeRow
from bridge_ocpp.upkeep.watch_tables import AlertRow, MonitorRow

ERROR, WARNING = 4, 6
"""OCPP 2.0.1, severities: a connector that is Faulted, and one that tells of an error and still works."""
KEPT = timedelta(days=90)
"""How long an alert that is over is kept."""


async def events_told(db: AsyncSession, told: EventsTold, hearing: Hearing) -> None:
    """Alerts rise and end; what only informs (deltas, periodic values) is kept as it came."""
    for event in told.events:
        if event.alerting or event.cleared:
            await _event(db, event, hearing)
    if not all(event.alerting for event in told.events):
        db.add(
            NoticeRow(
                charger_key=hearing.speaker.key,
                topic="NotifyEvent",
                said_at=told.said.at,
                received_at=hearing.received,
                document=ocppj.dumps(mask(told.document)),
            )
        )


async def connector_told(
    db: AsyncSession, told: ConnectorTold, hearing: Hearing, *, was_wrong: bool, at: datetime
) -> None:
    """A connector's error, or its end. `was_wrong`: the status before was one."""
    faulted = told.status is ConnectorStatus.FAULTED
    wrong = faulted or told.error_code is not None
    if not wrong and not was_wrong:
        return
    subject = f"connector {told.evse_id}.{told.connector_id}"
    if not wrong:
        await _clear(db, hearing, subject, at=at)
        return
    text = told.error_code or told.status.value
    await _raise(
        db,
        AlertRow(
            charger_key=hearing.speaker.key,
            charger_id=hearing.speaker.id,
            subject=subject,
            source="status",
            evse_id=told.evse_id,
            connector_id=told.connector_id,
            severity=ERROR if faulted else WARNING,
            text=text if told.info is None else f"{text}: {told.info}",
            raised_at=at,
            changed_at=at,
        ),
    )


async def prune(db: AsyncSession, *, now: datetime) -> None:
    """Let go of alerts that have been over for long."""
    await db.execute(delete(AlertRow).where(col(AlertRow.cleared_at) < now - KEPT))


async def _event(db: AsyncSession, event: ChargerEvent, hearing: Hearing) -> None:
    name, speaker = event.variable, hearing.speaker
    parts = (name.component, name.component_instance, name.variable, name.variable_instance)
    subject = " ".join((*(part or "-" for part in parts), f"{name.evse_id}.{name.connector_id}"))
    at = _at(event.said, hearing)
    if event.cleared:
        await _clear(db, hearing, subject, at=at)
        return
    severity = event.severity
    if severity is None and event.monitor_id is not None:
        severity = await db.scalar(
            select(col(MonitorRow.severity)).where(
                col(MonitorRow.charger_key) == speaker.key, col(MonitorRow.monitor_id) == event.monitor_id
            )
        )
    text = event.tech_info or f"{name.component} {name.variable} is {event.value}"
    await _raise(
        db,
        AlertRow(
            charger_key=speaker.key,
            charger_id=speaker.id,
            subject=subject,
            source="monitor",
            evse_id=name.evse_id,
            connector_id=name.connector_id,
            component=name.component,
            variable=name.variable,
            severity=severity,
            text=text,
            value=event.value,
            tech_code=event.tech_code,
            raised_at=at,
            changed_at=at,
        ),
    )


def _at(said: Said, hearing: Hearing) -> datetime:
    return hearing.speaker.judge(said, received=hearing.received).at


async def _raise(db: AsyncSession, alert: AlertRow) -> None:
    """Raise it, or say of the one that stands what is new."""
    values = alert.model_dump(exclude={"id"})
    fresh = {name: values[name] for name in ("text", "value", "tech_code", "severity", "changed_at")}
    statement = insert(AlertRow).values(**values)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["charger_key", "subject"],
            index_where=col(AlertRow.cleared_at).is_(None),
            set_={**fresh, "count": col(AlertRow.count) + 1},
        )
    )


async def _clear(db: AsyncSession, hearing: Hearing, subject: str, *, at: datetime) -> None:
    await db.execute(
        update(AlertRow)
        .where(
            col(AlertRow.charger_key) == hearing.speaker.key,
            col(AlertRow.subject) == subject,
            col(AlertRow.cleared_at).is_(None),
        )
        .values(cleared_at=func.greatest(at, col(AlertRow.raised_at)))
        .execution_options(synchronize_session=False)
    )
