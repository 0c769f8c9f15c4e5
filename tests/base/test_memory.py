"""What stays is set aside, what is garbage still goes."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from ocpi_hub.base import memory


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


async def until_gone(ref: "weakref.ref[Knot]") -> None:
    async with asyncio.timeout(30):
        while ref() is not None:
            await asyncio.sleep(0.01)


async def test_what_came_is_set_aside_and_what_was_garbage_by_then_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVERY", 0.01)
    settling = asyncio.create_task(memory.keep_settled())
    await asyncio.sleep(0)
    before = gc.get_freeze_count()
    kept = [Knot() for _ in range(1000)]
    garbage = weakref.ref(Knot())
    await until_gone(garbage)
    assert gc.get_freeze_count() >= before + len(kept)
    settling.cancel()


async def test_what_became_garbage_after_it_was_set_aside_goes_with_the_next_look_at_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "EVERY", 0.01)
    knot = Knot()
    late = weakref.ref(knot)
    settling = asyncio.create_task(memory.keep_settled())
    await asyncio.sleep(0)
    del knot
    await until_gone(weakref.ref(Knot()))
    assert late() is not None
    monkeypatch.setattr(memory, "WHOLE", 0.0)
    await until_gone(late)
    settling.cancel()
