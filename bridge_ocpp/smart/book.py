"""Sites, profiles and reservations for operators: put, limited, removed, looked at."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj, reservations
from bridge_ocpp.port import (
    NeedsRecord,
    OutletRecord,
    Preference,
    ProfileRecord,
    ReservationRecord,
    SiteRecord,
    read_profile,
)
from bridge_ocpp.smart import needs, wishing
from bridge_ocpp.smart.looking import external_of, standings_of
from bridge_ocpp.smart.outlets import outlets_of
from bridge_ocpp.smart.plan import Outlet, Wish
from bridge_ocpp.smart.sites import Site, SiteProblem, read_site
from bridge_ocpp.smart.standing import Standing
from bridge_ocpp.smart.tables import ProfileRow, ShareRow, SiteRow
from bridge_ocpp.smart.wishes import Wanted, in_time
from bridge_ocpp.tables import ChargerRow, TransactionRow

ZERO = Decimal(0)


class Sites:
    """Implements port.SmartBook."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now

    async def put_site(self, site_id: str, document: Mapping[str, Any], db: AsyncSession) -> None:
        """Raises SiteProblem, also for chargers that are not there or in another site."""
        if not site_id.strip() or len(site_id) > 48 or not site_id.isprintable() or "/" in site_id:
            raise SiteProblem("id", "a site's id has 1 to 48 printable characters and no slash")
        site, key = read_site(site_id, document), site_id.casefold()
        await _require_free(db, site, key)
        row = await db.get(SiteRow, key, with_for_update=True) or SiteRow(
            key=key, id=site_id, document="{}", updated_at=self._now()
        )
        row.document, row.updated_at = ocppj.dumps(dict(document)), self._now()
        db.add(row)
        await _set_free(db, col(ShareRow.site_key) == key, col(ShareRow.charger_key).not_in(list(site.members)))
        for member in site.members:
            whole = await db.get(ShareRow, (member, 0), with_for_update=True)
            if whole is None:
                db.add(ShareRow(charger_key=member, evse_id=0, site_key=key))
            elif whole.site_key != key:
                # On its way out of another site: everything there is of it counts anew.
                await db.execute(update(ShareRow).where(col(ShareRow.charger_key) == member).values(site_key=key))
                whole.asked, whole.worst, whole.sure, whole.asking_until = None, None, False, None
        await db.flush()

    async def limit_site(
        self, site_id: str, *, amperes: Decimal | None, watts: Decimal | None, until: datetime | None, db: AsyncSession
    ) -> bool:
        row = await db.get(SiteRow, site_id.casefold(), with_for_update=True)
        if row is None:
            return False
        site = read_site(row.id, ocppj.loads(row.document))
        limited = amperes is not None or watts is not None
        row.external_a = site.amperes(limit_a=amperes, limit_w=watts) if limited else None
        row.external_until = until if limited else None
        return True

    async def remove_site(self, site_id: str, db: AsyncSession) -> bool:
        """Its chargers are freed of what they were told, as soon as they can be asked."""
        row = await db.get(SiteRow, site_id.casefold(), with_for_update=True)
        if row is None:
            return False
        await db.delete(row)
        await _set_free(db, col(ShareRow.site_key) == row.key)
        return True

    async def sites(self, db: AsyncSession) -> Sequence[SiteRecord]:
        """All, by id."""
        rows = list(await db.scalars(select(SiteRow).order_by(col(SiteRow.key))))
        return [await self._record(row, db) for row in rows]

    async def site(self, site_id: str, db: AsyncSession) -> SiteRecord | None:
        row = await db.get(SiteRow, site_id.casefold())
        return None if row is None else await self._record(row, db)

    async def _record(self, row: SiteRow, db: AsyncSession) -> SiteRecord:
        now = self._now()
        site = read_site(row.id, ocppj.loads(row.document))
        external = external_of(row, now=now)
        lanes = site.lanes(external)
        standings = await standings_of(db, row.key, site, now=now)
        outlets = [(standing, outlet) for standing in standings for outlet in outlets_of(site, standing, now=now)]
        sums: dict[str, dict[int, Decimal]] = {}
        for circuit, phase in sorted(lanes):
            load = sum((o.counts((circuit, phase)) for _, o in outlets), ZERO)
            sums.setdefault(circuit or "site", {})[phase] = load
        return SiteRecord(
            id=row.id,
            document=site.document,
            limit_a=lanes["", 1],
            outlets=tuple(_outlet(site, standing, outlet, now) for standing, outlet in outlets),
            counts_a=sums,
            over_limit=any(sums[c or "site"][phase] > limit for (c, phase), limit in lanes.items()),
            external_a=external,
            external_until=row.external_until if external is not None else None,
        )

    async def prefer(self, transaction_id: str, preference: Preference, db: AsyncSession) -> None:
        charger = await db.scalar(
            select(col(TransactionRow.charger_key)).where(
                col(TransactionRow.id) == transaction_id, col(TransactionRow.ended_at).is_(None)
            )
        )
        if charger is not None:
            said = {
                "departure_at": preference.departure_at,
                "energy_wh": preference.energy_wh,
                "fast": preference.fast,
            }
            await wishing.keep(db, transaction_id, "driver", charger_key=charger, said=said, at=self._now())

    async def most_power(self, transaction_id: str, db: AsyncSession) -> Decimal | None:
        row = await db.get(TransactionRow, transaction_id)
        share = None if row is None else await db.get(ShareRow, (row.charger_key, 0))
        place = None if share is None or not share.site_key else await db.get(SiteRow, share.site_key)
        if row is None or place is None:
            return None
        site = read_site(place.id, ocppj.loads(place.document))
        member = site.members.get(row.charger_key)
        if member is None:
            return None
        amperes = min([member.maximum, *(site.limits[circuit] for circuit in member.circuits)])
        return amperes * site.voltage * len(member.phases)

    async def profiles(self, charger_id: str | None, db: AsyncSession) -> Sequence[ProfileRecord]:
        """By charger; the profiles of transactions that have ended are gone with them."""
        row = ProfileRow
        ended = select(col(TransactionRow.id)).where(
            col(TransactionRow.id) == col(row.transaction_id), col(TransactionRow.ended_at).is_not(None)
        )
        query = select(row).where(~ended.exists()).order_by(col(row.charger_key), col(row.evse_id), col(row.profile_id))
        if charger_id is not None:
            query = query.where(col(row.charger_key) == charger_id.casefold())
        return [
            ProfileRecord(found.charger_id, found.evse_id, read_profile(ocppj.loads(found.document)), found.source)
            for found in await db.scalars(query.limit(1000))
        ]

    async def needs(self, charger_id: str | None, db: AsyncSession) -> Sequence[NeedsRecord]:
        return await needs.listed(db, charger_id, now=self._now())

    async def reservations(self, charger_id: str | None, db: AsyncSession) -> Sequence[ReservationRecord]:
        return await reservations.listed(db, charger_id, now=self._now())


def _outlet(site: Site, standing: Standing, outlet: Outlet, now: datetime) -> OutletRecord:
    evse = int(outlet.key.rpartition("/")[2])
    row = standing.rows.get(evse)
    asked = row.asked if row is not None else None
    parked = standing.parked.get(evse)
    wanted = parked.wanted if parked is not None else Wanted()
    watts = (asked or ZERO) * site.voltage * (wanted.phases or len(standing.member.phases))
    charged = parked.charged_wh if parked is not None else ZERO
    return OutletRecord(
        charger_id=standing.member.id,
        evse_id=evse,
        circuit=standing.member.circuits[-1],
        phases=tuple(phase for phase in standing.member.phases if ("", phase) in outlet.lanes),
        state=_state(standing, outlet, asked),
        limit_a=asked if outlet.wish is not Wish.NONE or evse == 0 else standing.whole.asked,
        counts_a=outlet.bound,
        drawing_a=row.drawing if row is not None else None,
        transaction_id=parked.transaction_id if parked is not None else None,
        departure_at=wanted.departure_at,
        in_time=in_time(wanted, charged_wh=charged, power_w=watts, now=now),
    )


def _state(standing: Standing, outlet: Outlet, asked: Decimal | None) -> str:
    if not standing.online:
        return "offline"
    if standing.whole.refused_at is not None:
        return "refuses"
    if outlet.wish is Wish.NONE:
        row = standing.rows.get(int(outlet.key.rpartition("/")[2]))
        return "expected" if row is not None and row.expected_until is not None else "free"
    if outlet.wish is Wish.FULL:
        return "full"
    return "charging" if (asked or ZERO) >= outlet.minimum else "waiting"


async def _require_free(db: AsyncSession, site: Site, key: str) -> None:
    """Raises SiteProblem for a charger that does not exist or belongs to another site."""
    members = list(site.members)
    there = set(await db.scalars(select(col(ChargerRow.key)).where(col(ChargerRow.key).in_(members))))
    for name, member in site.members.items():
        if name not in there:
            raise SiteProblem("chargers", f"there is no charger {member.id}")
    others = select(col(ShareRow.charger_key), col(ShareRow.site_key)).where(
        col(ShareRow.charger_key).in_(members), col(ShareRow.site_key).not_in(["", key])
    )
    for name, other in await db.execute(others):
        raise SiteProblem("chargers", f"{site.members[name].id} belongs to the site {other}")


async def _set_free(db: AsyncSession, *where: Any) -> None:
    await db.execute(update(ShareRow).where(*where).values(site_key="", asking_until=None))
