"""What drivers prefer of a running session (mod_sessions, Charging Preferences): answered, and priced from then on.

A profile is a tariff of its type. Where a site shares its power, what was accepted counts there, too (SmartBook).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from bridge_ocpp.port import ChargerBook, Preference, SmartBook, Transaction
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import cdrs, sessions, tariffs
from ocpi_hub.chargers.capabilities import CAPABLE
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.chargers.telling import owner_of
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import LOCATIONS, SESSIONS
from ocpi_hub.objects.patch import find_child
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import NotFound
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.sessions import ChargingPreferences, ChargingPreferencesResponse, ProfileType
from ocpi_hub.wire.tariffs import TariffType
from ocpi_hub.wire.types import format_datetime, same_id

log = structlog.get_logger()

_TYPES = {
    ProfileType.CHEAP: TariffType.PROFILE_CHEAP,
    ProfileType.FAST: TariffType.PROFILE_FAST,
    ProfileType.GREEN: TariffType.PROFILE_GREEN,
}
_PATIENT = (ProfileType.CHEAP, ProfileType.GREEN)
"""Who charges when it is cheap or green must say how much by when: only then it is known whether it can be done."""
_PHASES = {"AC_1_PHASE": 1, "AC_3_PHASE": 3, "DC": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an eMSP asks of a session for its driver; `to_party` is the party of ours that it names, None: any."""

    session_id: str
    preferences: ChargingPreferences
    from_party: PartyId
    to_party: PartyId | None


async def wish(resources: Resources, asked: Wish, db: AsyncSession) -> ChargingPreferencesResponse:
    """Answer a wish; one that is ACCEPTED prices the session from now on, from its start if nothing was charged yet.

    Raises NotFound (HTTP 404, 2001) for a session that is not of the eMSP's customers, and for an EVSE that takes no
    charging preferences.
    """
    query = select(SessionLink).where(SessionLink.session_id == asked.session_id.lower())
    link = await db.scalar(query.with_for_update())
    if link is None or not _may_wish(asked, link):
        raise SESSIONS.not_found()
    evse = await _evse(db, link)
    if evse is not None and CAPABLE not in (evse.get("capabilities") or ()):
        raise NotFound(f"the EVSE of this session is not {CAPABLE}", status_code=2001)
    found = await resources.get(ChargerBook).transaction(link.transaction_id, db)  # type: ignore[type-abstract]
    if evse is None or link.ended_at is not None or found is None:
        return ChargingPreferencesResponse.NOT_POSSIBLE  # "during an ongoing session"
    at = resources.clock()
    tariff = await _tariff(db, link, asked.preferences.profile_type)
    smart: SmartBook = resources.get(SmartBook)  # type: ignore[type-abstract]
    power = _least(_power_kw(evse, link), await smart.most_power(link.transaction_id, db))
    answer = _judge(asked.preferences, tariff, link, found[0], power_kw=power, at=at)
    log.info("preferences.answered", session=link.session_id, profile=asked.preferences.profile_type, answer=answer)
    if answer is ChargingPreferencesResponse.ACCEPTED and tariff is not None:
        link.preferences = wire_json.dumps(asked.preferences.document())
        _switch(link, tariff, found[0], at=at)
        await smart.prefer(link.transaction_id, _preference(asked.preferences), db)
        await sessions.publish_running(resources, link, *found, db)
    return answer


def _may_wish(asked: Wish, link: SessionLink) -> bool:
    if link.payer != "partner" or (asked.to_party is not None and owner_of(link) != asked.to_party):
        return False
    return PartyId(link.cdr_token["country_code"], link.cdr_token["party_id"]) == asked.from_party


async def _evse(db: AsyncSession, link: SessionLink) -> Mapping[str, Any] | None:
    """The EVSE of a session as it is published; None for a reservation that has none yet."""
    if link.location_id is None or link.evse_uid is None:
        return None
    kept = await reading.get(db, LOCATIONS, owner=owner_of(link), object_id=link.location_id)
    location: dict[str, Any] | None = wire_json.loads(kept.document) if kept is not None else None
    return find_child(location, LOCATIONS.children, [link.evse_uid]) if location is not None else None


async def _tariff(db: AsyncSession, link: SessionLink, profile: ProfileType) -> dict[str, Any] | None:
    """The tariff of a profile, out of those that the connector offered and that were valid when the session started:
    what the driver could choose from then. One of the session's own is taken as it was sealed."""
    of_type = _TYPES.get(profile) or tariffs.starting_type(link.cdr_token)
    text = await tariffs.in_force(db, owner_of(link), link.offered, at=link.started_at, of_type=of_type)
    if text is None:
        return None
    tariff: dict[str, Any] = wire_json.loads(text)
    sealed = (one for one in cdrs.tariffs_of(link) if same_id(str(one["id"]), str(tariff["id"])))
    return next(sealed, tariff)


def _judge(
    wished: ChargingPreferences,
    tariff: Mapping[str, Any] | None,
    link: SessionLink,
    transaction: Transaction,
    *,
    power_kw: Decimal | None,
    at: datetime,
) -> ChargingPreferencesResponse:
    """The answer (mod_sessions, ChargingPreferencesResponse). A session has one currency."""
    if tariff is None or tariff["currency"] != link.currency:
        return ChargingPreferencesResponse.PROFILE_TYPE_NOT_SUPPORTED
    if wished.profile_type in _PATIENT and wished.departure_time is None:
        return ChargingPreferencesResponse.DEPARTURE_REQUIRED
    if wished.profile_type in _PATIENT and wished.energy_need is None:
        return ChargingPreferencesResponse.ENERGY_NEED_REQUIRED
    if wished.departure_time is not None:
        hours = Decimal((wished.departure_time - at).total_seconds()) / 3600
        charged = (transaction.energy_wh or Decimal(0)) / 1000
        missing = max((wished.energy_need or Decimal(0)) - charged, Decimal(0))
        if hours <= 0 or (power_kw is not None and missing > power_kw * hours):
            return ChargingPreferencesResponse.NOT_POSSIBLE
    return ChargingPreferencesResponse.ACCEPTED


def _preference(wished: ChargingPreferences) -> Preference:
    energy = None if wished.energy_need is None else wished.energy_need * 1000
    return Preference(wished.departure_time, energy, fast=wished.profile_type is ProfileType.FAST)


def _least(connector_kw: Decimal | None, site_w: Decimal | None) -> Decimal | None:
    """What connector and site can give at most, in kW; None where neither says it."""
    return min((kw for kw in (connector_kw, None if site_w is None else site_w / 1000) if kw is not None), default=None)


def _power_kw(evse: Mapping[str, Any], link: SessionLink) -> Decimal | None:
    """What the session's connector can deliver (mod_locations, Connector: V of line to neutral, A per phase)."""
    connectors = evse["connectors"]
    connector = connectors[min(max(link.connector_id, 1), len(connectors)) - 1]
    watts = connector.get("max_electric_power")
    if watts is None:
        phases = _PHASES.get(connector["power_type"])
        watts = phases * connector["max_voltage"] * connector["max_amperage"] if phases else None
    return Decimal(watts) / 1000 if watts else None


def _switch(link: SessionLink, tariff: Mapping[str, Any], transaction: Transaction, *, at: datetime) -> None:
    """From now on another tariff; from the start where nothing was charged yet, as if it had been chosen then."""
    if not transaction.energy_wh:
        link.tariff, link.later_tariffs = wire_json.dumps(tariff), None
        return
    later = cdrs.later_tariffs(link)
    current = later[-1][1] if later else cdrs.tariff_of(link)
    if current is not None and same_id(str(current["id"]), str(tariff["id"])):
        return
    every = [{"from": format_datetime(since), "tariff": one} for since, one in later]
    link.later_tariffs = wire_json.dumps([*every, {"from": format_datetime(at), "tariff": dict(tariff)}])
