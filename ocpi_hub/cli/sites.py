"""`ocpi-hub site …`: places whose chargers share a limit."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_pairs, print_table, with_hub

app = typer.Typer(
    help="Sites whose chargers share a limit.", epilog="Example: ocpi-hub site list", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(help="The site's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command(epilog="Example: ocpi-hub site put garage --limit-a 63 --charger BOX-1 --charger BOX-2")
def put(
    site_id: Id,
    limit_a: Annotated[float | None, typer.Option(help="A per phase.")] = None,
    limit_w: Annotated[float | None, typer.Option(help="W in all, shared evenly over the phases.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="A charger's id; may be repeated.")] = None,
    minimum_a: Annotated[float | None, typer.Option(help="Less than this is a pause; 6 if absent.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the whole site, circuits included.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make or replace a site."""
    from ocpi_hub.admin.charging import put as put_site

    document: dict[str, Any] = _file(file)
    given = {"limit_a": limit_a, "limit_w": limit_w, "minimum_a": minimum_a}
    document |= {name: Decimal(f"{value:.12g}") for name, value in given.items() if value is not None}
    document |= {"chargers": charger} if charger else {}
    site = with_hub(lambda resources: put_site(resources, site_id, document))
    _print(site, as_json=as_json, over=" – until the chargers have taken their limits: see `site show`")


@app.command(epilog="Example: ocpi-hub site show garage")
def show(site_id: Id, as_json: AsJson = False) -> None:
    """A site and the limits in force now."""
    from ocpi_hub.admin.charging import show as show_site

    _print(with_hub(lambda resources: show_site(resources, site_id)), as_json=as_json)


@app.command("list", epilog="Example: ocpi-hub site list")
def list_sites(as_json: AsJson = False) -> None:
    """All sites."""
    from ocpi_hub.admin.charging import every

    sites = with_hub(every)
    if as_json:
        print_json(sites)
        return
    rows = [
        (
            site["id"],
            _amperes(site["limit_now_a"]),
            _most(site),
            len({one["charger"] for one in site["limits"]}),
            sum(one["state"] in ("charging", "full", "waiting") for one in site["limits"]),
            "over its limit" if site["over_limit"] else "",
        )
        for site in sites
    ]
    columns = ("site", "limit now", "may be drawn", "chargers", "cars", "")
    print_table(columns, rows, empty="no site yet: ocpi-hub site put ID --limit-a 63 --charger BOX-1")


@app.command(epilog="Example: ocpi-hub site limit garage --limit-a 40 --seconds 900")
def limit(
    site_id: Id,
    limit_a: Annotated[float | None, typer.Option(help="A per phase.")] = None,
    limit_w: Annotated[float | None, typer.Option(help="W in all.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, help="How long it holds.")] = None,
    as_json: AsJson = False,
) -> None:
    """Limit a site from outside for a while; without a limit, no more."""
    from ocpi_hub.admin.charging import ExternalLimitBody
    from ocpi_hub.admin.charging import limit as limit_site

    limits = {"limit_a": limit_a, "limit_w": limit_w}
    given = {name: f"{value:.12g}" for name, value in limits.items() if value is not None}
    body = ExternalLimitBody.model_validate(given | ({} if seconds is None else {"seconds": seconds}))
    _print(with_hub(lambda resources: limit_site(resources, site_id, body)), as_json=as_json)


@app.command(epilog="Example: ocpi-hub site remove garage")
def remove(site_id: Id) -> None:
    """Remove a site; its chargers are set free of what it told them."""
    from ocpi_hub.admin.charging import remove as remove_site

    with_hub(lambda resources: remove_site(resources, site_id))
    print(f"removed {site_id}")


def _print(site: dict[str, Any], *, as_json: bool, over: str = " – over the limit") -> None:
    if as_json:
        print_json(site)
        return
    external = site["external_limit"]
    outside = f"{_amperes(external['limit_a'])} until {external['expires_at']:%H:%M:%S} UTC" if external else "–"
    print_pairs(
        {
            "site": site["id"],
            "limit now": f"{_amperes(site['limit_now_a'])} per phase",
            "from outside": outside,
            "may be drawn": _most(site) + (over if site["over_limit"] else ""),
        }
    )
    rows = [
        (one["charger"], one["evse_id"] or "all", one["state"], _amperes(one["limit_a"]), _amperes(one["counts_a"]),
         _amperes(one["drawing_a"]), leaves(one))
        for one in site["limits"]
    ]  # fmt: skip
    print_table(("charger", "EVSE", "state", "limit", "counts with", "draws", "leaves"), rows, empty="no charger")


def leaves(one: dict[str, Any]) -> str:
    """When the car is to be gone, and whether it has what it needs by then."""
    if one["departure_at"] is None:
        return ""
    return f"{one['departure_at']:%H:%M} UTC{', too early for its share' if one['in_time'] is False else ''}"


def _most(site: dict[str, Any]) -> str:
    return _amperes(max(site["counts_a"]["site"].values()))


def _amperes(value: Any) -> str:
    return "–" if value is None else f"{value.normalize():f} A"


def _file(path: Path | None) -> dict[str, Any]:
    from ocpi_hub.wire import json as wire_json

    if path is None:
        return {}
    document = wire_json.loads(path.read_bytes())
    if not isinstance(document, dict):
        raise CommandFailed(f"{path}: must be a JSON object")
    return document
