"""Locations, EVSEs and Connectors of our own chargers as OCPI documents, completed from what the operator gave.

Pure. What cannot be known is asked for, never made up: an address, coordinates, a time zone.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocpi_hub.chargers.mapping import evse_id_of
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.places import ConnectorFormat, ConnectorType, PowerType
from ocpi_hub.wire.types import format_datetime

Document = dict[str, Any]

REQUIRED = ("address", "city", "country", "coordinates", "time_zone")
"""What only the operator can say of a Location (mod_locations, Location object)."""

CAPABILITIES = ("REMOTE_START_STOP_CAPABLE", "RFID_READER")

_DC_STANDARDS = frozenset(
    {"CHADEMO", "CHAOJI", "GBT_DC", "IEC_62196_T1_COMBO", "IEC_62196_T2_COMBO", "PANTOGRAPH_BOTTOM_UP",
     "PANTOGRAPH_TOP_DOWN"}
)  # fmt: skip
_AC = {"format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 32}
_DC = {"format": "CABLE", "power_type": "DC", "max_voltage": 500, "max_amperage": 125}
_CONNECTOR_WORDS = {
    "standard": frozenset(ConnectorType),
    "format": frozenset(ConnectorFormat),
    "power_type": frozenset(PowerType),
}
_DECIMAL_DEGREES = re.compile(r"-?[0-9]{1,3}\.[0-9]{5,7}")


def location_document(given: Mapping[str, Any], *, owner: PartyId, location_id: str, at: datetime) -> Document:
    """A Location without EVSEs. Raises InvalidParameters that names every field that is missing."""
    missing = [f"location.{name}" for name in REQUIRED if given.get(name) in (None, "")]
    if missing:
        raise InvalidParameters(f"{', '.join(missing)}: required, for OCPI cannot describe a location without")
    _require_country(given["country"])
    _require_zone(given["time_zone"])
    return {
        "publish": True,
        **{name: value for name, value in given.items() if value is not None},
        "coordinates": coordinates(given["coordinates"]),
        "country_code": owner.country_code,
        "party_id": owner.party_id,
        "id": location_id,
        "evses": [],
        "last_updated": format_datetime(at),
    }


def location_changes(given: Mapping[str, Any], *, at: datetime) -> Document:
    """What a change of a Location's own fields says; its EVSEs and its identity are not changed by it."""
    changes = {name: value for name, value in given.items() if name not in ("country_code", "party_id", "id", "evses")}
    if changes.get("time_zone") is not None:
        _require_zone(changes["time_zone"])
    if changes.get("coordinates") is not None:
        changes["coordinates"] = coordinates(changes["coordinates"])
    return changes | {"last_updated": format_datetime(at)} if changes else {}


def _require_country(code: Any) -> None:
    if not (isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha()):
        raise InvalidParameters("location.country: must be an ISO 3166-1 alpha-3 code such as NLD")


def _require_known(given: Mapping[str, Any]) -> None:
    """Words that partners must know, for they stand in every CDR (mod_locations, Connector object)."""
    for name, known in _CONNECTOR_WORDS.items():
        if given.get(name) is not None and given[name] not in known:
            raise InvalidParameters(f"evses.connectors.{name}: {given[name]!r} is none of {', '.join(sorted(known))}")


def _require_zone(name: Any) -> None:
    """Prices depend on the local time, so a zone that nobody knows would make every CDR fail."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidParameters("location.time_zone: must be an IANA time zone such as Europe/Amsterdam") from None


def coordinates(given: Any) -> Document:
    """A GeoLocation: degrees with 5 to 7 decimals, from text or number. Raises InvalidParameters."""
    if not isinstance(given, Mapping):
        raise InvalidParameters('location.coordinates: must be {"latitude": "…", "longitude": "…"}')
    return {**given, **{name: _degrees(given.get(name), name) for name in ("latitude", "longitude")}}


def _degrees(value: Any, name: str) -> str:
    if isinstance(value, str) and _DECIMAL_DEGREES.fullmatch(value):
        return value
    try:
        degrees = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        degrees = Decimal("NaN")
    if not degrees.is_finite() or abs(degrees) > (90 if name == "latitude" else 180):
        raise InvalidParameters(f"location.coordinates.{name}: must be decimal degrees such as 52.370216")
    return str(degrees.quantize(Decimal("0.000001")))


def evse_document(
    given: Mapping[str, Any], *, owner: PartyId, uid: str, status: str, tariff_ids: Sequence[str], at: datetime
) -> Document:
    """An EVSE with its Connectors; one AC socket where no connector is described."""
    connectors = given.get("connectors") or [{}]
    if not isinstance(connectors, list) or not all(isinstance(connector, Mapping) for connector in connectors):
        raise InvalidParameters("evses.connectors: must be a list of objects")
    return {
        "evse_id": evse_id_of(country_code=owner.country_code, party_id=owner.party_id, uid=uid),
        "capabilities": list(CAPABILITIES),
        **{name: value for name, value in given.items() if value is not None},
        "uid": uid,
        "status": status,
        "connectors": [
            connector_document(connector, connector_id=str(number), tariff_ids=tariff_ids, at=at)
            for number, connector in enumerate(connectors, start=1)
        ],
        "last_updated": format_datetime(at),
    }


def connector_document(
    given: Mapping[str, Any], *, connector_id: str, tariff_ids: Sequence[str], at: datetime
) -> Document:
    """A Connector. What is not said follows from its standard: an AC socket (Type 2) or a DC cable."""
    _require_known(given)
    standard = given.get("standard") or "IEC_62196_T2"
    document = {
        "id": connector_id,
        "standard": standard,
        **(_DC if standard in _DC_STANDARDS else _AC),
        **{name: value for name, value in given.items() if value is not None},
        "last_updated": format_datetime(at),
    }
    if tariff_ids and not document.get("tariff_ids"):
        document["tariff_ids"] = list(tariff_ids)
    return document
