"""Transactions whose end never came: over after the settle window, suspect, and made good by an end that comes late."""

from datetime import timedelta
from typing import Any

import pytest

from bridge_ocpp import port
from tests.bridge.chargers import now, raw, stamp
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import ago, event, metered, start, stop

STATUS = {"connectorId": 1, "errorCode": "NoError"}


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def settled(place: Place) -> None:
    """The settle window is over."""
    place.clock.shift += timedelta(seconds=901)
    await place.bridge.settle()
    place.clock.shift -= timedelta(seconds=901)


async def test_a_charge_that_another_one_follows_is_over(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        first = (await charger.call("StartTransaction", start(timestamp=stamp(ago(9)))))["transactionId"]
        await charger.call("MeterValues", metered(first, heard := ago(5), "1600"))
        second = (await charger.call("StartTransaction", start(idTag="OTHER", meterStart=1700)))["transactionId"]
        await here.bridge.settle()
        assert here.told(port.TransactionEnded) == []
        await settled(here)
    (ended,) = here.told(port.TransactionEnded)
    found = ended.transaction
    assert (found.ocpp_id, found.flags, found.suspect) == (str(first), ("no_end",), True)
    assert (found.ended_at, found.energy_wh, found.stop_reason) == (heard, 600, None)
    assert [running.ocpp_id for running in await here.transactions(active=True)] == [str(second)]


async def test_a_charge_whose_connector_is_free_again_is_over(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("StatusNotification", STATUS | {"status": "Charging"})
        await charger.call("StartTransaction", start())
        await charger.call("StatusNotification", STATUS | {"status": "Available", "connectorId": 2})
        await settled(here)
        assert here.told(port.TransactionEnded) == []
        await charger.call("StatusNotification", STATUS | {"status": "Available"})
        await settled(here)
    (ended,) = here.told(port.TransactionEnded)
    assert ended.transaction.flags == ("no_end",)


@pytest.mark.parametrize("news", ["meter", "status"])
async def test_whatever_is_heard_of_it_shows_that_it_goes_on(here: Place, news: str) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StatusNotification", STATUS | {"status": "Charging"})
        await charger.call("StatusNotification", STATUS | {"status": "Available"})
        if news == "meter":
            await charger.call("MeterValues", metered(number, ago(0.1), "1600"))
        else:
            await charger.call("StatusNotification", STATUS | {"status": "SuspendedEV"})
        await settled(here)
        assert here.told(port.TransactionEnded) == []
        await charger.call("StopTransaction", stop(number, timestamp=now()))
    (ended,) = here.told(port.TransactionEnded)
    assert ended.transaction.flags == ()


async def test_meter_values_that_share_a_commit_show_it_too(here: Place) -> None:
    async with here.another(update_interval=3600.0) as bridge, raw(bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("MeterValues", metered(number, ago(2), "1500"))
        await charger.call("StatusNotification", STATUS | {"status": "Available"})
        await charger.call("MeterValues", metered(number, ago(1), "1600"))
        await settled(here)
    assert here.told(port.TransactionEnded) == []


async def test_a_stop_that_comes_after_all_is_a_correction(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StatusNotification", STATUS | {"status": "Available"})
        await settled(here)
        end: dict[str, Any] = stop(number)
        assert await charger.call("StopTransaction", end) == {}
    (corrected,) = here.told(port.TransactionCorrected)
    found = corrected.transaction
    assert (found.flags, found.suspect, found.energy_wh, found.stop_reason) == ((), False, 2500, "Local")
    assert stamp(found.ended_at) == end["timestamp"]


async def test_the_same_in_2_0_1_and_a_start_that_came_late_ends_nothing(here: Place) -> None:
    place, token = {"evse": {"id": 1}}, {"idToken": {"idToken": "T", "type": "ISO14443"}}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        newer = event("Started", 0, ago(3), wh=500, info={"transactionId": "NEW"}) | place | token
        await charger.call("TransactionEvent", newer)
        older = event("Started", 0, ago(9), wh=100, info={"transactionId": "OLD"}, offline=True) | place | token
        await charger.call("TransactionEvent", older)
        await settled(here)
        assert here.told(port.TransactionEnded) == []
        newest = event("Started", 0, ago(1), wh=900, info={"transactionId": "NEWEST"}) | place | token
        await charger.call("TransactionEvent", newest)
        await settled(here)
    ended = {told.transaction.ocpp_id: told.transaction.flags for told in here.told(port.TransactionEnded)}
    assert ended == {"NEW": ("no_end",), "OLD": ("no_end",)}
