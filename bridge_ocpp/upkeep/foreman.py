"""Asks what is due of the chargers that are connected to this process. Rows decide; nothing is remembered here.

A process that dies in between leaves a row that says "asked" and no outcome: it is asked again after a while.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from bridge_ocpp import commands
from bridge_ocpp.connected import Connected
from bridge_ocpp.desk import Desk
from bridge_ocpp.port import Outcome, OutcomeStatus
from bridge_ocpp.speaker import ACCEPTED
from bridge_ocpp.upkeep import firmware, logs, publishing
from bridge_ocpp.upkeep.errands import Errand, Trade

log = structlog.get_logger()

_WELCOME = (ACCEPTED, None)
"""One whose boot waits or was refused is asked nothing; one that never booted may be a charger that never does."""
TRADES: Sequence[Trade] = (firmware.Rollouts(), logs.Logs(), publishing.Publishing())


class Foreman:
    """`connections` are the chargers that are here now, by key."""

    def __init__(self, desk: Desk, connections: Mapping[str, Connected]) -> None:
        self._desk = desk
        self._connections = connections
        self._asking: set[asyncio.Task[None]] = set()

    async def go_round(self) -> None:
        """Take what is due and ask it, each charger by itself."""
        here = [key for key, connection in self._connections.items() if connection.speaker.boot_answer in _WELCOME]
        patience = timedelta(seconds=self._desk.config.charger_timeout * 2 + self._desk.config.write_timeout)
        for trade in TRADES:
            due = partial(trade.due, here=here, now=self._desk.now(), patience=patience)
            for errand in await self._desk.ledger.write(due):
                task = asyncio.create_task(self._run(trade, errand))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)

    def stop(self) -> None:
        """Ask nobody any more."""
        for task in self._asking:
            task.cancel()

    async def _run(self, trade: Trade, errand: Errand) -> None:
        outcome = await self._ask(errand)
        try:
            await self._desk.ledger.write(lambda db: trade.asked(db, errand, outcome, now=self._desk.now()))
        except Exception as error:  # the row says that it was asked; it is asked again after a while
            log.exception("upkeep.outcome_lost", charger=errand.charger_key, error=type(error).__name__)

    async def _ask(self, errand: Errand) -> Outcome:
        connection = self._connections.get(errand.charger_key)
        if connection is None or connection.asker.gone:
            return Outcome(OutcomeStatus.OFFLINE)
        try:
            return await commands.execute(connection, errand.command, within=self._desk.config.charger_timeout)
        except Exception as error:
            log.exception("upkeep.not_asked", charger=errand.charger_key, error=type(error).__name__)
            return Outcome(OutcomeStatus.FAILED, "the bridge could not ask the charger")
