"""Who set a profile for a session, and telling them when the limits of that session change for another reason.

mod_charging_profiles, Flow: the CPO "SHALL keep the Sender updated with changes to the ActiveChargingProfile" once it
has set one. What is due stands in a row; a lost bell only delays it.
"""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ChargerPort, GetComposite, LimitChanged
from ocpi_hub.base.jobs import job, ring_after_commit, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import profile_words as profiles
from ocpi_hub.chargers.tables import PartnerCommand, ProfileSetter, SessionLink
from ocpi_hub.delivery import outbox
from ocpi_hub.delivery.jobs import drain
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

log = structlog.get_logger()

AHEAD = 1800
"""Seconds that are told: "between 5 and 60 minutes" (mod_charging_profiles, Sender PUT)."""
BELL_LOST = timedelta(seconds=1)
WORTH_TELLING = timedelta(minutes=10)


async def changed(resources: Resources, event: LimitChanged, db: AsyncSession) -> None:
    """What an EVSE may use has changed: whoever set a profile for a session there is to be told."""
    query = (
        select(ProfileSetter)
        .join(SessionLink, col(SessionLink.transaction_id) == col(ProfileSetter.transaction_id))
        .where(
            col(SessionLink.charger_key) == event.charger_id.lower(),
            col(SessionLink.ended_at).is_(None),
            *([col(SessionLink.evse_id) == event.evse_id] if event.evse_id else []),
        )
        .with_for_update(of=ProfileSetter)
    )
    for setter in await db.scalars(query):
        setter.due_at = resources.clock()
        ring_after_commit(db, tell, setter.session_id)


@job("chargers.tell_profile")
async def tell(resources: Resources, session_id: str) -> None:
    """Ask the charger for the session's limits, and owe them to the setter when they are other than told before."""
    claim = (
        update(ProfileSetter)
        .where(col(ProfileSetter.session_id) == session_id, col(ProfileSetter.due_at).is_not(None))
        .values(due_at=None)
        .returning(ProfileSetter)
    )
    async with resources.unit_of_work() as db:
        setter = await db.scalar(claim)
        link = await db.get(SessionLink, setter.transaction_id) if setter is not None else None
    if setter is None or link is None or link.ended_at is not None:
        return
    within = timedelta(seconds=resources.settings.charger_timeout)
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    outcome = await port.ask(link.charger_id, GetComposite(link.evse_id, AHEAD), within=within)
    active = profiles.active_profile(outcome.payload or {}, least=AHEAD) if outcome.accepted else None
    if active is None:
        log.info("chargingprofile.not_known", session=session_id, outcome=outcome.status, detail=outcome.detail)
        return
    async with resources.unit_of_work() as db:
        await _owe(resources, session_id, link, active, db)


async def _owe(resources: Resources, session_id: str, link: SessionLink, active: Any, db: AsyncSession) -> None:
    setter = await db.get(ProfileSetter, session_id, with_for_update=True)
    limits = wire_json.dumps(active["charging_profile"]["charging_profile_period"])
    if setter is None or setter.told == limits:
        return
    snapshot = await resources.one(Directory).now()
    base = snapshot.endpoint(setter.platform_id, ModuleId.CHARGING_PROFILES, InterfaceRole.SENDER)
    if base is None:
        log.info("chargingprofile.no_endpoint", platform=setter.platform_id, session=session_id)
        return
    command, at = await db.get(PartnerCommand, setter.command_id), resources.clock()
    setter.told = limits
    await outbox.owe_message(
        db,
        platform_id=setter.platform_id,
        lane=f"chargingprofiles/{session_id}",
        url=f"{base}/{session_id}",
        verb="PUT",
        body=wire_json.dumps(active),
        from_party=PartyId(link.country_code, link.party_id),
        to_party=PartyId(setter.party_country_code, setter.party_id),
        correlation_id=command.correlation_id if command is not None else session_id,
        at=at,
        expires_at=at + WORTH_TELLING,
    )
    ring_after_commit(db, drain, setter.platform_id)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def sweep(resources: Resources) -> None:
    """Ring again where a bell was lost."""
    async with resources.unit_of_work() as db:
        due = col(ProfileSetter.due_at) < resources.clock() - BELL_LOST
        for session_id in await db.scalars(select(col(ProfileSetter.session_id)).where(due).limit(500)):
            ring_after_commit(db, tell, session_id)
