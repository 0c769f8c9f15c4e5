"""Profiles that chargers keep, and limits of others: written down as chargers accept or tell them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.dialects.charging import LimitTold, ProfilesReported
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import (
    ChargingProfile,
    ClearProfiles,
    LimitChanged,
    Purpose,
    SetProfile,
    write_profile,
    write_schedule,
)
from bridge_ocpp.smart.tables import CeilingRow, LimitRow, ProfileRow, WishRow
from bridge_ocpp.tables import TransactionRow

OURS = "CSO"
"""The source of the profiles that a central system sets (2.0.1 ChargingLimitSourceEnumType)."""


async def profile_set(db: AsyncSession, command: SetProfile, hearing: Hearing) -> None:
    """The charger took a profile on; one that it takes the place of is gone."""
    await _keep(db, command.evse_id, command.charging_profile, hearing, source=OURS)


async def profiles_cleared(db: AsyncSession, command: ClearProfiles, hearing: Hearing) -> None:
    """The charger forgot profiles."""
    said = {
        "profile_id": command.profile_id,
        "evse_id": None if command.profile_id is not None else command.evse_id,
        "purpose": None if command.purpose is None or command.profile_id is not None else command.purpose.value,
        "stack_level": None if command.profile_id is not None else command.stack_level,
    }
    wanted = [col(getattr(ProfileRow, name)) == value for name, value in said.items() if value is not None]
    await db.execute(delete(ProfileRow).where(*_at(hearing), col(ProfileRow.source) == OURS, *wanted))


async def reported(db: AsyncSession, told: ProfilesReported, hearing: Hearing) -> None:
    """The charger says which profiles it keeps."""
    for profile in told.profiles:
        await _keep(db, told.evse_id, profile, hearing, source=told.source)


async def _keep(db: AsyncSession, evse_id: int, profile: ChargingProfile, hearing: Hearing, *, source: str) -> None:
    transaction_id = await _ours(db, profile.transaction_id, hearing)
    same_place = (
        col(ProfileRow.source) == source,
        col(ProfileRow.evse_id) == evse_id,
        col(ProfileRow.purpose) == profile.purpose.value,
        col(ProfileRow.stack_level) == profile.stack_level,
        col(ProfileRow.transaction_id).is_not_distinct_from(transaction_id),
    )
    await db.execute(delete(ProfileRow).where(*_at(hearing), *same_place))
    values: dict[str, Any] = {
        "charger_key": hearing.speaker.key,
        "source": source,
        "profile_id": profile.id,
        "charger_id": hearing.speaker.id,
        "evse_id": evse_id,
        "purpose": profile.purpose.value,
        "stack_level": profile.stack_level,
        "transaction_id": transaction_id,
        "document": ocppj.dumps(write_profile(profile)),
        "set_at": hearing.received,
    }
    statement = insert(ProfileRow).values(values)
    again = {name: value for name, value in values.items() if name not in ("charger_key", "source", "profile_id")}
    await db.execute(
        statement.on_conflict_do_update(index_elements=["charger_key", "source", "profile_id"], set_=again)
    )


async def _ours(db: AsyncSession, named: str | None, hearing: Hearing) -> str | None:
    """Our id of a transaction that is named by ours or by the charger's own."""
    if named is None:
        return None
    query = select(col(TransactionRow.id)).where(
        col(TransactionRow.charger_key) == hearing.speaker.key,
        (col(TransactionRow.id) == named) | (col(TransactionRow.ocpp_id) == named),
    )
    found: str | None = await db.scalar(query.limit(1))
    return found


def _at(hearing: Hearing) -> tuple[Any, ...]:
    return (col(ProfileRow.charger_key) == hearing.speaker.key,)


async def limited(db: AsyncSession, told: LimitTold, hearing: Hearing) -> None:
    """Somebody else limits the charger, or does so no more."""
    topic = f"limit {told.source}"
    if told.cleared:
        place = (col(LimitRow.charger_key) == hearing.speaker.key, col(LimitRow.topic) == topic)
        where = (col(LimitRow.evse_id) == told.evse_id,) if told.evse_id else ()
        await db.execute(delete(LimitRow).where(*place, *where))
    else:
        document = {
            "grid_critical": told.grid_critical,
            "schedules": [write_schedule(schedule) for schedule in told.schedules],
        }
        await note(db, told.evse_id, topic, document, hearing)
    event = LimitChanged(hearing.speaker.id, hearing.received, told.evse_id, told.source)
    await hearing.hub.heard(event, db)


async def note(db: AsyncSession, evse_id: int, topic: str, document: Mapping[str, Any], hearing: Hearing) -> None:
    """Keep what a charger said of an EVSE in the place of what it said of that before."""
    text = ocppj.dumps(document)
    statement = insert(LimitRow).values(
        charger_key=hearing.speaker.key, evse_id=evse_id, topic=topic, document=text, told_at=hearing.received
    )
    again = {"document": text, "told_at": hearing.received}
    await db.execute(statement.on_conflict_do_update(index_elements=["charger_key", "evse_id", "topic"], set_=again))


async def prune(db: AsyncSession) -> None:
    """Let go of what ended with its transaction."""
    ended = select(col(TransactionRow.id)).where(col(TransactionRow.ended_at).is_not(None))
    tx = col(ProfileRow.purpose) == Purpose.TRANSACTION.value
    await db.execute(delete(ProfileRow).where(tx, col(ProfileRow.transaction_id).in_(ended)))
    await db.execute(delete(CeilingRow).where(col(CeilingRow.transaction_id).in_(ended)))
    await db.execute(delete(WishRow).where(col(WishRow.transaction_id).in_(ended)))
