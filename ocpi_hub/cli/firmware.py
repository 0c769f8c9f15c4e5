"""`ocpi-hub firmware …`: roll an image out to chargers, and watch it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(help="Firmware of our own chargers.", epilog="Example: ocpi-hub firmware list", no_args_is_help=True)

Job = Annotated[str, typer.Argument(help="The roll-out's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Watch until it ends; exit status 1 unless all is done.")]

LOOK = 1.0


@app.command(epilog="Example: ocpi-hub firmware start https://images.example/box-2.1.bin --vendor Acme --follow")
def start(
    location: Annotated[str, typer.Argument(help="The image's URL.")],
    charger: Annotated[list[str] | None, typer.Option(help="A charger's id; may be repeated.")] = None,
    vendor: Annotated[str | None, typer.Option(help="All chargers of this vendor …")] = None,
    model: Annotated[str | None, typer.Option(help="… and model …")] = None,
    having: Annotated[str | None, typer.Option(help="… that report this version now.")] = None,
    version: Annotated[str | None, typer.Option(help="What they report with this image.")] = None,
    retrieve_at: Annotated[datetime | None, typer.Option(help="UTC; not before then.")] = None,
    install_at: Annotated[datetime | None, typer.Option(help="UTC; not before then.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of the certificate that signed the image.")] = None,
    signature: Annotated[str | None, typer.Option(help="The image's signature, base64.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Chargers at work at the same time.")] = 10,
    stop_after: Annotated[int, typer.Option(min=0, help="Failures that stop it; 0: none does.")] = 3,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Start a roll-out to some chargers, or to all of a vendor, model or version."""
    from ocpi_hub.admin import upkeep

    named = {"vendor": vendor, "model": model, "version": having}
    if bool(charger) == any(named.values()):
        raise typer.BadParameter(
            "say which chargers: each by --charger, or all by --vendor, --model and --having; not both",
            param_hint="--charger",
        )
    body = upkeep.FirmwareBody.model_validate(
        {
            "location": location,
            "chargers": charger or [],
            "group": named if any(named.values()) else None,
            "version": version,
            "retrieve_at": retrieve_at,
            "install_at": install_at,
            "signing_certificate": certificate.read_text() if certificate else None,
            "signature": signature,
            "at_once": at_once,
            "stop_after_failures": stop_after or None,
        }
    )
    _told(with_hub(lambda resources: upkeep.start(resources, body)), follow=follow, as_json=as_json)


@app.command("list", epilog="Example: ocpi-hub firmware list")
def list_jobs(as_json: AsJson = False) -> None:
    """Roll-outs, newest first."""
    from ocpi_hub.admin import upkeep

    jobs = with_hub(upkeep.jobs)
    if as_json:
        print_json(jobs)
        return
    rows = [(job["id"], job["status"], _counted(job), job["location"], job["created_at"]) for job in jobs]
    columns = ("roll-out", "status", "chargers", "image", "started")
    print_table(columns, rows, empty="no roll-out yet: ocpi-hub firmware start URL --charger ID")


@app.command(epilog="Example: ocpi-hub firmware show 7f0c… --follow")
def show(job_id: Job, follow: Follow = False, as_json: AsJson = False) -> None:
    """One roll-out with every charger; live with --follow."""
    from ocpi_hub.admin import upkeep

    _told(with_hub(lambda resources: upkeep.job(resources, job_id)), follow=follow, as_json=as_json)


@app.command(epilog="Example: ocpi-hub firmware stop 7f0c…")
def stop(job_id: Job, as_json: AsJson = False) -> None:
    """Ask no more chargers; those that were asked go on."""
    from ocpi_hub.admin import upkeep

    _told(with_hub(lambda resources: upkeep.stop(resources, job_id)), follow=False, as_json=as_json)


@app.command(epilog="Example: ocpi-hub firmware resume 7f0c… --retry-failed")
def resume(
    job_id: Job,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask those that failed again.")] = False,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a roll-out that was stopped."""
    from ocpi_hub.admin import upkeep

    body = upkeep.ResumeBody(retry_failed=retry_failed)
    _told(with_hub(lambda resources: upkeep.resume(resources, job_id, body)), follow=follow, as_json=as_json)


# --- showing --------------------------------------------------------------------------------------------------------


def _told(job: dict[str, Any], *, follow: bool, as_json: bool) -> None:
    if follow:
        job = _followed(job, quiet=as_json)
    elif not as_json:
        from rich.console import Console

        Console().print(_picture(job))
    if as_json:
        print_json(job)
    if follow and (job["status"] != "Finished" or job["counts"]["Failed"] or job["counts"]["Skipped"]):
        raise CommandFailed(f"the roll-out is {job['status']}: {_counted(job)}")


def _followed(job: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Watch until it is not running any more; the job as it stands then."""
    from rich.live import Live

    from ocpi_hub.admin import upkeep
    from ocpi_hub.base.resources import Resources

    async def watch(resources: Resources) -> dict[str, Any]:
        found = job
        with Live(_picture(found), auto_refresh=False, transient=quiet) as live:
            while found["status"] == "Running":
                await asyncio.sleep(LOOK)
                found = await upkeep.job(resources, found["id"])
                if not quiet:
                    live.update(_picture(found), refresh=True)
        return found

    return with_hub(watch)


def _picture(job: dict[str, Any]) -> "RenderableType":
    from rich.table import Table

    reason = f" ({job['reason']})" if job["reason"] else ""
    title = f"{job['id']}: {job['status']}{reason} · {_counted(job)}\n{job['location']}"
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("charger", "state", "it says", "before", "after", "why"):
        table.add_column(name, overflow="fold")
    for task in job.get("tasks", ()):
        cells = (task[name] for name in ("charger", "state", "progress", "version_before", "version_after", "detail"))
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    return table


def _counted(job: dict[str, Any]) -> str:
    return ", ".join(f"{count} {state.lower()}" for state, count in job["counts"].items() if count) or "no charger"
