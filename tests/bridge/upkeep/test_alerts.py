"""Alerts on real sockets: raised once, counted, ended by the charger's own word."""

from datetime import UTC, datetime

import pytest

from bridge_ocpp.book import WatchBook
from bridge_ocpp.port import ConnectorStatusChanged
from tests.bridge.chargers import now, raw
from tests.bridge.conftest import Place


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def alerts(place: Place, **which):
    async with place.work() as db:
        return await WatchBook(now=place.clock).alerts(db, **which)


def event(**more):
    item = {
        "eventId": 1,
        "timestamp": now(),
        "trigger": "Alerting",
        "actualValue": "71.5",
        "eventNotificationType": "CustomMonitor",
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Temperature"},
    }
    return {"generatedAt": now(), "seqNo": 0, "eventData": [item | more]}


def status(word="Available", error="NoError", connector=1, **more):
    return {"connectorId": connector, "errorCode": error, "status": word, "timestamp": now(), **more}


async def test_an_event_is_one_alert_until_it_is_over(here: Place):
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await charger.call("NotifyEvent", event(techInfo="the fan stands still", techCode="E17")) == {}
        await charger.call("NotifyEvent", event(actualValue="75.0"))
        (alert,) = await alerts(here, charger_id="cp1", active=True)
        assert (alert.charger, alert.source, alert.component, alert.variable) == (
            "CP1",
            "monitor",
            "EVSE",
            "Temperature",
        )
        assert (alert.evse_id, alert.value, alert.count, alert.severity) == (1, "75.0", 2, None)
        assert alert.text == "EVSE Temperature is 75.0"
        await charger.call("NotifyEvent", event(actualValue="40", cleared=True))
        assert await alerts(here, active=True) == []
        await charger.call("NotifyEvent", event())
    newest, oldest = await alerts(here)
    assert (newest.cleared_at, newest.count) == (None, 1)
    assert oldest.cleared_at is not None


async def test_the_monitor_says_how_grave_it_is(here: Place):
    report = {
        "requestId": 1,
        "seqNo": 0,
        "generatedAt": now(),
        "monitor": [
            {
                "component": {"name": "EVSE", "evse": {"id": 1}},
                "variable": {"name": "Temperature"},
                "variableMonitoring": [
                    {"id": 7, "transaction": False, "value": 70.5, "type": "UpperThreshold", "severity": 2}
                ],
            }
        ],
    }
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("NotifyMonitoringReport", report)
        await charger.call("NotifyEvent", event(variableMonitoringId=7))
    (alert,) = await alerts(here)
    assert alert.severity == 2


@pytest.mark.parametrize(("value", "standing"), [("true", 1), ("false", 0)])
async def test_a_problem_is_an_alert_by_its_value(here: Place, value, standing):
    problem = {"variable": {"name": "Problem"}, "trigger": "Delta", "actualValue": value}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("NotifyEvent", event(**problem))
    assert len(await alerts(here, active=True)) == standing


async def test_what_only_informs_is_kept_and_is_no_alert(here: Place):
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("NotifyEvent", event(trigger="Periodic"))
    assert await alerts(here) == []
    assert await here.value("SELECT count(*) FROM ocpp_notice WHERE topic = 'NotifyEvent'") == 1


async def test_a_fault_of_1_6_is_an_alert_and_so_is_an_error_that_does_not_stop_it(here: Place):
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("StatusNotification", status("Faulted", "GroundFailure", info="phase 2"))
        await charger.call("StatusNotification", status(error="WeakSignal", connector=0))
        weak, ground = await alerts(here, active=True)
        assert (ground.source, ground.evse_id, ground.connector_id) == ("status", 1, 1)
        assert (ground.severity, ground.text) == (4, "GroundFailure: phase 2")
        assert (weak.severity, weak.text, weak.evse_id) == (6, "WeakSignal", 0)
        await charger.call("StatusNotification", status("Faulted", "GroundFailure"))
        await charger.call("StatusNotification", status("Faulted", "OverCurrentFailure"))
        assert [alert.text for alert in await alerts(here, active=True)] == ["WeakSignal", "OverCurrentFailure"]
        await charger.call("StatusNotification", status())
        await charger.call("StatusNotification", status(connector=0))
    assert await alerts(here, active=True) == []
    assert len(await alerts(here, active=False)) == 2


async def test_a_connector_of_2_0_1_that_is_faulted(here: Place):
    told = {"timestamp": now(), "evseId": 1, "connectorId": 2}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("StatusNotification", told | {"connectorStatus": "Faulted"})
        (alert,) = await alerts(here, active=True)
        assert (alert.text, alert.connector_id) == ("Faulted", 2)
        await charger.call("StatusNotification", told | {"connectorStatus": "Available"})
    assert await alerts(here, active=True) == []


async def test_the_operator_ends_one_and_the_charger_raises_it_again(here: Place):
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("NotifyEvent", event())
        (alert,) = await alerts(here)
        async with here.work() as db:
            book = WatchBook(now=here.clock)
            assert (await book.clear_alert(alert.id, db)).cleared_at is not None
            assert await book.clear_alert(999, db) is None
            assert await book.alert_counts(db) == {}
        await charger.call("NotifyEvent", event())
    assert len(await alerts(here, active=True)) == 1


async def test_what_was_over_long_ago_is_forgotten(here: Place):
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("NotifyEvent", event())
        await charger.call("NotifyEvent", event(cleared=True))
    old = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    await here.execute(f"UPDATE ocpp_alert SET cleared_at = '{old}'")
    await here.bridge.prune()
    assert await alerts(here) == []


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_the_state_of_a_connector_may_come_as_an_event(here: Place, protocol: str):
    def state(value, component="Connector", evse=1, connector=2):
        place = {"evse": {"id": evse, "connectorId": connector}} if component == "Connector" else {}
        if component == "EVSE" and evse:
            place = {"evse": {"id": evse}}
        said = {"trigger": "Delta", "actualValue": value, "variable": {"name": "AvailabilityState"}}
        notification = {"eventNotificationType": "HardWiredNotification"}
        return event(**said, **notification, component={"name": component} | place)

    async with raw(here.bridge.url, "CP1", protocol) as charger:
        for value in ("Available", "Occupied", "Nonsense"):
            assert await charger.call("NotifyEvent", state(value)) == {}
        await charger.call("NotifyEvent", state("Unavailable", component="ChargingStation"))
        await charger.call("NotifyEvent", state("Faulted", evse=2**15))
        await charger.call("NotifyEvent", state("Faulted", component="EVSE"))
        await charger.call("NotifyEvent", state("Faulted", component="EVSE", evse=0))
        await charger.call("NotifyEvent", state("Faulted", component="EVSE", evse=2**15))
    told = [(found.evse_id, found.connector_id, found.status) for found in here.told(ConnectorStatusChanged)]
    assert told == [(1, 2, "Available"), (1, 2, "Occupied"), (0, 0, "Unavailable"), (1, 0, "Faulted")]
