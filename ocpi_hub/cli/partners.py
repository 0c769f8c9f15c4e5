"""`ocpi-hub partner …`: invite, connect, list, show, suspend, resume, rotate and remove partners."""

from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import print_json, print_pairs, print_table, with_hub
from ocpi_hub.cli.profiles import profile
from ocpi_hub.cli.tending import check, pull, replay

app = typer.Typer(help="Partner platforms.", epilog="Example: ocpi-hub partner list", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What you call the partner.")]
Partner = Annotated[str, typer.Argument(help="The partner's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command(epilog="Example: ocpi-hub partner invite GreenApp --party DE/APP/EMSP")
def invite(
    name: Name,
    party: Annotated[list[str] | None, typer.Option(help="A party it may register, COUNTRY/PARTY/ROLE.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a credentials token for a partner that will register with us; it is printed this once."""
    from ocpi_hub.admin.partners import InviteBody
    from ocpi_hub.admin.partners import invite as invite_partner

    parties = [_party(text) for text in party or []]
    body = InviteBody.model_validate({"name": name, "parties": parties})
    invited = with_hub(lambda resources: invite_partner(resources, body))
    if as_json:
        print_json(invited)
        return
    print_pairs({key: invited[key] for key in ("name", "versions_url", "credentials_token")})
    print("Give the partner both; the token opens versions and credentials only, and is used up by registering.")


@app.command(epilog="Example: ocpi-hub partner connect StationCo https://cpo.example/ocpi/versions TOKEN")
def connect(
    name: Name,
    versions_url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    token: Annotated[str, typer.Argument(help="The credentials token that the partner gave you.")],
    as_json: AsJson = False,
) -> None:
    """Register with a partner, we as the initiating side."""
    from ocpi_hub.admin.partners import ConnectBody
    from ocpi_hub.admin.partners import connect as connect_partner

    body = ConnectBody(name=name, versions_url=versions_url, credentials_token=token)
    partner = with_hub(lambda resources: connect_partner(resources, body))
    if as_json:
        print_json(partner)
        return
    print_pairs({"partner": partner["name"], "status": partner["status"], "parties": _parties(partner)})


@app.command("list", epilog="Example: ocpi-hub partner list --json")
def list_partners(as_json: AsJson = False) -> None:
    """All partners."""
    from ocpi_hub.admin.partners import every

    partners = with_hub(every)
    if as_json:
        print_json(partners)
        return
    rows = [
        (
            p["id"],
            p["name"],
            p["status"] + (", needs handshake" if p["needs_handshake"] else ""),
            _parties(p),
            p["version"],
            _at(p["last_seen_at"]),
            p["owed"],
            _at(p["oldest_owed"]),
        )
        for p in partners
    ]
    columns = ("id", "partner", "status", "parties", "OCPI", "last seen", "owed", "oldest owed")
    print_table(columns, rows, empty="no partner yet: ocpi-hub partner invite NAME")


@app.command(epilog="Example: ocpi-hub partner show GreenApp")
def show(partner: Partner) -> None:
    """One partner with its endpoints, profile, debts and last errors, as JSON."""
    from ocpi_hub.admin.partners import show as show_partner

    print_json(with_hub(lambda resources: show_partner(resources, partner)))


@app.command(epilog="Example: ocpi-hub partner suspend GreenApp")
def suspend(partner: Partner) -> None:
    """Let nothing pass from and to a partner; its credentials stay."""
    _turn(partner, suspended=True)


@app.command(epilog="Example: ocpi-hub partner resume GreenApp")
def resume(partner: Partner) -> None:
    """End a suspension."""
    _turn(partner, suspended=False)


def _turn(partner: str, *, suspended: bool) -> None:
    from ocpi_hub.admin.partners import ChangeBody, change

    changed = with_hub(lambda resources: change(resources, partner, ChangeBody(suspended=suspended)))
    print(f"{changed['name']} is {changed['status']}")


@app.command(epilog="Example: ocpi-hub partner rotate GreenApp")
def rotate(partner: Partner) -> None:
    """New credentials tokens in both directions."""
    from ocpi_hub.admin.partners import rotate as rotate_partner

    print(f"{with_hub(lambda resources: rotate_partner(resources, partner))['name']} has new credentials tokens")


@app.command(epilog="Example: ocpi-hub partner retry GreenApp")
def retry(partner: Partner) -> None:
    """Owe a partner anew what was given up: CDRs that it could not be told."""
    from ocpi_hub.admin.telling import retry as owe_again

    print(f"{partner} is owed {with_hub(lambda resources: owe_again(resources, partner))['owed']} more")


@app.command(epilog="Example: ocpi-hub partner remove GreenApp")
def remove(partner: Partner) -> None:
    """Tell a partner that the connection ends, and forget it."""
    from ocpi_hub.admin.partners import remove as remove_partner

    with_hub(lambda resources: remove_partner(resources, partner))
    print(f"{partner} is removed")


app.command(epilog="Example: ocpi-hub partner check StationCo --all")(check)
app.command(epilog="Example: ocpi-hub partner pull StationCo --full --module locations")(pull)
app.command(epilog="Example: ocpi-hub partner replay GreenApp --since 2h")(replay)
app.command(epilog="Example: ocpi-hub partner profile GreenApp push=patch page_size=50")(profile)


def _party(text: str) -> dict[str, str]:
    parts = text.split("/")
    if len(parts) != 3:
        raise typer.BadParameter("write a party as COUNTRY/PARTY/ROLE, such as DE/APP/EMSP", param_hint="--party")
    return dict(zip(("country_code", "party_id", "role"), parts, strict=True))


def _parties(partner: dict[str, Any]) -> str:
    return ", ".join(f"{p['country_code']}/{p['party_id']} {p['role']}" for p in partner["parties"])


def _at(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else ""
