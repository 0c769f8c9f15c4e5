"""Who is online: half-open sockets, newer sockets, dead processes."""

import asyncio
import contextlib
import socket as sockets
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosed

from bridge_ocpp.bridge import Bridge
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.port import ChargerOnline, OutcomeStatus, RawCall
from tests.bridge.chargers import dialled, raw
from tests.bridge.conftest import Place
from tests.world.waiting import until


@pytest.fixture
def config(config: BridgeConfig) -> BridgeConfig:
    return replace(config, ping_interval=0.4)


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def is_online(place: Place) -> bool:
    return (await place.record("CP1")).online


async def is_offline(place: Place) -> bool:
    return not await is_online(place)


def changes(place: Place) -> list[bool]:
    """What the business side heard about online and offline, in order."""
    return [event.online for event in place.told(ChargerOnline)]


async def test_a_charger_is_online_while_its_socket_is_open(here: Place) -> None:
    assert await is_offline(here)
    async with raw(here.bridge.url, "CP1"):
        await until(lambda: is_online(here))
    await until(lambda: is_offline(here))
    assert changes(here) == [True, False]
    assert await here.heard("ChargerOnline") == 2


async def test_x27_a_peer_that_stops_reading_is_offline_within_two_ping_intervals(here: Place) -> None:
    """No FIN, no pong: the peer's kernel takes the pings and nobody reads them."""
    async with dialled(here.bridge.url, "CP1", "ocpp1.6") as dead:
        await until(lambda: is_online(here))
        dead.transport.pause_reading()
        silent_since = asyncio.get_running_loop().time()
        await until(lambda: is_offline(here))
        waited = asyncio.get_running_loop().time() - silent_since
        assert waited <= 2 * here.config.ping_interval + 10, "a machine that is busy may be slow, not deaf"
        async with raw(here.bridge.url, "CP1") as charger:
            assert "currentTime" in await charger.call("Heartbeat", {})
            assert await is_online(here)
        dead.transport.abort()


async def test_a_half_open_socket_does_not_keep_the_charger_out(here: Place) -> None:
    async with dialled(here.bridge.url, "CP1", "ocpp1.6") as dead:
        await until(lambda: is_online(here))
        dead.transport.pause_reading()
        async with raw(here.bridge.url, "CP1") as charger:
            assert "currentTime" in await charger.call("Heartbeat", {})
        dead.transport.abort()


async def test_a_charger_that_answers_pings_and_says_nothing_stays_online(here: Place) -> None:
    async with dialled(here.bridge.url, "CP1", "ocpp1.6") as quiet:
        await until(lambda: is_online(here))
        await asyncio.sleep(3 * here.config.ping_interval)
        assert await is_online(here)
        assert quiet.close_code is None
    record = await here.record("CP1")
    assert record.last_seen_at is not None


async def test_x28_an_old_socket_that_closes_after_the_new_one_opened_changes_nothing(here: Place) -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(dialled(here.bridge.url, "CP1", "ocpp1.6"))
        for _ in range(100):
            await here.seated("CP1")
            before = here.bridge.connections["cp1"]
            new = await stack.enter_async_context(dialled(here.bridge.url, "CP1", "ocpp1.6"))
            await until(lambda before=before: here.bridge.connections.get("cp1") not in (None, before))
            with pytest.raises(ConnectionClosed):
                await old.recv()
            assert (old.close_code, old.close_reason) == (1008, "a newer connection of this charger took over")
            old = new
        await asyncio.sleep(0.1)
        assert await is_online(here)
        assert changes(here) == [True]
        asking = asyncio.create_task(here.ask("CP1", RawCall("ClearCache", {})))
        assert "ClearCache" in str(await old.recv())
        asking.cancel()


async def test_sockets_that_race_leave_exactly_one_and_the_row_agrees(here: Place) -> None:
    async def connect() -> None:
        with contextlib.suppress(ConnectionClosed):
            async with dialled(here.bridge.url, "CP1", "ocpp1.6") as one:
                await one.recv()

    racing = [asyncio.create_task(connect()) for _ in range(10)]
    generation = await until(lambda: generation_of(here, 10))
    await until(lambda: sum(not task.done() for task in racing) == 1)
    assert here.bridge.connections["cp1"].speaker.generation == generation == 10
    assert changes(here) == [True]
    for task in racing:
        task.cancel()


async def generation_of(place: Place, wanted: int) -> int | None:
    found = int(await place.value("SELECT generation FROM ocpp_charger"))
    return found if found == wanted else None


async def test_a_newer_socket_at_another_bridge_wins_and_is_found(here: Place) -> None:
    async with dialled(here.bridge.url, "CP1", "ocpp1.6") as old:
        await here.seated("CP1")
        async with here.another() as bridge, raw(bridge.url, "CP1") as charger:
            await here.seated("CP1", bridge=bridge)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(old.recv(), 3)
            await until(lambda: not here.bridge.connections)
            assert await is_online(here)
            asking = asyncio.create_task(here.ask("CP1", RawCall("ClearCache", {})))
            _, message_id, *_ = await charger.asked()
            await charger.say([3, message_id, {"status": "Accepted"}])
            assert (await asking).accepted
    assert changes(here)[:1] == [True]


async def test_a_bridge_that_restarts_bothers_nobody(here: Place) -> None:
    async with AsyncExitStack() as stack:
        async with here.another(ping_interval=2.0) as bridge:
            await stack.enter_async_context(raw(bridge.url, "CP1"))
            await here.seated("CP1", bridge=bridge)
        assert await is_offline(here)
        async with here.another(ping_interval=2.0) as bridge, raw(bridge.url, "CP1"):
            await here.seated("CP1", bridge=bridge)
            await bridge.beat()
            assert await is_online(here)
    assert changes(here) == [True]


async def test_the_chargers_of_a_dead_bridge_go_offline(here: Place) -> None:
    """A process that dies says nothing: another one notices."""
    dead = Bridge(here.config, unit_of_work=here.work, redis=here.redis, hub=here.hub, now=here.clock)
    async with dead.run(), dialled(dead.url, "CP1", "ocpp1.6"):
        await here.seated("CP1", bridge=dead)
        for timer in dead._timers:
            timer.cancel()
        await until(lambda: changes(here) == [True, False])


async def test_a_row_that_was_left_behind_is_put_right_by_the_next_beat(here: Place) -> None:
    """The database was away when the socket closed."""
    async with raw(here.bridge.url, "CP1"):
        await here.seated("CP1")
        here.hub.raises = RuntimeError("the database is away")
    await until(lambda: not here.bridge.connections)
    await until(lambda: changes(here)[-1] is False)
    assert await is_online(here)
    here.hub.raises = None
    await until(lambda: is_offline(here))


async def test_a_charger_that_is_offline_is_asked_nothing(here: Place) -> None:
    outcome = await here.ask("CP1", RawCall("ClearCache", {}), within=30)
    assert outcome.status is OutcomeStatus.OFFLINE


async def test_a_port_that_is_taken_is_an_error_at_once(here: Place) -> None:
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with here.another(port=taken.getsockname()[1]):
                pass


async def test_a_clock_that_leaps_between_two_steps_of_a_beat_makes_nobody_dead(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine slept for an hour: this process woke up, and its chargers are there."""
    async with raw(here.bridge.url, "CP1"):
        await until(lambda: is_online(here))
        settle = here.bridge.settle

        async def slept() -> None:
            here.clock.shift += timedelta(hours=1)
            await settle()

        monkeypatch.setattr(here.bridge, "settle", slept)
        await here.bridge.beat()
        monkeypatch.undo()
        assert await here.value("SELECT online FROM ocpp_charger WHERE key = 'cp1'")
        assert changes(here) == [True]
        await here.bridge.beat()
        assert await is_online(here)
