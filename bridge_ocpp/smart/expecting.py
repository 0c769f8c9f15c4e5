"""What a car that is started from afar may draw from its first ampere on, reserved before the charger is asked.

No I/O: the rows are given. The profile that travels with the remote start ends by itself, and is counted until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bridge_ocpp.smart.outlets import outlets_of
from bridge_ocpp.smart.plan import Wish, orders
from bridge_ocpp.smart.sites import Lane, Site
from bridge_ocpp.smart.standing import Standing
from bridge_ocpp.smart.tables import ShareRow

ZERO = Decimal(0)
VALID = timedelta(minutes=2)
"""For so long the profile of a remote start holds: a car that is plugged in later begins like any newcomer."""
CLOCKS = timedelta(minutes=1)
"""A charger's clock may be so much behind: until then what was given counts."""


def expect(
    site: Site, limits: Mapping[Lane, Decimal], standings: Sequence[Standing], *, at: tuple[str, int], now: datetime
) -> ShareRow | None:
    """What a car may draw that is about to come to the EVSE `at`, as its row: counted from now on.

    It is given what is free now; where others would have to be lowered first, what every newcomer may draw. None where
    no profile of a car can be set: the charger obeys none, is limited as a whole, or has a car there.
    """
    key, evse = at
    standing = next((one for one in standings if one.key == key), None)
    if standing is None or standing.way.whole or not standing.obeys or evse in standing.parked:
        return None
    if evse not in standing.evses:
        return None
    row = standing.rows.setdefault(
        evse,
        ShareRow(charger_key=key, evse_id=evse, site_key=standing.whole.site_key, worst=ZERO, sure=True, since=now),
    )
    outlets = [
        replace(outlet, wish=Wish.CHARGE, obeys=True) if outlet.key == f"{key}/{evse}" else outlet
        for one in standings
        for outlet in outlets_of(site, one, now=now)
    ]
    found = {order.key: order.to for order in orders(limits, outlets)}
    row.asked = max(found.get(f"{key}/{evse}", site.start), site.start)
    row.worst = max(row.worst or ZERO, row.asked)
    row.sure, row.expected_until = False, now + VALID + CLOCKS
    row.number += 1
    return row


def came(row: ShareRow, transaction_id: str, *, now: datetime) -> None:
    """The car is there: what it was given is asked again, now for its transaction."""
    row.transaction_id, row.expected_until, row.asking_until = transaction_id, None, None
    row.since, row.raised_at, row.sure = now, now, False
    row.number += 1
