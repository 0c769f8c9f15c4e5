"""Which news of a running transaction is only the meter's, and may wait to be told: it is written with that of others.

What changes anything but the meter, or comes when the business side should hear again, is one message of its own.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from bridge_ocpp.dialects.words import Metered, TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.ledger import Ledger, Sharing
from bridge_ocpp.transactions.counting import loose_rows
from bridge_ocpp.transactions.together import Plain, plain, take_loose, take_plain

REMEMBERED = 50_000
"""Transactions of which this process knows when they were told last; one that is forgotten is told a little early."""


class News:
    """`interval` (seconds) is between two tellings of a transaction of which only the meter has news."""

    def __init__(self, ledger: Ledger, interval: float) -> None:
        self._interval = timedelta(seconds=interval)
        self._told: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._sharing: Sharing[Plain, str | None] = Sharing(ledger, take_plain, key=lambda item: item.key)
        self._loose: Sharing[list[dict[str, Any]], None] = Sharing(ledger, take_loose, key=id)

    async def take_loose(self, told: Metered, hearing: Hearing) -> None:
        """Write down readings of no transaction: nobody else has to know of them."""
        judged = hearing.speaker.judge(told.said, received=hearing.received)
        await self._loose.write(loose_rows(told, judged=judged, hearing=hearing))

    async def take(self, told: TransactionTold | Metered, hearing: Hearing, *, sharing: bool) -> bool:
        """Whether it was written down, committed; False: it needs a transaction of its own.

        `sharing`: a site shares its power by this charger's meter, which has to be looked at each time.
        """
        if not self._interval or told.ocpp_id is None or sharing:
            return False
        key = (hearing.speaker.key, told.ocpp_id)
        last = self._told.get(key)
        if last is None or not timedelta() <= hearing.received - last < self._interval:
            self._told[key] = hearing.received
            self._told.move_to_end(key)
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
            return False
        found = plain(told, hearing)
        return found is not None and await self._sharing.write(found) is not None
