"""`ocpi-hub cdr …`: released CDRs that found no answer, and having them sent again."""

from typing import Annotated

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

app = typer.Typer(help="CDRs that wait for an operator.", epilog="Example: ocpi-hub cdr stuck", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command(epilog="Example: ocpi-hub cdr stuck --json")
def stuck(as_json: AsJson = False) -> None:
    """Released CDRs that their eMSP never answered, and that nobody tries any more."""
    from ocpi_hub.admin.clearing import stuck as find

    found = with_hub(find)
    if as_json:
        print_json(found)
        return
    rows = [
        (one["cdr_id"], one["owner"], one["emsp"], one["tries"], f"{one['stuck_at']:%Y-%m-%d %H:%M}", one["send_error"])
        for one in found
    ]
    print_table(("CDR", "CPO", "eMSP", "tries", "stuck since", "why"), rows, empty="no CDR is stuck")


@app.command(epilog="Example: ocpi-hub cdr send C1 --owner NL/ABC")
def send(
    cdr_id: Annotated[str, typer.Argument(help="The CDR's id.")],
    owner: Annotated[str | None, typer.Option(help="Its CPO, COUNTRY/PARTY, where several have this id.")] = None,
) -> None:
    """Try a released CDR anew: now, and with growing waits from then on."""
    from ocpi_hub.admin.clearing import send as send_again

    sent = with_hub(lambda resources: send_again(resources, cdr_id, owner))
    print(f"{sent['cdr_id']} of {sent['owner']} is sent to {sent['emsp']} now")
