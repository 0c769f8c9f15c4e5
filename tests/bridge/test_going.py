"""Chargers that go at once: released together, and none waits for another's trouble."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp import port
from bridge_ocpp.going import AT_ONCE, Departures, Gone
from bridge_ocpp.ledger import Ledger
from bridge_ocpp.server import ChargerSocket
from tests.bridge.chargers import dialled
from tests.bridge.conftest import Place, until

NAMES = [f"CP{number}" for number in range(24)]


@pytest.fixture
async def here(place: Place) -> Place:
    for name in NAMES:
        await place.register(name)
    return place


async def online(place: Place) -> int:
    return int(await place.value("SELECT count(*) FROM ocpp_charger WHERE online"))


async def all_offline(place: Place, *, but: int = 0) -> bool:
    return await online(place) == but


async def come_and_go(place: Place) -> None:
    """All of them are there, and then their network fails."""
    async with AsyncExitStack() as stack:
        come = (stack.enter_async_context(dialled(place.bridge.url, name, "ocpp1.6")) for name in NAMES)
        sockets = [await each for each in come]
        await until(lambda: len(place.bridge.connections) == len(NAMES))
        for socket in sockets:
            socket.transport.abort()


async def gone(place: Place, name: str, *, generation: int = 1) -> Gone:
    return Gone(name.casefold(), generation, place.clock(), place.clock())


async def test_each_is_heard_to_be_offline_once(here: Place) -> None:
    await come_and_go(here)
    await until(lambda: all_offline(here))
    went = [event.charger_id for event in here.told(port.ChargerOnline) if not event.online]
    assert sorted(went) == sorted(NAMES)


async def test_those_that_go_at_once_share_a_transaction(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, groups = here.hub.heard_all, list[int]()

    async def counted(events: Sequence[port.Event], db: AsyncSession) -> None:
        groups.append(len(events))
        await heard(events, db)

    await here.execute("UPDATE ocpp_charger SET online = true, generation = 1")
    monkeypatch.setattr(here.hub, "heard_all", counted)
    departures = Departures(Ledger(here.work, writers=8, askers=8, timeout=5), here.hub)
    leaving = [await gone(here, name) for name in NAMES]
    assert len(NAMES) <= AT_ONCE
    assert all(await asyncio.gather(*(departures.release(each) for each in leaving)))
    assert groups == [len(NAMES)]


async def test_one_that_came_back_meanwhile_stays(here: Place) -> None:
    await here.execute("UPDATE ocpp_charger SET online = true, generation = 1")
    await here.execute("UPDATE ocpp_charger SET generation = 2 WHERE key = 'cp3'")
    departures = Departures(Ledger(here.work, writers=8, askers=8, timeout=5), here.hub)
    leaving = [await gone(here, name) for name in NAMES]
    released = await asyncio.gather(*(departures.release(each) for each in leaving))
    assert [name for name, done in zip(NAMES, released, strict=True) if not done] == ["CP3"]
    assert await online(here) == 1
    assert not await departures.release(await gone(here, "NOBODY"))


async def test_one_whose_row_is_being_written_keeps_no_other(here: Place) -> None:
    await here.execute("UPDATE ocpp_charger SET online = true, generation = 1")
    departures = Departures(Ledger(here.work, writers=8, askers=8, timeout=20), here.hub)
    async with here.engine.begin() as other:
        await other.execute(text("SELECT 1 FROM ocpp_charger WHERE key = 'cp5' FOR UPDATE"))
        late = asyncio.create_task(departures.release(await gone(here, "CP5")))
        rest = [await gone(here, name) for name in NAMES if name != "CP5"]
        assert all(await asyncio.gather(*(departures.release(each) for each in rest)))
        assert not late.done()
    assert await late


async def test_one_that_the_business_side_chokes_on_keeps_no_other(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = here.hub.heard_all

    async def chokes(events: Sequence[port.Event], db: AsyncSession) -> None:
        if any(event.charger_id == "CP9" for event in events):
            raise RuntimeError("CP9 is too much")
        await heard(events, db)

    monkeypatch.setattr(here.hub, "heard_all", chokes)
    await here.execute("UPDATE ocpp_charger SET online = true, process_id = gen_random_uuid()")
    await here.bridge.beat()
    assert await all_offline(here, but=1), "the chargers of a dead process, but for one"


async def test_a_closed_socket_goes_without_the_garbage_collector(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands that close at once would else be what the collector has to look for, while nobody is heard."""
    seen: list[weakref.ref[ChargerSocket]] = []
    made = ChargerSocket.connection_made

    def noted(socket: ChargerSocket, transport: asyncio.BaseTransport) -> None:
        seen.append(weakref.ref(socket))
        made(socket, transport)

    monkeypatch.setattr(ChargerSocket, "connection_made", noted)
    gc.disable()
    try:
        await come_and_go(here)
        await until(lambda: all_offline(here))
        await until(lambda: not any(ref() for ref in seen))
    finally:
        gc.enable()
    assert len(seen) == len(NAMES)
