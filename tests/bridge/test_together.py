"""Plain meter news written together with that of others: the same rows as one by one; what is more goes alone."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from bridge_ocpp import port
from tests.bridge.chargers import raw
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import ago, event, metered, start, stop

STATE = {"chargingState": "Charging"}


def charge(seq: int, minutes: float, wh: float, **changes: Any) -> dict[str, Any]:
    return event("Updated", seq, ago(minutes), wh=wh, info=STATE | changes.pop("info", {}), **changes)


def new_charge(**changes: Any) -> list[dict[str, Any]]:
    token = {"idToken": "TAG", "type": "ISO14443"}
    return [
        event("Started", 0, ago(10), wh=100, evse={"id": 1, "connectorId": 1}, idToken=token, info=STATE),
        charge(1, 9, 300),
        charge(2, 8, 700),
        charge(3, 7, 900, evse={"id": 1, "connectorId": 1}),
        *changes.pop("more", []),
    ]


async def rows(place: Place, charger_id: str) -> tuple[Any, ...]:
    """A charger's transactions, their samples and events as they were written, but for ids and times of arrival."""
    key = charger_id.casefold()
    async with place.engine.connect() as connection:
        transactions = await connection.execute(
            text(
                "SELECT ocpp_id, energy_wh, meter_begin, meter_last_at - started_at, charging_state,"
                " state_at - started_at, flags, suspect, ended_at IS NULL FROM ocpp_transaction"
                " WHERE charger_key = :key"
            ),
            {"key": key},
        )
        samples = await connection.execute(
            text(
                "SELECT s.at - t.started_at, s.value, s.measurand, s.unit, s.context, s.location, s.evse_id,"
                " s.signed::text FROM ocpp_sample s JOIN ocpp_transaction t ON t.id = s.transaction_id"
                " WHERE t.charger_key = :key"
                " ORDER BY s.at, s.value"
            ),
            {"key": key},
        )
        events = await connection.execute(
            text(
                "SELECT e.stage, e.seq_no, e.charging_state, e.at - t.started_at, e.verdict IS NULL"
                " FROM ocpp_transaction_event e JOIN ocpp_transaction t ON t.id = e.transaction_id"
                " WHERE t.charger_key = :key ORDER BY e.seq_no"
            ),
            {"key": key},
        )
        return (
            [tuple(row) for row in transactions],
            [tuple(row) for row in samples],
            [tuple(row) for row in events],
        )


SCRIPTS = {
    "goes on": new_charge(),
    "the same again": new_charge(more=[charge(2, 8, 700), charge(3, 7, 900, evse={"id": 1, "connectorId": 1})]),
    "late": new_charge(more=[charge(4, 8.5, 500), charge(5, 6, 1000)]),
    "another state": new_charge(more=[charge(4, 6, 950, info={"chargingState": "SuspendedEV"}), charge(5, 5, 960)]),
    "a register that fell": new_charge(more=[charge(4, 6, 50), charge(5, 5, 60)]),
    "no register": new_charge(more=[event("Updated", 4, ago(6), info=STATE), charge(5, 5, 1000)]),
    "an end": new_charge(more=[event("Ended", 4, ago(5), wh=1500), charge(5, 6, 1400)]),
}


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
async def test_together_is_as_alone(place: Place, script: str) -> None:
    """TX-1 of one charger at a bridge that tells each message, and of another at one that writes together."""
    await place.register("ALONE")
    await place.register("SHARES")
    async with place.another(update_interval=3600.0) as sharing:
        for bridge, charger_id in ((place.bridge, "ALONE"), (sharing, "SHARES")):
            async with raw(bridge.url, charger_id, "ocpp2.0.1") as charger:
                for payload in SCRIPTS[script]:
                    await charger.call("TransactionEvent", payload)
    alone, shares = await rows(place, "ALONE"), await rows(place, "SHARES")
    assert shares == alone


async def test_meter_values_of_1_6_together(place: Place) -> None:
    await place.register("CP1")
    async with place.another(update_interval=3600.0) as sharing, raw(sharing.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        for minutes, wh in ((2.5, "1500"), (2.2, "1800"), (2.0, "2100")):
            assert await charger.call("MeterValues", metered(number, ago(minutes), wh)) == {}
        assert await charger.call("MeterValues", metered(number + 1, ago(2), "7")) == {}, "kept, of no transaction"
        (running,) = await place.transactions()
        assert running.energy_wh == Decimal(1100)
        await charger.call("StopTransaction", stop(number))
    (over,) = await place.transactions()
    _, samples, _ = await place.transaction(over.id)
    assert [sample.value for sample in samples] == [1000, 1500, 1800, 2100, 3500]
    assert over.energy_wh == Decimal(2500)
    assert await place.value("SELECT count(*) FROM ocpp_sample WHERE transaction_id IS NULL") == 1


async def test_meter_values_of_no_transaction_are_kept_together(place: Place) -> None:
    names = [f"CP{number}" for number in range(6)]
    for name in names:
        await place.register(name)

    async def say(name: str) -> None:
        async with raw(place.bridge.url, name) as charger:
            values = metered(1, ago(1), "500")
            del values["transactionId"]
            assert await charger.call("MeterValues", values) == {}

    await asyncio.gather(*(say(name) for name in names))
    kept = "SELECT count(*) FROM ocpp_sample WHERE transaction_id IS NULL AND ocpp_id IS NULL AND value = 500"
    assert await place.value(kept) == 6


async def test_the_business_side_hears_of_the_meter_now_and_then_and_of_the_rest_at_once(place: Place) -> None:
    await place.register("CP1")
    async with place.another(update_interval=60.0) as sharing, raw(sharing.url, "CP1", "ocpp2.0.1") as charger:
        for payload in new_charge():
            await charger.call("TransactionEvent", payload)
        told = len(place.told(port.TransactionUpdated))
        assert told <= 1
        await charger.call("TransactionEvent", charge(4, 6, 950, info={"chargingState": "SuspendedEV"}))
        assert len(place.told(port.TransactionUpdated)) == told + 1
        place.clock.shift = timedelta(seconds=61)
        await charger.call("TransactionEvent", charge(5, 5, 960, info={"chargingState": "SuspendedEV"}))
        assert len(place.told(port.TransactionUpdated)) == told + 2
        await charger.call("TransactionEvent", charge(6, 4, 970, info={"chargingState": "SuspendedEV"}))
        assert len(place.told(port.TransactionUpdated)) == told + 2


async def test_many_chargers_at_once(place: Place) -> None:
    names = [f"CP{number}" for number in range(8)]
    for name in names:
        await place.register(name)

    async def talk(url: str, name: str) -> None:
        async with raw(url, name, "ocpp2.0.1") as charger:
            for payload in new_charge(more=[charge(n, 7 - n / 10, 900 + n) for n in range(4, 20)]):
                await charger.call("TransactionEvent", payload, within=20)

    async with place.another(update_interval=3600.0) as sharing:
        await asyncio.gather(*(talk(sharing.url, name) for name in names))
    assert [transaction.energy_wh for transaction in await place.transactions()] == [Decimal(819)] * 8
    assert await place.value("SELECT count(*) FROM ocpp_sample") == 8 * 20
    assert await place.value("SELECT count(*) FROM ocpp_transaction_event") == 8 * 20


async def test_without_a_commit_there_is_no_answer(place: Place) -> None:
    """The row is locked by somebody else: the charger waits; it is answered once its news can be committed."""
    await place.register("CP1")
    async with place.another(update_interval=3600.0) as sharing, raw(sharing.url, "CP1", "ocpp2.0.1") as charger:
        for payload in new_charge():
            await charger.call("TransactionEvent", payload)
        async with place.engine.begin() as other:
            await other.execute(text("SELECT 1 FROM ocpp_transaction FOR UPDATE"))
            asked = asyncio.create_task(charger.call("TransactionEvent", charge(4, 6, 1000)))
            await asyncio.sleep(0.2)
            assert not asked.done()
        assert await asked == {}
    assert [transaction.energy_wh for transaction in await place.transactions()] == [Decimal(900)]
