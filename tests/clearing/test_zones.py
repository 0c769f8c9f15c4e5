"""The zones that stand for a whole country, against the time zone database that Python brings along."""

from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from ocpi_hub.clearing.zones import ONLY_ZONES


def zones_by_country() -> dict[str, list[str]]:
    """ISO 3166-1 alpha-2 → the zones of zone.tab."""
    found: dict[str, list[str]] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found.setdefault(country, []).append(zone)
    return found


@pytest.mark.parametrize(("country", "zone"), ONLY_ZONES.items())
def test_it_is_the_only_zone_of_its_country(country: str, zone: str) -> None:
    ZoneInfo(zone)
    beside = {"DEU": ["Europe/Busingen"]}.get(country, [])
    [zones] = [zones for zones in zones_by_country().values() if zone in zones]
    assert zones == [zone, *beside]
