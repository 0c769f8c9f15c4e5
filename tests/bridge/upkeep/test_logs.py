"""Logs that chargers upload: asked when they are there, followed to the end."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge_ocpp.port import LogKind, NewLog, NotPossible, TaskState
from tests.bridge.chargers import raw
from tests.bridge.upkeep.conftest import Yard
from tests.world.waiting import until

URL = "ftp://logs.example/box"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)


async def fetch(yard: Yard, charger_id: str = "CP1", kind: LogKind = LogKind.DIAGNOSTICS, **more) -> str:
    async with yard.place.work() as db:
        return (await yard.book.fetch_log(NewLog(charger_id, kind, **({"url": URL} | more)), db)).id


async def log(yard: Yard, log_id: str):
    async with yard.place.work() as db:
        return await yard.book.log(log_id, db)


@pytest.mark.parametrize(
    ("protocol", "kind", "action", "payload", "answer"),
    [
        (
            "ocpp1.6",
            LogKind.DIAGNOSTICS,
            "GetDiagnostics",
            {"location": URL, "retries": 2, "retryInterval": 60, "startTime": "2026-03-01T00:00:00.000Z"},
            {"fileName": "box.log"},
        ),
        (
            "ocpp1.6",
            LogKind.SECURITY,
            "GetLog",
            {
                "logType": "SecurityLog",
                "retries": 2,
                "retryInterval": 60,
                "log": {"remoteLocation": URL, "oldestTimestamp": "2026-03-01T00:00:00.000Z"},
            },
            {"status": "Accepted", "filename": "box.log"},
        ),
        (
            "ocpp2.0.1",
            LogKind.DIAGNOSTICS,
            "GetLog",
            {
                "logType": "DiagnosticsLog",
                "retries": 2,
                "retryInterval": 60,
                "log": {"remoteLocation": URL, "oldestTimestamp": "2026-03-01T00:00:00.000Z"},
            },
            {"status": "AcceptedCanceled", "filename": "box.log"},
        ),
    ],
)
async def test_a_log_is_asked_for_in_the_words_of_the_version(yard: Yard, protocol, kind, action, payload, answer):
    place = yard.place
    await place.register("CP1")
    log_id = await fetch(yard, kind=kind, since=SINCE, retries=2, retry_interval=60)
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await place.seated("CP1")
        await place.bridge.go_round()
        _, message_id, said, heard = await charger.asked()
        number = heard.pop("requestId", None)
        assert (said, heard) == (action, payload)
        await charger.say([3, message_id, answer])
        await until(lambda: _is(yard, log_id, TaskState.RUNNING))
        word = "DiagnosticsStatusNotification" if action == "GetDiagnostics" else "LogStatusNotification"
        named = {} if number is None else {"requestId": number}
        assert await charger.call(word, {"status": "Uploading", **named}) == {}
        assert await charger.call(word, {"status": "Uploaded", **named}) == {}
    found = await log(yard, log_id)
    assert (found.state, found.progress, found.filename) == (TaskState.DONE, "Uploaded", "box.log")


async def _is(yard: Yard, log_id: str, state: TaskState) -> bool:
    return (await log(yard, log_id)).state is state


async def test_a_charger_without_diagnostics_says_so(yard: Yard):
    place = yard.place
    await place.register("CP1")
    log_id = await fetch(yard)
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        await place.bridge.go_round()
        await charger.say([3, (await charger.asked())[1], {}])
        await until(lambda: _is(yard, log_id, TaskState.FAILED))
    assert (await log(yard, log_id)).detail == "the charger has no diagnostics"


async def test_an_upload_that_fails_and_then_does_not(yard: Yard):
    place = yard.place
    await place.register("CP1")
    log_id = await fetch(yard)
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        await place.bridge.go_round()
        await charger.say([3, (await charger.asked())[1], {"fileName": "a"}])
        await until(lambda: _is(yard, log_id, TaskState.RUNNING))
        await charger.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
        found = await log(yard, log_id)
        assert (found.state, found.detail) == (TaskState.FAILED, "the upload failed")
        await charger.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
    assert (await log(yard, log_id)).state is TaskState.DONE


async def test_a_charger_is_asked_for_one_log_at_a_time(yard: Yard):
    place = yard.place
    await place.register("CP1")
    first, second = await fetch(yard), await fetch(yard)
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        await place.bridge.go_round()
        await charger.say([3, (await charger.asked())[1], {"fileName": "a"}])
        await until(lambda: _is(yard, first, TaskState.RUNNING))
        await place.bridge.go_round()
        assert await _is(yard, second, TaskState.WAITING)
        await charger.call("DiagnosticsStatusNotification", {"status": "Uploaded"})
        await place.bridge.go_round()
        await charger.asked()
        assert await _is(yard, second, TaskState.ASKED)


async def test_a_log_that_never_comes_is_given_up(yard: Yard):
    await yard.place.register("CP1")
    log_id = await fetch(yard)
    yard.place.clock.shift = timedelta(hours=25)
    await yard.place.bridge.go_round()
    found = await log(yard, log_id)
    assert (found.state, found.detail) == (TaskState.FAILED, "it did not come in time")


async def test_a_charger_that_there_is_not(yard: Yard):
    with pytest.raises(NotPossible, match="there is no charger NONE"):
        await fetch(yard, "NONE")


async def test_an_upload_that_nobody_asked_for_is_kept(yard: Yard):
    await yard.place.register("CP1")
    async with raw(yard.place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await charger.call("LogStatusNotification", {"status": "Idle"}) == {}
    assert await yard.place.value("SELECT count(*) FROM ocpp_notice WHERE topic = 'LogStatusNotification'") == 1
