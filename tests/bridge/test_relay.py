"""Asking through Valkey: leases, deaf holders, doubled questions, and a Valkey that goes away."""

import asyncio
import os
import shutil
import signal
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis.asyncio

from bridge_ocpp import codec, ocppj
from bridge_ocpp.port import OutcomeStatus, RawCall, UnlockConnector
from bridge_ocpp.relay import Ear, RedisChargerPort
from ocpi_hub.base.resources import open_redis
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.processes import server_user
from ocpi_hub.embedded.servers import embedded_valkey, wait_for
from tests.bridge.chargers import RawCharger, raw
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import start
from tests.world.waiting import until


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def works(place: Place, charger: RawCharger) -> None:
    """A command reaches the charger and its answer comes back."""
    asking = asyncio.create_task(place.ask("cp1", UnlockConnector(1)))
    _, message_id, *_ = await charger.asked()
    await charger.say([3, message_id, {"status": "Unlocked"}])
    assert (await asking).accepted


async def test_a_charger_that_nobody_holds_is_offline_at_once(here: Place) -> None:
    async with asyncio.timeout(0.5):
        assert (await here.ask("CP1", UnlockConnector(1), within=30)).status is OutcomeStatus.OFFLINE
        assert (await here.ask("nobody", UnlockConnector(1), within=30)).status is OutcomeStatus.OFFLINE


async def test_ids_compare_without_case(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await works(here, charger)


async def test_a_lease_whose_holder_is_dead_counts_as_offline(here: Place) -> None:
    await here.redis.set("ocpp:lease:cp1", str(uuid4()))
    async with asyncio.timeout(3):
        assert (await here.ask("CP1", UnlockConnector(1), within=30)).status is OutcomeStatus.OFFLINE


async def test_a_lease_that_outlived_its_socket_counts_as_offline_and_goes(here: Place) -> None:
    await here.redis.set("ocpp:lease:cp1", str(here.bridge.process_id))
    assert (await here.ask("CP1", UnlockConnector(1))).status is OutcomeStatus.OFFLINE
    assert await here.redis.get("ocpp:lease:cp1") is None


async def test_the_lease_goes_with_the_socket(here: Place) -> None:
    async with raw(here.bridge.url, "CP1"):
        await here.seated("CP1")
        assert 0 < await here.redis.pttl("ocpp:lease:cp1") <= 60_000
    await until(lambda: lease_is_gone(here))


async def lease_is_gone(place: Place) -> bool:
    return await place.redis.get("ocpp:lease:cp1") is None


async def test_a_valkey_that_lost_everything_knows_again_after_a_beat(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await here.redis.flushall()
        assert (await here.ask("CP1", UnlockConnector(1))).status is OutcomeStatus.OFFLINE
        await here.seated("CP1")
        await works(here, charger)


async def test_a_valkey_that_drops_every_connection_is_found_again(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await until(here.bridge._ear.listening.is_set)
        for kind in ("pubsub", "normal"):
            await here.redis.client_kill_filter(_type=kind, skipme=True)
        await works(here, charger)


async def test_an_answer_survives_a_connection_that_drops_while_it_is_waited_for(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", UnlockConnector(1)))
        _, message_id, *_ = await charger.asked()
        await here.redis.client_kill_filter(_type="normal", skipme=True)
        await charger.say([3, message_id, {"status": "Unlocked"}])
        assert (await asking).accepted


async def test_a_question_that_arrives_twice_is_asked_once(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        question = {"id": "q1", "charger": "cp1", "within": 5.0, **codec.write_command(UnlockConnector(1))}
        for _ in range(2):
            await here.redis.publish(f"ocpp:bridge:{here.bridge.process_id}", ocppj.dumps(question))
        _, message_id, *_ = await charger.asked()
        await charger.say([3, message_id, {"status": "Unlocked"}])
        await here.redis.blpop(["ocpp:answer:q1"], timeout=5)
        await works(here, charger)
        assert charger.calls.empty()


@pytest.mark.parametrize(
    "text", ["no JSON", "{}", '{"id":"1","charger":"cp1","within":1,"command":"Dance","fields":{}}']
)
async def test_nonsense_is_not_understood_and_harms_nothing(here: Place, text: str) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        await here.redis.publish(f"ocpp:bridge:{here.bridge.process_id}", text)
        await works(here, charger)


async def test_without_valkey_a_command_fails_and_says_why(here: Place) -> None:
    client: redis.asyncio.Redis = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    outcome = await RedisChargerPort(client).ask("CP1", RawCall("Reset", {}), within=timedelta(seconds=5))
    assert outcome.status is OutcomeStatus.FAILED
    assert "Valkey" in outcome.detail
    await client.aclose()


async def test_chargers_come_and_go_and_are_heard_while_valkey_is_away(here: Place) -> None:
    client: redis.asyncio.Redis = redis.asyncio.from_url("redis://127.0.0.1:1/0")
    here = replace(here, redis=client)
    async with here.another() as bridge, raw(bridge.url, "CP1") as charger:
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert (await charger.call("StartTransaction", start()))["idTagInfo"] == {"status": "Accepted"}
    await client.aclose()


async def test_a_valkey_that_is_killed_and_started_again_is_found(here: Place) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ocpi-hub-relay-"))
    valkey = embedded_valkey(DataFolder.open(folder, server_user("nobody")), fast=True)
    valkey.start()
    wait_for(valkey)
    client = open_redis(valkey.url)
    here = replace(here, redis=client, chargers=RedisChargerPort(client))
    try:
        async with here.another() as bridge, raw(bridge.url, "CP1") as charger:
            await here.seated("CP1", bridge=bridge)
            await works(here, charger)
            assert valkey.pid is not None
            os.kill(valkey.pid, signal.SIGKILL)
            asking = asyncio.create_task(here.ask("CP1", UnlockConnector(1)))
            assert (await asking).status is OutcomeStatus.FAILED
            assert "currentTime" in await charger.call("Heartbeat", {})
            await until(lambda: valkey.ended() is not None)
            valkey.start()
            await until(valkey.ready)
            await here.seated("CP1", bridge=bridge)
            await until(bridge._ear.listening.is_set)
            await works(here, charger)
    finally:
        await client.aclose()
        valkey.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_thousands_of_leases_need_one_connection(redis_url: str) -> None:
    pool = redis.asyncio.ConnectionPool.from_url(redis_url, max_connections=1)
    client: redis.asyncio.Redis = redis.asyncio.Redis(connection_pool=pool)
    ear = Ear(client, uuid4(), lease=30)
    keys = [f"many{number}" for number in range(1000)]
    await asyncio.gather(*(ear.hold([key]) for key in keys))
    assert await client.mget([f"ocpp:lease:{key}" for key in keys]) == [str(ear.process_id).encode()] * len(keys)
    await client.set("ocpp:lease:many7", "another")
    await asyncio.gather(*(ear.let_go(key) for key in keys))
    left = await client.mget([f"ocpp:lease:{key}" for key in keys])
    assert [value for value in left if value is not None] == [b"another"]
    await client.delete("ocpp:lease:many7")
    await client.aclose()
    await pool.aclose()
