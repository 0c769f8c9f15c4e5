"""Where work becomes true: a bounded number of transactions, each committed before its result is handed back.

Nobody here calls commit: the unit of work does on leaving. How many messages share one commit is decided here alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
UnitOfWork = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Work = Callable[[AsyncSession], Awaitable[T]]

ATTEMPTS = 5
_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected: PostgreSQL asks for another try


class Ledger:
    """Runs work in transactions, at most `writers` at a time, first come first served."""

    def __init__(self, unit_of_work: UnitOfWork, *, writers: int, askers: int, timeout: float) -> None:
        self._unit_of_work = unit_of_work
        self._timeout = timeout
        self._writing = asyncio.Semaphore(writers)
        self._asking = asyncio.Semaphore(askers)

    async def write(self, work: Work[T]) -> T:
        """The result of `work(db)`, once it is committed. The work may run more than once, each time from scratch.

        Raises TimeoutError when it takes too long: one message that hangs must not hold up all others.
        """
        async with self._writing:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    async with asyncio.timeout(self._timeout):
                        return await self._once(work)
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) not in _AGAIN or attempt == ATTEMPTS:
                        raise
            raise AssertionError("unreachable")

    async def ask(self, work: Work[T]) -> T:
        """The same for work that may wait for others, so that it never holds up the writers. It runs once."""
        async with self._asking:
            return await self._once(work)

    async def _once(self, work: Work[T]) -> T:
        async with self._unit_of_work() as db:
            return await work(db)
