"""Transactions: from messages that come doubled, late and shuffled to one row, told to the business side once."""

from bridge_ocpp.transactions.placing import AT_THE_WHOLE, at_the_only_evse, names_no_place
from bridge_ocpp.transactions.taking import (
    Answered,
    answered,
    metered,
    settle_due,
    status_changed,
    take,
    verdict_at_start,
)

__all__ = [
    "AT_THE_WHOLE",
    "Answered",
    "answered",
    "at_the_only_evse",
    "metered",
    "names_no_place",
    "settle_due",
    "status_changed",
    "take",
    "verdict_at_start",
]
