"""A site's chargers as the database has them: read for the balancer, and what chargers tell of them written down."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.meter import Reading
from bridge_ocpp.smart import phases, shares, wishes
from bridge_ocpp.smart.outlets import SETTLED
from bridge_ocpp.smart.sites import Site
from bridge_ocpp.smart.standing import Parked, Standing
from bridge_ocpp.smart.tables import ShareRow, SiteRow, WishRow
from bridge_ocpp.tables import BridgeRow, ChargerRow, ConnectorRow, TransactionRow

DECIDING = "hashtextextended('ocpp/balancer', 0)"
"""The lock of whoever decides what chargers may draw, as PostgreSQL writes it."""


def external_of(row: SiteRow, *, now: datetime) -> Decimal | None:
    """The external limit while it holds."""
    return row.external_a if row.external_until is not None and row.external_until > now else None


async def standings_of(
    db: AsyncSession, site_key: str, site: Site, *, now: datetime, lock: bool = False
) -> list[Standing]:
    """The chargers of a site as they stand."""
    of_site = select(ShareRow).where(col(ShareRow.site_key) == site_key)
    query = of_site.order_by(col(ShareRow.charger_key), col(ShareRow.evse_id))
    rows: dict[str, dict[int, ShareRow]] = defaultdict(dict)
    for row in await db.scalars(query.with_for_update() if lock else query):
        rows[row.charger_key][row.evse_id] = row
    keys = [key for key in rows if key in site.members and 0 in rows[key]]
    alive = select(col(BridgeRow.process_id)).where(col(BridgeRow.alive_until) > now)
    online = set(
        await db.scalars(
            select(col(ChargerRow.key)).where(
                col(ChargerRow.key).in_(keys), col(ChargerRow.online), col(ChargerRow.process_id).in_(alive)
            )
        )
    )
    evses = await _evses(db, keys)
    parked = await _parked(db, site, keys, now=now)
    return [
        Standing(
            key,
            site.members[key],
            rows[key],
            tuple(sorted(evses.get(key, {1}) | set(parked.get(key, {})))),
            parked.get(key, {}),
            key in online,
        )
        for key in keys
    ]


async def _evses(db: AsyncSession, keys: Sequence[str]) -> dict[str, set[int]]:
    row = ConnectorRow
    query = select(col(row.charger_key), col(row.evse_id)).where(col(row.charger_key).in_(keys), col(row.evse_id) > 0)
    found: dict[str, set[int]] = defaultdict(set)
    for key, evse in await db.execute(query):
        found[key].add(evse)
    return found


async def _parked(db: AsyncSession, site: Site, keys: Sequence[str], *, now: datetime) -> dict[str, dict[int, Parked]]:
    """The running transactions by charger and EVSE, the newest where several were never ended."""
    row = TransactionRow
    query = (
        select(col(row.charger_key), col(row.evse_id), col(row.id), col(row.charging_state), col(row.energy_wh))
        .where(col(row.charger_key).in_(keys), col(row.ended_at).is_(None), col(row.evse_id) > 0)
        .order_by(col(row.started_at))
    )
    wished = await _wished(db, keys)
    found: dict[str, dict[int, Parked]] = defaultdict(dict)
    for key, evse, transaction_id, state, energy in await db.execute(query):
        charged, member = energy or Decimal(0), site.members[key]
        count = len(member.phases)
        wanted = wishes.together(wished.get(transaction_id, ()), voltage=site.voltage, phases=count)
        amperes = member.maximum if wanted.most is None else min(member.maximum, wanted.most)
        power = amperes * site.voltage * (wanted.phases or count)
        weight = wishes.weight(wanted, charged_wh=charged, full_power_w=power, now=now)
        full = state == "SuspendedEV" and charged > 0
        found[key][evse] = Parked(transaction_id, full, weight, wanted, charged)
    return found


async def _wished(db: AsyncSession, keys: Sequence[str]) -> dict[str, list[WishRow]]:
    """What is wished, by transaction."""
    found: dict[str, list[WishRow]] = defaultdict(list)
    for row in await db.scalars(select(WishRow).where(col(WishRow.charger_key).in_(keys))):
        found[row.transaction_id].append(row)
    return found


# --- what chargers tell --------------------------------------------------------------------------------------


async def booted(db: AsyncSession, charger_key: str) -> None:
    """The charger has started: what it was told may be forgotten."""
    whole = await db.get(ShareRow, (charger_key, 0), with_for_update=True)
    if whole is not None:
        shares.booted(whole)


async def measured(
    db: AsyncSession, charger_key: str, evse_id: int, readings: Iterable[Reading], *, at: datetime
) -> None:
    """What a car draws, in A on the phase that it loads most, and which phases it loads."""
    outlet = [r for r in readings if r.location == "Outlet"]
    by_phase = phases.currents(outlet)
    current = [r.value for r in outlet if r.measurand == "Current.Import"]
    if evse_id < 1 or not (current or by_phase):
        return
    row = await db.get(ShareRow, (charger_key, evse_id), with_for_update=True)
    if row is None or row.transaction_id is None:
        return
    if current:
        row.drawing, row.drawing_at = max(current), at
    if by_phase:
        settled = row.raised_at is not None and at >= row.raised_at + SETTLED
        phases.learn(row, by_phase, at=at, settled=settled)
