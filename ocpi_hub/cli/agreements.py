"""`ocpi-hub agreement …`: list, put and remove agreements between parties."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

app = typer.Typer(help="Who may talk with whom.", epilog="Example: ocpi-hub agreement list", no_args_is_help=True)

Agreement = Annotated[str, typer.Argument(help="The agreement's id, your own choice.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"], help="A day or a time, UTC.")]


@app.command("list", epilog="Example: ocpi-hub agreement list --party NL/ABC")
def list_agreements(
    party: Annotated[str | None, typer.Option(help="Only those about this party, COUNTRY/PARTY.")] = None,
    as_json: AsJson = False,
) -> None:
    """All agreements."""
    from ocpi_hub.admin.agreements import every

    found = with_hub(lambda resources: every(resources, party))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            " - ".join(one["parties"]),
            "may" if one["allowed"] else "may not",
            ", ".join(one["modules"]) if one["modules"] else "all",
            _at(one["valid_from"]),
            _at(one["valid_until"]),
            "yes" if one["in_force"] else "no",
        )
        for one in found
    ]
    columns = ("id", "parties", "talk", "modules", "from", "until", "in force")
    print_table(columns, rows, empty="no agreement yet: ocpi-hub agreement put ID NL/ABC DE/XYZ")


@app.command(epilog="Example: ocpi-hub agreement put contract-7 NL/ABC DE/XYZ --module locations --module cdrs")
def put(
    agreement: Agreement,
    one: Annotated[str, typer.Argument(help="A party, COUNTRY/PARTY, or * for anybody.", metavar="PARTY")],
    other: Annotated[str, typer.Argument(help="The other one.", metavar="PARTY")],
    module: Annotated[list[str] | None, typer.Option(help="A module it is about; none: all of them.")] = None,
    forbid: Annotated[bool, typer.Option("--forbid", help="They may not talk.")] = False,
    valid_from: Day = None,
    valid_until: Day = None,
    note: Annotated[str, typer.Option(help="For people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an agreement between two parties, or take the place of the one with this id."""
    from ocpi_hub.admin.agreements import AgreementBody
    from ocpi_hub.admin.agreements import put as put_agreement

    body = AgreementBody(
        parties=(one, other),
        modules=module or None,
        allowed=not forbid,
        valid_from=_utc(valid_from),
        valid_until=_utc(valid_until),
        note=note,
    )
    kept, new = with_hub(lambda resources: put_agreement(resources, agreement, body))
    if as_json:
        print_json(kept)
        return
    print(
        f"{kept['id']} is {'made' if new else 'changed'}, and {'in force' if kept['in_force'] else 'not in force now'}"
    )
    for warning in kept["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)


@app.command(epilog="Example: ocpi-hub agreement remove contract-7")
def remove(agreement: Agreement) -> None:
    """Forget an agreement."""
    from ocpi_hub.admin.agreements import remove as remove_agreement

    with_hub(lambda resources: remove_agreement(resources, agreement))
    print(f"{agreement} is removed")


def _utc(given: datetime | None) -> datetime | None:
    return given.replace(tzinfo=UTC) if given is not None else None


def _at(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else ""
