"""OCPP 2.1 on the wire: what is new beside 2.0.1, said by a charger that says exactly what it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.book import Streams
from bridge_ocpp.port import OutcomeStatus, RawCall, UnlockConnector
from tests.bridge.chargers import RawCharger, dialled, now, raw, stamp
from tests.bridge.conftest import Place
from tests.world.waiting import until

STREAM = {"id": 7, "variableMonitoringId": 3, "params": {"interval": 10, "values": 4}}
VALUES = {"id": 7, "pending": 0, "basetime": now(), "data": [{"t": 0, "v": "1"}]}


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def streams(place: Place) -> list[port.StreamRecord]:
    async with place.work() as db:
        return list(await Streams().streams("CP1", db))


async def send(charger: RawCharger, action: str, payload: Any, *, message_id: str = "s1") -> None:
    await charger.say([6, message_id, action, payload])


async def test_2_1_is_spoken_before_the_older_versions(here: Place) -> None:
    async with dialled(here.bridge.url, "CP1", "ocpp1.6", "ocpp2.0.1", "ocpp2.1") as socket:
        assert socket.subprotocol == "ocpp2.1"


async def test_a_stream_is_opened_filled_and_closed(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        opened = await charger.call("OpenPeriodicEventStream", {"constantStreamData": STREAM})
        assert opened == {"status": "Accepted"}
        base = datetime.now(UTC).replace(microsecond=0)
        data = [{"t": 0, "v": "230.1"}, {"t": 1.5, "v": "229.8"}]
        await send(charger, "NotifyPeriodicEventStream", {"id": 7, "pending": 2, "basetime": stamp(base), "data": data})
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert charger.silent()
        (stream,) = await streams(here)
        assert (stream.id, stream.monitoring_id, stream.interval, stream.most_values) == (7, 3, 10, 4)
        assert (stream.heard, stream.pending) == (2, 2)
        assert stream.values == ((base, "230.1"), (base + timedelta(seconds=1.5), "229.8"))
        assert await charger.call("ClosePeriodicEventStream", {"id": 7}) == {}
        assert await streams(here) == []


async def test_a_charger_cannot_open_streams_without_end(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        for number in range(51):
            opened = await charger.call("OpenPeriodicEventStream", {"constantStreamData": STREAM | {"id": number}})
            assert opened == {"status": "Accepted" if number < 50 else "Rejected"}
        again = await charger.call("OpenPeriodicEventStream", {"constantStreamData": STREAM | {"id": 3}})
        assert again == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("frame", "quirk"),
    [
        ([6, "s", "Heartbeat", {}], "SEND: Heartbeat is not known"),
        ([6, "s", "Dance", {}], "SEND: Dance is not known"),
        ([6, "s", "NotifyPeriodicEventStream", {"id": 7}], "SEND NotifyPeriodicEventStream: occurrence"),
        (
            [6, "s", "NotifyPeriodicEventStream", VALUES],
            "NotifyPeriodicEventStream: a stream that is not open",
        ),
        ([6, "s", 5, {}], "frame: a SEND has a string that names its action, and an object"),
        ([6, "s"], "frame: a SEND has a string that names its action, and an object"),
        ([5, "s", "FormatViolation", "what?", {}], "CALLRESULTERROR: FormatViolation"),
        ([5, "s"], "CALLRESULTERROR: GenericError"),
    ],
)  # fmt: skip
async def test_what_is_never_answered_is_not_even_answered_by_an_error(
    here: Place, frame: list[Any], quirk: str
) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        await charger.say(frame)
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert charger.silent()
    await until(lambda: _has_quirk(here, quirk))


async def _has_quirk(place: Place, quirk: str) -> bool:
    return quirk in (await place.record("CP1")).quirks


@pytest.mark.parametrize("frame", [[6, "s", "NotifyPeriodicEventStream", {}], [5, "s", "GenericError", "", {}]])
async def test_2_0_1_has_neither_send_nor_callresulterror(here: Place, frame: list[Any]) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.say(frame)
        assert (await charger.answer())[:3] == [4, "s", "MessageTypeNotSupported"]


async def test_an_action_that_is_only_sent_is_no_call(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        assert (await charger.call("NotifyPeriodicEventStream", {}))[2] == "NotSupported"


@pytest.mark.parametrize(
    ("answer", "code"),
    [({"status": 7}, "PropertyConstraintViolation"), ({}, "OccurrenceConstraintViolation"), ("no", "FormatViolation")],
)
async def test_an_answer_that_makes_no_sense_gets_a_callresulterror(here: Place, answer: Any, code: str) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", UnlockConnector(1)))
        _, message_id, *_ = await charger.asked()
        await charger.say([3, message_id, answer])
        assert (await asking).status is OutcomeStatus.FAILED
        frame = await charger.answer()
        assert frame[:3] == [5, message_id, code]
        assert (isinstance(frame[3], str), frame[4]) == (True, {})


async def test_2_0_1_gets_no_callresulterror(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", UnlockConnector(1)))
        _, message_id, *_ = await charger.asked()
        await charger.say([3, message_id, {}])
        assert (await asking).status is OutcomeStatus.FAILED
        assert "currentTime" in await charger.call("Heartbeat", {})


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        (
            "BatterySwap",
            {
                "batteryData": [{"evseId": 1, "serialNumber": "B", "soC": 80, "soH": 99}],
                "eventType": "BatteryIn",
                "idToken": {"idToken": "TAG", "type": "ISO14443"},
                "requestId": 1,
            },
        ),
        ("NotifyDERAlarm", {"controlType": "EnterService", "timestamp": now()}),
        ("NotifyDERStartStop", {"controlId": "c", "started": True, "timestamp": now()}),
        ("NotifyPriorityCharging", {"transactionId": "TX", "activated": True}),
        (
            "NotifySettlement",
            {"pspRef": "r", "status": "Settled", "settlementAmount": 12.5, "settlementTime": now()},
        ),
        ("ReportDERControl", {"requestId": 1}),
    ],
)
async def test_what_2_1_reports_is_kept(here: Place, action: str, payload: Any) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        assert await charger.call(action, payload) == {}
    assert await here.value("SELECT topic FROM ocpp_notice") == action


@pytest.mark.parametrize(
    ("action", "payload"),
    [("PullDynamicScheduleUpdate", {"chargingProfileId": 1})],
)
async def test_what_we_cannot_do_is_said_to_be_so(here: Place, action: str, payload: Any) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        assert (await charger.call(action, payload))[2] == "NotSupported"


async def test_any_call_of_2_1_can_be_sent(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", RawCall("GetPeriodicEventStream", {})))
        _, message_id, action, payload = await charger.asked()
        assert (action, payload) == ("GetPeriodicEventStream", {})
        await charger.say([3, message_id, {"constantStreamData": [STREAM]}])
        assert (await asking).payload == {"constantStreamData": [STREAM]}
        assert (await here.ask("CP1", RawCall("ClosePeriodicEventStreams", {}))).status is OutcomeStatus.NOT_SUPPORTED
