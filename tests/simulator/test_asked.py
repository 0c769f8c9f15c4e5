"""What a 2.1 charger does when it is asked: it keeps what it was told, and acts on it. Asked by the admin REST."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.simulator import Car, SimulatedCharger
from tests.simulator.lab import CARD, at_the_hub, call, kept, transactions, until
from tests.world.hub import Hub


@pytest.fixture
def made() -> dict[str, Any]:
    return {"power_w": Decimal(22_000)}


@pytest.fixture
async def box(hub: Hub, made: dict[str, Any]):
    async with at_the_hub(hub, "ocpp2.1", **made) as charger:
        yield charger


async def charging(box: SimulatedCharger, **more: Any) -> str:
    """A car charges at EVSE 1; the id of its transaction."""
    assert await box.swipe(1, CARD, **more) == "Accepted"
    charge = box.evses[1].charge
    assert charge is not None
    return charge.local_id


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def priced(name: str, kwh: float, *, fee: float = 0, currency: str = "EUR") -> dict[str, Any]:
    energy = {"prices": [{"priceKwh": kwh}], "taxRates": [{"type": "VAT", "tax": 20}]}
    return {"tariffId": name, "currency": currency, "energy": energy, "fixedFee": {"prices": [{"priceFixed": fee}]}}


async def test_a_tariff_is_kept_priced_by_changed_and_cleared(hub: Hub, box: SimulatedCharger) -> None:
    assert (await call(hub, "GetTariffs", {"evseId": 0}))["status"] == "NoTariff"
    own = priced("OWN", 0.5, fee=1)
    assert (await call(hub, "SetDefaultTariff", {"evseId": 0, "tariff": own}))["status"] == "Accepted"
    assert (await call(hub, "SetDefaultTariff", {"evseId": 1, "tariff": own}))["status"] == "DuplicateTariffId"
    night = priced("NIGHT", 0.1)
    night["energy"]["prices"][0]["conditions"] = {"startTimeOfDay": "22:00"}
    assert (await call(hub, "SetDefaultTariff", {"evseId": 1, "tariff": night}))["status"] == "ConditionNotSupported"
    (assigned,) = (await call(hub, "GetTariffs", {"evseId": 1}))["tariffAssignments"]
    assert (assigned["tariffId"], assigned["tariffKind"], assigned["evseIds"]) == ("OWN", "DefaultTariff", [1])

    number = await charging(box)
    change = {"transactionId": number, "tariff": priced("USD", 1, currency="USD")}
    assert (await call(hub, "ChangeTransactionTariff", change))["status"] == "NoCurrencyChange"
    change["tariff"] = priced("DRIVER", 0)
    assert (await call(hub, "ChangeTransactionTariff", change))["status"] == "Accepted"
    assert (await call(hub, "ChangeTransactionTariff", change | {"transactionId": "X"}))["status"] == "TxNotFound"
    found = (await call(hub, "GetTariffs", {"evseId": 0}))["tariffAssignments"]
    assert [(one["tariffId"], one["tariffKind"]) for one in found] == [
        ("OWN", "DefaultTariff"),
        ("DRIVER", "DriverTariff"),
    ]
    charge = box.evses[1].charge
    await box.charge_ends(1)
    assert charge is not None
    assert charge.cost is not None
    total = charge.cost["totalCost"]["total"]
    assert 1 <= total["exclTax"] < 1.5, "the fee, and energy until the driver's own tariff came"
    assert total["inclTax"] == pytest.approx(total["exclTax"] * 1.2, abs=0.001)

    async def journalled() -> bool:
        return "costDetails" in (await hub.admin("GET", "/chargers/BOX-1/messages")).text

    await until(journalled)
    cleared = await call(hub, "ClearTariffs", {"tariffIds": ["OWN", "NOWHERE"]})
    assert {one["tariffId"]: one["status"] for one in cleared["clearTariffsResult"]} == {
        "OWN": "Accepted",
        "NOWHERE": "NoTariff",
    }


def profile(kind: str, period: dict[str, Any], **more: Any) -> dict[str, Any]:
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, **period}]}
    about = {"id": 9, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": kind}
    return {"evseId": 1, "chargingProfile": {**about, **more, "chargingSchedule": [schedule]}}


async def test_a_dynamic_profile_gets_other_limits_while_it_holds(hub: Hub, box: SimulatedCharger) -> None:
    await charging(box)
    assert (await call(hub, "SetChargingProfile", profile("Dynamic", {"limit": 20})))["status"] == "Accepted"
    assert box.evses[1].drawn_a(box.now()) == 20
    update = {"chargingProfileId": 9, "scheduleUpdate": {"limit": 10}}
    assert (await call(hub, "UpdateDynamicSchedule", update))["status"] == "Accepted"
    assert box.evses[1].drawn_a(box.now()) == 10
    assert (await call(hub, "UpdateDynamicSchedule", update | {"chargingProfileId": 8}))["status"] == "Rejected"
    assert (await call(hub, "SetChargingProfile", profile("Absolute", {"limit": 16})))["status"] == "Accepted"
    assert (await call(hub, "UpdateDynamicSchedule", update))["status"] == "Rejected", "it is no longer dynamic"


async def test_a_car_follows_the_signals_of_the_grid(hub: Hub, box: SimulatedCharger) -> None:
    signal = {"timestamp": later(0), "signal": 50}
    assert (await call(hub, "AFRRSignal", signal))["status"] == "Rejected"
    number = await charging(box)
    curve = [{"signal": 0, "power": 4000}, {"signal": 100, "power": 12000}]
    period = {"limit": 32, "operationMode": "CentralFrequency", "v2xSignalWattCurve": curve, "v2xBaseline": 1000}
    follows = profile("Absolute", period, chargingProfilePurpose="TxProfile", transactionId=number)
    assert (await call(hub, "SetChargingProfile", follows))["status"] == "Accepted"
    assert (await call(hub, "AFRRSignal", signal))["status"] == "Accepted"
    assert box.evses[1].drawn_w(box.now()) == 9000
    await call(hub, "AFRRSignal", signal | {"signal": 500})
    assert box.evses[1].drawn_w(box.now()) == 13000


async def test_a_car_that_may_not_charge_its_way_waits(hub: Hub, box: SimulatedCharger) -> None:
    number = await charging(box, car=Car(departs_in=600))
    place = box.evses[1]
    await until(lambda: box.needs.answered and place.charge and not place.charge.waits)
    asked = {"transactionId": number, "allowedEnergyTransfer": ["DC"]}
    assert (await call(hub, "NotifyAllowedEnergyTransfer", asked))["status"] == "Accepted"
    assert place.drawn_w(box.now()) == 0
    asked["allowedEnergyTransfer"] = ["DC", "AC_three_phase"]
    assert (await call(hub, "NotifyAllowedEnergyTransfer", asked))["status"] == "Accepted"
    await until(lambda: place.drawn_w(box.now()) > 0)
    assert (await call(hub, "NotifyAllowedEnergyTransfer", asked | {"transactionId": "X"}))["status"] == "Rejected"


async def test_controls_of_the_grid_supersede_each_other_and_run_in_time(hub: Hub, box: SimulatedCharger) -> None:
    def control(number: str, priority: int, **more: Any) -> dict[str, Any]:
        said = {"overFreq": 50.2, "underFreq": 49.8, "overDroop": 5, "underDroop": 5, "responseTime": 1} | more
        named = {"isDefault": False, "controlId": number, "controlType": "FreqDroop"}
        return {**named, "freqDroop": {"priority": priority, **said}}

    assert (await call(hub, "SetDERControl", control("A", 5)))["status"] == "Accepted"
    soon = control("B", 1, startTime=later(0.3), duration=0.3)
    assert await call(hub, "SetDERControl", soon) == {"status": "Accepted", "supersededIds": ["A"]}
    without = {"isDefault": False, "controlId": "C", "controlType": "FixedVar"}
    assert (await call(hub, "SetDERControl", without))["status"] == "Rejected"
    assert (await call(hub, "GetDERControl", {"requestId": 3}))["status"] == "Accepted"
    (report,) = await until(lambda: kept(hub, "ocpp_notice", "ReportDERControl"))
    assert {one["id"]: one["isSuperseded"] for one in report["freqDroop"]} == {"A": True, "B": False}

    async def both() -> list[dict[str, Any]]:
        told = await kept(hub, "ocpp_notice", "NotifyDERStartStop")
        return told if len(told) == 2 else []

    begun, ended = await until(both)
    assert (begun["controlId"], begun["started"], begun["supersededIds"]) == ("B", True, ["A"])
    assert (ended["controlId"], ended["started"]) == ("B", False)
    assert (await call(hub, "ClearDERControl", {"isDefault": False}))["status"] == "Accepted"
    assert (await call(hub, "GetDERControl", {"requestId": 4}))["status"] == "NotFound"


async def test_who_pays_on_the_web_is_not_overtaken(hub: Hub, box: SimulatedCharger) -> None:
    await call(hub, "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 600})
    assert await box.swipe(1, CARD) == "PaidOnTheWeb"
    token = {"idToken": CARD, "type": "DirectPayment"}
    start = {"idToken": token, "remoteStartId": 5, "evseId": 1}
    assert (await call(hub, "RequestStartTransaction", start))["status"] == "Accepted"
    await until(lambda: box.evses[1].charge)
    await box.charge_ends(1)
    await charging(box)


@pytest.mark.parametrize("made", [{"batteries": True, "evses": 3}])
async def test_batteries_are_swapped_from_afar(hub: Hub, box: SimulatedCharger) -> None:
    asked = {"idToken": {"idToken": CARD, "type": "ISO14443"}, "requestId": 7}
    assert (await call(hub, "RequestBatterySwap", asked))["status"] == "Accepted"

    async def out() -> bool:
        told = await kept(hub, "ocpp_notice", "BatterySwap")
        return [(one["eventType"], one["requestId"]) for one in told] == [("BatteryIn", 7), ("BatteryOut", 7)]

    await until(out)


async def test_batteries_are_not_swapped_where_there_are_none(hub: Hub, box: SimulatedCharger) -> None:
    asked = {"idToken": {"idToken": CARD, "type": "ISO14443"}, "requestId": 7}
    assert (await call(hub, "RequestBatterySwap", asked))["status"] == "Rejected"


async def test_values_of_a_monitor_come_as_a_stream(hub: Hub, box: SimulatedCharger) -> None:
    named = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    monitor = {"id": 3, "value": 1, "type": "Periodic", "severity": 5, **named}
    await call(hub, "SetVariableMonitoring", {"setMonitoringData": [monitor | {"periodicEventStream": {"values": 50}}]})
    await until(lambda: box.streams.open)
    adjusted = await call(hub, "AdjustPeriodicEventStream", {"id": 3, "params": {"values": 1}})
    assert adjusted == {"status": "Accepted"}
    assert (await call(hub, "AdjustPeriodicEventStream", {"id": 4, "params": {}}))["status"] == "Rejected"
    (said,) = (await call(hub, "GetPeriodicEventStream", {}))["constantStreamData"]
    assert said == {"id": 3, "variableMonitoringId": 3, "params": {"values": 1}}

    async def filled() -> Any:
        (stream,) = (await hub.admin("GET", "/chargers/BOX-1/event-streams")).json()
        return stream["values"]

    await until(filled)
    await call(hub, "ClearVariableMonitoring", {"id": [3]})

    async def closed() -> bool:
        return (await hub.admin("GET", "/chargers/BOX-1/event-streams")).json() == []

    await until(closed)


async def test_a_reservation_keeps_others_out_and_ends_in_time(hub: Hub, box: SimulatedCharger) -> None:
    await hub.admin("PUT", "/tokens/OTHER", {})
    reserve = {"id": 4, "expiryDateTime": later(600), "evseId": 1, "idToken": {"idToken": "OTHER", "type": "ISO14443"}}
    assert (await call(hub, "ReserveNow", reserve))["status"] == "Accepted"
    await until(lambda: box.evses[1].status == "Reserved")
    assert await box.swipe(1, CARD) == "Reserved"
    assert (await call(hub, "ReserveNow", reserve | {"id": 5}))["status"] == "Occupied"
    assert await box.swipe(1, "OTHER") == "Accepted"
    assert box.evses[1].charge is not None
    assert box.evses[1].charge.reservation_id == 4
    assert box.evses[1].reservation is None
    await box.charge_ends(1)
    assert (await call(hub, "ReserveNow", reserve | {"id": 6, "expiryDateTime": later(0.5)}))["status"] == "Accepted"
    await until(lambda: box.evses[1].reservation is None and box.evses[1].status == "Available")


async def test_whether_a_transaction_runs_and_something_of_it_waits(hub: Hub, box: SimulatedCharger) -> None:
    number = await charging(box)
    asked = {"transactionId": number}
    await until(lambda: not box.outbox.waits_about(number))
    runs = (await call(hub, "GetTransactionStatus", asked))["ongoingIndicator"]
    await box.charge_ends(1)
    over = await call(hub, "GetTransactionStatus", asked)
    assert (runs, over) == (True, {"ongoingIndicator": False, "messagesInQueue": False})
    assert await call(hub, "GetTransactionStatus", {}) == {"messagesInQueue": False}


async def test_what_a_maker_made(hub: Hub, box: SimulatedCharger) -> None:
    echo = {"vendorId": "Simulated", "messageId": "echo", "data": "hello"}
    assert await call(hub, "DataTransfer", echo) == {"status": "Accepted", "data": "hello"}
    assert (await call(hub, "DataTransfer", echo | {"messageId": "x"}))["status"] == "UnknownMessageId"
    assert (await call(hub, "DataTransfer", echo | {"vendorId": "x"}))["status"] == "UnknownVendorId"


async def test_what_is_not_severe_enough_is_not_told(hub: Hub, box: SimulatedCharger) -> None:
    assert (await call(hub, "SetMonitoringLevel", {"severity": 1}))["status"] == "Accepted"
    await box.watch.alert("ChargingStation", "Problem", "true")
    assert (await hub.admin("GET", "/alerts?active=true")).json() == []
    assert (await call(hub, "SetMonitoringLevel", {"severity": 4}))["status"] == "Accepted"
    await box.watch.alert("ChargingStation", "Problem", "true")
    assert len((await hub.admin("GET", "/alerts?active=true")).json()) == 1
    assert (await call(hub, "SetMonitoringLevel", {"severity": 10}))["status"] == "Rejected"


async def test_a_trigger_tells_of_the_charge(hub: Hub, box: SimulatedCharger) -> None:
    number = await charging(box)
    await box.said_all()
    before = box.evses[1].charge
    assert before is not None
    seq = before.seq_no
    asked = {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}
    assert (await call(hub, "TriggerMessage", asked))["status"] == "Accepted"
    await until(lambda: before.seq_no > seq)
    assert (await call(hub, "TriggerMessage", asked | {"evse": {"id": 9}}))["status"] == "Rejected"
    await asyncio.wait_for(box.charge_ends(1), 10)
    (transaction,) = await transactions(hub, active="false")
    assert transaction["ocpp_id"] == number
