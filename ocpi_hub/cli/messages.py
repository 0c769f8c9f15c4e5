"""`ocpi-hub messages`: the journal as a table, and the story of one message."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub
from ocpi_hub.cli.tending import read_since
from ocpi_hub.wire import json as wire_json

if TYPE_CHECKING:
    from ocpi_hub.admin.messages import Search
    from ocpi_hub.base.resources import Resources

LOOK_EVERY = 1.0
"""Seconds between two looks at the journal."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: ocpi-hub messages --party DE/XYZ --status failed")(messages)


def messages(
    correlation_id: Annotated[str | None, typer.Argument(help="Tell the story of this one.")] = None,
    party: Annotated[str | None, typer.Option(help="On either side, COUNTRY/PARTY.")] = None,
    platform: Annotated[str | None, typer.Option(help="A partner's name or id.")] = None,
    module: Annotated[str | None, typer.Option(help="Such as locations.")] = None,
    status: Annotated[str | None, typer.Option(help="An HTTP status, an OCPI status, or failed.")] = None,
    rule: Annotated[str | None, typer.Option(help="Why it was sent or where it went, such as direct or push.")] = None,
    checks: Annotated[bool, typer.Option("--checks", help="Show what `partner check` asked on purpose, too.")] = False,
    since: Annotated[str | None, typer.Option(help="From when on: 2026-11-26T10:00:00Z, or 2h, 30m, 7d ago.")] = None,
    limit: Annotated[int, typer.Option(help="The most to show.", min=1, max=1000)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """The messages that went through the hub, newest first; or, by its correlation id, the story of one."""
    from ocpi_hub.admin.messages import Search, search, story

    if correlation_id is not None:
        told = with_hub(lambda resources: story(resources, correlation_id))
        print_json(told) if as_json else print("\n".join(lines(told)))
        return
    wanted = Search.model_validate(
        {
            "party": party,
            "platform": platform,
            "module": module,
            "status": status,
            "rule": rule,
            "checks": checks,
            "date_from": read_since(since, datetime.now(UTC)) if since else None,
            "limit": limit,
        }
    )
    if follow:
        try:
            with_hub(lambda resources: _follow(resources, wanted, as_json=as_json))
        except KeyboardInterrupt:
            return
    found = with_hub(lambda resources: search(resources, wanted))
    if as_json:
        print_json(found)
        return
    columns = ("correlation id", "at", "", "from", "to", "partner", "what", "rule", "HTTP", "OCPI", "ms")
    empty = "no such message in the journal"
    if module is not None and module.lower() not in _modules():
        empty += f"; {module} is no module of OCPI, those are {', '.join(_modules())}"
    print_table(columns, [_row(one) for one in found], empty=empty)


async def _follow(resources: "Resources", wanted: "Search", *, as_json: bool) -> NoReturn:
    """The newest messages, the oldest first, and then each that comes.

    Notes are written behind by several processes, not in order: what was shown is remembered, and the last minute is
    looked at again.
    """
    from ocpi_hub.admin.messages import search

    seen: set[str] = set()
    while True:
        for one in reversed(await search(resources, wanted)):
            if one["id"] not in seen:
                seen.add(one["id"])
                print(wire_json.dumps(one) if as_json else _line(one), flush=True)
        later = datetime.now(UTC) - timedelta(minutes=1)
        wanted = wanted.model_copy(update={"date_from": max(wanted.date_from or later, later), "limit": 1000})
        await asyncio.sleep(LOOK_EVERY)


def _line(one: dict[str, Any]) -> str:
    """A message and its answer, on one line."""
    parties = f"{one['from'] or '–'} → {one['to'] or '–'}"
    partner = (one["platform"] or {}).get("name") or ""
    came = f"{one['http_status'] or one['reason'] or '–'} {one['ocpi_status'] or ''}".rstrip()
    what = f"{one['method']} {one['module'] or ''}".rstrip()
    said = f"{what}: {came} ({one['rule']})"
    return f"{one['at']:%H:%M:%S} {one['direction']:<3} {parties:<15} {partner:<12} {said} {one['correlation_id']}"


def _modules() -> list[str]:
    from ocpi_hub.wire.parties import ModuleId

    return [*sorted(ModuleId), "versions", "details"]


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    partner = (one["platform"] or {}).get("name")
    return (
        one["correlation_id"],
        f"{one['at']:%m-%d %H:%M:%S}",
        one["direction"],
        one["from"],
        one["to"],
        partner,
        f"{one['method']} {one['module'] or ''}",
        one["rule"],
        one["http_status"],
        one["ocpi_status"],
        one["milliseconds"],
    )


def lines(told: dict[str, Any]) -> Iterator[str]:
    """A story, to be read from the top: who said what to whom, why, and what came of it."""
    first = told["messages"][0]["at"]
    yield f"correlation id {told['correlation_id']}, {first:%Y-%m-%d %H:%M:%S} UTC"
    for one in told["messages"]:
        after = (one["at"] - first).total_seconds() * 1000
        yield ""
        yield f"+{after:.0f} ms  {_said(one)}"
        place = "/".join(filter(None, [(one["interface"] or "").lower(), one["module"]]))
        url = one["path"] if one["direction"] == "out" else "/".join(filter(None, [place, one["path"]]))
        yield f"    {one['method']} {url}"
        yield f"    rule: {one['rule']}; X-Request-ID {one['request_id']}{_because(one)}"
        yield f"    answer after {one['milliseconds']} ms: {_answered(one)}"
        for name, body in (("sent", one["request_body"]), ("answered", one["response_body"])):
            if body:
                yield f"    {name}: {body}"


def _said(one: dict[str, Any]) -> str:
    partner = f" ({one['platform']['name'] or 'a partner that is gone'})" if one["platform"] else ""
    if one["direction"] == "in":
        to = f" {one['to']}" if one["to"] else ""
        return f"{one['from'] or 'a platform'}{partner} asked{to}"
    from_ = f" in the name of {one['from']}" if one["from"] else ""
    return f"the hub asked {one['to'] or 'a platform'}{partner}{from_}"


def _because(one: dict[str, Any]) -> str:
    return f", for {one['request_id_in']}" if one["request_id_in"] else ""


def _answered(one: dict[str, Any]) -> str:
    if one["http_status"] is None:
        return f"none: {one['reason']}"
    ocpi = f", OCPI {one['ocpi_status']}" if one["ocpi_status"] is not None else ", not OCPI"
    return f"HTTP {one['http_status']}{ocpi}" + (f": {one['reason']}" if one["reason"] else "")
