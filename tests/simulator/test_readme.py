"""The README's "Run it" as a newcomer types it: every command a real process beside a real hub."""

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ocpi_hub.simulator.lab import running_lab

LOCATION = {
    "name": "Damrak",
    "address": "Damrak 1",
    "city": "Amsterdam",
    "country": "NLD",
    "time_zone": "Europe/Amsterdam",
    "coordinates": {"latitude": "52.370216", "longitude": "4.895168"},
}
CARD = "04A1B2C3D4E5F6"


class Command:
    """A command that runs until the test ends, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = ""

    async def says(self, pattern: str, *, within: float = 60) -> re.Match[str]:
        """Wait until its output matches. Raises TimeoutError, with what it said instead."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(within):
                while (found := re.search(pattern, self.out)) is None:
                    line = (await self.process.stdout.readline()).decode()
                    assert line, f"it ended without saying {pattern}:\n{self.out}"
                    self.out += line
        except TimeoutError:
            raise TimeoutError(f"it did not say {pattern}:\n{self.out}") from None
        return found


class Terminal:
    """Where the newcomer types: the hub of `folder` is the hub of this machine."""

    def __init__(self, folder: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OCPI_HUB_")}
        self.environment = clean | {"OCPI_HUB_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ocpi_hub.cli", *words,
            env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def types(self, *words: str) -> str:
        """A command that ends; what it printed."""
        process = await self._start(*words)
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, said.decode()
        return said.decode()

    @asynccontextmanager
    async def leaves_running(self, *words: str) -> AsyncIterator[Command]:
        process = await self._start(*words)
        try:
            yield Command(process)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
                try:
                    await asyncio.wait_for(process.wait(), 15)
                except TimeoutError:
                    process.kill()
                    await process.wait()


@asynccontextmanager
async def lab() -> AsyncIterator[tuple[Terminal, str, str, Path]]:
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-tests-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_lab(folder=folder / "hub", tell=lambda _kind, _text: None, port=0, ocpp_port=0) as hub:
            yield Terminal(folder / "hub"), f"{hub.url}/ocpi/versions", hub.ocpp_url, folder


async def test_a_simulated_emsp_gets_the_cdr_of_a_charger_that_was_added_by_hand() -> None:
    async with lab() as (terminal, versions_url, ocpp_url, folder):
        (folder / "l.json").write_text(json.dumps(LOCATION))
        invited = json.loads(await terminal.types("partner", "invite", "GreenApp", "--json"))
        assert invited["versions_url"] == versions_url
        token = invited["credentials_token"]
        added = json.loads(
            await terminal.types("charger", "add", "BOX-1", "--location", str(folder / "l.json"), "--json")
        )
        emsp = terminal.leaves_running("simulate", "emsp", "--hub", versions_url, "--token", token, "--port", "0")
        async with emsp as app:
            await app.says("registered with NL/HUB")
            password = ("--password", added["password"])
            charger = terminal.leaves_running(
                "simulate", "charger", "BOX-1", *password, "--url", ocpp_url, "--card", CARD, "--seconds", "2"
            )
            async with charger as box:
                await box.says("stopped after")
                await app.says("received CDR")
        assert re.search(r"GreenApp.*CONNECTED.*DE/APP", await terminal.types("partner", "list"))


async def test_a_hub_that_connects_to_a_simulated_cpo_hears_its_supply() -> None:
    async with lab() as (terminal, _, _, _), terminal.leaves_running("simulate", "cpo", "--port", "0") as cpo:
        typed = (await cpo.says(r"ocpi-hub (partner connect \S+ \S+ \S+)"))[1].split()
        assert "CONNECTED" in await terminal.types(*typed)
        await cpo.says("told NL/HUB of the tariff PER-KWH and the location STATION-1")


async def test_a_simulated_emsp_starts_and_stops_a_charge_by_itself() -> None:
    async with lab() as (terminal, versions_url, ocpp_url, folder):
        (folder / "l.json").write_text(json.dumps(LOCATION))
        token = json.loads(await terminal.types("partner", "invite", "GreenApp", "--json"))["credentials_token"]
        add = ("charger", "add", "BOX-1", "--location", str(folder / "l.json"), "--json")
        added = json.loads(await terminal.types(*add))
        connects = ("simulate", "charger", "BOX-1", "--password", added["password"], "--url", ocpp_url)
        async with terminal.leaves_running(*connects, "--protocol", "ocpp2.0.1") as box:
            await box.says("Accepted")
            shown = json.loads(await terminal.types("charger", "show", "BOX-1"))
            place = f"NL/HUB/{added['location_id']}/{shown['evses'][0]['uid']}"
            emsp = ("simulate", "emsp", "--hub", versions_url, "--token", token, "--port", "0")
            said = await terminal.types(*emsp, "--start", place, "--seconds", "2", "--once")
    assert re.search(r"charge +\d\.\d+ kWh for ", said)
