"""`ocpi-hub charger variables | set | report | boot-status | local-list | reset | availability | trigger | …`.

What a charger is told to be, and what it is asked for: each command is one call of the admin REST.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocpi_hub.cli.chargers import AsJson, Id, app
from ocpi_hub.cli.output import print_json, print_pairs, print_table, with_hub

if TYPE_CHECKING:
    from ocpi_hub.base.resources import Resources

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
    from ocpi_hub.admin.variables import variables as read

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
    from ocpi_hub.admin.variables import set_variables

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


@app.command(epilog="Example: ocpi-hub charger report BOX-1 --component OCPPCommCtrlr")
def report(
    charger_id: Id,
    component: Annotated[list[str] | None, typer.Option(help="Only this component (2.x); may be repeated.")] = None,
    criterion: Annotated[
        list[str] | None, typer.Option(help="Only what is Active, Available, Enabled or has a Problem (2.x).")
    ] = None,
) -> None:
    """Ask a charger again what it is made of; it arrives in `charger variables`."""
    from ocpi_hub.admin.device_bodies import ReportBody
    from ocpi_hub.admin.variables import report as ask

    body = ReportBody.model_validate({"components": component or [], "criteria": criterion or []})
    _say(with_hub(lambda resources: ask(resources, charger_id, body)))


@app.command("boot-status", epilog="Example: ocpi-hub charger boot-status BOX-1 Pending")
def boot_status(
    charger_id: Id,
    status: Annotated[str | None, typer.Argument(help="Accepted, Pending or Rejected; shown without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """How a charger's boots are answered; a change works at once."""
    from ocpi_hub.admin.chargers import ChangeBody, change, show

    async def work(resources: "Resources") -> dict[str, Any]:
        if status is None:
            return await show(resources, charger_id)
        return await change(resources, charger_id, ChangeBody.model_validate({"boot_status": status}))

    found = with_hub(work)
    document = {name: found[name] for name in ("boot_status", "boot_answer", "boot_reason", "booted_at")}
    if as_json:
        print_json(document)
        return
    names = ("boots are answered", "the last one was", "its reason", "at")
    print_pairs(dict(zip(names, document.values(), strict=True)))


@app.command("local-list", epilog="Example: ocpi-hub charger local-list BOX-1 --send")
def local_list(
    charger_id: Id,
    send: Annotated[bool, typer.Option("--send", help="Send the whole list anew, now.")] = False,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Keep a list at the charger, or empty it.")] = None,
    as_json: AsJson = False,
) -> None:
    """How it stands with the list of tokens that a charger keeps for when it is offline."""
    from ocpi_hub.admin.chargers import ChangeBody, change, show
    from ocpi_hub.admin.local_lists import send_list

    async def work(resources: "Resources") -> dict[str, Any] | None:
        if on is not None:
            await change(resources, charger_id, ChangeBody(local_list=on))
        if send:
            return await send_list(resources, charger_id)
        found: dict[str, Any] | None = (await show(resources, charger_id))["local_list"]
        return found

    document = with_hub(work)
    if as_json:
        print_json(document)
    elif document is None:
        print(f"nobody has looked yet what list {charger_id} can have")
    else:
        print_pairs(document)


def _command(charger_id: str, order: Any) -> None:
    from ocpi_hub.admin.device_asking import command

    _say(with_hub(lambda resources: command(resources, charger_id, order)))


def _say(answer: dict[str, Any]) -> None:
    """One line for a person; exit status 1 where the charger refused."""
    said = (answer["payload"] or {}).get("data")
    print(" ".join(str(part) for part in (answer["status"], answer["detail"], said) if part))
    if answer["status"] not in ("ACCEPTED", "SCHEDULED", "WAITING"):
        raise typer.Exit(1)
