"""`ocpi-hub alert …`: what is wrong at our own chargers, and the operator's word that it was seen to."""

from typing import Annotated

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub

app = typer.Typer(
    help="What is wrong at our own chargers.", epilog="Example: ocpi-hub alert list --active", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@app.command("list", epilog="Example: ocpi-hub alert list --charger BOX-1 --active")
def list_alerts(
    charger: Annotated[str | None, typer.Option(help="Only this charger's.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only what still stands.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Alerts, newest first: events of monitors, and errors of connectors."""
    from ocpi_hub.admin.watch import alerts

    found = with_hub(lambda resources: alerts(resources, charger=charger, active=active or None, limit=limit))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            alert["id"],
            alert["charger"],
            _place(alert["evse_id"], alert["connector_id"]),
            alert["severity"],
            alert["text"],
            alert["value"],
            alert["count"],
            alert["raised_at"],
            alert["cleared_at"] or "stands",
        )
        for alert in found
    ]
    columns = ("alert", "charger", "EVSE", "severity", "what", "value", "told", "since", "until")
    print_table(columns, rows, empty="nothing is wrong" if active else "nothing was wrong yet")


@app.command(epilog="Example: ocpi-hub alert clear 7")
def clear(alert_id: Annotated[int, typer.Argument(help="The alert's number.")], as_json: AsJson = False) -> None:
    """Somebody has seen to it; it rises again when the charger says it again."""
    from ocpi_hub.admin.watch import clear_alert

    alert = with_hub(lambda resources: clear_alert(resources, alert_id))
    if as_json:
        print_json(alert)
    else:
        print(f"alert {alert_id} is over: {alert['charger']}, {alert['text']}")


def _place(evse_id: int, connector_id: int) -> str:
    if not evse_id:
        return ""
    return f"{evse_id}.{connector_id}" if connector_id else str(evse_id)
