"""The scripts of a simulated charger, played at a real hub."""

import asyncio
from decimal import Decimal

import pytest

from bridge_ocpp.simulator import SCRIPTS, ScriptFailed, play
from tests.simulator.lab import CARD, at_the_hub, call, kept, transactions, until

BOTH = pytest.mark.parametrize("box", ["ocpp1.6", "ocpp2.0.1"], indirect=True)
EVERY = pytest.mark.parametrize("box", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"], indirect=True)
NEWEST = pytest.mark.parametrize("box", ["ocpp2.1"], indirect=True)


@pytest.fixture
def made():
    """How the charger is made."""
    return {}


@pytest.fixture
async def box(request, hub, made):
    async with at_the_hub(hub, request.param, **made) as charger:
        yield charger


@BOTH
@pytest.mark.parametrize("script", ["charge", "offline-charge", "faulty-clock", "slow"])
async def test_a_charge_ends_whatever_happens_meanwhile(hub, box, script):
    await play(box, script, card=CARD, seconds=1.0)
    (transaction,) = await transactions(hub, active="false")
    assert transaction["id_token"] == CARD
    assert Decimal(str(transaction["energy_wh"])) > 0
    assert transaction["stop"].startswith(transaction["start"][:4]), "never an end in another year"


@BOTH
async def test_the_driver_of_a_reservation_comes(hub, box):
    playing = asyncio.create_task(play(box, "reservation", card="ANOTHER", seconds=0.5))
    assert box.reservations.reserve(1, 7, CARD) == "Accepted"
    await asyncio.wait_for(playing, 20)
    (transaction,) = await transactions(hub)
    assert transaction["id_token"] == CARD


@EVERY
async def test_a_refused_card_ends_the_script(hub, box):
    with pytest.raises(ScriptFailed, match="refused"):
        await play(box, "charge", card="STRANGER", seconds=0.1)


@BOTH
@pytest.mark.parametrize(
    ("ends", "state", "says", "runs"),
    [
        ("Installed", "Done", "Install", "2.0.0"),
        ("SameVersion", "Failed", "Installed", "1.0.0"),
        ("DownloadFailed", "Failed", "DownloadFailed", "1.0.0"),
        ("InstallationFailed", "Failed", "InstallationFailed", "1.0.0"),
        ("Silent", "Running", "Downloading", "1.0.0"),
    ],
)
async def test_firmware_does_what_the_hub_asks_and_ends_as_it_was_told(hub, box, ends, state, says, runs):
    box.workshop.ends = ends
    playing = asyncio.create_task(play(box, "firmware", card=CARD, seconds=0.1))
    body = {"location": "https://images.example/box-2.0.0.bin", "chargers": ["BOX-1"], "version": "2.0.0"}
    started = (await hub.admin("POST", "/firmware", body)).json()
    await asyncio.wait_for(playing, 20)
    async with asyncio.timeout(20):
        while True:
            (task,) = (await hub.admin("GET", f"/firmware/{started['id']}")).json()["tasks"]
            if task["state"] == state:
                break
            await asyncio.sleep(0.05)
    assert task["progress"].startswith(says), "a charger that boots with the image is done before it says Installed"
    assert box.firmware == runs
    assert (await hub.admin("GET", "/chargers/BOX-1")).json()["firmware_version"] == runs


@EVERY
async def test_trouble_reaches_the_operator(hub, box):
    playing = asyncio.create_task(play(box, "trouble", card=CARD, seconds=4.0))

    async def faulted():
        return (await hub.admin("GET", "/alerts?active=true")).json()

    assert {alert["charger"] for alert in await until(faulted)} == {"BOX-1"}
    await asyncio.wait_for(playing, 20)
    (event,) = (await hub.admin("GET", "/chargers/BOX-1/security-events")).json()
    assert event["type"] == "TamperDetectionActivated"
    (transaction,) = await transactions(hub, active="false")
    assert transaction["reason"] == "Other"

    async def over():
        return not (await hub.admin("GET", "/alerts?active=true")).json()

    await until(over)
    shown = (await hub.admin("GET", "/chargers/BOX-1")).json()
    assert shown["evses"][0]["connectors"][0]["status"] == "Available"


@EVERY
async def test_a_charger_gets_its_certificate(hub, box):
    await asyncio.wait_for(play(box, "certificate", card=CARD, seconds=0.1), 30)
    assert "BEGIN CERTIFICATE" in box.safe.chain

    async def installed():
        return [one for one in (await hub.admin("GET", "/certificates")).json() if one["state"] == "INSTALLED"]

    (certificate,) = await until(installed)
    assert certificate["charger"] == "BOX-1"


@pytest.mark.parametrize("settings", [{"v2g_ca": "own"}])
@pytest.mark.parametrize("box", ["ocpp2.0.1", "ocpp2.1"], indirect=True)
async def test_a_charger_gets_the_certificate_that_it_shows_to_cars(hub, box):
    await asyncio.wait_for(play(box, "v2g-certificate", card=CARD, seconds=0.1), 30)
    assert box.safe.chain is None, "its own is another one"
    assert "BEGIN CERTIFICATE" in box.safe.chains["V2GCertificate"]


@pytest.mark.parametrize("box", ["ocpp2.0.1", "ocpp2.1"], indirect=True)
@pytest.mark.parametrize("made", [{"power_w": Decimal(11_000)}])
async def test_the_limit_of_a_building_is_told_obeyed_and_lifted(hub, box):
    playing = asyncio.create_task(play(box, "limit", card=CARD, seconds=4.0))
    (limit,) = await until(lambda: kept(hub, "ocpp_charging_limit", "limit EMS"))
    assert limit["schedules"][0]["periods"][0]["limit"] == 8
    assert box.evses[1].drawn_a(box.now()) == 8
    await asyncio.wait_for(playing, 20)
    assert await kept(hub, "ocpp_charging_limit", "limit EMS") == []


@NEWEST
@pytest.mark.parametrize("made", [{"power_w": Decimal(22_000)}])
async def test_a_driver_asks_to_go_first(hub, box):
    def profile(number, purpose, limit):
        period = {"startPeriod": 0, "limit": limit}
        schedule = {"id": number, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        kind = {"chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute", "stackLevel": 0}
        return {"evseId": 1, "chargingProfile": {"id": number, **kind, "chargingSchedule": [schedule]}}

    assert (await call(hub, "SetChargingProfile", profile(1, "TxDefaultProfile", 8)))["status"] == "Accepted"
    playing = asyncio.create_task(play(box, "priority", card=CARD, seconds=1.0))
    await until(lambda: box.evses[1].charge and box.evses[1].charge.ocpp_id)
    assert box.evses[1].drawn_a(box.now()) == 8
    asked = {"transactionId": box.evses[1].charge.local_id, "activate": True}
    assert (await call(hub, "UsePriorityCharging", asked))["status"] == "NoProfile"
    assert (await call(hub, "SetChargingProfile", profile(2, "PriorityCharging", 24)))["status"] == "Accepted"
    await until(lambda: box.evses[1].charge.prefers)
    assert box.evses[1].drawn_a(box.now()) == 24
    await asyncio.wait_for(playing, 20)
    told = await kept(hub, "ocpp_notice", "NotifyPriorityCharging")
    assert [one["activated"] for one in told] == [True, False]


@NEWEST
async def test_the_grid_fails_and_recovers(hub, box):
    await play(box, "grid", card=CARD, seconds=0.1)
    told = await kept(hub, "ocpp_notice", "NotifyDERAlarm")
    assert [(one["gridEventFault"], one["alarmEnded"]) for one in told] == [
        ("UnderVoltage", False),
        ("UnderVoltage", True),
    ]


@NEWEST
@pytest.mark.parametrize("made", [{"batteries": True, "evses": 2}])
@pytest.mark.parametrize("takes", [True, False])
async def test_a_driver_swaps_a_battery(hub, box, takes):
    box.slots.takes = takes
    await play(box, "swap", card=CARD, seconds=0.1)
    told = await kept(hub, "ocpp_notice", "BatterySwap")
    ends = "BatteryOut" if takes else "BatteryOutTimeout"
    assert [(one["eventType"], one["batteryData"][0]["evseId"]) for one in told] == [("BatteryIn", 1), (ends, 2)]
    assert [slot for slot, battery in box.slots.inside.items() if battery is None] == ([2] if takes else [])


@NEWEST
async def test_a_charger_without_batteries_swaps_none(hub, box):
    with pytest.raises(ScriptFailed, match="--batteries"):
        await play(box, "swap", card=CARD, seconds=0.1)


@BOTH
async def test_a_script_that_the_version_has_no_words_for(box):
    with pytest.raises(ScriptFailed, match=r"payment needs ocpp2\.1, and this charger speaks"):
        await play(box, "payment", card=CARD, seconds=0.1)


def test_every_script_says_what_it_shows():
    assert {"charge", "offline-charge", "faulty-clock", "reservation", "firmware", "slow"} <= set(SCRIPTS)
    assert all(script.text and script.steps for script in SCRIPTS.values())
