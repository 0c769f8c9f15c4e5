"""`ocpi-hub messages`: the journal as a table, and the story of one message."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ocpi_hub.cli.output import print_json, print_table, with_hub
from ocpi_hub.cli.tending import read_since

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
    rule: Annotated[str | None, typer.Option(help="What routed it, such as direct.")] = None,
    since: Annotated[str | None, typer.Option(help="From when on: 2026-11-26T10:00:00Z, or 2h, 30m, 7d ago.")] = None,
    limit: Annotated[int, typer.Option(help="The most to show.", min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The messages that went through the hub, newest first; or, by its correlation id, the story of one."""
    from ocpi_hub.admin.messages import Search, search, story

    if correlation_id is not None:
        told = with_hub(lambda resources: story(resources, correlation_id))
        print_json(told) if as_json else print("\n".join(lines(told)))
        return
    wanted = Search(
        party=party,
        platform=platform,
        module=module,
        status=status,
        rule=rule,
        date_from=read_since(since, datetime.now(UTC)) if since else None,
        limit=limit,
    )
    found = with_hub(lambda resources: search(resources, wanted))
    if as_json:
        print_json(found)
        return
    columns = ("correlation id", "at", "", "from", "to", "partner", "what", "rule", "HTTP", "OCPI", "ms")
    print_table(columns, [_row(one) for one in found], empty="no such message in the journal")


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
