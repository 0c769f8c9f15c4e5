"""The table of waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpi_hub.delivery import backoff


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (1, 5), (2, 30), (3, 120), (4, 600), (5, 1800), (6, 3600), (7, 3600), (1000, 3600)],
)
def test_the_table(failures: int, seconds: float) -> None:
    assert backoff.wait(failures, jitter=0.5) == seconds


@given(st.integers(0, 100), st.floats(0, 1, exclude_max=True))
def test_the_jitter_is_a_fifth_each_way(failures: int, jitter: float) -> None:
    middle = backoff.wait(failures, jitter=0.5)
    assert 0.8 * middle <= backoff.wait(failures, jitter=jitter) <= 1.2 * middle


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({backoff.wait(3, jitter=n / 10) for n in range(10)}) == 10


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(None, 30), (0, 30), (10, 30), (31, 31), (900, 900), (3600, 3600), (86400, 3600), (1e12, 3600)],
)
def test_retry_after_makes_it_longer_and_at_most_an_hour(retry_after: float | None, seconds: float) -> None:
    assert backoff.wait(2, jitter=0.5, retry_after=retry_after) == seconds
