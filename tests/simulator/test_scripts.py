"""The scripts of a simulated charger, played at a real hub."""

import asyncio
import contextlib
from decimal import Decimal

import pytest

from bridge_ocpp.simulator import SCRIPTS, ScriptFailed, SimulatedCharger, play
from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.world.hub import running_hub

CARD = "04A1B2C3D4E5F6"


@pytest.fixture
async def hub(database_url, redis_url):
    async with running_hub(database_url, redis_url, works=True, ocpp_port=0, ping_interval=2) as running:
        bind(running.resources)
        yield running


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1"])
async def box(request, hub):
    async with bridge_of(hub.resources).run() as bridge:
        added = await hub.admin("POST", "/chargers", {"id": "BOX-1"})
        await hub.admin("PUT", f"/tokens/{CARD}", {})
        charger = SimulatedCharger(
            bridge.url,
            "BOX-1",
            password=added.json()["password"],
            protocol=request.param,
            power_w=Decimal(3_600_000),
            sample_every=0.1,
        )
        task = asyncio.create_task(charger.run())
        await asyncio.wait_for(charger.online.wait(), 10)
        yield charger
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def transactions(hub, **which):
    query = "&".join(f"{key}={value}" for key, value in which.items())
    return (await hub.admin("GET", f"/transactions?{query}")).json()


@pytest.mark.parametrize("script", ["charge", "offline-charge", "faulty-clock", "slow"])
async def test_a_charge_ends_whatever_happens_meanwhile(hub, box, script):
    await play(box, script, card=CARD, seconds=1.0)
    (transaction,) = await transactions(hub, active="false")
    assert transaction["id_token"] == CARD
    assert Decimal(str(transaction["energy_wh"])) > 0
    assert transaction["stop"].startswith(transaction["start"][:4]), "never an end in another year"


async def test_the_driver_of_a_reservation_comes(hub, box):
    playing = asyncio.create_task(play(box, "reservation", card="ANOTHER", seconds=0.5))
    await box.reserve(1, 7, CARD)
    await asyncio.wait_for(playing, 20)
    (transaction,) = await transactions(hub)
    assert transaction["id_token"] == CARD


async def test_a_refused_card_ends_the_script(hub, box):
    with pytest.raises(ScriptFailed, match="refused"):
        await play(box, "charge", card="STRANGER", seconds=0.1)


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


def test_every_script_says_what_it_shows():
    assert set(SCRIPTS) == {"charge", "offline-charge", "faulty-clock", "reservation", "firmware", "slow"}
    assert all(script.text and script.steps for script in SCRIPTS.values())
