"""The bridge's records for operators."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.port import ConnectorRecord, ConnectorStatus, NewCharger
from tests.bridge.chargers import now, raw
from tests.bridge.conftest import PASSWORD, Place
from tests.bridge.test_transactions import start, stop
from tests.world.waiting import until


async def register(place: Place, charger_id: str, **more: Any) -> None:
    async with place.work() as db:
        await place.book.register(NewCharger(charger_id, more.pop("password", PASSWORD), **more), db)


async def test_a_charger_that_was_registered_is_there_and_offline(place: Place) -> None:
    await register(place, "Box-1", connectors=((1, 1), (2, 1)))
    record = await place.record("BOX-1")
    assert record == port.ChargerRecord(
        id="Box-1",
        online=False,
        security_profile=1,
        boot_status="Accepted",
        connectors=(ConnectorRecord(1, 1, None), ConnectorRecord(2, 1, None)),
    )


async def test_ids_compare_without_case(place: Place) -> None:
    await register(place, "Box-1")
    with pytest.raises(KeyError):
        await register(place, "BOX-1")


@pytest.mark.parametrize(
    ("charger_id", "more"),
    [
        ("", {}),
        (" ", {}),
        ("x" * 49, {}),
        ("a/b", {}),
        ("a\nb", {}),
        ("CP", {"security_profile": 4}),
        ("CP", {"password": None}),
        ("CP", {"password": "short"}),
        ("CP", {"password": "x" * 65}),
    ],
)
async def test_what_cannot_be_a_charger_is_refused(place: Place, charger_id: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        await register(place, charger_id, **more)


async def test_no_password_is_kept_readable(place: Place) -> None:
    await register(place, "CP1")
    dump = str(await place.value("SELECT string_agg(ocpp_charger::text, '') FROM ocpp_charger"))
    assert PASSWORD not in dump
    assert PASSWORD.encode().hex() not in dump


async def test_a_charger_that_is_removed_leaves_its_transactions(place: Place) -> None:
    await register(place, "CP1", connectors=((1, 1),))
    async with raw(place.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StopTransaction", stop(number))
    async with place.work() as db:
        assert await place.book.remove("cp1", db)
        assert not await place.book.remove("cp1", db)
        assert await place.book.charger("CP1", db) is None
    assert len(await place.transactions(charger_id="CP1")) == 1
    assert await place.value("SELECT count(*) FROM ocpp_connector") == 0


async def test_what_does_not_exist_is_none(place: Place) -> None:
    async with place.work() as db:
        assert await place.book.charger("nobody", db) is None
        assert await place.book.transaction("nothing", db) is None
        assert await place.book.frames("nobody", db) == []
        assert not await place.book.set_password("nobody", PASSWORD, db)
        assert not await place.book.remove("nobody", db)


async def test_all_chargers_by_their_ids(place: Place) -> None:
    for charger_id in ("b", "C", "a"):
        await register(place, charger_id)
    async with place.work() as db:
        assert [record.id for record in await place.book.chargers(db)] == ["a", "b", "C"]


async def test_connectors_appear_when_they_speak_and_only_changes_are_told(place: Place) -> None:
    await register(place, "CP1")

    def status(connector: int, word: str, error: str = "NoError") -> dict[str, Any]:
        return {"connectorId": connector, "errorCode": error, "status": word, "timestamp": now()}

    async with raw(place.bridge.url, "CP1") as charger:
        for said in (
            status(1, "Available"),
            status(1, "Available"),
            status(2, "Faulted", "GroundFailure"),
            status(2, "Faulted", "HighTemperature"),
            status(0, "Unavailable"),
        ):
            assert await charger.call("StatusNotification", said) == {}
    told = [(e.evse_id, e.connector_id, e.status, e.error_code) for e in place.told(port.ConnectorStatusChanged)]
    assert told == [
        (1, 1, ConnectorStatus.AVAILABLE, None),
        (2, 1, ConnectorStatus.FAULTED, "GroundFailure"),
        (2, 1, ConnectorStatus.FAULTED, "HighTemperature"),
        (0, 0, ConnectorStatus.UNAVAILABLE, None),
    ]
    connectors = (await place.record("CP1")).connectors
    assert [(c.evse_id, c.connector_id, c.status, c.error_code) for c in connectors] == [
        (0, 0, ConnectorStatus.UNAVAILABLE, None),
        (1, 1, ConnectorStatus.AVAILABLE, None),
        (2, 1, ConnectorStatus.FAULTED, "HighTemperature"),
    ]


async def test_a_status_with_an_old_time_is_a_status_of_now(place: Place) -> None:
    await register(place, "CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        said = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "2020-01-01T00:00:00Z"}
        await charger.call("StatusNotification", said)
    (event,) = place.told(port.ConnectorStatusChanged)
    assert abs((event.at - datetime.now(UTC)).total_seconds()) < 30


async def test_what_a_charger_says_of_itself_at_boot_is_kept(place: Place) -> None:
    await register(place, "CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        station = {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1.2"}
        answer = await charger.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
        assert (answer["status"], answer["interval"]) == ("Accepted", 300)
    record = await place.record("CP1")
    assert (record.vendor, record.model, record.serial_number, record.firmware_version, record.protocol) == (
        "V",
        "M",
        "S",
        "1.2",
        "ocpp2.0.1",
    )
    (event,) = place.told(port.ChargerBooted)
    assert (event.vendor, event.reason, event.protocol) == ("V", "PowerUp", "ocpp2.0.1")


async def test_a_reservation_that_ended_is_told(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        update = {"reservationId": 4, "reservationUpdateStatus": "Expired"}
        assert await charger.call("ReservationStatusUpdate", update) == {}
    assert [(e.reservation_id, e.status) for e in place.told(port.ReservationChanged)] == [(4, "Expired")]


# --- the journal ---------------------------------------------------------------------------------------------


async def frames(place: Place, *, limit: int = 100) -> list[port.FrameRecord]:
    async with place.work() as db:
        return list(await place.book.frames("cp1", db, limit=limit))


async def some_frames(place: Place, wanted: int) -> list[port.FrameRecord]:
    found = await frames(place)
    return found if len(found) >= wanted else []


async def test_frames_are_there_newest_first_as_they_were(place: Place) -> None:
    await register(place, "CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        await charger.say('[2,"first","Authorize",{"z":1.50,"idTag":"T"}]')
        await charger.answer()
        await charger.say("not a frame")
        await charger.say([2, "second", "Dance", {}])
        await charger.answer()
    found = await until(lambda: some_frames(place, 5))
    assert [(f.direction, f.kind, f.action, f.message_id) for f in reversed(found)] == [
        ("in", "CALL", "Authorize", "first"),
        ("out", "CALLRESULT", "Authorize", "first"),
        ("in", "BROKEN", None, ""),
        ("in", "CALL", "Dance", "second"),
        ("out", "CALLERROR", "Dance", "second"),
    ]
    assert found[-1].payload == {"z": Decimal("1.50"), "idTag": "T"}
    assert list(found[-1].payload) == ["z", "idTag"]
    assert len(await frames(place, limit=2)) == 2


async def test_old_and_surplus_frames_go(place: Place) -> None:
    await register(place, "CP1")
    async with place.another(frames_kept=3) as bridge:
        async with raw(bridge.url, "CP1") as charger:
            for _ in range(5):
                await charger.call("Heartbeat", {})
        await until(lambda: some_frames(place, 10))
        await bridge.prune()
        assert len(await frames(place)) == 3
        await place.execute("UPDATE ocpp_frame SET at = at - interval '8 days'")
        await bridge.prune()
        assert await frames(place) == []
