"""`ocpi-hub charger monitors | set-monitor | remove-monitor | monitoring`: what a 2.x charger watches of itself."""

from typing import Annotated

import typer

from ocpi_hub.cli.chargers import AsJson, Id, app
from ocpi_hub.cli.output import print_json, print_table, with_hub

__all__ = ["app"]

Monitor = Annotated[int, typer.Argument(help="The monitor's number at the charger.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask the charger again; its report takes a moment.")]


@app.command(epilog="Example: ocpi-hub charger monitors BOX-1 --refresh")
def monitors(charger_id: Id, refresh: Refresh = False, as_json: AsJson = False) -> None:
    """The monitors that a charger reported."""
    from ocpi_hub.admin.watch import monitors as read

    found = with_hub(lambda resources: read(resources, charger_id, refresh=refresh))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one["id"],
            f"{one['component']}{'@' + str(one['evse_id']) if one['evse_id'] else ''}.{one['variable']}",
            one["type"],
            one["value"],
            one["severity"],
        )
        for one in found
    ]
    columns = ("monitor", "variable", "type", "value", "severity")
    print_table(columns, rows, empty=f"{charger_id} has reported no monitor; ask it with --refresh")


@app.command("set-monitor", epilog="Example: ocpi-hub charger set-monitor BOX-1 EVSE.Temperature 70 --evse 1")
def set_monitor(
    charger_id: Id,
    name: Annotated[str, typer.Argument(help="COMPONENT.VARIABLE.")],
    value: Annotated[str, typer.Argument(help="The threshold or delta in the variable's unit; a period in seconds.")],
    kind: Annotated[
        str, typer.Option("--type", help="UpperThreshold, LowerThreshold, Delta, Periodic or PeriodicClockAligned.")
    ] = "UpperThreshold",
    severity: Annotated[int, typer.Option(min=0, max=9, help="0: danger … 9: debug.")] = 4,
    evse: Annotated[int, typer.Option(min=0, help="The component's EVSE.")] = 0,
    number: Annotated[int | None, typer.Option("--id", min=0, help="Replace the monitor with this number.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a charger watch a variable."""
    from ocpi_hub.admin.watch import set_monitors
    from ocpi_hub.admin.watch_bodies import MonitorsBody

    component, _, variable = name.rpartition(".")
    one = {"component": component, "variable": variable, "evse_id": evse, "id": number}
    body = MonitorsBody.model_validate({"monitors": [one | {"type": kind, "value": value, "severity": severity}]})
    results = with_hub(lambda resources: set_monitors(resources, charger_id, body))
    if as_json:
        print_json(results)
        return
    for result in results:
        print(f"monitor {result.get('id')}: {result['status']}")


@app.command("remove-monitor", epilog="Example: ocpi-hub charger remove-monitor BOX-1 3")
def remove_monitor(charger_id: Id, monitor_id: Monitor) -> None:
    """Have a charger watch something no more."""
    from ocpi_hub.admin.watch import remove_monitor as remove

    with_hub(lambda resources: remove(resources, charger_id, monitor_id))
    print(f"monitor {monitor_id} is removed")


@app.command(epilog="Example: ocpi-hub charger monitoring BOX-1 --base All --level 4")
def monitoring(
    charger_id: Id,
    base: Annotated[str | None, typer.Option(help="All, FactoryDefault or HardWiredOnly.")] = None,
    level: Annotated[int | None, typer.Option(min=0, max=9, help="Tell events of this severity and graver.")] = None,
) -> None:
    """Which monitors are in force, and which events a charger tells."""
    from ocpi_hub.admin.watch import set_monitoring
    from ocpi_hub.admin.watch_bodies import MonitoringBody

    if base is None and level is None:
        raise typer.BadParameter("give --base, --level or both", param_hint="--base")
    body = MonitoringBody.model_validate({"base": base, "level": level})
    with_hub(lambda resources: set_monitoring(resources, charger_id, body))
    print(f"{charger_id} has taken it")
