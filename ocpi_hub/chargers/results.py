"""The CommandResult of a partner's command: found once, owed to its response_url, never sent twice."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import Outcome
from ocpi_hub.base.jobs import ring_after_commit
from ocpi_hub.chargers import profile_words as profiles
from ocpi_hub.chargers.mapping import command_result
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.delivery import outbox
from ocpi_hub.delivery.jobs import drain
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId

log = structlog.get_logger()

WORTH_TELLING = timedelta(minutes=10)
"""How long a result is retried: nobody waits longer for a charger to start."""


async def settle(db: AsyncSession, row: PartnerCommand, outcome: Outcome, *, at: datetime) -> bool:
    """Write how the charger took a command, and owe it to the partner.

    False when a TIMEOUT has been told before: then it is only noted.
    """
    result = command_result(outcome.status)
    if row.outcome is not None:
        if row.late_outcome is None and row.outcome == "TIMEOUT":
            row.late_outcome = result
            log.warning("command.answered_late", command=row.id, result=result)
        return False
    row.state, row.outcome, row.answered_at = "ANSWERED", result, at
    row.detail = outcome.detail[:512] or None
    log.info("command.answered", command=row.id, type=row.type, charger=row.charger_id, result=result)
    await _owe(db, row, _told(row, outcome), at=at)
    return True


def _told(row: PartnerCommand, outcome: Outcome) -> dict[str, Any]:
    if row.type in profiles.WISHES:
        return profiles.result(row, outcome)
    return _command_result(row, "" if outcome.accepted else outcome.detail)


async def owe(db: AsyncSession, row: PartnerCommand, reason: str, *, at: datetime) -> None:
    """Owe the row's outcome to its response_url, from our party to the one that sent the command."""
    await _owe(db, row, _command_result(row, reason), at=at)


def _command_result(row: PartnerCommand, reason: str) -> dict[str, Any]:
    text = " ".join("".join(c if c.isprintable() else " " for c in reason).split())[:512]
    return {"result": row.outcome, **({"message": [{"language": "en", "text": text}]} if text else {})}


async def _owe(db: AsyncSession, row: PartnerCommand, document: dict[str, Any], *, at: datetime) -> None:
    await outbox.owe_message(
        db,
        platform_id=row.platform_id,
        lane=f"commands/{row.id}",
        url=row.response_url,
        verb="POST",
        body=wire_json.dumps(document),
        from_party=PartyId(row.owner_country_code, row.owner_party_id),
        to_party=PartyId(row.from_country_code, row.from_party_id),
        correlation_id=row.correlation_id,
        at=at,
        expires_at=at + WORTH_TELLING,
    )
    ring_after_commit(db, drain, row.platform_id)
