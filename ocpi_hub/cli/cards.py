"""`ocpi-hub card …`: the operator's own cards, as chargers are told about them."""

from datetime import datetime
from typing import Annotated

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

app = typer.Typer(
    help="Own cards, which charge without any partner.",
    epilog="Example: ocpi-hub card put 04A1B2C3D4E5F6",
    no_args_is_help=True,
)

Uid = Annotated[str, typer.Argument(help="The card's uid, as chargers read it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command(epilog="Example: ocpi-hub card put 04A1B2C3D4E5F6 --group FLEET --expires-at 2027-01-01")
def put(
    uid: Uid,
    status: Annotated[str, typer.Option(help="Accepted, Blocked, Expired or Invalid.")] = "Accepted",
    group: Annotated[str | None, typer.Option(help="Cards of one group stop what another has started.")] = None,
    expires_at: Annotated[datetime | None, typer.Option(help="Until when it is accepted (UTC).")] = None,
    master: Annotated[bool, typer.Option("--master", help="It stops any transaction, and starts none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a card, or change it to exactly this; one named NoAuthorization stands for charging without a card."""
    from ocpi_hub.admin.supply import CardBody, put_card

    body = CardBody.model_validate({"status": status, "group_id": group, "expires_at": expires_at, "master": master})
    card, new = with_hub(lambda resources: put_card(resources, uid, body))
    if as_json:
        print_json(card)
    else:
        print(f"{uid} is {'a new card' if new else 'changed'}: {status}")


@app.command("list", epilog="Example: ocpi-hub card list")
def list_cards(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 200, as_json: AsJson = False
) -> None:
    """Own cards by their uid."""
    from ocpi_hub.admin.supply import every_card

    found = with_hub(lambda resources: every_card(resources, limit=limit))
    if as_json:
        print_json(found)
        return
    rows = [
        (c["uid"], c["status"], c["group_id"], c["expires_at"] or "never", "master" if c["master"] else "")
        for c in found
    ]
    print_table(("card", "status", "group", "expires", ""), rows, empty="no card yet: ocpi-hub card put UID")


@app.command(epilog="Example: ocpi-hub card show 04A1B2C3D4E5F6")
def show(uid: Uid) -> None:
    """One card, as JSON."""
    from ocpi_hub.admin.supply import one_card

    print_json(with_hub(lambda resources: one_card(resources, uid)))


@app.command(epilog="Example: ocpi-hub card remove 04A1B2C3D4E5F6")
def remove(uid: Uid) -> None:
    """Forget a card; chargers that accepted it are told to forget it, too."""
    from ocpi_hub.admin.supply import forget_card

    with_hub(lambda resources: forget_card(resources, uid))
    print(f"{uid} is no card any more")
