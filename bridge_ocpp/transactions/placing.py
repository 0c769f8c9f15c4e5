"""A start that names no place: connector 0 is the charger as a whole, and no car can be plugged in there (OCPP 1.6,
StartTransaction: connectorId > 0). With one EVSE it is plain which one is meant; with more nothing is guessed.
"""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bridge_ocpp.dialects.words import Stage, TransactionTold
from bridge_ocpp.tables import ConnectorRow

AT_THE_WHOLE = "a start at connector 0"


def names_no_place(told: TransactionTold) -> bool:
    """Whether it is a start at the charger as a whole, by one that waits for us to name its transaction."""
    return told.stage is Stage.STARTED and told.ocpp_id is None and told.evse_id == 0


async def at_the_only_evse(db: AsyncSession, told: TransactionTold, charger_key: str) -> TransactionTold:
    """The same news at the EVSE of a charger that has just one, or as it was."""
    row = ConnectorRow
    query = select(col(row.evse_id)).where(col(row.charger_key) == charger_key, col(row.evse_id) > 0).distinct()
    evses = list(await db.scalars(query.limit(2)))
    return replace(told, evse_id=evses[0]) if len(evses) == 1 else told
