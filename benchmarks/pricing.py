"""How fast CDRs are priced and audited on one core, and that the work grows no faster than periods and elements.

One thread and no servers. Processor time is measured, so that what else the machine does is left out of it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from ocpi_hub.pricing import audit, prepare, price
from ocpi_hub.wire.types import format_datetime

Json = dict[str, Any]

ZONE = "Europe/Amsterdam"
START = datetime(2026, 1, 5, 6, tzinfo=UTC)
PRICED_A_SECOND = 2_000
AUDITS, AUDIT_SECONDS = 100_000, 180
LONGEST = 1_000_000


def component(kind: str, price_: float, step_size: int) -> Json:
    return {"type": kind, "price": price_, "vat": 21.0, "step_size": step_size}


def tariff(elements: int = 6) -> Json:
    """Elements by time of day, current, energy, weekday and duration; the last one applies always."""
    kinds: list[Json] = [
        {"start_time": "22:00", "end_time": "06:00"},
        {"max_current": 6},
        {"day_of_week": ["SATURDAY", "SUNDAY"], "min_kwh": 40},
        {"min_duration": 14400},
        {"start_time": "07:00", "end_time": "09:00"},
    ]
    prices = [component("ENERGY", 0.35, 1), component("TIME", 1.2, 60), component("PARKING_TIME", 3.0, 300)]
    restricted = [{"price_components": prices, "restrictions": kinds[i % len(kinds)]} for i in range(elements - 1)]
    always = {"price_components": [component("FLAT", 0.5, 1), *prices]}
    return {"id": "T1", "currency": "EUR", "elements": [*restricted, always], "last_updated": "2026-01-01T00:00:00Z"}


def cdr(periods: int = 12, *, seconds: int = 600, day: int = 0, **fields: Any) -> Json:
    """A session of so many periods: energy, charging time and current, the last quarter parked."""
    start = START + timedelta(days=day % 28, minutes=day % 600)
    charging_periods = []
    for i in range(periods):
        parked = i >= periods * 3 / 4
        volumes = {"PARKING_TIME": round(seconds / 3600, 4)} if parked else {"TIME": round(seconds / 3600, 4)}
        volumes |= {} if parked else {"ENERGY": 1.8333, "MIN_CURRENT": 47.0, "MAX_CURRENT": 48.0}
        charging_periods.append(
            {
                "start_date_time": format_datetime(start + timedelta(seconds=seconds * i)),
                "dimensions": [{"type": name, "volume": volume} for name, volume in volumes.items()],
                "tariff_id": "T1",
            }
        )
    return {
        "id": f"CDR{day}",
        "start_date_time": format_datetime(start),
        "end_date_time": format_datetime(start + timedelta(seconds=seconds * periods)),
        "currency": "EUR",
        "cdr_location": {"id": "LOC1", "evse_uid": f"E{day}", "connector_power_type": "AC_3_PHASE"},
        "charging_periods": charging_periods,
        "last_updated": "2026-02-01T00:00:00Z",
        **fields,
    }


def rate(work: Callable[[], object], *, least: float = 1.5) -> float:
    """How often a second, measured for at least so many seconds."""
    work()
    count, began = 0, process_time()
    while (spent := process_time() - began) < least:
        work()
        count += 1
    return count / spent


def seconds_for(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def speeds(table: Table) -> bool:
    """The target of the issue: a 12-period session under a 6-element tariff, tariff prepared once."""
    document, plain = cdr(), tariff()
    prepared = prepare(plain)
    fast = rate(lambda: price(prepared, document, time_zone=ZONE))
    table.add_row("priced, tariff prepared once", f"{fast:,.0f} /s", f"≥ {PRICED_A_SECOND:,} /s")
    table.add_row(
        "priced, tariff read every time", f"{rate(lambda: price(plain, document, time_zone=ZONE)):,.0f} /s", ""
    )
    explained = rate(lambda: price(prepared, document, time_zone=ZONE).as_document())
    table.add_row("priced, with every reason written out", f"{explained:,.0f} /s", "")
    return fast >= PRICED_A_SECOND


def audits(table: Table, *, sample: int = 10_000) -> bool:
    """Audits of different CDRs, each with its own copy of the tariff in it, as they come from partners."""
    report = price(tariff(), cdr(), time_zone=ZONE)
    documents = [cdr(day=i, tariffs=[tariff()], **report.totals()) for i in range(sample)]
    spent = seconds_for(lambda: [audit(document, time_zone=ZONE) for document in documents])
    whole = spent * AUDITS / sample
    table.add_row(f"{AUDITS:,} audits (measured: {sample:,})", f"{whole:,.0f} s", f"≤ {AUDIT_SECONDS} s")
    return whole <= AUDIT_SECONDS


def growth(table: Table) -> None:
    """Microseconds for one period, for one element. From 100,000 periods on, Python's cycle collector adds half."""
    prepared = prepare(tariff())
    for periods in (100, 1_000, 10_000, 100_000, LONGEST):
        document = cdr(periods, seconds=20)
        spent = seconds_for(lambda document=document: price(prepared, document, time_zone=ZONE))  # type: ignore[misc]
        table.add_row(
            f"{periods:,} periods × 6 elements", f"{spent:,.3f} s", f"{spent / periods * 1e6:.1f} µs a period"
        )
    document = cdr(1_000, seconds=20)
    for elements in (6, 24, 96):
        one = prepare(tariff(elements))
        spent = seconds_for(lambda one=one: price(one, document, time_zone=ZONE))  # type: ignore[misc]
        each = spent / 1_000 / elements * 1e6
        table.add_row(f"1,000 periods × {elements} elements", f"{spent:,.3f} s", f"{each:.1f} µs a period and element")


def main() -> bool:
    """Print the table. Gives whether the targets were met."""
    table = Table(title="Pricing, one core")
    table.add_column("12 periods × 6 elements")
    table.add_column("measured", justify="right")
    table.add_column("target", justify="right")
    met = [speeds(table), audits(table)]
    sizes = Table(title="Growth")
    sizes.add_column("a session of")
    sizes.add_column("price()", justify="right")
    sizes.add_column("which is", justify="right")
    growth(sizes)
    console = Console()
    console.print(table, sizes)
    return all(met)


if __name__ == "__main__":
    main()
