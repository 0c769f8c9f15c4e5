"""Builders for pricing: tariffs and CDRs in as few words as a test needs, as plain OCPI documents."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocpi_hub.pricing import Finding

Json = dict[str, Any]

EXAMPLES = Path(__file__).parent.parent / "spec_examples"


def example(name: str) -> Json:
    """A JSON example of the OCPI 2.2.1 specification, as it stands there."""
    document: Json = json.loads((EXAMPLES / f"{name}.json").read_text())
    return document


def component(type: str = "ENERGY", price: Any = "0.25", step_size: Any = 1, **fields: Any) -> Json:
    return {"type": type, "price": price, "step_size": step_size, **fields}


def element(*components: Json, **restrictions: Any) -> Json:
    document: Json = {"price_components": list(components)}
    return document | ({"restrictions": restrictions} if restrictions else {})


def tariff(*elements: Json, **fields: Any) -> Json:
    return {"id": "T1", "currency": "EUR", "elements": list(elements), **fields}


def period(start: str, *, tariff_id: str | None = None, **volumes: Any) -> Json:
    """A charging period: period("2026-01-05T10:00:00Z", ENERGY=1, TIME="0.5")."""
    document: Json = {
        "start_date_time": start,
        "dimensions": [{"type": name, "volume": volume} for name, volume in volumes.items()],
    }
    return document | ({"tariff_id": tariff_id} if tariff_id else {})


def cdr(*periods: Json, end: str | None = None, **fields: Any) -> Json:
    """A CDR with these periods, which starts with the first of them."""
    document: Json = {
        "id": "C1",
        "currency": "EUR",
        "start_date_time": periods[0]["start_date_time"] if periods else "2026-01-05T10:00:00Z",
        "charging_periods": list(periods),
    }
    return document | ({"end_date_time": end} if end else {}) | fields


def utc(text: str) -> datetime:
    """utc("2026-01-05 10:00") as an aware datetime."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def codes(findings: Any) -> list[tuple[str, str]]:
    """(code, field) of every finding."""
    found: list[Finding] = list(findings)
    return [(finding.code, finding.field) for finding in found]
