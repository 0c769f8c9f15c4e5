"""`ocpi-hub demo`: a whole roaming world on one machine, and a timeline of who told whom what.

A real hub (`serve` as a child process), two simulated platforms and two simulated chargers; everything goes over
real HTTP and WebSocket connections, and the operator's part over the admin REST.
"""

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from bridge_ocpp.simulator import SimulatedCharger
from ocpi_hub.base.settings import Settings
from ocpi_hub.simulator.cpo import SimulatedCpo
from ocpi_hub.simulator.emsp import ChargeFailed, SimulatedEmsp
from ocpi_hub.simulator.lab import LabFailed, LabHub, is_free, running_lab
from ocpi_hub.simulator.platform import Document, HubSaidNo
from ocpi_hub.wire.headers import PartyId

COLOURS = {"hub": "cyan", "charger": "magenta", "eMSP": "green", "CPO": "yellow", "driver": "bold white"}
CHARGE_SECONDS = 4.0
OUR_PARTY = PartyId("NL", "CPO")
TARIFF: Document = {
    "country_code": "NL",
    "party_id": "CPO",
    "id": "FAST",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": Decimal("0.50"), "vat": Decimal(21), "step_size": 1},
                {"type": "ENERGY", "price": Decimal("0.45"), "vat": Decimal(21), "step_size": 1},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}


class Timeline:
    """Prints one line for each thing that happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def say(self, who: str, text: str) -> None:
        colour = COLOURS.get(who.split()[0], "white")
        at = f"{time.monotonic() - self._began:6.1f} s"
        self._console.print(f"[dim]{at}[/]  [{colour}]{who:<16}[/] ", end="", highlight=False)
        self._console.print(text, markup=False, highlight=False)

    def teller(self, who: str) -> Any:
        return lambda _kind, text: self.say(who, text)


async def run_demo(settings: Settings, *, once: bool, console: Console | None = None) -> int:
    """Run the demo; 0 when a CDR arrived at the eMSP. Without `once` it goes on until Ctrl-C.

    `settings` say where: a folder in `data_dir`, the two ports. Its servers are always its own.
    """
    console = console or Console()
    timeline = Timeline(console)
    try:
        async with AsyncExitStack() as stack:
            # What is entered last is left first: the chargers, then the hub, then the platforms that it talks to.
            timeline.say("hub", "starting PostgreSQL, Valkey, the API, the OCPP bridge and a Celery worker")
            emsp = SimulatedEmsp(PartyId("DE", "APP"), "GreenApp", tell=timeline.teller("eMSP GreenApp"))
            cpo = SimulatedCpo(PartyId("BE", "STA"), "StationCo", tell=timeline.teller("CPO StationCo"))
            await stack.enter_async_context(emsp.serving())
            await stack.enter_async_context(cpo.serving())
            hub = await stack.enter_async_context(running_lab(tell=timeline.teller("hub"), **_place(settings)))
            world = _World(hub, emsp, cpo, timeline=timeline, stack=stack)
            await world.onboard()
            await world.plug_in_chargers()
            cdrs = [await world.card_charge(), await world.app_charge()]
            for cdr in cdrs:
                _print_cdr(console, cdr)
            console.print("[bold green]A charge roamed: the CDR is at the eMSP.[/]")
            if not once:
                await _stay(console, world, hub)
        return 0
    except (LabFailed, HubSaidNo, TimeoutError, aiohttp.ClientError, OSError) as error:
        reason = str(error) or f"no answer in time ({type(error).__name__})"
        console.print(f"[bold red]The demo failed:[/] {reason}", highlight=False)
        return 1
    except asyncio.CancelledError:
        return 0


def _place(settings: Settings) -> dict[str, Any]:
    """Where the demo's hub lives. A port that was asked for is taken or the demo fails; the usual ones are a wish."""
    given = settings.model_fields_set
    for port, name in ((settings.port, "port"), (settings.ocpp_port, "ocpp_port")):
        if name in given and port and not is_free(port):
            raise LabFailed(f"port {port} is taken: set OCPI_HUB_{name.upper()} to another, or to 0 for a free one")
    more = {"EMBEDDED_USER": settings.embedded_user} | ({"PG_BIN": str(settings.pg_bin)} if settings.pg_bin else {})
    return {"folder": settings.data_dir / "demo", "port": settings.port, "ocpp_port": settings.ocpp_port, **more}


class _World:
    """The cast of the demo and what they do."""

    def __init__(
        self, hub: LabHub, emsp: SimulatedEmsp, cpo: SimulatedCpo, *, timeline: Timeline, stack: AsyncExitStack
    ) -> None:
        self.hub, self.emsp, self.cpo, self.timeline = hub, emsp, cpo, timeline
        self.chargers: dict[str, SimulatedCharger] = {}
        self.tokens: dict[str, Document] = {}
        self._stack = stack

    async def onboard(self) -> None:
        """One partner is invited and registers; with the other one we register."""
        invited = await self.hub.ask("POST", "/partners", {"name": "GreenApp"})
        self.timeline.say("hub", "invited GreenApp with a credentials token")
        await self.emsp.register(invited["versions_url"], invited["credentials_token"])
        body = {
            "name": "StationCo",
            "versions_url": self.cpo.versions_url,
            "credentials_token": self.cpo.invite(),
        }
        connected = await self.hub.ask("POST", "/partners/connect", body)
        self.timeline.say("hub", f"StationCo is {connected['status']}")
        await self.cpo.publish()
        self.timeline.say("CPO StationCo", "published its tariff and its location to the hub")
        for uid, whitelist in (("04A1B2C3D4E5F6", "ALWAYS"), ("APP-0001", "NEVER")):
            kind = "RFID" if uid.startswith("04") else "APP_USER"
            self.tokens[uid] = await self.emsp.issue_token(uid, whitelist=whitelist, kind=kind)
        self.timeline.say("eMSP GreenApp", "gave a card and an app token to its driver and told the hub")

    async def plug_in_chargers(self) -> None:
        """Our own chargers: one speaks OCPP 1.6J, the other 2.0.1."""
        await self.hub.ask("PUT", "/tariffs/FAST", TARIFF)
        for charger_id, protocol, latitude in (("BOX-16", "ocpp1.6", "52.370216"), ("BOX-201", "ocpp2.0.1", "52.3731")):
            added = await self.hub.ask("POST", "/chargers", _charger(charger_id, latitude))
            charger = SimulatedCharger(
                self.hub.ocpp_url,
                charger_id,
                password=added["password"],
                protocol=protocol,
                power_w=Decimal(350_000),
                sample_every=1.0,
                tell=self.timeline.teller(f"charger {charger_id}"),
            )
            self.chargers[charger_id] = charger
            task = asyncio.create_task(charger.run())
            self._stack.push_async_callback(_cancelled, task)
            async with asyncio.timeout(20):
                await charger.online.wait()
            self.timeline.say(f"charger {charger_id}", f"speaks {protocol}")

    async def card_charge(self) -> Document:
        """A driver holds a card to the 1.6 charger; returns the CDR that the eMSP received."""
        self.timeline.say("driver", "holds a GreenApp card to BOX-16")
        charger, before = self.chargers["BOX-16"], set(self.emsp.store["cdrs"])
        verdict = await charger.swipe(1, "04A1B2C3D4E5F6")
        if verdict != "Accepted":
            raise LabFailed(f"BOX-16 was told {verdict} for a valid card")
        await asyncio.sleep(CHARGE_SECONDS)
        await charger.charge_ends(1)
        return await self._new_cdr(before)

    async def app_charge(self) -> Document:
        """The eMSP's app starts and stops a charge at the 2.0.1 charger; returns the CDR."""
        location, evse = await self._find("BOX-201")
        self.timeline.say("driver", f"taps “start” in the GreenApp app, and “stop” after {CHARGE_SECONDS:g} s")
        token = self.tokens["APP-0001"]
        try:
            return await self.emsp.charge(OUR_PARTY, location["id"], evse["uid"], token, seconds=CHARGE_SECONDS)
        except ChargeFailed as error:
            raise LabFailed(str(error)) from None

    async def _find(self, charger_id: str) -> tuple[Document, Document]:
        """The location and EVSE of a charger, as the eMSP has heard of them."""

        def found() -> tuple[Document, Document] | None:
            for location in self.emsp.store["locations"].values():
                if location.get("name") == charger_id and location.get("evses"):
                    return location, location["evses"][0]
            return None

        await self.emsp.until(lambda: found() is not None, within=20)
        place = found()
        assert place is not None
        return place

    async def _new_cdr(self, before: set[str]) -> Document:
        await self.emsp.until(lambda: bool(set(self.emsp.store["cdrs"]) - before), within=30)
        return self.emsp.store["cdrs"][(set(self.emsp.store["cdrs"]) - before).pop()]


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


def _charger(charger_id: str, latitude: str) -> Document:
    connector = {
        "standard": "IEC_62196_T2_COMBO",
        "format": "CABLE",
        "power_type": "DC",
        "max_voltage": 920,
        "max_amperage": 400,
        "max_electric_power": 350000,
    }
    location = {
        "name": charger_id,
        "publish": True,
        "address": "Damrak 1",
        "city": "Amsterdam",
        "postal_code": "1012LG",
        "country": "NLD",
        "coordinates": {"latitude": latitude, "longitude": "4.895168"},
        "time_zone": "Europe/Amsterdam",
    }
    return {"id": charger_id, "location": location, "evses": [{"connectors": [connector]}], "tariff_ids": ["FAST"]}


def _print_cdr(console: Console, cdr: Document) -> None:
    where = cdr["cdr_location"].get("name") or cdr["cdr_location"]["id"]
    owner = f"{cdr['country_code']}/{cdr['party_id']}"
    table = Table(title=f"The CDR of {owner} at {where}, as the eMSP received it", title_justify="left")
    table.add_column("what")
    for column in ("amount", f"{cdr['currency']} excl. VAT", "incl. VAT"):
        table.add_column(column, justify="right")
    for period in cdr["charging_periods"]:
        for dimension in period["dimensions"]:
            unit = "kWh" if dimension["type"] == "ENERGY" else "h"
            starts = period["start_date_time"][11:19]
            table.add_row(f"{dimension['type']} from {starts} UTC", f"{dimension['volume']} {unit}", "", "")
    table.add_section()
    for name in ("total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost", "total_cost"):
        if (price := cdr.get(name)) is not None:
            table.add_row(name, "", str(price["excl_vat"]), str(price.get("incl_vat", "")))
    console.print(table)


async def _stay(console: Console, world: _World, hub: LabHub) -> None:
    console.print(f"\nThe hub goes on: [bold]{hub.url}/ocpi/versions[/], chargers at [bold]{hub.ocpp_url}/…[/]")
    console.print(f"What the eMSP hears: {world.emsp.url}/   What the CPO hears: {world.cpo.url}/")
    console.print("A driver comes by every now and then. Ctrl-C ends it.\n")
    while True:
        await asyncio.sleep(30)
        cdr = await world.card_charge()
        world.timeline.say(
            "eMSP GreenApp", f"CDR {cdr['id']}: {cdr['total_energy']} kWh, {cdr['total_cost']['excl_vat']}"
        )
