"""The balancer of sites: looks at the rows, decides, writes down what may happen from now on, and only then asks.

Any bridge process may decide, one at a time; what was decided stands in the rows, so that another that takes over, or a
process that starts again, counts it. Questions go through the relay to whoever holds the charger.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp import ocppj
from bridge_ocpp.ledger import Ledger
from bridge_ocpp.port import (
    ChargerPort,
    ChargingProfile,
    ClearProfiles,
    Command,
    HubPort,
    Kind,
    LimitChanged,
    LimitTransaction,
    Outcome,
    OutcomeStatus,
    Purpose,
    RateUnit,
    SetProfile,
    read_schedule,
)
from bridge_ocpp.smart import needs, shares
from bridge_ocpp.smart.ahead import constant
from bridge_ocpp.smart.applying import FIRST_CAR_ID, LEVEL, NEWCOMER_ID, WHOLE_ID, share_of
from bridge_ocpp.smart.looking import DECIDING, external_of, standings_of
from bridge_ocpp.smart.profiles import converted
from bridge_ocpp.smart.shares import ASKING
from bridge_ocpp.smart.sites import Site, read_site
from bridge_ocpp.smart.standing import Ask, Parked, Standing, What
from bridge_ocpp.smart.tables import CeilingRow, ShareRow, SiteRow

log = structlog.get_logger()

_ALONE = text(f"SELECT pg_try_advisory_xact_lock({DECIDING})")
FREEING = timedelta(minutes=1)
"""Between two tries to free a charger that left its site."""


@dataclass(frozen=True, slots=True)
class Question:
    """An Ask with the words for it; `row_id` is the row that it is about."""

    ask: Ask
    charger_id: str
    command: Command


class Balancer:
    """One per bridge process. `sharing` is kept up to date with the chargers of all sites."""

    def __init__(
        self, ledger: Ledger, hub: HubPort, port: ChargerPort, *, now: Callable[[], datetime], sharing: set[str]
    ) -> None:
        self._ledger = ledger
        self._hub = hub
        self._port = port
        self._now = now
        self._sharing = sharing
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """One look at all sites: what has to be asked is asked, without waiting for the answers."""
        keys = set(await self._ledger.write(_sharing))
        self._sharing.clear()
        self._sharing.update(keys)
        if not keys:
            return
        now = self._now()
        questions, freed = await self._ledger.write(lambda db: _decided(db, now))
        for question in questions:
            self._soon(self._ask(question))
        for row in freed:
            self._soon(self._free(row))

    async def idle(self) -> None:
        """Wait until nothing is being asked."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    def stop(self) -> None:
        """Ask nothing more. What is under way counts with the worst that may come of it."""
        for task in self._tasks:
            task.cancel()

    def _soon(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("balancer.failed", error=type(error).__name__, exc_info=error)

    async def _ask(self, question: Question) -> None:
        ask = question.ask
        outcome = await self._port.ask(question.charger_id, question.command, within=ASKING * 0.9)
        left = await self._ledger.write(lambda db: _settled(db, self._hub, question, outcome, now=self._now()))
        if left is not None:
            # What newcomers were told would hold back cars that nobody raises any more.
            await self._port.ask(question.charger_id, ClearProfiles(profile_id=NEWCOMER_ID), within=ASKING * 0.9)
            await self._ledger.write(lambda db: _over(db, ask.charger_key, left))

    async def _free(self, row: ShareRow) -> None:
        """A charger that left its site, or whose site is gone, is as it was; a partner's ceiling stays."""
        commands: list[Command] = [ClearProfiles(profile_id=FIRST_CAR_ID + row.evse_id)]
        if row.evse_id == 0:
            commands = [ClearProfiles(profile_id=NEWCOMER_ID), ClearProfiles(profile_id=WHOLE_ID)]
        for command in commands:
            outcome = await self._port.ask(row.charger_key, command, within=ASKING)
            if outcome.status in (OutcomeStatus.OFFLINE, OutcomeStatus.TIMEOUT):
                return
        ceiling = await self._ledger.write(lambda db: _forgotten(db, row))
        if ceiling is not None:
            again = LimitTransaction(str(row.transaction_id), read_schedule(ocppj.loads(ceiling)))
            await self._port.ask(row.charger_key, again, within=ASKING)


# --- deciding ------------------------------------------------------------------------------------------------


async def _sharing(db: AsyncSession) -> Sequence[str]:
    return list(await db.scalars(select(col(ShareRow.charger_key)).where(col(ShareRow.evse_id) == 0)))


async def _decided(db: AsyncSession, now: datetime) -> tuple[list[Question], list[ShareRow]]:
    """What to ask, reserved in the rows; and what to set free. Nothing while another process decides."""
    if not await db.scalar(_ALONE):
        return [], []
    questions: list[Question] = []
    for row in list(await db.scalars(select(SiteRow).order_by(col(SiteRow.key)))):
        site = read_site(row.id, ocppj.loads(row.document))
        await needs.adopt(db, row.key, now=now)
        standings = await standings_of(db, row.key, site, now=now, lock=True)
        for standing in standings:
            before = set(standing.rows)
            for gone in shares.follow(standing, now=now):
                await db.delete(gone)
            await db.flush()
            db.add_all(standing.rows[evse] for evse in set(standing.rows) - before)
        asks = shares.decide(site, site.lanes(external_of(row, now=now)), standings, now=now)
        chargers = {standing.key: standing for standing in standings}
        questions += [_question(site, chargers[ask.charger_key], ask, now) for ask in asks]
    return questions, await _to_be_freed(db, now)


async def _to_be_freed(db: AsyncSession, now: datetime) -> list[ShareRow]:
    due = col(ShareRow.asking_until).is_(None) | (col(ShareRow.asking_until) <= now)
    query = select(ShareRow).where(col(ShareRow.site_key) == "", due).order_by(col(ShareRow.evse_id).desc()).limit(50)
    rows = list(await db.scalars(query.with_for_update()))
    for row in rows:
        row.asking_until = now + FREEING
    return rows


def _question(site: Site, standing: Standing, ask: Ask, now: datetime) -> Question:
    unit, phases = ask.way.unit, len(standing.member.phases)
    if ask.what is What.CAR:
        parked = standing.parked.get(ask.evse_id, Parked(str(ask.transaction_id)))
        command: Command = share_of(site, standing.member, parked, ask.to, unit=unit)
        return Question(ask, standing.member.id, command)
    limit = converted(ask.to, RateUnit.A, unit, voltage=site.voltage, phases=phases)
    profile = ChargingProfile(NEWCOMER_ID, Purpose.DEFAULT, Kind.RELATIVE, LEVEL, constant(limit, unit))
    if ask.what is What.WHOLE:
        schedule = constant(limit, unit)
        since = now.replace(microsecond=0)
        profile = ChargingProfile(
            WHOLE_ID,
            Purpose.STATION,
            Kind.ABSOLUTE,
            LEVEL,
            type(schedule)(unit, schedule.periods, since),
        )
    return Question(ask, standing.member.id, SetProfile(0, profile))


# --- answers -------------------------------------------------------------------------------------------------


async def _settled(
    db: AsyncSession, hub: HubPort, question: Question, outcome: Outcome, *, now: datetime
) -> int | None:
    """Take note of an answer, and tell whoever set a profile there.

    A number when newcomers are not limited by a profile of their own any more, because the charger is limited as a
    whole from now on or takes no limits: until that profile is gone, nothing else is asked there.
    """
    ask = question.ask
    keys = [(ask.charger_key, 0), *([(ask.charger_key, ask.evse_id)] if ask.evse_id else [])]
    rows = [await db.get(ShareRow, key, with_for_update=True) for key in keys]
    whole, row = rows[0], rows[-1]
    if whole is None or row is None:
        return None
    current = row.number == ask.number
    refused_before = whole.refused_at
    changed = shares.answered(row, whole, ask, outcome.status, now=now)
    if not outcome.accepted:
        log.info("balancer.not_accepted", charger=question.charger_id, outcome=outcome.status, detail=outcome.detail)
    if changed and ask.what is not What.NEWCOMER:
        await hub.heard(LimitChanged(question.charger_id, now, ask.evse_id, "site"), db)
    if whole.refused_at is not None and whole.refused_at != refused_before:
        log.warning("balancer.refuses_profiles", charger=question.charger_id, detail=outcome.detail)
    elif not (current and ask.what is What.WHOLE and ask.first and outcome.accepted):
        return None
    whole.asking_until = now + ASKING
    return whole.number


async def _over(db: AsyncSession, charger_key: str, number: int) -> None:
    whole = await db.get(ShareRow, (charger_key, 0), with_for_update=True)
    if whole is not None and whole.number == number:
        whole.asking_until = None


async def _forgotten(db: AsyncSession, row: ShareRow) -> str | None:
    """The row is gone; the ceiling that its transaction has, as JSON."""
    key = (col(ShareRow.charger_key) == row.charger_key, col(ShareRow.evse_id) == row.evse_id)
    await db.execute(delete(ShareRow).where(*key, col(ShareRow.site_key) == ""))
    ceiling = await db.get(CeilingRow, row.transaction_id) if row.transaction_id is not None else None
    return None if ceiling is None else ceiling.document
