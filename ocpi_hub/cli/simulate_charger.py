"""`ocpi-hub simulate charger`: how it is made, what goes wrong at it, and what happens there."""

import asyncio
import ssl
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocpi_hub.cli.output import CommandFailed, read_settings

if TYPE_CHECKING:
    from bridge_ocpp.simulator import Car, SimulatedCharger

CARD = "04A1B2C3D4E5F6"
PURPOSES = (
    *("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints"),
    *("TxDefaultProfile", "TxProfile", "PriorityCharging", "LocalGeneration"),
)
"""The purposes of charging profiles, of all versions."""

_ENDS = "Installed, DownloadFailed, InvalidSignature, InstallationFailed, SameVersion or Silent"
_PUBLISH_ENDS = "Published, DownloadFailed, InvalidChecksum or PublishFailed"
_SWAP_ENDS = ("BatteryOut", "BatteryOutTimeout")
_MADE, _WRONG, _CAR = "How it is made", "What goes wrong", "The car and its driver"


def charger(
    charger_id: Annotated[str, typer.Argument(help="The charger's id, as it was added to the hub.")],
    password: Annotated[str | None, typer.Option(help="Its password.")] = None,
    url: Annotated[
        str | None, typer.Option(help="The bridge's URL; unset: the bridge of this machine, by OCPI_HUB_OCPP_PORT.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="ocpp1.6, ocpp2.0.1 or ocpp2.1")] = "ocpp1.6",
    card: Annotated[str | None, typer.Option(help="The card that is held to EVSE 1 after the boot.")] = None,
    script: Annotated[
        str | None, typer.Option(help="What happens at EVSE 1 after the boot; `ocpi-hub simulate scripts` lists all.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long that takes; how long a car charges.")] = 30.0,
    once: Annotated[bool, typer.Option("--once", help="End after that.")] = False,
    evses: Annotated[int, typer.Option(min=1, help="How many EVSEs it has.", rich_help_panel=_MADE)] = 1,
    power: Annotated[int, typer.Option(min=1, help="Charging power in W.", rich_help_panel=_MADE)] = 11000,
    phases: Annotated[
        int,
        typer.Option(min=1, max=3, help="Phases that a car loads; it draws the same on each.", rich_help_panel=_MADE),
    ] = 3,
    dc: Annotated[bool, typer.Option("--dc/--ac", help="Which current its EVSEs give.", rich_help_panel=_MADE)] = False,
    smart: Annotated[
        bool, typer.Option("--smart/--no-smart", help="Whether it knows charging profiles.", rich_help_panel=_MADE)
    ] = True,
    batteries: Annotated[
        bool,
        typer.Option("--batteries", help="It swaps batteries (2.1): its EVSEs are slots.", rich_help_panel=_MADE),
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(help="PEM file of the authority that it believes, for wss://.", rich_help_panel=_MADE),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file with its own certificate and key.", rich_help_panel=_MADE)
    ] = None,
    refuse: Annotated[
        list[str] | None,
        typer.Option(
            help="What it refuses: a purpose of charging profiles such as TxProfile, SetPassword or CertificateSigned; "
            "may be repeated.",
            rich_help_panel=_WRONG,
        ),
    ] = None,
    unable: Annotated[
        list[str] | None,
        typer.Option(
            help="An action such as GetLog that it has never heard of; may be repeated.", rich_help_panel=_WRONG
        ),
    ] = None,
    thinks: Annotated[
        float, typer.Option(min=0, help="Seconds that it thinks before each answer.", rich_help_panel=_WRONG)
    ] = 0.0,
    update_ends: Annotated[
        str, typer.Option(help=f"How an update of its firmware ends: {_ENDS}.", rich_help_panel=_WRONG)
    ] = "Installed",
    publish_ends: Annotated[
        str,
        typer.Option(help=f"How an image ends that it is to publish: {_PUBLISH_ENDS}.", rich_help_panel=_WRONG),
    ] = "Published",
    image_in_use: Annotated[
        bool,
        typer.Option("--image-in-use", help="Other chargers keep fetching what it published.", rich_help_panel=_WRONG),
    ] = False,
    swap_ends: Annotated[
        str,
        typer.Option(help=f"How the swap of a battery ends: {' or '.join(_SWAP_ENDS)}.", rich_help_panel=_WRONG),
    ] = "BatteryOut",
    car: Annotated[
        float | None, typer.Option(min=0, help="The most that a car takes, in A per phase.", rich_help_panel=_CAR)
    ] = None,
    energy: Annotated[
        float | None,
        typer.Option(min=0.001, help="kWh that it needs; unset: half of what it could get.", rich_help_panel=_CAR),
    ] = None,
    departs: Annotated[
        float | None, typer.Option(min=1, help="Seconds until it leaves; unset: --seconds.", rich_help_panel=_CAR)
    ] = None,
    contract: Annotated[
        Path | None,
        typer.Option(help="PEM file of its contract, with the chain; unset: it asks for one.", rich_help_panel=_CAR),
    ] = None,
    vat: Annotated[
        str | None, typer.Option(help="The driver's VAT number, for the receipt.", rich_help_panel=_CAR)
    ] = None,
) -> None:
    """A charger: connects, boots, charges a car when a card is held to it or when it is asked to."""
    from bridge_ocpp.simulator import NotAccepted, SimulatedCharger

    _check(protocol, script, update_ends=update_ends, publish_ends=publish_ends, swap_ends=swap_ends)
    refusals = _refusals(refuse or [])
    unknown = _unable(unable or [], protocol)
    if batteries and (protocol != "ocpp2.1" or evses < 2):
        raise typer.BadParameter("needs --protocol ocpp2.1 and two EVSEs (--evses 2)", param_hint="--batteries")
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
        refused=refusals,
        dc=dc,
        batteries=batteries,
        tls=_tls(ca, certificate) if url.startswith("wss://") else None,
        tell=lambda what, text: print(f"{what:<11} {text}", flush=True),
    )
    box.safe.refuses = set(refusals)
    box.thinks, box.unable = thinks, unknown
    box.workshop.ends, box.workshop.publishes, box.workshop.in_use = update_ends, publish_ends, image_in_use
    box.slots.takes = swap_ends == "BatteryOut"
    if script is None and card is not None:
        script = "charge"
    there = _car(box, seconds=seconds, energy=energy, departs=departs, contract=contract)
    try:
        asyncio.run(_drive(box, there, script, card=card or CARD, seconds=seconds, once=once, vat=vat))
    except NotAccepted as error:
        raise CommandFailed(str(error)) from None
    except KeyboardInterrupt:
        pass


def _check(protocol: str, script: str | None, *, update_ends: str, publish_ends: str, swap_ends: str) -> None:
    """Raises BadParameter for a word that there is not, and for a script that the version has no words for."""
    from bridge_ocpp.simulator import PUBLISH_ENDS, SCRIPTS, SPEECHES, UPDATE_ENDS

    words = (
        ("--protocol", protocol, SPEECHES),
        ("--script", script, SCRIPTS),
        ("--update-ends", update_ends, UPDATE_ENDS),
        ("--publish-ends", publish_ends, PUBLISH_ENDS),
        ("--swap-ends", swap_ends, _SWAP_ENDS),
    )
    for option, word, allowed in words:
        if word is not None and word not in allowed:
            raise typer.BadParameter(f"{word}: write one of {', '.join(allowed)}", param_hint=option)
    if script is not None and protocol not in (versions := SCRIPTS[script].versions):
        raise typer.BadParameter(f"{script} needs --protocol {' or '.join(versions)}", param_hint="--script")


def _refusals(refuse: list[str]) -> frozenset[str]:
    from bridge_ocpp.simulator import REFUSALS

    allowed = (*PURPOSES, *REFUSALS)
    for word in refuse:
        if word not in allowed:
            raise typer.BadParameter(f"{word}: write one of {', '.join(allowed)}", param_hint="--refuse")
    return frozenset(refuse)


def _unable(unable: list[str], protocol: str) -> set[str]:
    from bridge_ocpp.simulator import ANSWERS

    for word in unable:
        if word not in ANSWERS[protocol]:
            allowed = ", ".join(sorted(ANSWERS[protocol]))
            raise typer.BadParameter(f"{word}: {protocol} is asked for {allowed}", param_hint="--unable")
    return set(unable)


def _car(
    box: "SimulatedCharger", *, seconds: float, energy: float | None, departs: float | None, contract: Path | None
) -> "Car":
    """The car of the scripts. Raises BadParameter for a contract that is none."""
    from bridge_ocpp.simulator import NoContract, car_for

    found = car_for(box, seconds if departs is None else departs)
    found.vehicle = f"SIMCAR{box.charger_id.upper()}"[:17]
    if energy is not None:
        found.wants_wh = Decimal(str(energy)) * 1000
    if contract is not None:
        try:
            found.drive_with(contract.read_bytes())
        except OSError as error:
            raise typer.BadParameter(f"{contract}: {error.strerror}", param_hint="--contract") from None
        except NoContract as error:
            raise typer.BadParameter(f"{contract}: {error}", param_hint="--contract") from None
    return found


def _tls(authority: Path | None, certificate: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate)
    except ssl.SSLError as error:
        raise CommandFailed(f"{certificate or authority} cannot be used: {error.reason or error}") from None
    return context


async def _drive(
    box: "SimulatedCharger", car: "Car", script: str | None, *, card: str, seconds: float, once: bool, vat: str | None
) -> None:
    """Connect, play the script, and go on until Ctrl-C, or end where it is played `once`."""
    from bridge_ocpp.simulator import ScriptFailed, play

    running = asyncio.create_task(box.run())
    booted = asyncio.create_task(box.online.wait())
    await asyncio.wait({running, booted}, return_when=asyncio.FIRST_COMPLETED, timeout=20 if once else None)
    if once and not running.done() and not booted.done():
        raise CommandFailed(f"no central system accepted the charger at {box.url} within 20 s")
    if script is not None and box.online.is_set():
        try:
            await play(box, script, card=card, seconds=seconds, car=car, vat_number=vat)
        except ScriptFailed as error:
            if once:
                raise CommandFailed(str(error)) from None
            print(f"{'script':<11} {error}", flush=True)
    if once and box.online.is_set():
        running.cancel()
        return
    await running
