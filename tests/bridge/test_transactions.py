"""Transactions from messages that come doubled, late and shuffled, over real sockets."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp import port, transactions
from bridge_ocpp.clock import EARLIEST
from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import AuthStatus, ChargingState, IdToken, Verdict
from bridge_ocpp.speaker import Speaker
from tests.bridge.chargers import raw, stamp
from tests.bridge.conftest import Place

REGISTER = "Energy.Active.Import.Register"


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def start(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": stamp(ago(3))} | changes


def stop(transaction_id: int, **changes: Any) -> dict[str, Any]:
    return {"transactionId": transaction_id, "meterStop": 3500, "timestamp": stamp(ago(1))} | changes


def metered(transaction_id: int, at: datetime, wh: str) -> dict[str, Any]:
    values = [{"value": wh, "measurand": REGISTER, "unit": "Wh"}]
    return {
        "connectorId": 1,
        "transactionId": transaction_id,
        "meterValue": [{"timestamp": stamp(at), "sampledValue": values}],
    }


def event(kind: str, seq: int, at: datetime, *, wh: float | None = None, **changes: Any) -> dict[str, Any]:
    """A TransactionEvent of 2.0.1; `info` goes into transactionInfo."""
    info = {"transactionId": "TX-1"} | changes.pop("info", {})
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": stamp(at),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq,
        "transactionInfo": info,
    }
    if wh is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        payload["meterValue"] = [{"timestamp": stamp(at), "sampledValue": [{"value": wh, "context": context}]}]
    return payload | changes


def charge_of_2_0_1(**changes: Any) -> list[dict[str, Any]]:
    token = {"idToken": "TAG", "type": "ISO14443"}
    return [
        event("Started", 0, ago(10), wh=100, evse={"id": 1, "connectorId": 2}, idToken=token, **changes),
        event("Updated", 1, ago(8), wh=400, info={"chargingState": "Charging"}),
        event("Updated", 2, ago(6), wh=900),
        event("Updated", 3, ago(4), info={"chargingState": "SuspendedEV"}),
        event("Ended", 4, ago(2), wh=1350.5, info={"stoppedReason": "EVDisconnected"}),
    ]


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


# --- one transaction, whatever comes how often -----------------------------------------------------------------


async def test_a_charge_of_1_6(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        started = await charger.call("StartTransaction", start())
        number = started["transactionId"]
        assert started == {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
        assert await charger.call("MeterValues", metered(number, ago(2), "2000")) == {}
        assert await charger.call("StopTransaction", stop(number, reason="EVDisconnected")) == {}
    (begun,) = here.told(port.TransactionStarted)
    assert begun.transaction.id_token == IdToken("TAG")
    assert begun.transaction.energy_wh == 0
    (updated,) = here.told(port.TransactionUpdated)
    assert (updated.transaction.energy_wh, [s.value for s in updated.samples]) == (1000, [2000])
    (ended,) = here.told(port.TransactionEnded)
    assert (ended.transaction.energy_wh, ended.transaction.stop_reason) == (Decimal(2500), "EVDisconnected")
    assert [sample.value for sample in ended.samples] == [1000, 2000, 3500]
    assert ended.transaction.started_at < ended.transaction.ended_at
    assert await here.transactions() == [ended.transaction]
    assert await here.heard("TransactionEnded") == 1


async def test_a_charge_of_2_0_1(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for payload in charge_of_2_0_1():
            answer = await charger.call("TransactionEvent", payload)
            assert answer == ({"idTokenInfo": {"status": "Accepted"}} if "idToken" in payload else {})
    (ended,) = here.told(port.TransactionEnded)
    transaction = ended.transaction
    assert (transaction.ocpp_id, transaction.evse_id, transaction.connector_id) == ("TX-1", 1, 2)
    assert (transaction.energy_wh, transaction.stop_reason) == (Decimal("1250.5"), "EVDisconnected")
    assert [change.state for change in ended.states] == [ChargingState.CHARGING, ChargingState.SUSPENDED_EV]
    assert not transaction.suspect
    assert transaction.flags == ()
    assert len(here.told(port.TransactionStarted)) == 1
    assert len(here.told(port.TransactionUpdated)) == 3


@pytest.mark.parametrize("seed", range(3))
async def test_x25_every_event_of_2_0_1_three_times_shuffled_is_one_transaction(here: Place, seed: int) -> None:
    events = [(f"id-{payload['seqNo']}-{min(turn, 1)}", payload) for payload in charge_of_2_0_1() for turn in range(3)]
    random.Random(seed).shuffle(events)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for message_id, payload in events:
            answer = await charger.call("TransactionEvent", payload, message_id=message_id)
            assert answer == ({"idTokenInfo": {"status": "Accepted"}} if "idToken" in payload else {})
    (transaction,) = await here.transactions()
    assert (transaction.energy_wh, transaction.id_token) == (Decimal("1250.5"), IdToken("TAG"))
    assert (transaction.suspect, transaction.flags) == (False, ())
    assert [type(found).__name__ for found in here.hub.events].count("TransactionStarted") == 1
    (ended,) = here.told(port.TransactionEnded)
    assert [sample.value for sample in ended.samples] == [100, 400, 900, Decimal("1350.5")]
    assert here.told(port.TransactionCorrected) == []


@pytest.mark.parametrize("seed", range(3))
async def test_x25_every_message_of_1_6_three_times_shuffled_is_one_transaction(here: Place, seed: int) -> None:
    order = random.Random(seed)
    async with raw(here.bridge.url, "CP1") as charger:
        begin = start()
        number = (await charger.call("StartTransaction", begin, message_id="start"))["transactionId"]
        later = [
            ("StartTransaction", begin, "start"),
            ("StartTransaction", begin, "start-again"),
            *[("StopTransaction", stop(number, timestamp=begin["timestamp"]), f"stop-{n}") for n in (1, 1, 2)],
            *[
                ("MeterValues", metered(number, datetime.fromisoformat(begin["timestamp"]), "1000"), f"meter-{n}")
                for n in (1, 1, 2)
            ],
        ]
        order.shuffle(later)
        for action, payload, message_id in later:
            answer = await charger.call(action, payload, message_id=message_id)
            if action == "StartTransaction":
                assert answer["transactionId"] == number
    (transaction,) = await here.transactions()
    assert (transaction.ocpp_id, transaction.energy_wh) == (str(number), Decimal(2500))
    assert len(here.told(port.TransactionStarted)) == 1
    assert len(here.told(port.TransactionEnded)) == 1
    assert here.told(port.TransactionCorrected) == []


async def test_the_same_start_in_concurrent_transactions_is_one_transaction(here: Place) -> None:
    """The unique content key decides, not the order in which connections happen to run."""
    told = DIALECTS["ocpp1.6"].inbound["StartTransaction"].read(start())
    assert isinstance(told, TransactionTold)
    at = datetime.now(UTC)
    speaker = Speaker("cp1", "CP1", 1, at, EARLIEST, echoes_remote_start=False)
    hearing = Hearing(speaker, at, here.hub, timedelta(minutes=15))

    async def take() -> str:
        async with here.work() as db:
            row = await transactions.take(db, told, hearing, Verdict(AuthStatus.ACCEPTED))
            return row.ocpp_id

    numbers = await asyncio.gather(*(take() for _ in range(8)))
    assert len(set(numbers)) == 1
    assert await here.heard("TransactionStarted") == 1
    assert await here.value("SELECT count(*) FROM ocpp_sample") == 1


async def test_two_starts_that_differ_are_two_transactions(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        first = await charger.call("StartTransaction", start())
        second = await charger.call("StartTransaction", start(connectorId=2))
    assert first["transactionId"] != second["transactionId"]
    assert len(await here.transactions()) == 2


async def test_a_start_repeated_on_the_next_connection_has_the_same_number_and_asks_nobody_again(here: Place) -> None:
    begin = start()
    async with raw(here.bridge.url, "CP1") as charger:
        first = await charger.call("StartTransaction", begin)
    here.hub.verdict = Verdict(AuthStatus.BLOCKED)
    async with raw(here.bridge.url, "CP1") as charger:
        again = await charger.call("StartTransaction", begin)
    assert first == again
    assert len(here.hub.asked) == 1


# --- strays, gaps and corrections ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [-1, 0, 4711])
async def test_a_stop_of_an_unknown_transaction_is_kept_as_suspect_and_never_guessed(here: Place, number: int) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        running = (await charger.call("StartTransaction", start()))["transactionId"]
        unknown = stop(number, meterStop=99)
        assert await charger.call("StopTransaction", unknown) == {}
        assert await charger.call("StopTransaction", unknown) == {}
        assert await charger.call("StopTransaction", stop(number, meterStop=77)) == {}
    ours, *strays = sorted(await here.transactions(), key=lambda found: found.suspect)
    assert (ours.ocpp_id, ours.ended_at, ours.suspect) == (str(running), None, False)
    assert [(found.ocpp_id, found.suspect, found.flags, found.evse_id) for found in strays] == [
        (str(number), True, ("no_start", "no_begin_reading"), 0)
    ] * 2
    assert here.told(port.TransactionEnded) == []
    assert len(await here.transactions(active=True)) == 1


async def test_a_transaction_of_another_charger_cannot_be_stopped(here: Place) -> None:
    await here.register("CP2")
    async with raw(here.bridge.url, "CP1") as one, raw(here.bridge.url, "CP2") as two:
        number = (await one.call("StartTransaction", start()))["transactionId"]
        assert await two.call("StopTransaction", stop(number)) == {}
    found = {transaction.charger_id: transaction for transaction in await here.transactions()}
    assert found["CP1"].ended_at is None
    assert found["CP2"].suspect


async def test_an_end_with_gaps_waits_and_is_told_when_the_gap_is_filled(here: Place) -> None:
    first, second, third, fourth, last = charge_of_2_0_1()
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for payload in (first, second, last):
            await charger.call("TransactionEvent", payload)
        assert here.told(port.TransactionEnded) == []
        assert here.told(port.TransactionUpdated)[-1].transaction.ended_at is not None
        await charger.call("TransactionEvent", fourth)
        assert here.told(port.TransactionEnded) == []
        await charger.call("TransactionEvent", third)
    (ended,) = here.told(port.TransactionEnded)
    assert [sample.value for sample in ended.samples] == [100, 400, 900, Decimal("1350.5")]
    assert ended.transaction.flags == ()


async def test_a_gap_that_stays_is_told_after_the_settle_window_and_corrected_later(here: Place) -> None:
    first, second, third, fourth, last = charge_of_2_0_1()
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for payload in (first, second, fourth, last):
            await charger.call("TransactionEvent", payload)
        await here.bridge.settle()
        assert here.told(port.TransactionEnded) == []
        here.clock.shift += timedelta(seconds=901)
        await here.bridge.settle()
        await here.bridge.settle()
        (ended,) = here.told(port.TransactionEnded)
        assert ended.transaction.flags == ("missing_events",)
        assert ended.transaction.energy_wh == Decimal("1250.5")
        here.clock.shift = timedelta()
        await charger.call("TransactionEvent", third)
    (corrected,) = here.told(port.TransactionCorrected)
    assert [sample.value for sample in corrected.samples] == [100, 400, 900, Decimal("1350.5")]
    assert len(here.told(port.TransactionEnded)) == 1


async def test_an_end_whose_start_never_came_is_told_as_suspect(here: Place) -> None:
    _, second, *_, last = charge_of_2_0_1()
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", second | {"evse": {"id": 1}})
        await charger.call("TransactionEvent", last)
        assert here.told(port.TransactionStarted) == []
        here.clock.shift += timedelta(seconds=901)
        await here.bridge.settle()
    (begun,), (ended,) = here.told(port.TransactionStarted), here.told(port.TransactionEnded)
    assert (begun.transaction.suspect, ended.transaction.suspect) == (True, True)
    assert set(ended.transaction.flags) == {"no_start", "missing_events", "no_begin_reading"}


async def test_meter_values_after_the_stop_are_a_correction_only_where_they_change_something(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StopTransaction", stop(number))
        await charger.call("MeterValues", metered(number, ago(0.5), "3500"))
        assert here.told(port.TransactionCorrected) == []
        await charger.call("MeterValues", metered(number, ago(2), "2222"))
    (corrected,) = here.told(port.TransactionCorrected)
    assert [sample.value for sample in corrected.samples][:3] == [1000, 2222, 3500]
    assert corrected.transaction.energy_wh == 2500


async def test_a_second_stop_with_other_content_is_flagged_and_corrected(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StopTransaction", stop(number))
        await charger.call("StopTransaction", stop(number, meterStop=9000, timestamp=stamp(ago(0.5))))
    (transaction,) = await here.transactions()
    assert "second_end" in transaction.flags
    assert transaction.suspect
    assert len(here.told(port.TransactionEnded)) == 1
    assert len(here.told(port.TransactionCorrected)) == 1


async def test_a_start_is_told_once_its_evse_is_known(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", event("Started", 0, ago(3), wh=1))
        assert here.told(port.TransactionStarted) == []
        await charger.call("TransactionEvent", event("Updated", 1, ago(2), wh=5, evse={"id": 2}))
    (begun,) = here.told(port.TransactionStarted)
    assert (begun.transaction.evse_id, begun.transaction.suspect) == (2, False)


async def test_a_transaction_whose_evse_is_never_known_is_not_told(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", event("Started", 0, ago(3), wh=1))
        await charger.call("TransactionEvent", event("Ended", 1, ago(2), wh=5))
        here.clock.shift += timedelta(seconds=901)
        await here.bridge.settle()
    assert here.told(port.TransactionEnded) == []
    (transaction,) = await here.transactions()
    assert "no_evse" in transaction.flags


def status_of(connector: int) -> dict[str, Any]:
    return {"connectorId": connector, "errorCode": "NoError", "status": "Available"}


async def test_a_start_at_connector_0_is_one_at_the_only_evse(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("StatusNotification", status_of(0))
        await charger.call("StatusNotification", status_of(1))
        begin = start(connectorId=0)
        answer = await charger.call("StartTransaction", begin)
        assert answer["idTagInfo"] == {"status": "Accepted"}
        assert await charger.call("StartTransaction", begin) == answer
        await charger.call("StopTransaction", stop(answer["transactionId"]))
        await here.has_quirks("CP1", "a start at connector 0")
    (ended,) = here.told(port.TransactionEnded)
    assert (ended.transaction.evse_id, ended.transaction.suspect) == (1, False)


@pytest.mark.parametrize("connectors", [(), (1, 2)])
async def test_a_start_at_connector_0_of_many_is_refused_and_kept_as_suspect(
    here: Place, connectors: tuple[int, ...]
) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        for connector in connectors:
            await charger.call("StatusNotification", status_of(connector))
        begin = start(connectorId=0)
        answer = await charger.call("StartTransaction", begin)
        assert answer["idTagInfo"] == {"status": "Invalid"}
        assert await charger.call("StartTransaction", begin) == answer
        assert "error" not in await charger.call("StopTransaction", stop(answer["transactionId"]))
        await here.has_quirks("CP1", "a start at connector 0")
    assert here.hub.asked == [], "where nobody can charge, nobody is asked"
    (transaction,) = await here.transactions()
    assert (transaction.flags, transaction.suspect) == (("no_evse",), True)
    assert here.told(port.TransactionStarted) + here.told(port.TransactionEnded) == []


async def test_a_sequence_number_used_for_everything_loses_nothing(here: Place) -> None:
    events = [payload | {"seqNo": 0} for payload in charge_of_2_0_1()]
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for payload in events:
            await charger.call("TransactionEvent", payload)
    (ended,) = here.told(port.TransactionEnded)
    assert (ended.transaction.energy_wh, ended.transaction.flags) == (Decimal("1250.5"), ("seq_reused",))


async def test_a_name_that_is_used_again_is_another_transaction(here: Place) -> None:
    place = {"evse": {"id": 1}}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        for minutes, wh in ((9, 100), (4, 700)):
            await charger.call("TransactionEvent", event("Started", 0, ago(minutes), wh=wh) | place)
            end = event("Ended", 1, ago(minutes - 2), wh=wh + 50) | place
            for _ in range(2):
                await charger.call("TransactionEvent", end)
    told = here.told(port.TransactionEnded)
    assert [(found.transaction.energy_wh, found.transaction.flags) for found in told] == [(50, ()), (50, ())]
    assert told[0].transaction.id != told[1].transaction.id
    assert here.told(port.TransactionCorrected) == []
    await here.has_quirks("CP1", "a transaction id used again")


async def test_meter_values_of_no_transaction_are_kept(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        loose = metered(0, ago(1), "5")
        del loose["transactionId"]
        assert await charger.call("MeterValues", loose) == {}
        assert await charger.call("MeterValues", metered(999, ago(1), "6")) == {}
    assert await here.value("SELECT count(*) FROM ocpp_sample WHERE transaction_id IS NULL") == 2
    assert here.told(port.TransactionUpdated) == []


# --- meters ---------------------------------------------------------------------------------------------------


async def test_what_is_odd_about_meter_values_is_listed_and_what_is_plain_counts(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        for value in ("1800,5", "12,345", "broken", ""):
            assert await charger.call("MeterValues", metered(number, ago(1), value)) == {}
        (running,) = await here.transactions()
        assert running.energy_wh == Decimal("800.5")
        await charger.call("StopTransaction", stop(number, meterStop="2500,5"))
    (ended,) = here.told(port.TransactionEnded)
    assert ended.transaction.energy_wh == Decimal("1500.5")
    await here.has_quirks(
        "CP1",
        "a meter value that is no number",
        "a meter value with a comma",
        "StopTransaction meterStop: a string for number",
        "StopTransaction meterStop: a fraction for integer",
    )


async def test_a_value_that_is_missing_loses_no_stop(here: Place) -> None:
    sampled = [{"value": None, "measurand": "SoC"}, {"measurand": "SoC"}, {"value": "7", "measurand": "Voltage"}]
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        data = [{"timestamp": stamp(ago(2)), "sampledValue": sampled}]
        assert await charger.call("StopTransaction", stop(number, transactionData=data)) == {}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        begin = event("Started", 0, ago(3), wh=100, info={"chargingState": "Preparing"}) | {"evse": {"id": 1}}
        assert await charger.call("TransactionEvent", begin) == {}
        values = [{"value": None}, {"value": "broken"}, {"value": 700, "context": "Transaction.End"}]
        end = event("Ended", 1, ago(2), meterValue=[{"timestamp": stamp(ago(2)), "sampledValue": values}])
        assert await charger.call("TransactionEvent", end) == {}
    first, second = here.told(port.TransactionEnded)
    assert [(sample.measurand, sample.value) for sample in first.samples] == [
        (REGISTER, 1000),
        ("Voltage", 7),
        (REGISTER, 3500),
    ]
    assert (second.transaction.energy_wh, second.transaction.charging_state) == (600, None)
    await here.has_quirks(
        "CP1",
        "StopTransaction transactionData[].sampledValue[].value: null",
        "StopTransaction transactionData[].sampledValue[]: no value",
        "a meter value that is no number",
        "TransactionEvent transactionInfo.chargingState: an unknown word",
        "TransactionEvent meterValue[].sampledValue[].value: null",
        "TransactionEvent meterValue[].sampledValue[].value: no number",
        "TransactionEvent meterValue[].sampledValue[]: no value",
    )


async def test_a_meter_of_phases_counts_while_it_runs_and_the_stop_has_the_last_word(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        for minutes, wh in ((2.5, 400), (2, 500), (1.5, 650)):
            values = [{"value": str(wh + n), "phase": f"L{n}", "measurand": REGISTER} for n in (1, 2, 3)]
            message = {"connectorId": 1, "transactionId": number}
            meter_value = [{"timestamp": stamp(ago(minutes)), "sampledValue": values}]
            await charger.call("MeterValues", message | {"meterValue": meter_value})
        (running,) = await here.transactions()
        assert running.energy_wh == 750
        await charger.call("MeterValues", metered(number, ago(1.2), "1900"))
        (running,) = await here.transactions()
        assert running.energy_wh == 900, "a reading of all phases goes before"
        await charger.call("StopTransaction", stop(number, meterStop=1950))
    (ended,) = here.told(port.TransactionEnded)
    assert (ended.transaction.energy_wh, ended.transaction.flags) == (950, ())


async def test_a_meter_that_runs_backwards_is_flagged(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start(meterStart=5000)))["transactionId"]
        await charger.call("MeterValues", metered(number, ago(2), "5600"))
        await charger.call("StopTransaction", stop(number, meterStop=10))
    (ended,) = here.told(port.TransactionEnded)
    assert ended.transaction.flags == ("meter_backwards",)
    assert ended.transaction.suspect
    assert ended.transaction.energy_wh == 600


async def test_units_phases_and_signatures_are_normalised_and_kept(here: Place) -> None:
    samples = [
        {"value": "1.25", "unit": "kWh"},
        {"value": "16.1", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "OCMF|x|y", "format": "SignedData"},
    ]
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        payload = metered(number, ago(2), "0")
        payload["meterValue"][0]["sampledValue"] = samples
        await charger.call("MeterValues", payload)
    (transaction,) = await here.transactions()
    _, kept, _ = await here.transaction(transaction.id)
    found = {(sample.measurand, sample.phase): sample for sample in kept if sample.context != "Transaction.Begin"}
    assert found[(REGISTER, None)].value == Decimal(1250)
    assert found[(REGISTER, None)].signed == {"signedMeterData": "OCMF|x|y"}
    assert (found[("Current.Import", "L1")].value, found[("Current.Import", "L1")].unit) == (Decimal("16.1"), "A")
    assert found[("Power.Active.Import", None)].value == Decimal(7400)
    assert transaction.energy_wh == Decimal(250)


# --- states ---------------------------------------------------------------------------------------------------


async def test_the_statuses_of_1_6_are_the_states_of_its_transaction(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:

        async def status(word: str, *, connector: int = 1) -> None:
            await charger.call("StatusNotification", {"connectorId": connector, "errorCode": "NoError", "status": word})

        await status("Preparing")
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await status("Charging")
        await status("SuspendedEV", connector=2)
        await status("SuspendedEV")
        await status("SuspendedEV")
        await status("Charging")
        await status("Finishing")
        await charger.call("StopTransaction", stop(number, timestamp=stamp(ago(0))))
        await status("Charging")
    (ended,) = here.told(port.TransactionEnded)
    assert [change.state for change in ended.states] == [
        ChargingState.EV_CONNECTED,
        ChargingState.CHARGING,
        ChargingState.SUSPENDED_EV,
        ChargingState.CHARGING,
        ChargingState.EV_CONNECTED,
    ]
    assert ended.states[0].at == ended.transaction.started_at


# --- tokens ---------------------------------------------------------------------------------------------------


async def test_a_refused_start_of_1_6_is_recorded_all_the_same(here: Place) -> None:
    here.hub.verdict = Verdict(AuthStatus.BLOCKED)
    async with raw(here.bridge.url, "CP1") as charger:
        answer = await charger.call("StartTransaction", start())
    assert answer["idTagInfo"] == {"status": "Blocked"}
    assert len(await here.transactions()) == 1
    assert here.hub.asked == [(IdToken("TAG"), port.Where("CP1", 1, 1))]


async def test_the_answer_to_a_stop_says_of_its_token_what_the_start_said(here: Place) -> None:
    here.hub.verdict = Verdict(AuthStatus.ACCEPTED, group=IdToken("FAMILY"))
    async with raw(here.bridge.url, "CP1") as charger:
        for id_tag, answer in (
            ("tag", {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}),
            ("OTHER", {}),
            (None, {}),
        ):
            begin = start(timestamp=stamp(ago(3)))
            number = (await charger.call("StartTransaction", begin))["transactionId"]
            end = stop(number) | ({"idTag": id_tag} if id_tag else {})
            assert await charger.call("StopTransaction", end) == answer
            assert await charger.call("StopTransaction", end) == answer
    assert len(here.hub.asked) == 3, "nobody is asked again about a stop"


async def test_a_token_that_comes_later_or_is_accepted_later_is_the_one_that_counts(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", event("Started", 0, ago(5), evse={"id": 1}))
        here.hub.verdict = Verdict(AuthStatus.INVALID)
        wrong = {"idToken": "WRONG", "type": "ISO14443"}
        answer = await charger.call("TransactionEvent", event("Updated", 1, ago(4), idToken=wrong))
        assert answer == {"idTokenInfo": {"status": "Invalid"}}
        here.hub.verdict = Verdict(AuthStatus.ACCEPTED, group=IdToken("FAMILY", "Central"))
        right = {"idToken": "RIGHT", "type": "eMAID"}
        await charger.call("TransactionEvent", event("Updated", 2, ago(3), idToken=right))
        other = {"idToken": "OTHER", "type": "ISO14443"}
        await charger.call("TransactionEvent", event("Ended", 3, ago(2), idToken=other))
    (transaction,) = await here.transactions()
    assert (transaction.id_token, transaction.group) == (IdToken("RIGHT", "eMAID"), IdToken("FAMILY", "Central"))
    assert [token.value for token, _ in here.hub.asked] == ["WRONG", "RIGHT", "OTHER"]


async def test_transactions_are_found_by_charger_token_and_whether_they_run(here: Place) -> None:
    await here.register("CP2")
    async with raw(here.bridge.url, "CP1") as one, raw(here.bridge.url, "CP2") as two:
        number = (await one.call("StartTransaction", start(idTag="Alice")))["transactionId"]
        await one.call("StopTransaction", stop(number))
        await two.call("StartTransaction", start(idTag="Bob"))
    assert [found.charger_id for found in await here.transactions()] == ["CP1", "CP2"]
    assert [found.charger_id for found in await here.transactions(charger_id="cp2")] == ["CP2"]
    assert [found.charger_id for found in await here.transactions(token="ALICE")] == ["CP1"]
    assert [found.charger_id for found in await here.transactions(active=True)] == ["CP2"]
    assert [found.charger_id for found in await here.transactions(active=False)] == ["CP1"]
    assert [found.charger_id for found in await here.transactions(limit=1, offset=1)] == ["CP2"]
