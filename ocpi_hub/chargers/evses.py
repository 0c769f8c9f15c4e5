"""What chargers say of themselves and their connectors, as the status of EVSEs; unknown EVSEs join the Location."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import ARRAY, Text, any_, literal
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ChargerBooted, ChargerOnline, ConnectorStatus, ConnectorStatusChanged
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import lists, placing, smartness
from ocpi_hub.chargers.mapping import evse_status
from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement

log = structlog.get_logger()

WHOLE_EVSE = "0"
"""The number under which an EVSE says something of itself, and not of a connector."""
OUT = (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)


async def connector_changed(resources: Resources, event: ConnectorStatusChanged, db: AsyncSession) -> None:
    """A connector's status becomes its EVSE's, and is told where the EVSE's is another one."""
    placement = await placing.find(db, event.charger_id, lock=True)
    if placement is None:
        return
    at = resources.clock()
    if event.evse_id < 1:
        placement.status = event.status
        await _publish_all(placement, db, at=at)
        return
    evse = await known(placement, event.evse_id, event.connector_id, db, at=at)
    evse.statuses = {**evse.statuses, str(event.connector_id): event.status}
    await placing.publish_status(placement, evse, _status(placement, evse), db, at=at)


async def connections_changed(resources: Resources, events: Sequence[ChargerOnline], db: AsyncSession) -> None:
    """Offline: every EVSE is UNKNOWN. Online: they are again what they last said."""
    online = {event.charger_id.lower(): event.online for event in events}
    for placement in await _locked(db, online):
        await _set_online(resources, placement, online[placement.key], db)
    if came := [key for key, there in online.items() if there]:
        await lists.look_again(db, came, at=resources.clock())


async def booted(resources: Resources, events: Sequence[ChargerBooted], db: AsyncSession) -> None:
    """Who boots is there, and may have lost its list of tokens; what it can do is asked where it is not known."""
    by_key = {event.charger_id.lower(): event for event in events}
    for placement in await _locked(db, by_key):
        await _set_online(resources, placement, True, db)
        smartness.booted(placement, by_key[placement.key], db)
    await lists.look_again(db, by_key, at=resources.clock())


async def _locked(db: AsyncSession, charger_keys: Iterable[str]) -> Sequence[ChargerPlacement]:
    """The placements of these chargers, locked in one order."""
    mine = col(ChargerPlacement.key) == any_(literal(list(charger_keys), ARRAY(Text)))
    query = select(ChargerPlacement).where(mine).order_by(col(ChargerPlacement.key))
    return (await db.scalars(query.with_for_update())).all()


async def _set_online(resources: Resources, placement: ChargerPlacement, online: bool, db: AsyncSession) -> None:
    if placement.online != online:
        placement.online = online
        await _publish_all(placement, db, at=resources.clock())


async def _publish_all(placement: ChargerPlacement, db: AsyncSession, *, at: datetime) -> None:
    for evse in await placing.evses_of(db, placement.key):
        await placing.publish_status(placement, evse, _status(placement, evse), db, at=at)


def _status(placement: ChargerPlacement, evse: ChargerEvse) -> str:
    """An EVSE that speaks for itself is heard where it is out of order, and where its connectors say nothing."""
    said = {number: ConnectorStatus(status) for number, status in evse.statuses.items()}
    itself = said.pop(WHOLE_EVSE, None)
    whole = itself if itself in OUT else None
    if placement.status in OUT:
        whole = ConnectorStatus(placement.status)
    connectors = list(said.values()) or ([itself] if itself is not None else [])
    return evse_status(connectors, online=placement.online, whole=whole)


async def known(
    placement: ChargerPlacement, evse_id: int, connector_id: int, db: AsyncSession, *, at: datetime
) -> ChargerEvse:
    """The EVSE with this number; it and its connectors are added where nobody described them."""
    query = select(ChargerEvse).where(ChargerEvse.charger_key == placement.key, col(ChargerEvse.evse_id) == evse_id)
    evse = await db.scalar(query.with_for_update())
    if evse is None:
        log.info("charger.evse_added", charger=placement.charger_id, evse=evse_id)
        evse = await placing.add_evse(placement, evse_id, db, at=at)
    if connector_id > len(evse.connector_ids):
        log.info("charger.connector_added", charger=placement.charger_id, evse=evse_id, connector=connector_id)
        await placing.add_connector(placement, evse, connector_id, db, at=at)
    return evse
