"""`ocpi-hub partner profile …`: look at and change how one partner is spoken to."""

from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

Wishes = Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE…", help="Fields to set; FIELD= takes back.")]


def profile(
    partner: Annotated[str, typer.Argument(help="The partner's name or id.")],
    wishes: Wishes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Show a partner's interop profile, or change fields of it (docs/connecting.md lists them)."""
    from ocpi_hub.admin.partners import ChangeBody, change, show

    changes = read_wishes(wishes or [])
    if changes:
        found = with_hub(lambda resources: change(resources, partner, ChangeBody(profile=changes)))
    else:
        found = with_hub(lambda resources: show(resources, partner))
    document = {name: found[name] for name in ("profile", "learned", "profile_in_force")}
    if as_json:
        print_json(document)
        return
    rows = [(name, _text(value), _from(name, document)) for name, value in document["profile_in_force"].items()]
    print_table(("field", "value", "from"), rows, empty="")


def read_wishes(wishes: list[str]) -> dict[str, Any]:
    """`push=patch`, `page_size=50`, `pull.cdrs.on=false`, `nulls=` (null). Raises typer.BadParameter."""
    from ocpi_hub.wire import json as wire_json

    changes: dict[str, Any] = {}
    for wish in wishes:
        name, equals, text = wish.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"write FIELD=VALUE, not {wish}", param_hint="FIELD=VALUE")
        try:
            value = wire_json.loads(text) if text else None
        except wire_json.NotJson:
            value = text
        *above, last = name.split(".")
        place = changes
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return changes


def _from(name: str, document: dict[str, Any]) -> str:
    if name in document["profile"]:
        return "set"
    learned = document["learned"].get(name)
    return f"learned from {learned['how']}" if learned else "default"


def _text(value: Any) -> str:
    from ocpi_hub.wire import json as wire_json

    return value if isinstance(value, str) else wire_json.dumps(value)
