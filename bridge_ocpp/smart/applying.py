"""At the charger's own bridge: what a site gives a transaction and what a partner allows it become one TxProfile.

Both are asked under one lock of the connection, so that the newest of each always counts: a partner's profile stays a
ceiling inside the site's share, and neither takes the other's place.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.clock import WRONG
from bridge_ocpp.connected import Connected
from bridge_ocpp.port import (
    ChargingProfile,
    ClearProfiles,
    Command,
    Kind,
    LimitTransaction,
    Outcome,
    OutcomeStatus,
    Purpose,
    RateUnit,
    Schedule,
    SetProfile,
    ShareCurrent,
    read_schedule,
    write_schedule,
)
from bridge_ocpp.smart import ahead
from bridge_ocpp.smart.ahead import constant
from bridge_ocpp.smart.outlets import minimum_of
from bridge_ocpp.smart.profiles import Circumstances, ceiling_inside, converted
from bridge_ocpp.smart.sites import Member, Site, read_site
from bridge_ocpp.smart.standing import WAYS, Parked
from bridge_ocpp.smart.tables import CeilingRow, ShareRow, SiteRow, WishRow
from bridge_ocpp.smart.wishes import together
from bridge_ocpp.tables import TransactionRow

Ask = Callable[[Command], Awaitable[Outcome]]

NEWCOMER_ID, WHOLE_ID, FIRST_CAR_ID = 7_000_001, 7_000_002, 7_000_100
"""The profile ids that chargers know from us; that of a car is its EVSE's number more."""
LEVEL = 0


def car_profile(evse_id: int, kind: Kind, schedule: Schedule, transaction_id: str) -> SetProfile:
    """The one TxProfile that we set at an EVSE."""
    profile = ChargingProfile(
        FIRST_CAR_ID + evse_id, Purpose.TRANSACTION, kind, LEVEL, schedule, transaction_id=transaction_id
    )
    return SetProfile(evse_id, profile)


@dataclass(frozen=True, slots=True)
class _Known:
    row: TransactionRow
    ceiling: Schedule | None
    share: ShareCurrent | None


async def share(connection: Connected, command: ShareCurrent, ask: Ask) -> Outcome:
    """Set what the site gives a transaction, inside its ceiling if it has one."""
    async with connection.limiting:
        known = await _known(connection, command.transaction_id)
        if known is None:
            return Outcome(OutcomeStatus.UNKNOWN_TRANSACTION, "no such transaction runs at this charger")
        return await ask(_together(connection, known.row, command, known.ceiling))


async def limit(connection: Connected, command: LimitTransaction, ask: Ask) -> Outcome:
    """Set, replace or take away the ceiling of a transaction."""
    async with connection.limiting:
        known = await _known(connection, command.transaction_id)
        if known is None:
            return Outcome(OutcomeStatus.UNKNOWN_TRANSACTION, "no such transaction runs at this charger")
        if command.schedule is None and known.ceiling is None:
            return Outcome(OutcomeStatus.UNKNOWN_PROFILE, "there is no profile to take away")
        outcome = await ask(_without_ceiling(connection, known) if command.schedule is None
                            else _together(connection, known.row, known.share, command.schedule))  # fmt: skip
        gone = command.schedule is None and outcome.status is OutcomeStatus.UNKNOWN_PROFILE
        if outcome.accepted or gone:
            await connection.desk.ledger.write(lambda db: _keep(db, command, connection))
        return outcome


def _without_ceiling(connection: Connected, known: _Known) -> Command:
    if known.share is None:
        return ClearProfiles(profile_id=FIRST_CAR_ID + known.row.evse_id)
    return _together(connection, known.row, known.share, None)


def _together(
    connection: Connected, row: TransactionRow, given: ShareCurrent | None, ceiling: Schedule | None
) -> SetProfile:
    kind = Kind.RELATIVE if ceiling is None or ceiling.start_at is None else Kind.ABSOLUTE
    if given is None:
        assert ceiling is not None
        return car_profile(row.evse_id, kind, ceiling, row.id)
    limit, least = (
        converted(amperes, RateUnit.A, given.unit, voltage=given.voltage, phases=given.phases)
        for amperes in (given.amperes, given.least)
    )
    now = connection.desk.now().replace(microsecond=0)
    leaves = given.until if given.until is not None and given.until > now and _knows_the_time(connection) else None
    if ceiling is None and leaves is None:
        return car_profile(row.evse_id, Kind.RELATIVE, constant(limit, given.unit), row.id)
    schedule = constant(limit, given.unit, now)
    if ceiling is not None:
        about = Circumstances(given.unit, row.started_at, given.voltage, given.phases)
        schedule = ceiling_inside(ceiling, limit, at=now, about=about, kind=kind)
    schedule = ahead.until(schedule, least=least, leaves=leaves, most=given.most_periods)
    return car_profile(row.evse_id, Kind.ABSOLUTE, schedule, row.id)


def _knows_the_time(connection: Connected) -> bool:
    """A charger whose clock is wrong would begin a schedule at another time."""
    return not WRONG & connection.speaker.quirks


async def _known(connection: Connected, transaction_id: str) -> _Known | None:
    """The running transaction with its ceiling, and its share where a site gives it one."""

    async def find(db: AsyncSession) -> _Known | None:
        row = await db.scalar(
            select(TransactionRow).where(
                col(TransactionRow.id) == transaction_id,
                col(TransactionRow.charger_key) == connection.speaker.key,
                col(TransactionRow.ended_at).is_(None),
            )
        )
        if row is None:
            return None
        ceiling = await db.get(CeilingRow, transaction_id)
        schedule = None if ceiling is None else read_schedule(ocppj.loads(ceiling.document))
        return _Known(row, schedule, await _given(db, row))

    return await connection.desk.ledger.write(find)


async def _given(db: AsyncSession, row: TransactionRow) -> ShareCurrent | None:
    """What the site gives the transaction, as it was asked last: before the first share, what newcomers may draw."""
    whole = await db.get(ShareRow, (row.charger_key, 0))
    if whole is None or not whole.site_key or WAYS[whole.way].whole or whole.refused_at is not None:
        return None
    site_row = await db.get(SiteRow, whole.site_key)
    if site_row is None:
        return None
    site = read_site(site_row.id, ocppj.loads(site_row.document))
    car = await db.get(ShareRow, (row.charger_key, row.evse_id))
    asked = car.asked if car is not None and car.transaction_id == row.id else None
    member = site.members.get(row.charger_key)
    if member is None:
        return None
    amperes = asked if asked is not None else (whole.asked or Decimal(0))
    wishes = await db.scalars(select(WishRow).where(col(WishRow.transaction_id) == row.id))
    wanted = together(wishes, voltage=site.voltage, phases=len(member.phases))
    return share_of(site, member, Parked(row.id, wanted=wanted), amperes, unit=WAYS[whole.way].unit)


def share_of(site: Site, member: Member, parked: Parked, amperes: Decimal, *, unit: RateUnit) -> ShareCurrent:
    """What a car is given, in the words for its charger."""
    wanted, least = parked.wanted, min(amperes, minimum_of(site, member, parked))
    count = len(member.phases)
    return ShareCurrent(
        parked.transaction_id, amperes, unit, site.voltage, count, wanted.until, least, wanted.most_periods
    )


async def _keep(db: AsyncSession, command: LimitTransaction, connection: Connected) -> None:
    if command.schedule is None:
        await db.execute(delete(CeilingRow).where(col(CeilingRow.transaction_id) == command.transaction_id))
        return
    values = {"document": ocppj.dumps(write_schedule(command.schedule)), "set_at": connection.desk.now()}
    statement = insert(CeilingRow).values(transaction_id=command.transaction_id, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["transaction_id"], set_=values))
