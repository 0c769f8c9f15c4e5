"""When to try again: the table of waits, its jitter, and what a partner's Retry-After may change.

Pure: no clock and no randomness of its own. Waits are in seconds.
"""

from typing import Final

WAITS: Final = (0.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""The wait before each try; the last one stands for all that follow."""

LONGEST: Final = WAITS[-1]
JITTER: Final = 0.2


def wait(failures: int, *, jitter: float, retry_after: float | None = None) -> float:
    """Seconds to wait after so many failures in a row.

    `jitter` is a random number in [0, 1): the wait varies by 20 % around the table, so that what failed together
    does not come back together. A Retry-After makes the wait longer, never shorter, and at most an hour.
    """
    table = WAITS[min(max(failures, 0), len(WAITS) - 1)]
    wait = table * (1 - JITTER + 2 * JITTER * jitter)
    return max(wait, min(retry_after or 0.0, LONGEST))
