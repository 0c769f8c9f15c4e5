"""The jobs of this room: asking chargers for partners, and the sweeps that repair what a crash left behind."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bridge_ocpp.port import ChargerPort, Outcome, OutcomeStatus
from ocpi_hub.base.jobs import job, ring_after_commit, scheduled
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import costs as _costs  # noqa: F401 - more jobs of this room
from ocpi_hub.chargers import limits as _limits  # noqa: F401 - more jobs of this room
from ocpi_hub.chargers import reservations, results, setters, smartness
from ocpi_hub.chargers.asking import charger_command
from ocpi_hub.chargers.profile_words import Wish
from ocpi_hub.chargers.tables import Authorization, PartnerCommand
from ocpi_hub.wire.commands import CommandType

log = structlog.get_logger()

BELL_LOST = timedelta(seconds=1)
"""How long a command may wait for its job before the sweep rings again."""
VERDICTS_KEPT = timedelta(days=7)
"""How long verdicts are remembered: a charger may tell of an offline start days later."""


@job("chargers.execute")
async def execute(resources: Resources, command_id: int) -> None:
    """Ask the charger for one command and owe the partner its answer. Asked once, however often the bell rings."""
    claim = (
        update(PartnerCommand)
        .where(
            col(PartnerCommand.id) == command_id,
            col(PartnerCommand.state) == "WAITING",
            col(PartnerCommand.deadline) > resources.clock(),
        )
        .values(state="ASKED")
        .returning(PartnerCommand)
    )
    async with resources.unit_of_work() as db:
        row = await db.scalar(claim)
    if row is None:
        return
    outcome = await _ask(resources, row)
    async with resources.unit_of_work() as db:
        query = select(PartnerCommand).where(PartnerCommand.id == command_id).with_for_update()
        asked = (await db.scalars(query.execution_options(populate_existing=True))).one()
        told = await results.settle(db, asked, outcome, at=resources.clock())
        if asked.type == Wish.SET:
            await smartness.learned(resources, asked.charger_id, outcome, db)
        if told and outcome.accepted and asked.type in _AFTERWARDS:
            await _AFTERWARDS[asked.type](resources, asked, db)


_AFTERWARDS: dict[str, Callable[[Resources, PartnerCommand, AsyncSession], Awaitable[None]]] = {
    CommandType.RESERVE_NOW: reservations.taken,
    CommandType.CANCEL_RESERVATION: reservations.given_up,
    Wish.SET: setters.taken,
}


async def _ask(resources: Resources, row: PartnerCommand) -> Outcome:
    within = min(timedelta(seconds=resources.settings.charger_timeout), row.deadline - resources.clock())
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    return await port.ask(row.charger_id, charger_command(row), within=within)


@scheduled(lambda resources: resources.settings.sweep_interval)
async def sweep(resources: Resources) -> None:
    """Ring again where a bell was lost, a TIMEOUT where a deadline passed unanswered, an end where nobody came."""
    now: datetime = resources.clock()
    open_ = select(PartnerCommand).where(col(PartnerCommand.state) != "ANSWERED")
    async with resources.unit_of_work() as db:
        late = open_.where(PartnerCommand.deadline <= now).with_for_update(skip_locked=True).limit(500)
        for row in await db.scalars(late):
            await results.settle(db, row, Outcome(OutcomeStatus.TIMEOUT, "The charger did not answer in time"), at=now)
        waiting = open_.where(
            PartnerCommand.state == "WAITING",
            PartnerCommand.deadline > now,
            PartnerCommand.received_at < now - BELL_LOST,
        )
        for row in await db.scalars(waiting.limit(500)):
            ring_after_commit(db, execute, row.id)
    async with resources.unit_of_work() as db:
        await reservations.expire(resources, db)


@scheduled(lambda resources: 3600.0)
async def forget_verdicts(resources: Resources) -> None:
    """Old verdicts have done their work: sessions carry what mattered of them."""
    async with resources.unit_of_work() as db:
        await db.execute(delete(Authorization).where(col(Authorization.at) < resources.clock() - VERDICTS_KEPT))
