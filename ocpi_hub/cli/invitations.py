"""`ocpi-hub invitation …`: credentials tokens that wait to be used; they are made by `partner invite`."""

from typing import Annotated

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

app = typer.Typer(help="Invitations of partners.", epilog="Example: ocpi-hub invitation list", no_args_is_help=True)


@app.command("list", epilog="Example: ocpi-hub invitation list")
def list_invitations(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False) -> None:
    """Invitations that are in force, the first to end first."""
    from ocpi_hub.admin.invitations import every

    found = with_hub(every)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["partner"]["name"],
            one["partner"]["status"],
            ", ".join(f"{p['country_code']}/{p['party_id']} {p['role']}" for p in one["parties"]) or "any",
            one["created_at"],
            one["expires_at"],
        )
        for one in found
    ]
    columns = ("partner", "status", "may register", "made", "ends")
    print_table(columns, rows, empty="nobody is invited: ocpi-hub partner invite NAME")


@app.command(epilog="Example: ocpi-hub invitation withdraw GreenApp")
def withdraw(partner: Annotated[str, typer.Argument(help="The partner's name or id.")]) -> None:
    """Take a partner's invitations back; a partner that never registered is forgotten with them."""
    from ocpi_hub.admin.invitations import withdraw as take_back

    answer = with_hub(lambda resources: take_back(resources, partner))
    print(f"the invitation of {partner} opens nothing any more")
    if answer["forgotten"]:
        print(f"{partner} had not registered, and is forgotten")
