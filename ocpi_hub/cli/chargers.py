"""`ocpi-hub charger …`: add, list, show, call and remove our own chargers."""

import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_pairs, print_table, with_hub

app = typer.Typer(help="Our own chargers.", epilog="Example: ocpi-hub charger list", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The charger's id.")]
_LOCATIONS = UUID("7f1ad2c6-5f0e-4c57-9a39-4b6b9d7d2c11")
"""The name space of ids that are made of a Location's content."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command(epilog="Example: ocpi-hub charger add BOX-1 --location station.json --tariff FAST")
def add(
    charger_id: Id,
    location: Annotated[
        Path | None,
        typer.Option(help="A file with an OCPI Location; the same file is the same one."),
    ] = None,
    evses: Annotated[Path | None, typer.Option(help="A file with EVSEs: [{uid?, connectors: [{…}]}].")] = None,
    tariff: Annotated[list[str] | None, typer.Option(help="A tariff's id; may be repeated.")] = None,
    password: Annotated[str | None, typer.Option(help="8 to 64 characters; made and printed once if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a charger; prints the URL and the password that it must use."""
    from ocpi_hub.admin.chargers import NewChargerBody
    from ocpi_hub.admin.chargers import add as add_charger

    body = NewChargerBody.model_validate(
        {
            "id": charger_id,
            "password": password,
            "location": _location(location),
            "evses": _json_file(evses) or [],
            "tariff_ids": tariff or [],
        }
    )
    added = with_hub(lambda resources: add_charger(resources, body))
    if as_json:
        print_json(added)
        return
    for warning in added["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    print_pairs(
        {
            "charger": added["id"],
            "url": added["url"],
            "password": added.get("password", "as you gave it"),
            "location": added["location_id"] or "none: partners do not see this charger",
        }
    )


@app.command("list", epilog="Example: ocpi-hub charger list")
def list_chargers(as_json: AsJson = False) -> None:
    """All chargers."""
    from ocpi_hub.admin.chargers import every

    chargers = with_hub(every)
    if as_json:
        print_json(chargers)
        return
    rows = [
        (
            c["id"],
            "online" if c["online"] else "offline",
            c["ocpp_version"],
            " ".join(filter(None, (c["vendor"], c["model"]))),
            ", ".join(f"{e['evse_id']}: {e['status'] or '?'}" for e in c["evses"]),
            len(c["transactions"]),
        )
        for c in chargers
    ]
    columns = ("charger", "state", "OCPP", "model", "EVSEs", "charging")
    print_table(columns, rows, empty="no charger yet: ocpi-hub charger add ID")


@app.command(epilog="Example: ocpi-hub charger show BOX-1")
def show(charger_id: Id) -> None:
    """One charger, as JSON."""
    from ocpi_hub.admin.chargers import show as show_charger

    print_json(with_hub(lambda resources: show_charger(resources, charger_id)))


@app.command(epilog='Example: ocpi-hub charger call BOX-1 Reset \'{"type": "Soft"}\'')
def call(
    charger_id: Id,
    action: Annotated[str, typer.Argument(help="The OCPP action, such as Reset.")],
    payload: Annotated[str, typer.Argument(help="Its payload as JSON.")] = "{}",
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait for the answer.")] = None,
) -> None:
    """Send any OCPP call to a charger and print its answer; exit status 1 when it answers with an error."""
    from ocpi_hub.admin.chargers import CallBody
    from ocpi_hub.admin.chargers import call as call_charger
    from ocpi_hub.wire.json import NotJson, loads

    try:
        parsed: Any = loads(payload)
    except NotJson as error:
        raise typer.BadParameter(str(error), param_hint="PAYLOAD") from None
    if not isinstance(parsed, dict):
        raise typer.BadParameter("the payload must be a JSON object", param_hint="PAYLOAD")
    body = CallBody(action=action, payload=parsed, timeout=timeout)
    answer = with_hub(lambda resources: call_charger(resources, charger_id, body))
    print_json(answer)
    if "error" in answer:
        raise typer.Exit(1)


@app.command(epilog="Example: ocpi-hub charger remove BOX-1")
def remove(charger_id: Id) -> None:
    """Take a charger away; its EVSEs become REMOVED at partners."""
    from ocpi_hub.admin.chargers import remove as remove_charger

    with_hub(lambda resources: remove_charger(resources, charger_id))
    print(f"{charger_id} is removed")


def _location(path: Path | None) -> dict[str, Any] | None:
    """The Location of a file. Without an id it gets one of its content, so that the same file is the same Location."""
    from ocpi_hub.wire.json import dumps

    given = _json_file(path)
    if given is None or (isinstance(given, dict) and given.get("id")):
        return given
    if not isinstance(given, dict):
        raise CommandFailed(f"{path}: must be a JSON object")
    return {**given, "id": str(uuid5(_LOCATIONS, dumps({name: given[name] for name in sorted(given)})))}


def _json_file(path: Path | None) -> Any:
    from ocpi_hub.wire.json import NotJson, loads

    if path is None:
        return None
    try:
        return loads(path.read_bytes())
    except FileNotFoundError:
        raise CommandFailed(f"there is no file {path}") from None
    except NotJson as error:
        raise CommandFailed(f"{path} is not JSON: {error}") from None
