"""Logs, alerts, monitors, displays, boots and local lists from the terminal, with a charger that really answers."""

import asyncio
import json

import pytest

from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.admin.house import charger
from tests.cli.hub import command_line
from tests.world.hub import running_hub


class Terminal:
    """Commands in processes of their own, beside the hub of this one."""

    def __init__(self, command):
        self._command = command

    async def __call__(self, *words, fails=None):
        """What a command prints; with `fails` what it says as it fails."""
        done = await asyncio.to_thread(self._command, *words)
        if fails is None:
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            return done.stdout
        assert (done.returncode, done.stdout) == (fails, "")
        assert done.stderr
        return done.stderr

    async def json(self, *words):
        return json.loads(await self(*words, "--json"))

    async def ended(self, *words):
        """The process as it ended."""
        return await asyncio.to_thread(self._command, *words)

    async def until(self, *words, true):
        async with asyncio.timeout(50):
            while not true(found := await self.json(*words)):
                pass
        return found


@pytest.fixture
async def hub(database_url, redis_url, tmp_path):
    changed = {"ocpp_port": 0, "data_dir": tmp_path, "local_list_interval": 1, "ping_interval": 2}
    async with running_hub(database_url, redis_url, works=True, **changed) as running:
        bind(running.resources)
        yield running


@pytest.fixture
def terminal(hub, database_url, redis_url, tmp_path):
    places = {"OCPI_HUB_PUBLIC_URL": hub.url, "OCPI_HUB_DATA_DIR": str(tmp_path)}
    return Terminal(command_line(database_url, redis_url, **places))


@pytest.fixture
async def bridge(hub):
    async with bridge_of(hub.resources).run() as running:
        yield running


@pytest.fixture
async def box(hub, bridge):
    async with charger(hub, bridge, "BOX-1", "ocpp2.0.1") as running:
        yield running


async def test_diagnostics_are_asked_for_awaited_and_written(terminal, box, tmp_path):
    box.workshop.log = b"what happened"
    file = tmp_path / "box.log"
    assert "13 bytes" in await terminal("charger", "diagnostics", "BOX-1", "--save", str(file))
    assert file.read_bytes() == b"what happened"
    security = await terminal.json("charger", "diagnostics", "BOX-1", "--security")
    assert (security["kind"], security["charger"]) == ("security", "BOX-1")
    done = await terminal.until("charger", "logs", "BOX-1", true=lambda found: found[0]["state"] == "Done")
    assert [log["kind"] for log in done] == ["security", "diagnostics"]
    copy = tmp_path / "copy.log"
    await terminal("charger", "save-log", security["id"], str(copy))
    assert copy.read_bytes() == b"what happened"
    listed = await terminal("charger", "logs")
    assert all(word in listed for word in ("BOX-1", "diagnostics", "Done", "13"))


async def test_a_log_that_cannot_be_had_is_told(terminal, hub, tmp_path):
    assert "no log was asked for" in await terminal("charger", "logs")
    assert "there is no charger NONE" in await terminal("charger", "diagnostics", "NONE", fails=1)
    assert "there is no log 7" in await terminal("charger", "save-log", "7", str(tmp_path / "x"), fails=1)
    await hub.admin("POST", "/chargers", {"id": "AWAY"})
    asked = ("charger", "diagnostics", "AWAY", "--save", str(tmp_path / "x"), "--wait", "0")
    assert "has not come after 0 s" in await terminal(*asked, fails=1)
    (waiting,) = await terminal.json("charger", "logs", "AWAY")
    assert "has no file here" in await terminal("charger", "save-log", waiting["id"], str(tmp_path / "x"), fails=1)
    assert "URL" in await terminal("charger", "diagnostics", "AWAY", "--upload-url", "gopher://x.example", fails=1)
    assert not (tmp_path / "x").exists()


async def test_a_monitor_its_alert_and_the_operators_word(terminal, box):
    assert "no monitor" in await terminal("charger", "monitors", "BOX-1", "--refresh")
    assert "monitor 1: Accepted" in await terminal("charger", "set-monitor", "BOX-1", "EVSE.Temperature", "60.5")
    (monitor,) = await terminal.until("charger", "monitors", "BOX-1", true=bool)
    assert (monitor["type"], monitor["value"], monitor["severity"]) == ("UpperThreshold", 60.5, 4)
    await box.watch.alert("EVSE", "Temperature", "61.2")
    (alert,) = await terminal.json("alert", "list", "--charger", "BOX-1", "--active")
    assert (alert["value"], alert["severity"], alert["cleared_at"]) == ("61.2", 4, None)
    listed = await terminal("alert", "list")
    assert all(word in listed for word in ("BOX-1", "61.2", "stands"))
    assert f"alert {alert['id']} is over" in await terminal("alert", "clear", str(alert["id"]))
    assert "nothing is wrong" in await terminal("alert", "list", "--active")
    assert (await terminal.json("alert", "list"))[0]["cleared_at"] is not None
    assert "taken" in await terminal("charger", "monitoring", "BOX-1", "--base", "All", "--level", "4")
    assert "removed" in await terminal("charger", "remove-monitor", "BOX-1", "1")
    assert await terminal.json("charger", "monitors", "BOX-1") == []
    assert "BOX-1 says NotFound" in await terminal("charger", "remove-monitor", "BOX-1", "1", fails=1)
    assert "there is no alert 99" in await terminal("alert", "clear", "99", fails=1)
    assert "component" in await terminal("charger", "set-monitor", "BOX-1", "Temperature", "1", fails=1)
    await terminal("charger", "monitoring", "BOX-1", fails=2)


async def test_a_text_on_the_display_comes_and_goes(terminal, box):
    await terminal("charger", "show-message", "BOX-1", "7", "Closed tonight", "--state", "Idle", "--from", "2026-12-01")
    assert box.watch.messages[7]["startDateTime"] == "2026-12-01T00:00:00.000Z"
    (shown,) = await terminal.until("charger", "display-messages", "BOX-1", true=bool)
    assert (shown["message"]["content"], shown["state"]) == ("Closed tonight", "Idle")
    assert "Closed tonight" in await terminal("charger", "display-messages", "BOX-1", "--refresh")
    await terminal("charger", "remove-message", "BOX-1", "7")
    assert "no text" in await terminal("charger", "display-messages", "BOX-1")
    assert "priority" in await terminal("charger", "show-message", "BOX-1", "7", "X", "--priority", "Now", fails=1)


async def test_cost_is_switched_and_a_customers_data_is_read_and_cleared(terminal, box):
    assert "do not see" in await terminal("charger", "cost", "BOX-1")
    assert await terminal.json("charger", "cost", "BOX-1", "--on") == {"enabled": True}
    assert "drivers see" in await terminal("charger", "cost", "BOX-1")
    box.watch.customers["04AA"] = "charged twice"
    asked = ("charger", "customer-information", "BOX-1", "--token", "04AA")
    assert await terminal(*asked) == "charged twice\n"
    assert "clears" in await terminal(*asked, "--no-report", "--clear")
    assert box.watch.customers == {}
    found = await terminal.json(*asked)
    assert (found["data"], found["complete"]) == ("", True)
    assert "keeps nothing" in await terminal(*asked)
    wrong = await terminal("charger", "customer-information", "BOX-1", fails=1)
    assert "name either a token or a customer" in wrong
    assert "there is no charger NONE" in await terminal("charger", "cost", "NONE", fails=1)


async def test_boots_reports_and_the_local_list(terminal, hub, box):
    assert "Accepted" in await terminal("charger", "boot-status", "BOX-1")
    assert (await terminal.json("charger", "boot-status", "BOX-1", "Pending"))["boot_status"] == "Pending"
    await terminal.until("charger", "boot-status", "BOX-1", true=lambda found: found["boot_answer"] == "Pending")
    await terminal("charger", "boot-status", "BOX-1", "Accepted")
    await terminal.until("charger", "boot-status", "BOX-1", true=lambda found: found["boot_answer"] == "Accepted")
    assert "boot_status" in await terminal("charger", "boot-status", "BOX-1", "Perhaps", fails=1)
    assert "WAITING" in await terminal("charger", "report", "BOX-1")
    assert "ACCEPTED" in await terminal("charger", "report", "BOX-1", "--component", "OCPPCommCtrlr")
    assert "criteria" in await terminal("charger", "report", "BOX-1", "--criterion", "Odd", fails=1)
    await hub.admin("PUT", "/tokens/04AA", {"status": "Accepted"})
    sent = await terminal.json("charger", "local-list", "BOX-1", "--send")
    assert (sent["state"], sent["entries"]) == ("SYNCED", 1)
    assert "SYNCED" in await terminal("charger", "local-list", "BOX-1")
    assert (await terminal.json("charger", "local-list", "BOX-1", "--off"))["enabled"] is False
    assert "there is no charger NONE" in await terminal("charger", "local-list", "NONE", fails=1)


@pytest.mark.parametrize(("ends", "status", "state"), [("Installed", 0, "Done"), ("InstallationFailed", 1, "Failed")])
async def test_a_roll_out_is_watched_beside_a_simulated_charger(terminal, hub, bridge, ends, status, state):
    password = (await hub.admin("POST", "/chargers", {"id": "BOX-2"})).json()["password"]
    connects = ("simulate", "charger", "BOX-2", "--password", password, "--url", bridge.url)
    plays = ("--script", "firmware", "--update-ends", ends, "--seconds", "1", "--once")
    playing = asyncio.create_task(terminal(*connects, *plays))
    image = "https://images.example/box-2.1.0.bin"
    watched = await terminal.ended("firmware", "start", image, "--charger", "BOX-2", "--follow", "--json")
    (task,) = json.loads(watched.stdout)["tasks"]
    assert (watched.returncode, task["state"]) == (status, state)
    said = [line.split()[1] for line in (await playing).splitlines() if line.startswith("firmware ")]
    assert said == ["Downloading", "Downloaded", "Installing", ends]


async def test_an_end_that_there_is_not_is_wrong_use(terminal):
    assert "Installed, DownloadFailed" in await terminal("simulate", "charger", "X", "--update-ends", "Well", fails=2)


async def test_an_image_is_published_listed_and_withdrawn(terminal, hub, bridge):
    image, md5 = "https://images.example/box-2.1.0.bin", "d41d8cd98f00b204e9800998ecf8427e"
    assert "nothing is published" in await terminal("publication", "list")
    async with charger(hub, bridge, "LC-1", "ocpp2.0.1"):
        made = await terminal.json("publication", "start", "LC-1", image, "--checksum", md5, "--follow")
        assert (made["state"], made["uris"]) == ("Published", ["http://lc-1.local/box-2.1.0.bin"])
        shown = await terminal("publication", "show", made["id"])
        assert all(word in shown for word in ("LC-1", "Published", "http://lc-1.local/box-2.1.0.bin"))
        assert "Withdrawn" in await terminal("publication", "withdraw", made["id"])
    assert [each["state"] for each in await terminal.json("publication", "list", "LC-1")] == ["Withdrawn"]
    assert "there is no publication 7" in await terminal("publication", "show", "7", fails=1)
    assert "checksum" in await terminal("publication", "start", "LC-1", image, "--checksum", "abc", fails=1)


async def test_an_image_that_cannot_be_published_is_told(terminal, hub, bridge):
    image, md5 = "https://images.example/box-2.1.0.bin", "d41d8cd98f00b204e9800998ecf8427e"
    async with charger(hub, bridge, "LC-1", "ocpp2.0.1") as box:
        box.workshop.publishes = "InvalidChecksum"
        ended = await terminal.ended("publication", "start", "LC-1", image, "--checksum", md5, "--follow")
    assert ended.returncode == 1
    assert "the image's MD5 is another than the checksum" in ended.stderr
