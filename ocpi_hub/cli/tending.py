"""`ocpi-hub partner pull / replay / check …`: tend a partner's connection from the terminal."""

import asyncio
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocpi_hub.cli.output import CommandFailed, print_json, print_table, with_hub

if TYPE_CHECKING:
    from ocpi_hub.admin.tending import PullBody
    from ocpi_hub.base.resources import Resources

Partner = Annotated[str, typer.Argument(help="The partner's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
PATIENCE = 15.0
"""Seconds in which a worker must begin."""
LOOK_EVERY = 0.3
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def pull(
    partner: Partner,
    module: Annotated[str | None, typer.Option(help="Only this module: locations, tariffs, tokens, …")] = None,
    full: Annotated[bool, typer.Option("--full", help="The whole list, with a report of what vanished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pull a partner's lists now, and watch it. Exit status 1 when one of them failed."""
    from ocpi_hub.admin.tending import PullBody

    body = PullBody.model_validate({"module": module, "full": full})
    lines = with_hub(lambda resources: watch(resources, partner, body, tell=_tell))
    if as_json:
        print_json(lines)
    else:
        print_table(_COLUMNS, [_row(line) for line in lines], empty="")
        for line in lines:
            if line["last"]["error"]:
                print(f"{line['module']}: {line['last']['error']}")
        if any(line["last"]["bad"] for line in lines):
            print("what is bad, and why: GET /admin/v1/partners/{id}/pulls")
    if any(line["last"]["outcome"] != "done" for line in lines):
        sys.exit(1)


async def watch(
    resources: "Resources", partner: str, body: "PullBody", *, tell: Callable[[str], None], patience: float = PATIENCE
) -> list[dict[str, Any]]:
    """Ask for a pull, and follow it to its end; `tell` hears a line for every step. Gives a line per module.

    Raises AdminError as the admin REST does, and CommandFailed when no worker begins within `patience` seconds.
    """
    from ocpi_hub.admin.tending import is_done, progress
    from ocpi_hub.admin.tending import pull as ask

    asked = await ask(resources, partner, body)
    began, said = asyncio.get_running_loop().time(), ""
    while True:
        lines = await progress(resources, asked["id"], asked["modules"])
        now = "; ".join(_far(line) for line in lines if line["running"])
        if now and now != said:
            tell(said := now)
        if all(is_done(line, asked["asked_at"]) for line in lines):
            return lines
        idle = not now and not any(is_done(line, asked["asked_at"]) for line in lines)
        if idle and asyncio.get_running_loop().time() - began > patience:
            raise CommandFailed("no worker has begun: is `ocpi-hub serve` or `ocpi-hub worker` running?")
        await asyncio.sleep(LOOK_EVERY)


def replay(
    partner: Partner,
    since: Annotated[str, typer.Option(help="From when on: 2026-11-26T10:00:00Z, or 2h, 30m, 7d ago.")],
    as_json: AsJson = False,
) -> None:
    """Owe a partner again everything that was written since then and that it may see."""
    from ocpi_hub.admin.tending import replay as replay_to

    moment = read_since(since, datetime.now(UTC))
    found = with_hub(lambda resources: replay_to(resources, partner, moment))
    if as_json:
        print_json(found)
        return
    rows = [(module, count) for module, count in found["owed"].items()]
    print_table(("module", "owed again"), rows, empty="nothing was written since then that this partner may see")


def check(
    partner: Partner,
    every: Annotated[bool, typer.Option("--all", help="Show what is right, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check how a partner conforms to the specification, by GET only. Exit status 1 when something fails."""
    from ocpi_hub.admin.tending import check as check_partner

    report = with_hub(lambda resources: check_partner(resources, partner))
    if as_json:
        print_json(report)
    else:
        shown = [one for one in report["checks"] if every or one["verdict"] != "pass"]
        rows = [(_named(one), one["verdict"], _sentence(one), one["section"]) for one in shown]
        print_table(("check", "verdict", "what is so", "specification"), rows, empty="nothing to complain of")
        counts = report["counts"]
        print(f"{report['verdict']}: {counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail")
    if report["verdict"] == "fail":
        sys.exit(1)


def read_since(text: str, now: datetime) -> datetime:
    """A time, UTC where it names no zone, a day, or how long ago. Raises typer.BadParameter."""
    from ocpi_hub.wire.types import parse_datetime

    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        day = _DAY.fullmatch(text.strip())
        return parse_datetime(f"{text.strip()}T00:00:00Z" if day else text.strip())
    except ValueError:
        raise typer.BadParameter(
            "write a time like 2026-11-26T10:00:00Z, or how long ago: 30m, 2h, 7d", param_hint="--since"
        ) from None


_COLUMNS = ("module", "outcome", "list", "pages", "objects", "missing", "odd")
_COUNTED = ("new", "changed", "same", "older", "bad")


def _row(line: dict[str, Any]) -> tuple[Any, ...]:
    last = line["last"]
    counts = ", ".join(f"{last[name]} {name}" for name in _COUNTED if last[name])
    whole = "full" if last["full"] else "changes"
    objects = f"{last['objects']}: {counts}" if counts else last["objects"]
    return (line["module"], last["outcome"], whole, last["pages"], objects, line["missing"], " ".join(last["flags"]))


def _named(finding: dict[str, Any]) -> str:
    return f"{finding['id']} {finding['module']}" if finding["module"] else str(finding["id"])


def _sentence(finding: dict[str, Any]) -> str:
    return f"{finding['said']}; {finding['advice']}" if finding["advice"] else str(finding["said"])


def _far(line: dict[str, Any]) -> str:
    last = line["last"]
    if last is None or last["ended_at"] is not None:
        return f"{line['module']}: begins"
    of = f" of {last['total']}" if last["total"] is not None else ""
    return f"{line['module']}: page {last['pages']}, {last['objects']}{of} objects"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
