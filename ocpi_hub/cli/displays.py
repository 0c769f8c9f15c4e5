"""`ocpi-hub charger display-messages | show-message | remove-message | cost | customer-information` (2.x)."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocpi_hub.cli.chargers import AsJson, Id, app
from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub
from ocpi_hub.cli.watch import Refresh

if TYPE_CHECKING:
    from ocpi_hub.base.resources import Resources

__all__ = ["app"]

Message = Annotated[int, typer.Argument(min=0, help="The message's number.")]
LOOK = 0.2


@app.command("display-messages", epilog="Example: ocpi-hub charger display-messages BOX-1 --refresh")
def display_messages(charger_id: Id, refresh: Refresh = False, as_json: AsJson = False) -> None:
    """The texts that a charger reported to show."""
    from ocpi_hub.admin.displays import messages

    found = with_hub(lambda resources: messages(resources, charger_id, refresh=refresh))
    if as_json:
        print_json(found)
        return
    rows = [(one["id"], one["message"]["content"], one["priority"], one.get("state"), _while(one)) for one in found]
    columns = ("message", "text", "priority", "while", "from – to")
    print_table(columns, rows, empty=f"{charger_id} has reported no text; ask it with --refresh")


def _while(message: dict[str, Any]) -> str:
    ends = (message.get("startDateTime", ""), message.get("endDateTime", ""))
    return " – ".join(ends) if any(ends) else ""


@app.command("show-message", epilog='Example: ocpi-hub charger show-message BOX-1 7 "Closed tonight" --state Idle')
def show_message(
    charger_id: Id,
    number: Message,
    text: Annotated[str, typer.Argument(help="What it shall show.")],
    priority: Annotated[str, typer.Option(help="AlwaysFront, InFront or NormalCycle.")] = "NormalCycle",
    state: Annotated[str | None, typer.Option(help="Only while Charging, Faulted, Idle or Unavailable.")] = None,
    language: Annotated[str | None, typer.Option(help="The text's language, such as nl.")] = None,
    since: Annotated[datetime | None, typer.Option("--from", help="UTC; not before then.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="UTC; not after then.")] = None,
) -> None:
    """Show a text on a charger's display; one with the same number is replaced."""
    from ocpi_hub.admin.displays import show_message as show
    from ocpi_hub.admin.watch_bodies import MessageBody

    given = {"id": number, "text": text, "priority": priority, "state": state, "language": language}
    body = MessageBody.model_validate({**given, "from": since, "to": until})
    with_hub(lambda resources: show(resources, charger_id, body))
    print(f"{charger_id} shows message {number}")


@app.command("remove-message", epilog="Example: ocpi-hub charger remove-message BOX-1 7")
def remove_message(charger_id: Id, number: Message) -> None:
    """Take a text off a charger's display."""
    from ocpi_hub.admin.displays import remove_message as remove

    with_hub(lambda resources: remove(resources, charger_id, number))
    print(f"message {number} is removed")


@app.command(epilog="Example: ocpi-hub charger cost BOX-1 --on")
def cost(
    charger_id: Id,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it; without either it is only shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Whether drivers see at a charger what they pay."""
    from ocpi_hub.admin.displays import show_cost, shows_cost
    from ocpi_hub.admin.watch_bodies import CostBody

    async def work(resources: "Resources") -> dict[str, Any]:
        if on is None:
            return await shows_cost(resources, charger_id)
        return await show_cost(resources, charger_id, CostBody(enabled=on))

    answer = with_hub(work)
    if as_json:
        print_json(answer)
    else:
        print(f"drivers {'see' if answer['enabled'] else 'do not see'} at {charger_id} what they pay")


@app.command("customer-information", epilog="Example: ocpi-hub charger customer-information BOX-1 --token 04A1B2C3")
def customer_information(
    charger_id: Id,
    token: Annotated[str | None, typer.Option(help="The customer's token …")] = None,
    kind: Annotated[str, typer.Option("--token-type", help="… and its type.")] = "ISO14443",
    customer: Annotated[str | None, typer.Option(help="Or the operator's own identifier of the customer.")] = None,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Have it reported.")] = True,
    clear: Annotated[bool, typer.Option("--clear", help="Have it cleared.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the report.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """What a charger keeps of a customer: print it, have it cleared, or both."""
    from ocpi_hub.admin.watch_bodies import CustomerBody

    given = {"token": token, "token_type": kind, "customer": customer, "report": report, "clear": clear}
    body = CustomerBody.model_validate(given)
    found = with_hub(lambda resources: _asked(resources, charger_id, body, wait=wait))
    if as_json:
        print_json(found)
    elif not report:
        print(f"{charger_id} clears it")
    else:
        print(found["data"] or f"{charger_id} keeps nothing of this customer")


async def _asked(resources: "Resources", charger_id: str, body: Any, *, wait: float) -> dict[str, Any]:
    """The whole report, or the number of the request where none was asked for. Raises CommandFailed."""
    from ocpi_hub.admin.displays import ask_customer, customer

    asked = await ask_customer(resources, charger_id, body)
    if not body.report:
        return asked
    until = asyncio.get_running_loop().time() + wait
    while not (found := await customer(resources, charger_id, asked["request_id"]))["complete"]:
        if asyncio.get_running_loop().time() > until:
            where = f"GET /admin/v1/chargers/{charger_id}/customer-information/{asked['request_id']} has it later"
            raise CommandFailed(f"the report is not complete after {wait:g} s; {where}")
        await asyncio.sleep(LOOK)
    return found
