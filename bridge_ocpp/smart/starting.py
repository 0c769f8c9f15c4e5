"""At the charger's own bridge: a remote start at a charger of a site brings the share of its car along."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.connected import Connected
from bridge_ocpp.port import ChargingProfile, Kind, Outcome, OutcomeStatus, Purpose, RateUnit, StartCharging
from bridge_ocpp.smart.ahead import constant
from bridge_ocpp.smart.applying import FIRST_CAR_ID, LEVEL, Ask
from bridge_ocpp.smart.expecting import VALID, expect
from bridge_ocpp.smart.looking import DECIDING, external_of, standings_of
from bridge_ocpp.smart.profiles import converted
from bridge_ocpp.smart.sites import read_site
from bridge_ocpp.smart.standing import WAYS
from bridge_ocpp.smart.tables import ShareRow, SiteRow

_MY_TURN = text(f"SELECT pg_advisory_xact_lock({DECIDING})")


async def start(connection: Connected, command: StartCharging, ask: Ask) -> Outcome:
    """Start a car with its share, where a site gives it one and the charger takes profiles.

    A charger that answers the profile with an error is asked again without: its newcomers are limited all the same.
    """
    key, evse, desk = connection.speaker.key, command.evse_id, connection.desk
    if command.charging_profile is not None or evse is None:
        return await ask(command)
    given = await desk.ledger.write(lambda db: _given(db, key, evse, now=desk.now()))
    if given is None:
        return await ask(command)
    outcome = await ask(replace(command, charging_profile=given))
    if outcome.error is not None:
        outcome = await ask(command)
    elif outcome.status in (OutcomeStatus.ACCEPTED, OutcomeStatus.TIMEOUT):
        return outcome
    await desk.ledger.write(lambda db: _given_back(db, key, evse))
    return outcome


async def _given(db: AsyncSession, key: str, evse: int, *, now: datetime) -> ChargingProfile | None:
    """The profile of what the car is given, which is written down as what may be drawn there."""
    if await db.get(ShareRow, (key, 0)) is None:
        return None
    await db.execute(_MY_TURN)
    whole = await db.get(ShareRow, (key, 0), populate_existing=True)
    place = None if whole is None or not whole.site_key else await db.get(SiteRow, whole.site_key)
    if whole is None or place is None:
        return None
    site = read_site(place.id, ocppj.loads(place.document))
    standings = await standings_of(db, place.key, site, now=now, lock=True)
    row = expect(site, site.lanes(external_of(place, now=now)), standings, at=(key, evse), now=now)
    if row is None or row.asked is None:
        return None
    db.add(row)
    unit, phases = WAYS[whole.way].unit, len(site.members[key].phases)
    limit = converted(row.asked, RateUnit.A, unit, voltage=site.voltage, phases=phases)
    number, until = FIRST_CAR_ID + evse, (now + VALID).replace(microsecond=0)
    schedule = constant(limit, unit)
    return ChargingProfile(number, Purpose.TRANSACTION, Kind.RELATIVE, LEVEL, schedule, valid_to=until)


async def _given_back(db: AsyncSession, key: str, evse: int) -> None:
    """Nothing started: what was kept for it is free, if it is the first promise there and nobody has come."""
    await db.execute(
        delete(ShareRow).where(
            col(ShareRow.charger_key) == key,
            col(ShareRow.evse_id) == evse,
            col(ShareRow.number) == 1,
            col(ShareRow.transaction_id).is_(None),
        )
    )
