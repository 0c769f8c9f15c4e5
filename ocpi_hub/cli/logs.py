"""`ocpi-hub charger logs | diagnostics | save-log`: what chargers keep of their own doings."""

import asyncio
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocpi_hub.cli.chargers import AsJson, Id, app
from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub

if TYPE_CHECKING:
    from ocpi_hub.base.resources import Resources

__all__ = ["app"]

ENDED = ("Done", "Failed", "Skipped")
LOOK = 0.5


@app.command(epilog="Example: ocpi-hub charger logs BOX-1")
def logs(
    charger_id: Annotated[str | None, typer.Argument(help="Only this charger's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Logs that were asked for, newest first."""
    from ocpi_hub.admin.upkeep import logs as read

    found = with_hub(lambda resources: read(resources, charger=charger_id, limit=limit))
    if as_json:
        print_json(found)
        return
    rows = [
        (one["id"], one["charger"], one["kind"], one["state"], one["size"], one["detail"], one["created_at"])
        for one in found
    ]
    columns = ("log", "charger", "kind", "state", "bytes", "why", "asked")
    print_table(columns, rows, empty="no log was asked for: ocpi-hub charger diagnostics ID")


@app.command(epilog="Example: ocpi-hub charger diagnostics BOX-1 --from 2026-11-01 --save box.log")
def diagnostics(
    charger_id: Id,
    security: Annotated[bool, typer.Option("--security", help="The log of security events instead.")] = False,
    since: Annotated[datetime | None, typer.Option("--from", help="UTC; not what is older.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="UTC; not what is newer.")] = None,
    upload_url: Annotated[str | None, typer.Option(help="Where the charger uploads it; to the hub without.")] = None,
    save: Annotated[Path | None, typer.Option(help="Wait for the file and write it there.")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for it with --save.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Have a charger upload its diagnostics; it is asked once it is connected."""
    from ocpi_hub.admin.upkeep import LogBody, fetch_log

    if save is not None and upload_url is not None:
        raise typer.BadParameter("a file that is uploaded elsewhere cannot be saved here", param_hint="--save")
    given = {"charger": charger_id, "kind": "security" if security else "diagnostics", "upload_url": upload_url}
    body = LogBody.model_validate({**given, "from": since, "to": until})

    async def work(resources: "Resources") -> dict[str, Any]:
        asked = await fetch_log(resources, body)
        if save is not None:
            asked = await _come(resources, asked["id"], wait=wait)
            await _saved(resources, asked["id"], save)
        return asked

    log = with_hub(work)
    if as_json:
        print_json(log)
    elif save is None:
        print(f"log {log['id']} is asked for; see ocpi-hub charger logs {charger_id}")
    else:
        print(f"{log['size']} bytes in {save}")


@app.command("save-log", epilog="Example: ocpi-hub charger save-log 7f0c… box.log")
def save_log(
    log_id: Annotated[str, typer.Argument(help="The log's id.")],
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
) -> None:
    """Write the file of a log that came to the hub."""
    with_hub(lambda resources: _saved(resources, log_id, file))
    print(f"log {log_id} is in {file}")


async def _come(resources: "Resources", log_id: str, *, wait: float) -> dict[str, Any]:
    """Wait until the log has come. Raises CommandFailed where it failed, or did not come in time."""
    from ocpi_hub.admin.upkeep import log, log_document

    until = asyncio.get_running_loop().time() + wait
    while (found := log_document(await log(resources, log_id)))["size"] is None:
        if found["state"] in ENDED:
            raise CommandFailed(f"log {log_id}: {found['state']}: {found['detail'] or found['progress'] or 'no file'}")
        if asyncio.get_running_loop().time() > until:
            raise CommandFailed(f"log {log_id} has not come after {wait:g} s; it may still come: ocpi-hub charger logs")
        await asyncio.sleep(LOOK)
    return found


async def _saved(resources: "Resources", log_id: str, target: Path) -> None:
    from ocpi_hub.admin.upkeep import log_file

    _record, file = await log_file(resources, log_id)
    await asyncio.to_thread(shutil.copyfile, file, target)
