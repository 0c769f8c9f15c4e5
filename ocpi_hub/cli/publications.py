"""`ocpi-hub publication …`: images that local controllers publish for the chargers behind them."""

import asyncio
from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub

app = typer.Typer(
    help="Firmware that local controllers publish for the chargers behind them.",
    epilog="Example: ocpi-hub publication list",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Id = Annotated[str, typer.Argument(help="The publication's id.")]

LOOK = 1.0


@app.command(epilog="Example: ocpi-hub publication start LC-1 https://images.example/b.bin --checksum MD5 --follow")
def start(
    controller: Annotated[str, typer.Argument(help="The local controller's id.")],
    location: Annotated[str, typer.Argument(help="The image's URL.")],
    checksum: Annotated[str, typer.Option(help="The image's MD5, 32 hexadecimal digits.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait; exit status 1 unless it is published.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have a local controller fetch an image and serve it."""
    from ocpi_hub.admin import publishing
    from ocpi_hub.base.resources import Resources

    body = publishing.PublicationBody(charger=controller, location=location, checksum=checksum)

    async def begin(resources: Resources) -> dict[str, Any]:
        found = await publishing.publish(resources, body)
        while follow and found["state"] in ("Waiting", "Asked", "Running"):
            await asyncio.sleep(LOOK)
            found = await publishing.publication(resources, found["id"])
        return found

    found = with_hub(begin)
    _shown([found], as_json=as_json, one=True)
    if follow and found["state"] != "Published":
        raise CommandFailed(f"it is {found['state']}: {found['detail']}")


@app.command("list", epilog="Example: ocpi-hub publication list LC-1")
def list_publications(
    controller: Annotated[str | None, typer.Argument(help="Only this local controller's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Newest first, with the URIs that chargers fetch them from."""
    from ocpi_hub.admin import publishing

    _shown(with_hub(lambda resources: publishing.publications(resources, charger=controller)), as_json=as_json)


@app.command(epilog="Example: ocpi-hub publication show 7f0c…")
def show(publication_id: Id, as_json: AsJson = False) -> None:
    """One publication."""
    from ocpi_hub.admin import publishing

    found = with_hub(lambda resources: publishing.publication(resources, publication_id))
    _shown([found], as_json=as_json, one=True)


@app.command(epilog="Example: ocpi-hub publication withdraw 7f0c…")
def withdraw(publication_id: Id, as_json: AsJson = False) -> None:
    """Have the controller serve it no more."""
    from ocpi_hub.admin import publishing

    found = with_hub(lambda resources: publishing.unpublish(resources, publication_id))
    _shown([found], as_json=as_json, one=True)


def _shown(found: list[dict[str, Any]], *, as_json: bool, one: bool = False) -> None:
    if as_json:
        print_json(found[0] if one else found)
        return
    names = ("id", "charger", "state", "progress", "detail")
    rows = [(*(each[name] or "" for name in names), "\n".join(each["uris"])) for each in found]
    columns = ("publication", "controller", "state", "it says", "why", "served at")
    print_table(columns, rows, empty="nothing is published: ocpi-hub publication start CONTROLLER URL --checksum MD5")
