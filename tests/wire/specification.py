"""What the tables of the OCPI 2.2.1 specification say, read from ocpi_2_2_1.txt, and samples made after them."""

import importlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ocpi_hub.wire.types import OcpiModel

# Where a sample must be more than a value of its type.
SAMPLES: dict[str, Any] = {
    "currency": "EUR",
    "period_begin": "08:00",
    "period_end": "20:00",
    "start_time": "08:00",
    "end_time": "20:00",
    "start_date": "2026-01-01",
    "end_date": "2026-02-01",
    "latitude": "52.089444",
    "longitude": "5.110278",
    "weekday": 1,
    "percentage": 100,
    "ExceptionalPeriod.period_begin": "2026-01-01T00:00:00Z",
    "ExceptionalPeriod.period_end": "2026-01-02T00:00:00Z",
    "StatusSchedule.period_begin": "2026-01-01T00:00:00Z",
    "StatusSchedule.period_end": "2026-01-02T00:00:00Z",
}


@dataclass(frozen=True)
class Property:
    owner: str
    name: str
    type: str
    card: str

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"

    @property
    def length(self) -> int | None:
        if self.type == "URL":
            return 255
        found = re.fullmatch(r"(?:Ci)?[sS]tring\((\d+)\)", self.type)
        return int(found[1]) if found else None


def _read() -> tuple[dict[str, tuple[str, list[Property]]], dict[str, tuple[str, list[str]]]]:
    classes: dict[str, tuple[str, list[Property]]] = {}
    enums: dict[str, tuple[str, list[str]]] = {}
    for line in (Path(__file__).parent / "ocpi_2_2_1.txt").read_text().splitlines():
        if heading := re.fullmatch(r"\[(enum )?(\w+)\.(\w+)\]", line):
            kind, module, name = heading.groups()
            if kind:
                values: list[str] = []
                enums[name] = (module, values)
            else:
                properties: list[Property] = []
                classes[name] = (module, properties)
        elif line and not line.startswith("#"):
            if kind:
                values.append(line)
            else:
                properties.append(Property(name, *line.split(" ")))
    return classes, enums


CLASSES, ENUMS = _read()
PROPERTIES = [one for _, properties in CLASSES.values() for one in properties]


def model(name: str) -> type[OcpiModel]:
    found = getattr(importlib.import_module(f"ocpi_hub.wire.{CLASSES[name][0]}"), name)
    assert issubclass(found, OcpiModel)
    return found  # type: ignore[no-any-return]


def enum(name: str) -> type[StrEnum]:
    found = getattr(importlib.import_module(f"ocpi_hub.wire.{ENUMS[name][0]}"), name)
    assert issubclass(found, StrEnum)
    return found  # type: ignore[no-any-return]


def value(one: Property) -> Any:
    """One value that the property (or an entry of it) may have."""
    for key in (str(one), one.name):
        if key in SAMPLES:
            return SAMPLES[key]
    if one.type in CLASSES:
        return sample(one.type)
    if one.type in ENUMS:
        return ENUMS[one.type][1][0]
    if one.type == "URL":
        return "https://example.com/a"
    if one.length:
        return "AB"[: one.length]
    plain = {
        "DateTime": "2026-01-01T00:00:00Z",
        "boolean": True,
        "number": 1,
        "ModuleID": "cdrs",
        "VersionNumber": "2.2.1",
    }
    return 1 if one.type.startswith("int") else plain[one.type]


def sample(name: str) -> dict[str, Any]:
    """A valid object with every property of the class."""
    return {
        one.name: [value(one)] if one.card in "*+" else value(one)
        for one in CLASSES[name][1]
        if str(one) != "TariffRestrictions.reservation"  # the price components of the samples are of energy
    }
