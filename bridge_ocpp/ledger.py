"""Where work becomes true: a bounded number of transactions, each committed before its result is handed back.

Nobody here calls commit: the unit of work does on leaving. How many messages share one commit is decided here alone:
who comes while others are being written is written with whoever else came meanwhile, and nobody waits when all is calm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger()

T = TypeVar("T")
Item = TypeVar("Item")
UnitOfWork = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Work = Callable[[AsyncSession], Awaitable[T]]


class Left(Enum):
    """What work for several says of an item that would have to wait for somebody else: it is done alone."""

    LEFT = 0


LEFT = Left.LEFT
Shared = Callable[[AsyncSession, list[Item]], Awaitable[Sequence[T | Left]]]
"""Work for several at once: a result for each, in their order."""

AT_ONCE = 256
"""Messages that share one commit at most."""

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


class Sharing(Generic[Item, T]):
    """One kind of work that many sockets share. `key` names what an item locks: no two of a key are written together.

    A group that fails is undone and done again one by one, so that nobody pays for another's mistake. `alone`
    does that, and does what the group LEFT while others go on; where it is not given, `work` does, and leaves nothing.
    """

    def __init__(
        self,
        ledger: Ledger,
        work: Shared[Item, T],
        *,
        key: Callable[[Item], Any],
        alone: Shared[Item, T] | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._ledger = ledger
        self._work = work
        self._work_alone = alone or work
        self._key = key
        self._at_once = at_once
        self._left: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[Item, asyncio.Future[T]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def write(self, item: Item) -> T:
        """The item's result, once the transaction that it shares is committed. Raises what its own work raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group = self._next()
            if not group:
                return
            try:
                results = await self._ledger.write(lambda db, group=group: self._work(db, [item for item, _ in group]))  # type: ignore[misc]
            except Exception as error:
                if len(group) == 1:
                    _fail(group[0][1], error)
                    continue
                log.warning("ledger.group_failed", size=len(group), error=type(error).__name__)
                await asyncio.gather(*(self._alone(item, future) for item, future in group))
                continue
            for (item, future), result in zip(group, results, strict=True):
                if isinstance(result, Left):
                    task = asyncio.create_task(self._alone(item, future))
                    self._left.add(task)
                    task.add_done_callback(self._left.discard)
                elif not future.done():
                    future.set_result(result)

    def _next(self) -> list[tuple[Item, "asyncio.Future[T]"]]:
        """What is written now; nobody waits any more for what was cancelled."""
        taken: dict[Any, tuple[Item, asyncio.Future[T]]] = {}
        left, looked_at = [], 0
        for entry in self._waiting:
            if len(taken) >= self._at_once:
                break
            looked_at += 1
            if entry[1].done():
                continue
            key = self._key(entry[0])
            if key in taken:
                left.append(entry)
            else:
                taken[key] = entry
        self._waiting = left + self._waiting[looked_at:]
        return list(taken.values())

    async def _alone(self, item: Item, future: "asyncio.Future[T]") -> None:
        try:
            (result,) = await self._ledger.write(lambda db: self._work_alone(db, [item]))
            if isinstance(result, Left):
                raise RuntimeError("work alone leaves nothing")
        except Exception as error:
            _fail(future, error)
        else:
            if not future.done():
                future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
