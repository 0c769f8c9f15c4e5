"""Prints the worked examples of docs/tariffs.md with the engine itself: `python docs/build_tariffs.py`.

The page is an ordinary text; what stands between `<!-- engine: NAME -->` and `<!-- end -->` is written here.
A test compares the page with what this makes, so the examples cannot drift from the engine.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ocpi_hub.pricing import CostReport, Line, audit, estimate, periods, price
from ocpi_hub.pricing.money import shown

Json = dict[str, Any]

PAGE = Path(__file__).with_name("tariffs.md")
EXAMPLES = Path(__file__).parent.parent / "tests" / "spec_examples"
ZONE = "Europe/Amsterdam"
BLOCK = re.compile(r"(<!-- engine: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def build(page: str) -> str:
    """The page with every block written anew. Raises KeyError for a block that no example has the name of."""
    return BLOCK.sub(lambda block: f"{block[1]}{BLOCKS[block[2]]()}\n{block[3]}", page)


# --- tables ----------------------------------------------------------------------------------------------------


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a heading that ends with a colon is for numbers."""
    rules = ["--:" if heading.endswith(":") else "---" for heading in headings]
    lines = [[heading.rstrip(":") for heading in headings], rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(amount: Decimal | None) -> str:
    return "" if amount is None else shown(amount)


def bill(report: CostReport) -> str:
    """The lines of a report with the reason of each, and what became of their sum."""
    rows = [
        [
            f"{line.state.local:%a %H:%M}",
            line.kind,
            quantity(line),
            number(line.price) + (f" / {line.unit}" if line.unit and line.price is not None else ""),
            "" if line.vat is None else f"{number(line.vat)} %",
            number(line.cost.excl_vat),
            number(line.cost.incl_vat),
            reason(line),
        ]
        for line in report.lines
    ]
    rows += [
        ["", limit.name, "", "", "", number(limit.change.excl_vat), number(limit.change.incl_vat), "moves the total"]
        for limit in report.limits
    ]
    total = report.total_cost
    rows.append(["", "**total**", "", "", "", f"**{number(total.excl_vat)}**", f"**{number(total.incl_vat)}**", ""])
    return table(
        ["from", "dimension", "quantity:", "price:", "VAT:", "excl. VAT:", "incl. VAT:", "element, and why"], rows
    )


def quantity(line: Line) -> str:
    if not line.unit:
        return ""
    return number(line.measured) + (f" → {number(line.billed)}" if line.surplus else "") + f" {line.unit}"


def reason(line: Line) -> str:
    asked = [f"not {lost.element}: {lost.because}" for lost in line.lost if "comes first" not in lost.because]
    won = line.won if line.element is None else f"{line.element}: {line.won}"
    return "<br>".join([won, *asked])


def cut(documents: Sequence[Json]) -> str:
    """Charging periods as they stand in a CDR."""
    rows = [
        [document["start_date_time"], ", ".join(f"{d['type']} {d['volume']}" for d in document["dimensions"])]
        for document in documents
    ]
    return table(["start_date_time", "dimensions"], rows)


# --- examples --------------------------------------------------------------------------------------------------


def example(name: str) -> Json:
    document: Json = json.loads((EXAMPLES / f"{name}.json").read_text())
    return document


def session(*entries: tuple[str, Json], **fields: Any) -> Json:
    """A CDR from (start, volumes) of its periods."""
    charging_periods = [
        {"start_date_time": start, "dimensions": [{"type": name, "volume": volume} for name, volume in volumes.items()]}
        for start, volumes in entries
    ]
    return {
        "id": "C1",
        "currency": "EUR",
        "start_date_time": entries[0][0],
        "charging_periods": charging_periods,
        **fields,
    }


def specified(tariff: str, *entries: tuple[str, Json]) -> Callable[[], str]:
    """A session under a tariff of the specification's examples."""
    return lambda: bill(price(example(tariff), session(*entries), time_zone=ZONE))


SATURDAY = (
    ("2019-01-05T12:30:00Z", {"TIME": "1.9", "MIN_CURRENT": 43}),
    ("2019-01-05T14:24:00Z", {"PARKING_TIME": "1.1833"}),
)
DAY_AND_NIGHT: Json = {
    "id": "DAY-NIGHT",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}],
            "restrictions": {"start_time": "21:00", "end_time": "07:00"},
        },
        {
            "price_components": [{"type": "ENERGY", "price": 0.45, "step_size": 1}],
            "restrictions": {"max_kwh": 20},
        },
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.55, "step_size": 1},
                {"type": "PARKING_TIME", "price": 3, "step_size": 60},
            ]
        },
    ],
}
EVENING = datetime(2026, 1, 5, 19, tzinfo=UTC)


def own_charger() -> str:
    """A charger's session from 20:00 to 21:45 local time: 25 kWh until 21:15, read four times, then parked."""

    def after(minutes: int) -> datetime:
        return EVENING + timedelta(minutes=minutes)

    documents = periods(
        DAY_AND_NIGHT,
        start=EVENING,
        end=after(105),
        samples=[(after(m), Decimal(wh)) for m, wh in ((0, 1000), (25, 9000), (55, 23000), (75, 26000))],
        parked=[(after(75), True)],
        time_zone=ZONE,
    )
    report = price(DAY_AND_NIGHT, {"start_date_time": EVENING, "charging_periods": documents}, time_zone=ZONE)
    return f"{cut(documents)}\n\n{bill(report)}"


def asked() -> str:
    """20 kWh in two hours at 11 kW from 20:00 local time."""
    return bill(estimate(DAY_AND_NIGHT, kwh=20, minutes=120, start=EVENING, time_zone=ZONE, power_kw=11))


def audited() -> str:
    """The specification's Saturday with the totals that it prints."""
    printed = session(
        *SATURDAY,
        end_date_time="2019-01-05T15:35:00Z",
        total_cost={"excl_vat": 12.28, "incl_vat": 13.861},
        total_time_cost={"excl_vat": 2.28, "incl_vat": 2.736},
        total_energy=17.1,
    )
    found = audit(printed, tariff=example("tariff_4_complex"), time_zone=ZONE).findings
    rows = [[one.severity, f"`{one.code}`", f"`{one.field}`", one.message] for one in found]
    return table(["severity", "code", "field", "sentence"], rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "complex-monday": specified(
        "tariff_4_complex",
        ("2019-01-07T08:30:00Z", {"TIME": "2.75", "MAX_CURRENT": 16}),
        ("2019-01-07T11:15:00Z", {"PARKING_TIME": "0.7"}),
    ),
    "complex-saturday": specified("tariff_4_complex", *SATURDAY),
    "switching": specified(
        "tariff_14_step_size",
        ("2019-01-07T15:35:00Z", {"TIME": "0.4167"}),
        ("2019-01-07T16:00:00Z", {"TIME": "0.1667"}),
    ),
    "switching-to-free": specified(
        "tariff_14_step_size",
        ("2019-01-07T18:40:00Z", {"TIME": "0.2"}),
        ("2019-01-07T18:52:00Z", {"PARKING_TIME": "0.1333"}),
        ("2019-01-07T19:00:00Z", {"PARKING_TIME": "0.2"}),
    ),
    "reservation": specified(
        "tariff_16_reservation_2_euro_fee_5_euro_per_hour",
        ("2019-01-07T10:00:00Z", {"RESERVATION_TIME": "0.2167"}),
        ("2019-01-07T10:13:00Z", {"ENERGY": 20}),
    ),
    "expired": specified("tariff_17_reservation_with_expire_fee", ("2019-01-07T10:00:00Z", {"RESERVATION_TIME": 1})),
    "minimum": specified("tariff_12_025kwh_min_price", ("2019-01-07T10:00:00Z", {"ENERGY": "1.2"})),
    "power": specified(
        "tariffrestriction_example_max_power",
        ("2019-01-07T10:00:00Z", {"ENERGY": 1, "MAX_POWER": 6}),
        ("2019-01-07T10:10:00Z", {"ENERGY": 40, "MIN_POWER": 48}),
        ("2019-01-07T11:00:00Z", {"ENERGY": "0.5", "MAX_POWER": 4}),
    ),
    "own-charger": own_charger,
    "estimate": asked,
    "audit": audited,
}


if __name__ == "__main__":
    before = PAGE.read_text()
    after = build(before)
    PAGE.write_text(after)
    print(f"{PAGE}: {'unchanged' if before == after else 'written anew'}", file=sys.stderr)
