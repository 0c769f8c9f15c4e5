"""One charge as these tests tell it: an hour at EVSE 1 of BOX-1, 10 kWh, and whatever a test changes of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge_ocpp.port import (
    Sample,
    StateChange,
    Transaction,
    TransactionCorrected,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from tests.chargers.house import START, House, register, state, transaction

SAMPLES = (register(0, 1000, context="Transaction.Begin"), register(30, 6000), register(60, 11000))
STATES = (state(0, "Charging"),)


async def start(house: House, found: Transaction | None = None) -> None:
    await house.hear(TransactionStarted("BOX-1", house.now, found or transaction()))


async def update(house: House, *, samples: tuple[Sample, ...] = (), **facts: Any) -> None:
    found = transaction(**facts)
    house.bridge.known[found.id] = (found, samples, STATES)
    await house.hear(TransactionUpdated("BOX-1", house.now, found, samples[-1:]))


def over(**facts: Any) -> Transaction:
    """The transaction after an hour and 10 kWh."""
    plain = {"ended_at": START + timedelta(hours=1), "energy_wh": Decimal(10_000), "stop_reason": "Local"}
    return transaction(**(plain | facts))


async def end(
    house: House, *, samples: tuple[Sample, ...] = SAMPLES, states: tuple[StateChange, ...] = STATES, **facts: Any
) -> None:
    house.now = START + timedelta(hours=1, seconds=2)
    await house.hear(TransactionEnded("BOX-1", house.now, over(**facts), samples, states))


async def correct(house: House, *, samples: tuple[Sample, ...] = SAMPLES, **facts: Any) -> None:
    house.tick(hours=1)
    await house.hear(TransactionCorrected("BOX-1", house.now, over(**facts), samples, STATES))
