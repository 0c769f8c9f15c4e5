"""One socket: broken frames, repeated calls, order, floods, and answers that leave only after the commit."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.bridge import Bridge
from bridge_ocpp.server import PIECE
from tests.bridge.chargers import now, raw
from tests.bridge.conftest import Place
from tests.world.waiting import until

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
START = {"connectorId": 1, "idTag": "T", "meterStart": 0}
EVENT = {
    "eventType": "Started",
    "triggerReason": "CablePluggedIn",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "TX"},
    "evse": {"id": 1},
}


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ([2, "1", "Dance", {}], [4, "1", "NotImplemented"]),
        ([2, "1", "Reset", {"type": "Soft"}], [4, "1", "NotSupported"]),
        ([2, "1"], [4, "1", "FormationViolation"]),
        ([2, "1", 5, {}], [4, "1", "FormationViolation"]),
        ([2, "1", "Heartbeat", "text"], [4, "1", "FormationViolation"]),
        ([2, "1", "Authorize", {}], [4, "1", "OccurenceConstraintViolation"]),
        ([2, "1", "Authorize", {"idTag": {"a": 1}}], [4, "1", "TypeConstraintViolation"]),
        (
            [2, "1", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Dancing"}],
            [4, "1", "PropertyConstraintViolation"],
        ),
        (
            [2, "1", "StatusNotification", {"connectorId": -1, "errorCode": "NoError", "status": "Available"}],
            [4, "1", "PropertyConstraintViolation"],
        ),
    ],
)
async def test_broken_calls_of_1_6_get_its_error_codes_and_the_connection_lives(
    here: Place, frame: Any, answer: list[Any]
) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.say(frame)
        assert (await charger.answer())[:3] == answer
        assert "currentTime" in await charger.call("Heartbeat", {})


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ([2, "1", "Dance", {}], [4, "1", "NotImplemented"]),
        ([2, "1", "StartTransaction", {}], [4, "1", "NotImplemented"]),
        ([2, "1", "Reset", {}], [4, "1", "NotSupported"]),
        ([2, "1", "Heartbeat", 5], [4, "1", "FormatViolation"]),
        ([2, "1", "Authorize", {}], [4, "1", "OccurrenceConstraintViolation"]),
        ([2, "1", "Authorize", {"idToken": "T"}], [4, "1", "TypeConstraintViolation"]),
        (
            [2, "1", "Authorize", {"idToken": {"idToken": "T", "type": "Tattoo"}}],
            [4, "1", "PropertyConstraintViolation"],
        ),
        ([9, "1", "Heartbeat", {}], [4, "1", "MessageTypeNotSupported"]),
        ("this is no JSON", [4, "-1", "RpcFrameworkError"]),
        ("{}", [4, "-1", "RpcFrameworkError"]),
        ([2, None, "Heartbeat", {}], [4, "-1", "RpcFrameworkError"]),
    ],
)
async def test_broken_frames_of_2_0_1_get_its_error_codes_and_the_connection_lives(
    here: Place, frame: Any, answer: list[Any]
) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.say(frame)
        assert (await charger.answer())[:3] == answer
        assert "currentTime" in await charger.call("Heartbeat", {})


@pytest.mark.parametrize(
    "text", ["no JSON", "{}", "[]", '[9,"1","Heartbeat",{}]', '[3,"unknown",{}]', "[" * 5000, b"\xff"]
)
async def test_1_6_has_no_word_for_what_is_no_call_so_nothing_is_said(here: Place, text: str | bytes) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.say(text)
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert charger.silent()


async def test_what_breaks_the_schema_plainly_is_accepted_and_listed(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        boot = {**BOOT, "chargePointModel": "M" * 40, "colour": "red"}
        assert (await charger.call("BootNotification", boot))["status"] == "Accepted"
        sampled = [{"value": 12, "measurand": "Energy.Of.Mine"}]
        meter_values = {"connectorId": "1", "meterValue": [{"timestamp": now(), "sampledValue": sampled}]}
        assert await charger.call("MeterValues", meter_values) == {}
        status = {"connectorId": 1, "errorCode": "Smoke", "status": "available"}
        assert await charger.call("StatusNotification", status) == {}
    await here.has_quirks(
        "CP1",
        "BootNotification chargePointModel: too long",
        "MeterValues connectorId: a string for integer",
        "MeterValues meterValue[].sampledValue[].value: a number for string",
        "MeterValues meterValue[].sampledValue[].measurand: an unknown word",
        "StatusNotification errorCode: an unknown word",
        "StatusNotification status: a word in another spelling",
    )
    record = await here.record("CP1")
    assert record.model == "M" * 40
    assert (record.connectors[0].status, record.connectors[0].error_code) == ("Available", "Smoke")


async def test_a_binary_message_is_read_and_listed(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.say(json.dumps([2, "1", "Heartbeat", {}]).encode())
        assert (await charger.answer())[:2] == [3, "1"]
    await here.has_quirks("CP1", "frame: binary")


async def test_an_answer_that_nobody_waits_for_changes_nothing_and_is_listed(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.say([3, "unknown", {"status": "Accepted"}])
        await charger.say([4, "unknown", "GenericError", "", {}])
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert charger.silent()
    await here.has_quirks("CP1", "frame: an answer that nobody waits for")


async def test_quirks_are_remembered_over_connections_and_listed_once(here: Place) -> None:
    for _ in range(2):
        async with raw(here.bridge.url, "CP1") as charger:
            await charger.call("Heartbeat", [])
            await here.has_quirks("CP1", "frame: no payload object")


async def test_a_used_message_id_is_answered_again_and_not_executed_again(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        first = await charger.call("BootNotification", BOOT, message_id="same")
        again = await charger.call("BootNotification", BOOT, message_id="same")
        assert first == again
        assert await here.heard("ChargerBooted") == 1


async def test_a_used_message_id_for_another_call_is_another_call(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("BootNotification", BOOT, message_id="0")
        assert await charger.call("Authorize", {"idTag": "T"}, message_id="0") == {"idTagInfo": {"status": "Accepted"}}


async def test_a_call_that_failed_by_our_fault_is_tried_again_under_the_same_id(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        here.hub.raises = RuntimeError("the business side is broken")
        error = await charger.call("BootNotification", BOOT, message_id="same")
        assert error[2] == "InternalError"
        assert "broken" not in json.dumps(error)
        assert await here.heard("ChargerBooted") == 0
        here.hub.raises = None
        assert (await charger.call("BootNotification", BOOT, message_id="same"))["status"] == "Accepted"
        assert await here.heard("ChargerBooted") == 1


async def test_nothing_of_a_message_stays_when_the_business_side_fails(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        here.hub.raises = RuntimeError("no")
        error = await charger.call("StartTransaction", START | {"timestamp": now()})
        assert error[2] == "InternalError"
    assert await here.transactions() == []
    assert await here.value("SELECT count(*) FROM ocpp_sample") == 0


async def test_the_answer_leaves_only_after_the_commit(here: Place) -> None:
    may_commit = asyncio.Event()

    @asynccontextmanager
    async def slow_work() -> Any:
        async with here.work() as db:
            yield db
            await may_commit.wait()

    may_commit.set()
    bridge = Bridge(replace(here.config), unit_of_work=slow_work, redis=here.redis, hub=here.hub, now=here.clock)
    async with bridge.run(), raw(bridge.url, "CP1") as charger:
        await here.seated("CP1", bridge=bridge)
        may_commit.clear()
        await charger.say([2, "1", "BootNotification", BOOT])
        await until(lambda: here.told(port.ChargerBooted))
        await asyncio.sleep(0.1)
        assert charger.silent()
        may_commit.set()
        assert (await charger.answer())[:2] == [3, "1"]
        assert await here.heard("ChargerBooted") == 1


async def test_calls_are_answered_in_their_order(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        for number in range(40):
            await charger.say([2, f"m{number}", "Authorize" if number % 2 else "Heartbeat", {"idTag": "T"}])
        assert [(await charger.answer())[1] for _ in range(40)] == [f"m{number}" for number in range(40)]


async def test_a_hanging_business_side_does_not_stop_the_reader(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        here.hub.hangs = asyncio.Event()
        await charger.say([2, "hanging", "Authorize", {"idTag": "T"}])
        await until(lambda: here.hub.asked)
        asking = asyncio.create_task(here.ask("CP1", port.RawCall("ClearCache", {})))
        _, message_id, action, payload = await charger.asked()
        assert (action, payload) == ("ClearCache", {})
        await charger.say([3, message_id, {"status": "Accepted"}])
        assert (await asking).payload == {"status": "Accepted"}
        assert charger.silent()
        here.hub.hangs.set()
        assert (await charger.answer())[:2] == [3, "hanging"]


async def test_a_business_side_that_never_answers_is_a_refusal(here: Place) -> None:
    here.hub.hangs = asyncio.Event()
    async with raw(here.bridge.url, "CP1") as charger:
        assert await charger.call("Authorize", {"idTag": "T"}) == {"idTagInfo": {"status": "Invalid"}}


async def test_a_business_side_that_hangs_over_an_event_does_not_hold_up_the_others(here: Place) -> None:
    await here.register("CP2")
    async with (
        here.another(writers=1, write_timeout=2.0) as bridge,
        raw(bridge.url, "CP1") as one,
        raw(bridge.url, "CP2") as two,
    ):
        await here.seated("CP1", bridge=bridge)
        await here.seated("CP2", bridge=bridge)
        here.hub.stuck = asyncio.Event()
        await one.say([2, "1", "BootNotification", BOOT])
        await until(lambda: here.told(port.ChargerBooted))
        here.hub.stuck = None
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        assert await two.call("StatusNotification", status) == {}
        assert (await one.answer())[2] == "InternalError"


async def test_too_many_calls_at_once_are_refused_one_by_one(here: Place) -> None:
    async with here.another(queue=4) as bridge, raw(bridge.url, "CP1") as charger:
        await here.seated("CP1", bridge=bridge)
        here.hub.hangs = asyncio.Event()
        for number in range(8):
            await charger.say([2, f"m{number}", "Authorize", {"idTag": "T"}])
        refused = [await charger.answer() for _ in range(3)]
        assert {frame[2] for frame in refused} == {"GenericError"}
        here.hub.hangs.set()
        rest = [await charger.answer() for _ in range(5)]
        taken = [frame[1] for frame in rest if frame[0] == 3]
        assert len(taken) >= 4
        assert taken == sorted(taken)
        assert {frame[1] for frame in refused + rest} == {f"m{number}" for number in range(8)}
        assert "currentTime" in await charger.call("Heartbeat", {})


async def test_one_charger_that_floods_is_slowed_and_the_others_are_not(here: Place) -> None:
    await here.register("CP2")
    async with (
        here.another(message_rate=50.0, message_burst=20.0) as bridge,
        raw(bridge.url, "CP1") as flooder,
        raw(bridge.url, "CP2") as quiet,
    ):
        for number in range(60):
            await flooder.say([2, f"m{number}", "Heartbeat", {}])
        started = asyncio.get_running_loop().time()
        assert "currentTime" in await quiet.call("Heartbeat", {})
        for _ in range(60):
            await flooder.answer()
        assert asyncio.get_running_loop().time() - started > 0.5


async def test_of_a_flood_few_frames_wait_and_all_are_answered(here: Place) -> None:
    """What comes at once is made frames only as it is read: the rest holds nobody up."""
    sent, most = [f"m{number}" for number in range(3000)], 0
    async with here.another(message_rate=4000.0, message_burst=20.0) as bridge, raw(bridge.url, "CP1") as flooder:
        await here.seated("CP1", bridge=bridge)
        line: Any = bridge.connections["cp1"].socket
        flood = asyncio.create_task(asyncio.wait_for(_said(flooder, sent), 30))
        heard = set()
        while len(heard) < len(sent):
            heard.add((await flooder.answer())[1])
            most = max(most, len(line._socket.recv_messages.frames))
        await flood
    assert heard == set(sent)
    assert most <= 16 + PIECE // 30, "a frame has 30 bytes and more"


async def _said(flooder: Any, ids: list[str]) -> None:
    for message_id in ids:
        await flooder.say([2, message_id, "Heartbeat", {}])


async def test_what_was_read_is_handled_even_when_the_socket_closes(here: Place) -> None:
    here.hub.hangs = asyncio.Event()
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.say([2, "1", "StartTransaction", START | {"timestamp": now()}])
        await until(lambda: here.hub.asked)
    here.hub.hangs.set()
    assert await until(here.transactions)


async def test_a_2_0_1_charger_tells_a_transaction(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await charger.call("TransactionEvent", EVENT | {"timestamp": now()}) == {}
    (transaction,) = await here.transactions()
    assert (transaction.ocpp_id, transaction.evse_id, transaction.id_token) == ("TX", 1, None)
