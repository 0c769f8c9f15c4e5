"""Simulators that really speak, for labs and for trying a partner: a CPO, an eMSP, a charger, a provider."""

import asyncio
import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocpi_hub.cli import simulate_charger
from ocpi_hub.cli.output import CommandFailed, print_json, print_table
from ocpi_hub.cli.simulate_charger import CARD

if TYPE_CHECKING:
    from ocpi_hub.simulator.platform import SimulatedPlatform

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
        with _listening(port):
            asyncio.run(live())
    except HubUnreachable as error:
        raise CommandFailed(f"{error}: is the hub running, and is --hub its versions URL?") from None
    except HubSaidNo as error:
        raise CommandFailed(str(error)) from None


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


@app.command(
    epilog="Example: ocpi-hub simulate provider --folder lab, then start the hub with the settings that it prints"
)
def provider(
    folder: Annotated[Path, typer.Option(help="Where its authorities are kept, made where there are none.")] = Path(
        "simulated-provider"
    ),
    port: Port = 8103,
    certificates: Annotated[
        str, typer.Option(help="What its OCSP responder says of contracts: good, revoked or unknown.")
    ] = "good",
    contracts: Annotated[bool, typer.Option("--contracts/--no-contracts", help="Whether cars get contracts.")] = True,
    vat_number: Annotated[str, typer.Option(help="The VAT number that it knows.")] = "BE0123456789",
) -> None:
    """Who answers about cars: gives contracts for Plug & Charge, tells by OCSP how they stand, knows a VAT number."""
    from ocpi_hub.simulator.provider import STANDINGS, SimulatedProvider

    if certificates not in STANDINGS:
        raise typer.BadParameter(f"one of {', '.join(STANDINGS)}", param_hint="--certificates")
    try:
        simulated = SimulatedProvider(
            folder,
            standing=certificates,
            contracts=contracts,
            vat_number=vat_number,
            tell=lambda what, text: print(f"{what:<10} {text}", flush=True),
        )
    except (OSError, ValueError) as error:
        raise CommandFailed(f"the authorities in {folder} cannot be used: {error}") from None

    async def live() -> None:
        async with simulated.serving(port):
            print(f"Simulated provider listens at {simulated.url}; start the hub with", flush=True)
            for name, value in simulated.settings().items():
                print(f"  {name}={value}", flush=True)
            await asyncio.Event().wait()

    with _listening(port):
        asyncio.run(live())


@contextlib.contextmanager
def _listening(port: int) -> Iterator[None]:
    """A port that is taken is told in a sentence; Ctrl-C ends."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise CommandFailed(f"port {port} is taken: choose another by --port, or 0 for a free one") from None
    except KeyboardInterrupt:
        pass


@app.command(epilog="Example: ocpi-hub simulate scripts")
def scripts(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False) -> None:
    """What `simulate charger --script NAME` can play, in which versions."""
    from bridge_ocpp.simulator import SCRIPTS

    rows = [
        {"script": name, "versions": [v.removeprefix("ocpp") for v in script.versions], "shows": script.text}
        for name, script in SCRIPTS.items()
    ]
    if as_json:
        print_json(rows)
        return
    table = [(row["script"], ", ".join(row["versions"]), row["shows"]) for row in rows]
    print_table(("script", "versions", "what it shows"), table, empty="none")


app.command(
    "charger",
    epilog="Example: ocpi-hub simulate charger BOX-1 --password secret123 --card 04A1B2C3D4E5F6 --seconds 10 --once",
)(simulate_charger.charger)
