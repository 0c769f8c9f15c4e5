"""What cars say of themselves (ISO 15118, K15 to K20): written down, weighed by their sites, answered truly."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.dialects.needs import Follows, NeedsTold, PlanTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import (
    ChargingProfile,
    NeedsRecord,
    Purpose,
    read_profile,
    read_schedule,
    write_schedule,
)
from bridge_ocpp.smart import ahead, wishing
from bridge_ocpp.smart.keeping import OURS, note
from bridge_ocpp.smart.looking import external_of, standings_of
from bridge_ocpp.smart.outlets import outlets_of
from bridge_ocpp.smart.plan import targets
from bridge_ocpp.smart.profiles import Circumstances
from bridge_ocpp.smart.sites import Site, read_site
from bridge_ocpp.smart.standing import WAYS
from bridge_ocpp.smart.tables import LimitRow, ProfileRow, ShareRow, SiteRow
from bridge_ocpp.tables import ChargerRow, TransactionRow

NEEDS, PLAN = "needs", "plan"
"""Topics of LimitRow."""
BEFORE = timedelta(minutes=5)
"""A car that charges this soon after needs were told is the one that told them."""
PLAIN_AGAIN = timedelta(minutes=1)
"""After that, a plan that does not fit is answered by the limits once more."""
BEHIND_RECTIFIER = Decimal("0.9")
"""How much of what a charger draws a car gets with DC, at worst: it is not held below what it can take."""
_NUMBERS = ("energy_wh", "maximum_a", "maximum_w", "minimum_a", "minimum_w")


async def needed(db: AsyncSession, told: NeedsTold, hearing: Hearing) -> Follows:
    """What the car at an EVSE wants: its site shares by it from now on, and its share follows as a profile."""
    key, now = hearing.speaker.key, hearing.received
    await db.get(LimitRow, (key, told.evse_id, NEEDS), with_for_update=True)  # in the order of adopt
    charge = await _running(db, key, told.evse_id)
    said = _said(told)
    if charge is not None:
        await _wish(db, charge, said, at=now)
        share = await db.get(ShareRow, (key, told.evse_id), with_for_update=True)
        if share is not None and share.transaction_id == charge.id:
            share.again, share.early_until = True, None  # told with the next look, whether it changes or not
            await db.flush()
    follows = await _follows(db, key, told.evse_id, charging=charge is not None, now=now)
    document = {
        "told": told.document,
        "said": {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()},
        "follows": follows.value,
        "transaction": None if charge is None else charge.id,
    }
    await note(db, told.evse_id, NEEDS, document, hearing)
    return follows


def _said(told: NeedsTold) -> dict[str, Any]:
    """A wish as its row has it."""
    names = ("departure_at", *_NUMBERS, "phases", "dynamic", "most_periods")
    said = {name: getattr(told, name) for name in names}
    if told.direct and told.maximum_w is not None:
        said["maximum_w"] = (told.maximum_w / BEHIND_RECTIFIER).quantize(Decimal(1))
    return said


async def _wish(db: AsyncSession, charge: TransactionRow, said: Mapping[str, Any], *, at: datetime) -> None:
    energy = said["energy_wh"]
    from_start = None if energy is None else energy + (charge.energy_wh or 0)
    key = charge.charger_key
    await wishing.keep(db, charge.id, "car", charger_key=key, said={**said, "energy_wh": from_start}, at=at)


async def _follows(db: AsyncSession, key: str, evse_id: int, *, charging: bool, now: datetime) -> Follows:
    """Whether the car will be sent a schedule: where a site gives it a share of its own, which its charger takes.

    At once, where there is one for it now; later, where it waits for its turn or its charge has not begun.
    """
    found = await _site_of(db, key)
    if found is None:
        return Follows.NEVER
    whole, place, site = found
    if WAYS[whole.way].whole or whole.refused_at is not None:
        return Follows.NEVER
    if not charging:
        return Follows.LATER
    standings = await standings_of(db, place.key, site, now=now)
    outlets = [outlet for standing in standings for outlet in outlets_of(site, standing, now=now)]
    wanted = targets(site.lanes(external_of(place, now=now)), outlets)
    mine = f"{key}/{evse_id}"
    served = any(o.key == mine and wanted.get(mine, Decimal(0)) >= o.minimum for o in outlets)
    return Follows.AT_ONCE if served else Follows.LATER


async def _site_of(db: AsyncSession, key: str) -> tuple[ShareRow, SiteRow, Site] | None:
    whole = await db.get(ShareRow, (key, 0))
    place = None if whole is None or not whole.site_key else await db.get(SiteRow, whole.site_key)
    if whole is None or place is None:
        return None
    site = read_site(place.id, ocppj.loads(place.document))
    return (whole, place, site) if key in site.members else None


async def _running(db: AsyncSession, key: str, evse_id: int) -> TransactionRow | None:
    row = TransactionRow
    at = (col(row.charger_key) == key, col(row.evse_id) == evse_id, col(row.ended_at).is_(None))
    found: TransactionRow | None = await db.scalar(select(row).where(*at).order_by(col(row.started_at).desc()).limit(1))
    return found


async def adopt(db: AsyncSession, site_key: str, *, now: datetime) -> None:
    """Charges that began after their cars had said what they need are given it: some chargers begin so late."""
    share, row = ShareRow, TransactionRow
    pending = (
        select(LimitRow, row)
        .join(share, (col(share.charger_key) == col(LimitRow.charger_key)) & (col(share.evse_id) == 0))
        .join(row, (col(row.charger_key) == col(LimitRow.charger_key)) & (col(row.evse_id) == col(LimitRow.evse_id)))
        .where(col(LimitRow.topic) == NEEDS, col(LimitRow.told_at) > now - 2 * BEFORE, col(share.site_key) == site_key)
        .where(col(row.ended_at).is_(None), col(row.started_received_at) >= col(LimitRow.told_at))
        .order_by(col(row.started_at))
    )
    for told, charge in list(await db.execute(pending)):
        document = ocppj.loads(told.document)
        if document["transaction"] is None and charge.started_received_at < told.told_at + BEFORE:
            told.document = ocppj.dumps(document | {"transaction": charge.id})
            await _wish(db, charge, _read(document["said"]), at=told.told_at)


def _read(said: Mapping[str, Any]) -> dict[str, Any]:
    """A wish again, from JSON."""
    numbers = {name: None if said[name] is None else Decimal(str(said[name])) for name in _NUMBERS}
    departure = said["departure_at"]
    return {**said, **numbers, "departure_at": None if departure is None else datetime.fromisoformat(departure)}


# --- what cars mean to do --------------------------------------------------------------------------------------


async def planned(db: AsyncSession, told: PlanTold, hearing: Hearing) -> str | None:
    """How the car at an EVSE means to charge; None when that is within what it was given, else why it is not.

    What is not, is answered by the limits once more (K15.FR.13, K16), not more often than once a minute.
    """
    key, now = hearing.speaker.key, hearing.received
    charge = await _running(db, key, told.evse_id)
    profiles = await _told(db, key, told.evse_id, charge)
    found = await _site_of(db, key)
    site = None if found is None else found[2]
    phases = 3 if site is None else len(site.members[key].phases)
    since = now if charge is None else charge.started_at
    about = Circumstances(told.schedule.unit, since, 230 if site is None else site.voltage, phases)
    why = None
    if profiles and told.discharges:
        why = "the schedule that was sent is for charging only"
    elif not ahead.fits(told.schedule, profiles, about):
        why = "above the schedule that was sent"
    before = await db.get(LimitRow, (key, told.evse_id, PLAN))
    lately = before is not None and now - before.told_at < PLAIN_AGAIN and not ocppj.loads(before.document)["fits"]
    share = await db.get(ShareRow, (key, told.evse_id), with_for_update=True)
    if why is not None and share is not None and charge is not None and share.transaction_id == charge.id:
        share.again = share.again or not lately
    document = {
        "told": told.document,
        "plan": write_schedule(told.schedule),
        "fits": why is None,
        "transaction": None if charge is None else charge.id,
    }
    await note(db, told.evse_id, PLAN, document, hearing)
    return why


async def _told(db: AsyncSession, key: str, evse_id: int, charge: TransactionRow | None) -> Sequence[ChargingProfile]:
    """The profiles of ours that hold for the car at an EVSE."""
    row = ProfileRow
    here = (col(row.charger_key) == key, col(row.source) == OURS, col(row.evse_id).in_([0, evse_id]))
    found = []
    for kept in await db.scalars(select(row).where(*here)):
        other = kept.purpose == Purpose.TRANSACTION.value and (charge is None or kept.transaction_id != charge.id)
        if not other:
            found.append(read_profile(ocppj.loads(kept.document)))
    return found


# --- what operators see ----------------------------------------------------------------------------------------


async def listed(db: AsyncSession, charger_id: str | None, *, now: datetime) -> Sequence[NeedsRecord]:
    """What the cars said that are there: those that charge, and those that told it a moment ago."""
    row, charger = LimitRow, ChargerRow
    query = select(row, col(charger.id)).join(charger, col(charger.key) == col(row.charger_key))
    query = query.where(col(row.topic).in_([NEEDS, PLAN]))
    if charger_id is not None:
        query = query.where(col(row.charger_key) == charger_id.casefold())
    at: dict[tuple[str, int], dict[str, tuple[datetime, Mapping[str, Any]]]] = {}
    for kept, name in await db.execute(query.order_by(col(row.charger_key), col(row.evse_id))):
        at.setdefault((name, kept.evse_id), {})[kept.topic] = kept.told_at, ocppj.loads(kept.document)
    named = {doc["transaction"] for topics in at.values() for _, doc in topics.values()} - {None}
    running = set(
        await db.scalars(
            select(col(TransactionRow.id)).where(
                col(TransactionRow.id).in_(sorted(named)), col(TransactionRow.ended_at).is_(None)
            )
        )
    )
    found = []
    for (name, evse_id), topics in at.items():
        there = {
            topic: (told_at, document)
            for topic, (told_at, document) in topics.items()
            if document["transaction"] in running or (document["transaction"] is None and told_at > now - BEFORE)
        }
        if there:
            found.append(_record(name, evse_id, there))
    return found


def _record(name: str, evse_id: int, there: Mapping[str, tuple[datetime, Mapping[str, Any]]]) -> NeedsRecord:
    needs, plan = (there.get(topic, (None, {}))[1] for topic in (NEEDS, PLAN))
    said = _read(needs["said"]) if needs else dict.fromkeys((*_NUMBERS, "departure_at"))
    return NeedsRecord(
        charger_id=name,
        evse_id=evse_id,
        transaction_id=needs.get("transaction") or plan.get("transaction"),
        told_at=max(told_at for told_at, _ in there.values()),
        schedule_follows=needs.get("follows"),
        departure_at=said["departure_at"],
        **{number: said[number] for number in _NUMBERS},
        needs=needs["told"]["chargingNeeds"] if needs else None,
        plan=read_schedule(plan["plan"]) if plan else None,
        plan_fits=plan.get("fits"),
    )


async def prune(db: AsyncSession, *, now: datetime) -> None:
    """Let go of what cars said that are gone."""
    row = TransactionRow
    running = select(col(row.id)).where(
        col(row.charger_key) == col(LimitRow.charger_key),
        col(row.evse_id) == col(LimitRow.evse_id),
        col(row.ended_at).is_(None),
    )
    old = (col(LimitRow.topic).in_([NEEDS, PLAN]), col(LimitRow.told_at) < now - timedelta(days=1))
    await db.execute(delete(LimitRow).where(*old, ~running.exists()))
