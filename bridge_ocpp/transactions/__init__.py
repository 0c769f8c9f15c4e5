"""Transactions: from messages that come doubled, late and shuffled to one row, told to the business side once."""

from bridge_ocpp.transactions.taking import (
    Answered,
    answered,
    metered,
    settle_due,
    status_changed,
    take,
    verdict_at_start,
)

__all__ = ["Answered", "answered", "metered", "settle_due", "status_changed", "take", "verdict_at_start"]
