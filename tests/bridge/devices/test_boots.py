"""Accepted, Pending, Rejected: what a charger may say before its boot is accepted, and how it hears that it is."""

import asyncio
from typing import Any

import pytest

from bridge_ocpp.devices.booting import SETTLING
from bridge_ocpp.port import Attend, IdToken, OutcomeStatus, RawCall, StartCharging, Trigger, UnlockConnector
from tests.bridge.chargers import now, raw
from tests.bridge.conftest import Place
from tests.world.waiting import until

BOOT_16 = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}
BOOT_2X = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1"}}
BOOTS = [("ocpp1.6", BOOT_16), ("ocpp2.0.1", BOOT_2X)]


async def decide(place: Place, word: str, charger_id: str = "CP1") -> None:
    async with place.work() as db:
        await place.book.set_boot_status(charger_id, word, db)


@pytest.fixture
async def new(place: Place) -> Place:
    """A charger that has never booted."""
    await place.register("CP1", booted=False)
    return place


async def test_2_0_1_says_nothing_before_its_first_boot_is_accepted(new: Place) -> None:
    async with raw(new.bridge.url, "CP1", "ocpp2.0.1") as charger:
        refused = await charger.call("Heartbeat", {})
        assert refused[2] == "SecurityError"
        assert (await charger.call("BootNotification", BOOT_2X))["status"] == "Accepted"
        assert "currentTime" in await charger.call("Heartbeat", {})
    async with raw(new.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert "currentTime" in await charger.call("Heartbeat", {}), "a new socket needs no new boot"


async def test_1_6_has_no_such_rule(new: Place) -> None:
    async with raw(new.bridge.url, "CP1") as charger:
        assert "currentTime" in await charger.call("Heartbeat", {})


@pytest.mark.parametrize(("protocol", "boot"), BOOTS)
@pytest.mark.parametrize("word", ["Pending", "Rejected"])
async def test_a_boot_that_is_not_accepted_is_told_when_to_come_again(
    new: Place, protocol: str, boot: Any, word: str
) -> None:
    await decide(new, word)
    async with raw(new.bridge.url, "CP1", protocol) as charger:
        answer = await charger.call("BootNotification", boot)
        assert (answer["status"], answer["interval"]) == (word, new.config.boot_interval)
        assert (await charger.call("Heartbeat", {}))[2] == "SecurityError"
    record = await new.record("CP1")
    assert (record.boot_answer, record.vendor, record.firmware_version) == (word, "V", "1")
    assert await new.heard("ChargerBooted") == 0


@pytest.mark.parametrize(("protocol", "boot"), BOOTS)
async def test_pending_may_send_what_it_was_asked_for(new: Place, protocol: str, boot: Any) -> None:
    await decide(new, "Pending")
    async with raw(new.bridge.url, "CP1", protocol) as charger:
        await charger.call("BootNotification", boot)
        await new.seated("CP1")
        asking = new.ask("CP1", Trigger("Heartbeat"))
        outcome = await answered(charger, asking, {"status": "Accepted"})
        assert outcome.status is OutcomeStatus.ACCEPTED
        assert "currentTime" in await charger.call("Heartbeat", {})
        assert (await charger.call("DataTransfer", {"vendorId": "V"}))[2] == "SecurityError"


async def answered(charger: Any, asking: Any, payload: Any) -> Any:
    """Answer the next call with this payload, and give what became of the question."""
    question = asyncio.create_task(asking)
    call = await charger.asked()
    await charger.say([3, call[1], payload])
    return await question


@pytest.mark.parametrize(("protocol", "boot"), BOOTS)
@pytest.mark.parametrize("word", ["Pending", "Rejected"])
async def test_nobody_charges_at_a_charger_that_is_not_accepted(
    new: Place, protocol: str, boot: Any, word: str
) -> None:
    await decide(new, word)
    async with raw(new.bridge.url, "CP1", protocol) as charger:
        await charger.call("BootNotification", boot)
        await new.seated("CP1")
        outcome = await new.ask("CP1", StartCharging(IdToken("T"), 1, 1))
        assert outcome.status is OutcomeStatus.REJECTED
        assert charger.calls.empty()


@pytest.mark.parametrize(("protocol", "boot"), BOOTS)
async def test_a_pending_charger_that_is_accepted_is_told_at_once(new: Place, protocol: str, boot: Any) -> None:
    await decide(new, "Pending")
    async with raw(new.bridge.url, "CP1", protocol) as charger:
        await charger.call("BootNotification", boot)
        await new.seated("CP1")
        await decide(new, "Accepted")
        await new.ask("CP1", Attend())
        call = await charger.asked()
        assert call[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
        await charger.say([3, call[1], {"status": "Accepted"}])
        assert (await charger.call("BootNotification", boot))["status"] == "Accepted"
        assert "currentTime" in await charger.call("Heartbeat", {})
        await until(lambda: nothing_owed(new))
    assert await new.heard("ChargerBooted") == 1


async def nothing_owed(place: Place) -> bool:
    return bool(await place.value("SELECT count(*) = 0 FROM ocpp_errand WHERE kind = 'boot'"))


async def test_a_decision_made_while_it_was_away_is_told_when_it_is_back(new: Place) -> None:
    await decide(new, "Pending")
    async with raw(new.bridge.url, "CP1") as charger:
        await charger.call("BootNotification", BOOT_16)
    await decide(new, "Accepted")
    async with raw(new.bridge.url, "CP1") as charger:
        new.clock.shift += SETTLING
        call = await charger.asked()
        assert call[3] == {"requestedMessage": "BootNotification"}


async def test_a_rejected_charger_is_never_asked_for_anything(new: Place) -> None:
    await decide(new, "Rejected")
    async with raw(new.bridge.url, "CP1") as charger:
        await charger.call("BootNotification", BOOT_16)
        await new.seated("CP1")
        await decide(new, "Accepted")
        await new.ask("CP1", Attend())
        await until(lambda: nothing_owed(new))
        for command in (UnlockConnector(1, 1), RawCall("Reset", {"type": "Soft"}), Trigger("Heartbeat")):
            outcome = await new.ask("CP1", command)
            assert (outcome.status, outcome.detail) == (
                OutcomeStatus.REJECTED,
                "the charger's boot was rejected: it comes again by itself",
            )
        assert charger.calls.empty()
        assert (await charger.call("BootNotification", BOOT_16))["status"] == "Accepted"


@pytest.mark.parametrize(("protocol", "boot"), BOOTS)
async def test_a_charger_may_boot_again_on_the_same_socket(new: Place, protocol: str, boot: Any) -> None:
    async with raw(new.bridge.url, "CP1", protocol) as charger:
        await charger.call("BootNotification", boot)
        first = (await new.record("CP1")).booted_at
        again = {**boot, "reason": "RemoteReset"} if "reason" in boot else boot
        assert (await charger.call("BootNotification", again))["status"] == "Accepted"
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        if protocol == "ocpp2.0.1":
            status = {"timestamp": now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        assert await charger.call("StatusNotification", status) == {}
    record = await new.record("CP1")
    assert record.booted_at is not None
    assert first is not None
    assert record.booted_at > first
    assert record.boot_reason == ("RemoteReset" if protocol == "ocpp2.0.1" else None)
    assert await new.heard("ChargerBooted") == 2


async def test_another_word_is_refused(new: Place) -> None:
    with pytest.raises(ValueError, match="Accepted, Pending or Rejected"):
        await decide(new, "Maybe")
    with pytest.raises(KeyError):
        await decide(new, "Pending", "CP9")
