"""`ocpi-hub charger variables | set | reset | availability | trigger | unlock | clear-cache | data-transfer`."""

from typing import Annotated, Any

import typer

from ocpi_hub.cli.chargers import AsJson, Id, app
from ocpi_hub.cli.output import print_json, print_table, with_hub

__all__ = ["app"]

Evse = Annotated[int | None, typer.Option(min=1, help="The EVSE's number; all of the charger without it.")]


@app.command(epilog="Example: ocpi-hub charger variables BOX-1 --search meter --diff")
def variables(
    charger_id: Id,
    search: Annotated[str | None, typer.Option(help="Only names that contain this.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only where a wish is not fulfilled.")] = False,
    as_json: AsJson = False,
) -> None:
    """What a charger last reported of itself, and what is wished of it."""
    from ocpi_hub.admin.devices import variables as read

    document = with_hub(lambda resources: read(resources, charger_id, search=search, differing=diff))
    if as_json:
        print_json(document)
        return
    rows = [(_name(one), _value(one), one["mutability"], *_wish(one)) for one in document["variables"]]
    empty = "nothing was reported yet: the charger is asked after its next boot"
    print_table(("variable", "value", "may be", "wished", "state", "by"), rows, empty=empty)


def _name(one: dict[str, Any]) -> str:
    component = one["component"] + (f"[{one['component_instance']}]" if one["component_instance"] else "")
    place = f"@{one['evse']}" + (f".{one['connector']}" if one["connector"] else "") if one["evse"] else ""
    variable = one["variable"] + (f"[{one['variable_instance']}]" if one["variable_instance"] else "")
    attribute = "" if one["attribute"] == "Actual" else f":{one['attribute']}"
    return f"{component}{place}.{variable}{attribute}"


def _value(one: dict[str, Any]) -> str:
    if one["secret"]:
        return "(secret)"
    return " ".join(filter(None, (one["value"], one["unit"])))


def _wish(one: dict[str, Any]) -> tuple[Any, Any, Any]:
    wish = one["wish"]
    return (wish["value"], wish["state"], wish["by"]) if wish else (None, None, None)


@app.command("set", epilog="Example: ocpi-hub charger set BOX-1 OCPPCommCtrlr.HeartbeatInterval 120")
def set_variable(
    charger_id: Id,
    name: Annotated[str, typer.Argument(help="COMPONENT.VARIABLE, or a configuration key of OCPP 1.6.")],
    value: Annotated[str, typer.Argument(help="What it shall be.")],
    instance: Annotated[str, typer.Option(help="The variable's instance.")] = "",
    evse: Annotated[int, typer.Option(min=0, help="The component's EVSE.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Wish a value: it is set now, or once the charger is back; exit status 1 when the charger refuses it."""
    from ocpi_hub.admin.device_bodies import VariableBody, VariablesBody
    from ocpi_hub.admin.devices import set_variables

    component, _, variable = name.rpartition(".")
    one = VariableBody(component=component, variable=variable, variable_instance=instance, evse=evse, value=value)
    body = VariablesBody(variables=[one])
    document, _told = with_hub(lambda resources: set_variables(resources, charger_id, body))
    answer = document["variables"][0]
    if as_json:
        print_json(document)
    else:
        print(" ".join(filter(None, (f"{name}: {answer['status']}", answer["detail"]))))
    if answer["status"] not in ("Accepted", "RebootRequired", "Waiting"):
        raise typer.Exit(1)


@app.command(epilog="Example: ocpi-hub charger reset BOX-1 --now")
def reset(
    charger_id: Id,
    now: Annotated[bool, typer.Option("--now", help="At once, not when no car charges.")] = False,
    evse: Evse = None,
) -> None:
    """Start a charger anew."""
    from bridge_ocpp.port import Reset

    _command(charger_id, Reset(when_idle=not now, evse_id=evse))


@app.command(epilog="Example: ocpi-hub charger availability BOX-1 --off --evse 2")
def availability(
    charger_id: Id,
    on: Annotated[bool, typer.Option("--on/--off", help="In service, or out of it.")],
    evse: Evse = None,
    connector: Annotated[int | None, typer.Option(min=1, help="One connector of the EVSE.")] = None,
) -> None:
    """Take a charger or an EVSE out of service, or back; it stays so over restarts."""
    from ocpi_hub.admin.device_bodies import AvailabilityBody
    from ocpi_hub.admin.devices import want_available

    body = AvailabilityBody(operative=on, evse=evse, connector=connector)
    _say(with_hub(lambda resources: want_available(resources, charger_id, body)))


@app.command(epilog="Example: ocpi-hub charger trigger BOX-1 StatusNotification --evse 1")
def trigger(
    charger_id: Id,
    message: Annotated[str, typer.Argument(help="The message, such as StatusNotification or MeterValues.")],
    evse: Evse = None,
) -> None:
    """Ask a charger for a message."""
    from bridge_ocpp.port import Trigger

    _command(charger_id, Trigger(message, evse))


@app.command(epilog="Example: ocpi-hub charger unlock BOX-1 1")
def unlock(
    charger_id: Id,
    evse: Annotated[int, typer.Argument(min=1, help="The EVSE's number.")],
    connector: Annotated[int, typer.Option(min=1, help="The connector's number.")] = 1,
) -> None:
    """Release a cable."""
    from bridge_ocpp.port import UnlockConnector

    _command(charger_id, UnlockConnector(evse, connector))


@app.command("clear-cache", epilog="Example: ocpi-hub charger clear-cache BOX-1")
def clear_cache(charger_id: Id) -> None:
    """Have a charger forget the tokens that it remembers."""
    from bridge_ocpp.port import ClearCache

    _command(charger_id, ClearCache())


@app.command("data-transfer", epilog="Example: ocpi-hub charger data-transfer BOX-1 com.example --data hello")
def data_transfer(
    charger_id: Id,
    vendor: Annotated[str, typer.Argument(help="The vendor's id.")],
    message: Annotated[str | None, typer.Option(help="The vendor's message id.")] = None,
    data: Annotated[str | None, typer.Option(help="The data, as text.")] = None,
) -> None:
    """Send data of a vendor's own and print the answer."""
    from bridge_ocpp.port import TransferData

    _command(charger_id, TransferData(vendor, message, data))


def _command(charger_id: str, order: Any) -> None:
    from ocpi_hub.admin.devices import command

    _say(with_hub(lambda resources: command(resources, charger_id, order)))


def _say(answer: dict[str, Any]) -> None:
    """One line for a person; exit status 1 where the charger refused."""
    said = (answer["payload"] or {}).get("data")
    print(" ".join(str(part) for part in (answer["status"], answer["detail"], said) if part))
    if answer["status"] not in ("ACCEPTED", "SCHEDULED", "WAITING"):
        raise typer.Exit(1)
