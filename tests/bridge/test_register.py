"""The register of a transaction's meter goes on where it stood, or has to be counted again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge_ocpp.meter import BEGIN
from bridge_ocpp.transactions.register import Standing

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
STANDS = Standing(Decimal(1000), NOON, Decimal(250))


def test_a_register_that_goes_on_delivers_its_newest_value_less_its_first() -> None:
    later = NOON + timedelta(minutes=1)
    assert STANDS.after(later, Decimal("1300.5"), "Sample.Periodic") == (Decimal(1000), later, Decimal("300.5"))
    assert STANDS.after(NOON, Decimal(1250), "Transaction.End") == STANDS


@pytest.mark.parametrize(
    ("standing", "minutes", "value", "context"),
    [
        (STANDS, 1, 1249, "Sample.Periodic"),  # backwards
        (STANDS, -1, 1300, "Sample.Periodic"),  # late
        (STANDS, 1, 1300, BEGIN),  # another beginning
        (Standing(None, None, None), 1, 1300, "Sample.Periodic"),  # no beginning
        (Standing(Decimal(1000), None, None), 1, 1300, "Sample.Periodic"),
    ],
)
def test_anything_else_is_counted_again(standing: Standing, minutes: int, value: int, context: str) -> None:
    assert standing.after(NOON + timedelta(minutes=minutes), Decimal(value), context) is None
