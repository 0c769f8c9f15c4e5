"""Simulators that really speak, for labs and for trying a partner: a CPO, an eMSP, a charger."""

import asyncio
import errno
import ssl
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocpi_hub.cli.output import CommandFailed, read_settings

if TYPE_CHECKING:
    from bridge_ocpp.simulator import SimulatedCharger
    from ocpi_hub.simulator.platform import SimulatedPlatform

CARD = "04A1B2C3D4E5F6"
app = typer.Typer(
    help="Simulators that really speak.", epilog="Example: ocpi-hub simulate cpo --port 8101", no_args_is_help=True
)

Party = Annotated[str, typer.Option(help="The simulated party, COUNTRY/PARTY.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on, on loopback; 0 takes a free one.")]
Hub = Annotated[str | None, typer.Option(help="The hub's versions URL, to register with it; needs --token.")]
Token = Annotated[str | None, typer.Option(help="The credentials token that the hub gave (partner invite).")]


@app.command(
    epilog="Example: ocpi-hub simulate emsp --hub http://127.0.0.1:8000/ocpi/versions --token TOKEN "
    "--start NL/HUB/LOC1/EVSE1 --seconds 20"
)
def emsp(
    party: Party = "DE/APP",
    port: Port = 8102,
    hub: Hub = None,
    token: Token = None,
    start: Annotated[
        str | None, typer.Option(help="Charge there from the app once registered: COUNTRY/PARTY/LOCATION[/EVSE].")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long that charges.")] = 30.0,
    once: Annotated[bool, typer.Option("--once", help="End when the CDR of that charge is here.")] = False,
) -> None:
    """An eMSP platform: hears locations, sessions and CDRs, issues a token, answers authorisations, starts a charge."""
    from ocpi_hub.simulator.emsp import ChargeFailed, SimulatedEmsp
    from ocpi_hub.wire.headers import PartyId

    place = start.split("/") if start is not None else []
    if start is not None and (len(place) not in (3, 4) or not all(place) or [*map(len, place[:2])] != [2, 3]):
        raise typer.BadParameter("write COUNTRY/PARTY/LOCATION/EVSE, such as NL/HUB/LOC1/EVSE1", param_hint="--start")
    if once and start is None:
        raise typer.BadParameter("--once ends after a charge: say where by --start", param_hint="--once")

    async def begin(platform: "SimulatedPlatform") -> bool:
        assert isinstance(platform, SimulatedEmsp)
        driver = await platform.issue_token(CARD, whitelist="ALWAYS")
        if start is None:
            return False
        owner, location, evse = PartyId(place[0], place[1]), place[2], place[3] if place[3:] else None
        try:
            cdr = await platform.charge(owner, location, evse, driver, seconds=seconds)
        except ChargeFailed as error:
            raise CommandFailed(str(error)) from None
        cost = cdr["total_cost"]
        print(
            f"{'charge':<10} {cdr['total_energy']} kWh for {cost['excl_vat']} {cdr['currency']} without VAT", flush=True
        )
        return once

    _run(SimulatedEmsp, begin, party=party, name="Simulated eMSP", port=port, hub=hub, token=token)


@app.command(epilog="Example: ocpi-hub simulate cpo --port 8101")
def cpo(party: Party = "BE/STA", port: Port = 8101, hub: Hub = None, token: Token = None) -> None:
    """A CPO platform: publishes a tariff and a location with two EVSEs, and charges when asked to."""
    from ocpi_hub.simulator.cpo import SimulatedCpo

    async def begin(platform: "SimulatedPlatform") -> bool:
        assert isinstance(platform, SimulatedCpo)
        await platform.publish()
        return False

    _run(SimulatedCpo, begin, party=party, name="Simulated CPO", port=port, hub=hub, token=token)


def _run(kind, begin, *, party: str, name: str, port: int, hub: str | None, token: str | None) -> None:  # type: ignore[no-untyped-def]
    from ocpi_hub.simulator.platform import HubSaidNo, HubUnreachable
    from ocpi_hub.wire.headers import PartyId

    country, _, party_id = party.partition("/")
    if len(country) != 2 or len(party_id) != 3:
        raise typer.BadParameter("write the party as COUNTRY/PARTY, such as NL/ABC", param_hint="--party")
    if (hub is None) != (token is None):
        raise typer.BadParameter("--hub and --token belong together", param_hint="--hub")
    platform = kind(PartyId(country, party_id), name, tell=lambda what, text: print(f"{what:<10} {text}", flush=True))

    async def live() -> None:
        async with platform.serving(port=port):
            print(f"{name} listens at {platform.url}/ (a page of what it hears)", flush=True)
            if hub is not None and token is not None:
                await platform.register(hub, token)
                ended = await begin(platform)
            else:
                print(
                    f"connect a hub to it: ocpi-hub partner connect {party.replace('/', '-')} "
                    f"{platform.versions_url} {platform.invite()}",
                    flush=True,
                )
                async with platform.changed:
                    await platform.changed.wait_for(lambda: platform.hub is not None)
                ended = await _begin_soon(begin, platform)
            if not ended:
                await asyncio.Event().wait()

    try:
        asyncio.run(live())
    except HubUnreachable as error:
        raise CommandFailed(f"{error}: is the hub running, and is --hub its versions URL?") from None
    except HubSaidNo as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise CommandFailed(f"port {port} is taken: choose another by --port, or 0 for a free one") from None
    except KeyboardInterrupt:
        pass


async def _begin_soon(begin, platform) -> bool:  # type: ignore[no-untyped-def]
    """The hub may use our token at once, but we may use its own only when it has read our answer: try for a while."""
    from ocpi_hub.simulator.platform import HubSaidNo

    for attempt in range(10):
        try:
            return bool(await begin(platform))
        except HubSaidNo:
            if attempt == 9:
                raise
            await asyncio.sleep(0.5)
    return False


def _tls(authority: Path | None, certificate: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate)
    except ssl.SSLError as error:
        raise CommandFailed(f"{certificate or authority} cannot be used: {error.reason or error}") from None
    return context


_SCRIPTS = "charge, offline-charge, faulty-clock, reservation, firmware or slow"
_ENDS = "Installed, DownloadFailed, InvalidSignature, InstallationFailed, SameVersion or Silent"


async def _played(box: "SimulatedCharger", script: str, *, card: str, seconds: float, once: bool) -> None:
    """Play a script; one that cannot go on is an error where nothing follows it."""
    from bridge_ocpp.simulator import ScriptFailed, play

    try:
        await play(box, script, card=card, seconds=seconds)
    except ScriptFailed as error:
        if once:
            raise CommandFailed(str(error)) from None
        print(f"{'script':<10} {error}", flush=True)


@app.command(
    epilog="Example: ocpi-hub simulate charger BOX-1 --password secret123 --card 04A1B2C3D4E5F6 --seconds 10 --once"
)
def charger(
    charger_id: Annotated[str, typer.Argument(help="The charger's id, as it was added to the hub.")],
    password: Annotated[str | None, typer.Option(help="Its password.")] = None,
    url: Annotated[
        str | None, typer.Option(help="The bridge's URL; unset: the bridge of this machine, by OCPI_HUB_OCPP_PORT.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="ocpp1.6, ocpp2.0.1 or ocpp2.1")] = "ocpp1.6",
    evses: Annotated[int, typer.Option(min=1, help="How many EVSEs it has.")] = 1,
    power: Annotated[int, typer.Option(min=1, help="Charging power in W.")] = 11000,
    phases: Annotated[int, typer.Option(min=1, max=3, help="Phases that a car loads; it draws the same on each.")] = 3,
    car: Annotated[float | None, typer.Option(min=0, help="The most that a car takes, in A per phase.")] = None,
    refuse: Annotated[
        list[str] | None, typer.Option(help="A purpose of charging profiles that it does not take; may be repeated.")
    ] = None,
    smart: Annotated[bool, typer.Option("--smart/--no-smart", help="Whether it knows charging profiles.")] = True,
    card: Annotated[str | None, typer.Option(help="The card that is held to EVSE 1 after the boot.")] = None,
    script: Annotated[str | None, typer.Option(help=f"What happens at EVSE 1 after the boot: {_SCRIPTS}.")] = None,
    update_ends: Annotated[str, typer.Option(help=f"How an update of its firmware ends: {_ENDS}.")] = "Installed",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long that takes; how long a car charges.")] = 30.0,
    once: Annotated[bool, typer.Option("--once", help="End after that.")] = False,
    ca: Annotated[Path | None, typer.Option(help="PEM file of the authority that it believes, for wss://.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file with its own certificate and key.")] = None,
) -> None:
    """A charger: connects, boots, charges a car when a card is held to it or when it is asked to."""
    from bridge_ocpp.simulator import SCRIPTS, SPEECHES, UPDATE_ENDS, NotAccepted, SimulatedCharger

    if protocol not in SPEECHES:
        raise typer.BadParameter(f"one of {', '.join(SPEECHES)}", param_hint="--protocol")
    if script is not None and script not in SCRIPTS:
        raise typer.BadParameter(f"one of {', '.join(SCRIPTS)}", param_hint="--script")
    if update_ends not in UPDATE_ENDS:
        raise typer.BadParameter(f"one of {', '.join(UPDATE_ENDS)}", param_hint="--update-ends")
    if url is None:
        url = f"{read_settings().ocpp_url}/ocpp"
    if not url.startswith(("ws://", "wss://")):
        raise typer.BadParameter("begins with ws:// or wss://", param_hint="--url")
    box = SimulatedCharger(
        url,
        charger_id,
        password=password,
        protocol=protocol,
        evses=evses,
        power_w=Decimal(power),
        phases=phases,
        car_a=None if car is None else Decimal(str(car)),
        smart=smart,
        refused=frozenset(refuse or ()),
        tls=_tls(ca, certificate) if url.startswith("wss://") else None,
        tell=lambda what, text: print(f"{what:<10} {text}", flush=True),
    )

    box.workshop.ends = update_ends

    async def drive() -> None:
        running = asyncio.create_task(box.run())
        booted = asyncio.create_task(box.online.wait())
        await asyncio.wait({running, booted}, return_when=asyncio.FIRST_COMPLETED, timeout=20 if once else None)
        if once and not running.done() and not booted.done():
            raise CommandFailed(f"no central system accepted the charger at {url} within 20 s")
        if (script is not None or card is not None) and box.online.is_set():
            await _played(box, script or "charge", card=card or CARD, seconds=seconds, once=once)
        if once and box.online.is_set():
            running.cancel()
            return
        await running

    try:
        asyncio.run(drive())
    except NotAccepted as error:
        raise CommandFailed(str(error)) from None
    except KeyboardInterrupt:
        pass
