"""`ocpi-hub price`: one CDR priced by one tariff, as a table that a person can follow or as JSON.

Reads two files and prints; the reckoning is in pricing/.
"""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ocpi_hub.pricing import (
    CdrError,
    CostReport,
    Difference,
    Line,
    Price,
    PricingError,
    TariffError,
    differences,
    price,
)
from ocpi_hub.pricing.money import currency_digits, shown
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import OcpiError

_COSTS = {
    "total_fixed_cost": "fixed",
    "total_energy_cost": "energy",
    "total_time_cost": "charging time",
    "total_parking_cost": "parking",
    "total_reservation_cost": "reservation",
    "total_cost": "total",
}


class BadInput(Exception):
    """A file or an argument that cannot be used; the text is one sentence."""


def run(tariff_path: str | Path, cdr_path: str | Path, *, time_zone: str, as_json: bool) -> int:
    """Print what a CDR costs under a tariff, line by line, and where its own totals say otherwise.

    Gives the exit status: 0 when the CDR's totals are those of the tariff, 1 when one differs, 2 for a file or time
    zone that cannot be used (one sentence on stderr, nothing on stdout).
    """
    try:
        report, found = _price(Path(tariff_path), Path(cdr_path), time_zone=time_zone)
    except BadInput as error:
        print(f"ocpi-hub: {_printable(str(error))}", file=sys.stderr)
        return 2
    if as_json:
        print(wire_json.dumps(as_document(report, found)))
    else:
        console = Console(markup=False, highlight=False, emoji=False)
        console.width = max(console.width, 112)
        console.print(rendered(report, found))
    return 1 if found else 0


def _price(tariff_path: Path, cdr_path: Path, *, time_zone: str) -> tuple[CostReport, list[Difference]]:
    tariff, cdr = _read(tariff_path), _read(cdr_path)
    if _is(tariff, "charging_periods") and not _is(tariff, "elements"):
        raise BadInput(f"{tariff_path}: is a CDR or a Session: the tariff comes first, then the CDR")
    if _is(cdr, "elements") and not _is(cdr, "charging_periods"):
        raise BadInput(f"{cdr_path}: is a tariff: the tariff comes first, then the CDR")
    try:
        report = price(tariff, cdr, time_zone=time_zone)
        return report, differences(report)
    except TariffError as error:
        raise BadInput(f"{tariff_path}: {error}") from None
    except CdrError as error:
        raise BadInput(f"{cdr_path}: {error}") from None
    except PricingError as error:
        raise BadInput(f"--time-zone: {error.message}") from None


def _is(document: Any, field: str) -> bool:
    return isinstance(document, dict) and field in document


def _read(path: Path) -> Any:
    """A file's document; that in the envelope of a whole OCPI answer, for such files come from a partner's API."""
    try:
        raw = path.read_bytes()
        if not raw.strip():
            raise BadInput(f"{path}: is empty")
        document = wire_json.loads(raw)
        return document["data"] if _is(document, "status_code") and _is(document, "data") else document
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except OcpiError as error:
        raise BadInput(f"{path}: {error}") from None


def as_document(report: CostReport, found: list[Difference]) -> dict[str, Any]:
    """The report as JSON, with `differences`: the fields of the CDR that say otherwise."""
    return report.as_document() | {"differences": [{"field": one.field} | one.numbers() for one in found]}


# --- for people ----------------------------------------------------------------------------------------------


def rendered(report: CostReport, found: list[Difference]) -> RenderableType:
    """The lines and their reasons, what was done to their sum, the totals, and how the CDR's own compare."""
    notes = []
    for step in report.steps:
        unit = "Wh" if step.kind == "ENERGY" else "s"
        notes.append(
            f"{step.kind}: {shown(step.used)} {unit} used, {shown(step.billed)} {unit} billed: "
            f"blocks of {step.step_size} {unit}"
        )
    notes += [
        f"{limit.name} of tariff {_printable(limit.tariff_id)} moves the total by "
        f"{_money(limit.change.excl_vat, report)} excl. VAT"
        for limit in report.limits
    ]
    if report.expired:
        notes.append("No session followed the reservation.")
    remarks = [Text(note) for note in notes]
    return Group(_lines(report), _reasons(report), *remarks, _totals(report, found), *_verdict(report, found))


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def _lines(report: CostReport) -> Table:
    table = _table(f"Lines in {report.currency}, times in {report.time_zone}")
    table.add_column("#", justify="right")
    for heading in ("from", "dimension"):
        table.add_column(heading, no_wrap=True)
    for heading in ("quantity", "price", "VAT", "excl. VAT", "incl. VAT"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number, line in enumerate(report.lines):
        table.add_row(
            str(number),
            f"{line.state.local:%a %Y-%m-%d %H:%M:%S}",
            line.kind,
            _quantity(line),
            "-" if line.price is None else f"{shown(line.price)}{'/' + line.unit if line.unit else ''}",
            "-" if line.vat is None else f"{shown(line.vat)} %",
            _money(line.cost.excl_vat, report),
            _money(line.cost.incl_vat, report),
        )
    return table


def _quantity(line: Line) -> str:
    if not line.unit:
        return ""
    billed = f" → {shown(line.billed)}" if line.surplus else ""
    return f"{shown(line.measured)}{billed} {line.unit}"


def _reasons(report: CostReport) -> Table:
    table = _table("Why")
    table.add_column("#", justify="right")
    table.add_column("dimension", no_wrap=True)
    table.add_column("element", justify="right")
    table.add_column("because")
    for number, line in enumerate(report.lines):
        table.add_row(str(number), line.kind, "none" if line.element is None else str(line.element), line.won)
        for lost in line.lost:
            table.add_row("", "", f"not {lost.element}", lost.because, style="dim")
    return table


def _totals(report: CostReport, found: list[Difference]) -> Table:
    table = _table(f"Totals in {report.currency}")
    table.add_column("cost")
    for heading in ("excl. VAT", "incl. VAT", "CDR excl. VAT", "CDR incl. VAT"):
        table.add_column(heading, justify="right")
    table.add_column("")
    computed, stated = report.totals(), report.usage.document
    for name, word in _COSTS.items():
        if name in computed or name in stated:
            amount: Price = getattr(report, name)
            own = stated.get(name) or {}
            table.add_row(
                word,
                _money(amount.excl_vat, report),
                _money(amount.incl_vat, report),
                *(str(own.get(part, "-")) for part in ("excl_vat", "incl_vat")),
                "differs" if any(one.field.startswith(f"{name}.") for one in found) else "",
                style="bold" if name == "total_cost" else None,
            )
    return table


def _verdict(report: CostReport, found: list[Difference]) -> list[Text]:
    if not found:
        stated = "total_cost" in report.usage.document
        return [Text("The CDR's own totals are equal." if stated else "The CDR states no total_cost to compare with.")]
    return [
        Text(
            f"{one.field}: the CDR says {shown(one.stated)}, the tariff gives {shown(one.computed)}, "
            f"{shown(abs(one.amount))} {'less' if one.amount > 0 else 'more'}",
            style="bold red",
        )
        for one in found
    ]


def _money(amount: Decimal, report: CostReport) -> str:
    """Up to four digits after the point, and at least those of the currency."""
    whole, _, fraction = shown(amount).partition(".")
    digits = fraction.ljust(currency_digits(report.currency), "0")
    return f"{whole}.{digits}" if digits else whole


def _printable(text: str) -> str:
    """Without what could move a terminal's cursor: documents come from others."""
    return "".join(character for character in text if character.isprintable())
