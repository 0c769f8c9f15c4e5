"""How commands speak: one sentence for an error, a table for a person, JSON for a script; and how they open the hub."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings, unknown_names
from ocpi_hub.cli.failing import CommandFailed as CommandFailed

T = TypeVar("T")


def known_errors() -> tuple[type[Exception], ...]:
    """Errors that are told in a sentence; anything else is a bug and shows its traceback."""
    from sqlalchemy.exc import SQLAlchemyError

    from ocpi_hub.admin.answers import AdminError
    from ocpi_hub.embedded import EmbeddedError
    from ocpi_hub.wire.errors import OcpiError
    from ocpi_hub.wire.json import NotJson

    return (
        CommandFailed,
        AdminError,
        EmbeddedError,
        OcpiError,
        NotJson,
        SQLAlchemyError,
        OSError,
        ValueError,
        LookupError,
    )


def fail(message: str) -> NoReturn:
    """One sentence on stderr, exit status 1."""
    print(f"ocpi-hub: {message.strip().splitlines()[0]}", file=sys.stderr)
    sys.exit(1)


def read_settings() -> Settings:
    """The settings from the environment. Raises CommandFailed naming the variable that is wrong."""
    for name, meant in unknown_names():
        hint = f": did you mean {meant}?" if meant else ": `ocpi-hub settings` prints those that there are"
        print(f"ocpi-hub: warning: there is no setting {name}{hint}", file=sys.stderr)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        from ocpi_hub.wire.errors import complaint

        name = "_".join(str(part) for part in first["loc"]).upper()
        raise CommandFailed(f"OCPI_HUB_{name}: {complaint(first)}") from None


def with_hub(work: Callable[[Resources], Awaitable[T]]) -> T:
    """Run `work` against the hub of this machine: the one that `serve` runs here, or the one the settings name."""
    from ocpi_hub.base.jobs import Bellringer, use_broker
    from ocpi_hub.base.log import configure_logs
    from ocpi_hub.base.resources import open_resources, required_urls
    from ocpi_hub.chargers.binding import bind
    from ocpi_hub.cli.servers import naming_servers
    from ocpi_hub.embedded import attach

    settings = attach(read_settings())
    configure_logs(level="WARNING", form="console")
    use_broker(required_urls(settings)[1])

    async def run() -> T:
        bells = Bellringer()
        async with open_resources(settings, pool_size=2, ring=bells) as resources:
            bind(resources)
            try:
                return await work(resources)
            finally:
                await bells.aclose()

    with naming_servers(settings):
        return asyncio.run(run())


def print_json(document: Any) -> None:
    """A document for scripts: indented JSON on stdout."""
    from ocpi_hub.wire import json as wire_json

    print(wire_json.dumps(document, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """A table for a person; `empty` says what to do when there is nothing to show.

    In a terminal that is too narrow for it, each row is a block of lines instead.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console()
    rows = [[_shown(cell) for cell in row] for row in rows]
    if not rows:
        console.print(empty, highlight=False)
        return
    if _width_wanted(columns, rows) > console.width:
        for row in rows:
            print_pairs({column: cell for column, cell in zip(columns, row, strict=True) if cell not in (None, "")})
            print()
        return
    table = Table(header_style="bold")
    for number, column in enumerate(columns):
        # What names the row must be copied whole, however narrow the terminal is.
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)


READABLE = 16
"""Characters of a cell that may be folded, but not into less."""


def _width_wanted(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """How wide a table must be to be read: its first column whole, of the others what READABLE leaves."""
    widths = [max(len(str(cell or "")) for cell in (column, *cells)) for column, *cells in zip(columns, *rows)]  # noqa: B905
    return sum(width if number == 0 else min(width, READABLE) for number, width in enumerate(widths)) + 3 * len(widths)


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Names and values, a line each."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {_shown(value)}")


def _shown(value: Any) -> str:
    """A value for a person: a time in UTC to the second, nothing for None."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
