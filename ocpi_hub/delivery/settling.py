"""What becomes of a debt after a call, of its platform, and what the ledger keeps of it.

Told goes. Refused is written down and not repeated, but a refused CDR goes on the dead-letter list: it is money.
Everything else is tried again, by the lane's own backoff or by that of the whole platform.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from random import random
from typing import Any, cast

import structlog
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.delivery import backoff, outages, outbox
from ocpi_hub.delivery.letters import Called, Letter
from ocpi_hub.delivery.outages import Known, Trouble
from ocpi_hub.delivery.outbox import Debt, Return
from ocpi_hub.delivery.tables import Attempt
from ocpi_hub.dialects.profile import Profile
from ocpi_hub.objects.kinds import CDRS, KINDS
from ocpi_hub.partners.client import Refused, Result, Told, Unreachable

log = structlog.get_logger()

_LEDGER = insert(cast(Table, Attempt.__table__))  # type: ignore[attr-defined]

OVERLOADED = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses that speak for the whole platform, and not for one request."""


class Verdict(Enum):
    """What an outcome means for the debt."""

    TOLD = "told"
    REFUSED = "refused"  # the partner does not want this; the same again would be refused again
    LATER = "later"  # the partner has trouble with this one; the lane waits
    DOWN = "down"  # the platform takes nothing just now; all its lanes wait


def verdict(result: Result) -> Verdict:
    """What to do about an outcome. An OCPI 3xxx or 4xxx is the partner's own trouble, not the message's."""
    match result:
        case Told():
            return Verdict.TOLD
        case Unreachable(http_status=status):
            return Verdict.DOWN if status is None or status in OVERLOADED else Verdict.LATER
        case Refused(http_status=401 | 403):
            return Verdict.DOWN
        case Refused(ocpi_status=status):
            return Verdict.LATER if status is not None and status >= 3000 else Verdict.REFUSED


def speaks(result: Result | None) -> bool:
    """Whether an outcome shows that the platform is there: it answered in OCPI, and knows us."""
    return isinstance(result, Told | Refused) and verdict(result) is not Verdict.DOWN


async def settle(
    db: AsyncSession,
    platform_id: str,
    outage: Known | None,
    called: Sequence[Called],
    *,
    profile: Profile,
    at: datetime,
) -> Known | None:
    """Write down what came of calls to one platform. `outage` is its outage before them; gives that after them.

    What its profile does not want to be told a second time goes with the first failure.
    """
    await outbox.give_back(db, [_kept(_return(one, at=at), profile) for one in called], at=at)
    answers = [(one.letter, one.result) for one in called if one.result is not None]
    if not answers:
        return outage
    await db.execute(_LEDGER, [_attempt(letter, result) for letter, result in answers])
    for letter, result in answers:
        _say(letter.debt, result)
    troubles = [trouble for letter, result in answers if (trouble := _trouble(letter, result)) is not None]
    if len(troubles) < len(answers):
        if outage is not None:
            await outages.over(db, platform_id)
        return None
    worst = max(troubles, key=lambda trouble: (trouble.down, trouble.retry_after or 0.0))
    return await outages.went_on(db, platform_id, outage, worst, at=at, jitter=random())


def _return(called: Called, *, at: datetime) -> Return:
    """How a debt is given back."""
    debt, result = called.letter.debt, called.result
    if result is None:
        return Return(debt)
    match verdict(result):
        case Verdict.TOLD:
            return Return(debt, paid=True)
        case Verdict.REFUSED:
            money = debt.kind == CDRS.module
            return Return(debt, dead=True, error=_message(result)) if money else Return(debt, paid=True)
        case Verdict.LATER:
            retry_after = result.retry_after if isinstance(result, Unreachable) else None
            wait = backoff.wait(debt.attempts + 1, jitter=random(), retry_after=retry_after)
            return Return(debt, failed=True, due_at=at + timedelta(seconds=wait), error=_message(result))
        case Verdict.DOWN:
            return Return(debt, failed=True, due_at=at, error=_message(result))


def _kept(returned: Return, profile: Profile) -> Return:
    """A debt that failed, unless this partner is not to be told again: then it goes, and a CDR is for the operator."""
    kind = returned.debt.kind
    if not returned.failed or profile.retries(kind):
        return returned
    log.warning("delivery.not_repeated", platform=returned.debt.platform_id, module=kind, reason=returned.error)
    return Return(returned.debt, paid=kind != CDRS.module, dead=kind == CDRS.module, error=returned.error)


def _trouble(letter: Letter, result: Result) -> Trouble | None:
    """What a call says about the platform; None: it is there, whatever it thinks of the letter."""
    if speaks(result):
        return None
    retry_after = result.retry_after if isinstance(result, Unreachable) else None
    down = verdict(result) is Verdict.DOWN
    return Trouble(letter.began_at, _message(result) or "", down=down, retry_after=retry_after)


def _attempt(letter: Letter, result: Result) -> dict[str, Any]:
    """A row of the ledger."""
    debt = letter.debt
    return {
        "platform_id": debt.platform_id,
        "lane": debt.lane,
        "kind": debt.kind,
        "verb": letter.verb,
        "at": letter.began_at,
        "milliseconds": result.milliseconds,
        "outcome": type(result).__name__.lower(),
        "http_status": result.http_status,
        "ocpi_status": _ocpi_status(result),
        "message": _message(result),
        "request_id": result.request_id,
        "correlation_id": debt.correlation_id,
        "attempt": debt.attempts + 1,
    }


def _ocpi_status(result: Result) -> int | None:
    match result:
        case Told(answer=answer):
            return answer.status_code
        case Refused(ocpi_status=status):
            return status
        case Unreachable():
            return None


def _message(result: Result) -> str | None:
    """The partner's refusal, or why it was not reached."""
    match result:
        case Told():
            return None
        case Refused(message=message):
            return message
        case Unreachable(reason=reason):
            return reason


def _say(debt: Debt, result: Result) -> None:
    """One log line. The lane of a token names a driver's card, and stays out."""
    kind = KINDS.get(debt.kind)
    named: dict[str, Any] = {"module": debt.kind} if kind and kind.typed else {"lane": debt.lane}
    named |= {"platform": debt.platform_id, "ms": result.milliseconds, "correlation": debt.correlation_id}
    if isinstance(result, Told):
        log.info("delivery.told", **named)
    else:
        event = "delivery.refused" if verdict(result) is Verdict.REFUSED else "delivery.failed"
        log.warning(event, reason=_message(result), attempt=debt.attempts + 1, **named)
