"""Charging profiles of partners for sessions at our own chargers: taken up, refused, and what is asked for each.

The road is that of commands (commands.py, jobs.py, results.py): a row, a bell, an answer to the response_url, and never
silence. No network here.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import jobs
from ocpi_hub.chargers.commands import ANSWER_GRACE, require_own_url, timeout_of
from ocpi_hub.chargers.profile_words import WISHES, Wish
from ocpi_hub.chargers.tables import ChargerPlacement, PartnerCommand, SessionLink
from ocpi_hub.partners.access import agree
from ocpi_hub.partners.directory import Directory
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.chargingprofiles import ChargingProfile, ChargingProfileResponse, ChargingProfileResponseType
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ModuleId

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """A request as it came: from which party of which platform, to which of our parties (None: any of them)."""

    wish: Wish
    session_id: str
    response_url: str
    platform_id: str
    from_party: PartyId
    to_party: PartyId | None
    correlation_id: str
    profile: ChargingProfile | None = None
    duration: int | None = None


class Refused(Exception):
    """Answered with another result than ACCEPTED (mod_charging_profiles, ChargingProfileResponseType)."""

    def __init__(self, result: ChargingProfileResponseType) -> None:
        super().__init__(result)
        self.result = result


async def accept(resources: Resources, wished: Wished, db: AsyncSession) -> ChargingProfileResponse:
    """Take a request up: the answer at once, the charger's to the response_url later and never not at all.

    Raises InvalidParameters for a profile or a response_url that cannot be used.
    """
    await require_own_url(resources, wished.platform_id, wished.response_url)
    if wished.profile is not None:
        _require_usable(wished.profile)
    timeout = timeout_of(resources.settings)
    try:
        link = await _session(resources, wished, db)
        await _require_seldom(resources, link, db)
    except Refused as refused:
        log.info("chargingprofile.refused", wish=wished.wish, platform=wished.platform_id, result=refused.result)
        return ChargingProfileResponse(result=refused.result, timeout=timeout)
    at = resources.clock()
    row = PartnerCommand(
        type=wished.wish,
        platform_id=wished.platform_id,
        from_key=wished.from_party.key,
        from_country_code=wished.from_party.country_code,
        from_party_id=wished.from_party.party_id,
        owner_country_code=link.country_code,
        owner_party_id=link.party_id,
        response_url=wished.response_url,
        correlation_id=wished.correlation_id,
        charger_id=link.charger_id,
        charger_key=link.charger_key,
        evse_id=link.evse_id,
        transaction_id=link.transaction_id,
        session_id=link.session_id,
        profile=None if wished.profile is None else wire_json.dumps(wished.profile.document()),
        duration=wished.duration,
        received_at=at,
        deadline=at + timedelta(seconds=timeout - ANSWER_GRACE / 2),
    )
    db.add(row)
    await db.flush()
    ring_after_commit(db, jobs.execute, row.id)
    log.info("chargingprofile.accepted", command=row.id, wish=row.type, platform=row.platform_id)
    return ChargingProfileResponse(result=ChargingProfileResponseType.ACCEPTED, timeout=timeout)


def _require_usable(profile: ChargingProfile) -> None:
    starts = [period.start_period for period in profile.charging_profile_period]
    if not starts or starts[0] != 0:
        raise InvalidParameters("charging_profile.charging_profile_period: needs a first period with start_period 0")
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise InvalidParameters("charging_profile.charging_profile_period: start_period must rise from one to the next")
    if any(period.limit < 0 for period in profile.charging_profile_period):
        raise InvalidParameters("charging_profile.charging_profile_period: a limit must not be negative")


async def _session(resources: Resources, wished: Wished, db: AsyncSession) -> SessionLink:
    """The running session that the request is about. Raises Refused."""
    link = await db.scalar(select(SessionLink).where(SessionLink.session_id == wished.session_id.lower()))
    if link is None or not await _may_know(resources, wished, PartyId(link.country_code, link.party_id)):
        raise Refused(ChargingProfileResponseType.UNKNOWN_SESSION)
    token = link.cdr_token
    if link.payer != "partner" or PartyId(token["country_code"], token["party_id"]) != wished.from_party:
        raise Refused(ChargingProfileResponseType.REJECTED)
    placement = await db.get(ChargerPlacement, link.charger_key)
    if placement is not None and placement.takes_profiles is False:
        raise Refused(ChargingProfileResponseType.NOT_SUPPORTED)
    if link.ended_at is not None or link.is_reservation or placement is None or not placement.online:
        raise Refused(ChargingProfileResponseType.REJECTED)
    return link


async def _may_know(resources: Resources, wished: Wished, owner: PartyId) -> bool:
    if wished.to_party is not None and owner != wished.to_party:
        return False
    snapshot = await resources.one(Directory).now()
    return bool(agree(snapshot, wished.from_party, owner, ModuleId.CHARGING_PROFILES))


async def _require_seldom(resources: Resources, link: SessionLink, db: AsyncSession) -> None:
    """The CPO "can limit the amount of request" (mod_charging_profiles, Flow). Raises Refused."""
    since = resources.clock() - timedelta(minutes=1)
    asked = await db.scalar(
        select(func.count())
        .select_from(PartnerCommand)
        .where(
            col(PartnerCommand.session_id) == link.session_id,
            col(PartnerCommand.type).in_(WISHES),
            col(PartnerCommand.received_at) > since,
        )
    )
    if (asked or 0) >= resources.settings.profiles_per_minute:
        raise Refused(ChargingProfileResponseType.TOO_OFTEN)
