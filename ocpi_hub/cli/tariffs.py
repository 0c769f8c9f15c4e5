"""`ocpi-hub tariff …`: the tariffs of our own chargers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub

app = typer.Typer(help="Tariffs of our own chargers.", epilog="Example: ocpi-hub tariff list", no_args_is_help=True)

TariffId = Annotated[str, typer.Argument(help="The tariff's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list", epilog="Example: ocpi-hub tariff list --json")
def list_tariffs(as_json: AsJson = False) -> None:
    """The tariffs of our own chargers."""
    from ocpi_hub.admin.supply import every_tariff

    found = with_hub(every_tariff)
    if as_json:
        print_json(found)
        return
    rows = [
        (one["id"], f"{one['country_code']}/{one['party_id']}", one["currency"], one.get("type"), _prices(one))
        for one in found
    ]
    columns = ("tariff", "party", "currency", "type", "prices")
    print_table(columns, rows, empty="no tariff yet: ocpi-hub tariff put ID FILE")


@app.command("show", epilog="Example: ocpi-hub tariff show FAST")
def show_tariff(tariff_id: TariffId) -> None:
    """One tariff, as JSON."""
    from ocpi_hub.admin.supply import every_tariff

    for one in with_hub(every_tariff):
        if one["id"].lower() == tariff_id.lower():
            print_json(one)
            return
    raise CommandFailed(f"there is no tariff {tariff_id}")


@app.command("put", epilog="Example: ocpi-hub tariff put FAST docs/examples/tariff.json")
def put_tariff(
    tariff_id: TariffId,
    file: Annotated[Path, typer.Argument(help="A file with an OCPI Tariff; id, party and last_updated may be absent.")],
    as_json: AsJson = False,
) -> None:
    """Keep a tariff and tell partners."""
    from ocpi_hub.admin.supply import keep_tariff
    from ocpi_hub.wire.json import NotJson, loads

    try:
        document: Any = loads(file.read_bytes())
    except FileNotFoundError:
        raise CommandFailed(f"there is no file {file}") from None
    except NotJson as error:
        raise CommandFailed(f"{file} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise CommandFailed(f"{file}: must be a JSON object")
    kept = with_hub(lambda resources: keep_tariff(resources, tariff_id, document))
    if as_json:
        print_json(kept)
        return
    print(f"tariff {kept['id']} is kept: {_prices(kept)} {kept['currency']}")


@app.command("remove", epilog="Example: ocpi-hub tariff remove FAST")
def remove_tariff(tariff_id: TariffId) -> None:
    """Take a tariff away; refused while a charger uses it."""
    from ocpi_hub.admin.supply import remove_tariff as remove

    with_hub(lambda resources: remove(resources, tariff_id))
    print(f"tariff {tariff_id} is removed")


def _prices(tariff: dict[str, Any]) -> str:
    """Each price once, such as `ENERGY 0.45, FLAT 0.50`."""
    parts = [part for element in tariff["elements"] for part in element["price_components"]]
    return ", ".join(dict.fromkeys(f"{part['type']} {part['price']}" for part in parts))
