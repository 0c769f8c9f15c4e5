"""Sharing a commit: nobody is answered before it, nobody pays for another's mistake, nobody waits when all is calm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.ledger import AT_ONCE, Ledger, Sharing


class Books:
    """A stand-in for the database that commits when it is let; `committed` are the groups, in order."""

    def __init__(self) -> None:
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.committed: list[list[Any]] = []
        self.begun = 0

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        group: list[Any] = []
        self.begun += 1
        yield cast(AsyncSession, group)
        await self.may_commit.wait()
        self.committed.append(group)


async def double(db: Any, items: list[int]) -> list[int]:
    if 13 in items:
        raise ValueError("unlucky")
    db.extend(items)
    return [item * 2 for item in items]


def sharing(books: Books, key: Any = lambda item: item) -> Sharing[int, int]:
    return Sharing(Ledger(books.unit_of_work, writers=8, askers=8, timeout=5), double, key=key)


async def test_one_alone_waits_for_nobody() -> None:
    books = Books()
    assert await sharing(books).write(4) == 8
    assert books.committed == [[4]]


async def test_who_comes_meanwhile_shares_the_next_commit_and_nobody_is_answered_before_his_own() -> None:
    books = Books()
    books.may_commit.clear()
    shared = sharing(books)
    first = asyncio.create_task(shared.write(1))
    while not books.begun:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(shared.write(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0.01)
    assert [task.done() for task in (first, *rest)] == [False] * 4
    books.may_commit.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert books.committed == [[1], [2, 3, 4]]


async def test_one_that_fails_fails_alone() -> None:
    books = Books()
    shared = sharing(books)
    results = await asyncio.gather(*(shared.write(n) for n in (12, 13, 14)), return_exceptions=True)
    assert (results[0], results[2]) == (24, 28)
    assert isinstance(results[1], ValueError)
    assert sorted(item for group in books.committed for item in group) == [12, 14]


async def test_two_that_lock_the_same_are_not_written_together() -> None:
    books = Books()
    shared = sharing(books, key=lambda item: item % 2)
    assert await asyncio.gather(*(shared.write(n) for n in (1, 2, 3))) == [2, 4, 6]
    assert books.committed == [[1, 2], [3]]


async def test_a_group_has_its_limit() -> None:
    books = Books()
    shared = sharing(books)
    await asyncio.gather(*(shared.write(100 + n) for n in range(AT_ONCE + 1)))
    assert [len(group) for group in books.committed] == [AT_ONCE, 1]


async def test_it_works_again_after_a_pause() -> None:
    books = Books()
    shared = sharing(books)
    assert await shared.write(1) == 2
    await asyncio.sleep(0.01)
    with pytest.raises(ValueError, match="unlucky"):
        await shared.write(13)
    assert await shared.write(5) == 10


async def test_nothing_is_written_for_who_gave_up_waiting() -> None:
    books = Books()
    books.may_commit.clear()
    shared = sharing(books)
    first = asyncio.create_task(shared.write(1))
    while not books.begun:
        await asyncio.sleep(0)
    impatient, patient = asyncio.create_task(shared.write(2)), asyncio.create_task(shared.write(3))
    await asyncio.sleep(0)
    impatient.cancel()
    books.may_commit.set()
    assert await asyncio.gather(first, patient) == [2, 6]
    assert books.committed == [[1], [3]]
