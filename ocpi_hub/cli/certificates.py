"""`ocpi-hub certificate …`: what chargers asked to be signed, and the hub's own authority."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_pairs, print_table, with_hub

app = typer.Typer(
    help="Certificates of chargers.", epilog="Example: ocpi-hub certificate list --waiting", no_args_is_help=True
)

RequestId = Annotated[str, typer.Argument(help="The request's id, from `certificate list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list", epilog="Example: ocpi-hub certificate list --charger BOX-1")
def list_certificates(
    charger: Annotated[str | None, typer.Option(help="Only this charger's.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for your word.")] = False,
    as_json: AsJson = False,
) -> None:
    """What chargers asked to be signed, newest first."""
    from bridge_ocpp.port import SigningState
    from ocpi_hub.admin.security import certificates

    state = SigningState.WAITING if waiting else None
    found = with_hub(lambda resources: certificates(resources, charger=charger, state=state))
    if as_json:
        print_json(found)
        return
    rows = [(c["id"], c["charger"], c["type"], c["state"], c["serial"], c["not_after"]) for c in found]
    columns = ("request", "charger", "type", "state", "serial number", "valid until")
    print_table(columns, rows, empty="no charger has asked for a certificate")


@app.command(epilog="Example: ocpi-hub certificate show 7d0c0f3e-… > request.json")
def show(request_id: RequestId) -> None:
    """One request with its CSR and its chain, as JSON."""
    from ocpi_hub.admin.security import certificate

    print_json(with_hub(lambda resources: certificate(resources, request_id)))


@app.command(epilog="Example: ocpi-hub certificate approve 7d0c0f3e-… --chain signed.pem")
def approve(
    request_id: RequestId,
    chain: Annotated[
        Path | None, typer.Option(help="PEM file with what another authority signed; absent: the hub's own signs.")
    ] = None,
) -> None:
    """Send the charger its certificate."""
    _decided(request_id, "approve", chain=_text(chain))


@app.command(epilog="Example: ocpi-hub certificate reject 7d0c0f3e-… --reason 'not our charger'")
def reject(request_id: RequestId, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "") -> None:
    """Sign nothing."""
    _decided(request_id, "reject", reason=reason)


@app.command(epilog="Example: ocpi-hub certificate revoke 7d0c0f3e-…")
def revoke(request_id: RequestId) -> None:
    """Let the charger in with this certificate no more."""
    _decided(request_id, "revoke")


@app.command(epilog="Example: ocpi-hub certificate authority > ca.pem")
def authority() -> None:
    """The hub's own authority, in PEM; it is made when there is none."""
    from ocpi_hub.admin.security import authorities

    print(with_hub(authorities)[0]["certificate"], end="")


def _decided(request_id: str, decision: str, **given: str | None) -> None:
    from ocpi_hub.admin.security import decide

    found = with_hub(lambda resources: decide(resources, request_id, decision, **given))
    print_pairs({name: found[name] for name in ("charger", "type", "state", "serial", "not_after", "detail")})


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text()
    except FileNotFoundError:
        raise CommandFailed(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path} is not PEM") from None
