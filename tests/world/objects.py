"""Builders of valid OCPI 2.2.1 objects, as plain JSON values: each call is a fresh dict that a test may change.

Every field of an object can be given by name; `None` leaves it out. Times are OCPI texts in UTC.
"""

from typing import Any

Json = dict[str, Any]

CPO = ("NL", "CPO")
EMSP = ("DE", "MSP")
BORN = "2026-03-01T10:00:00Z"


def _object(document: Json, changes: Json) -> Json:
    return {name: value for name, value in (document | changes).items() if value is not None}


def connector(connector_id: str = "1", **changes: Any) -> Json:
    document = {
        "id": connector_id,
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "last_updated": BORN,
    }
    return _object(document, changes)


def evse(uid: str = "EVSE1", **changes: Any) -> Json:
    document = {
        "uid": uid,
        "evse_id": f"NL*CPO*{uid}",
        "status": "AVAILABLE",
        "connectors": [connector()],
        "last_updated": BORN,
    }
    return _object(document, changes)


def location(location_id: str = "LOC1", *, owner: tuple[str, str] = CPO, **changes: Any) -> Json:
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "id": location_id,
        "publish": True,
        "name": "Central Station",
        "address": "Stationsplein 1",
        "city": "Utrecht",
        "postal_code": "3511 ED",
        "country": "NLD",
        "coordinates": {"latitude": "52.089444", "longitude": "5.110278"},
        "evses": [evse()],
        "time_zone": "Europe/Amsterdam",
        "last_updated": BORN,
    }
    return _object(document, changes)


def tariff(tariff_id: str = "TARIFF1", *, owner: tuple[str, str] = CPO, **changes: Any) -> Json:
    """0.50 to start, 0.25 a kWh, with 21 % VAT."""
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "id": tariff_id,
        "currency": "EUR",
        "elements": [
            {
                "price_components": [
                    {"type": "FLAT", "price": 0.50, "vat": 21.0, "step_size": 1},
                    {"type": "ENERGY", "price": 0.25, "vat": 21.0, "step_size": 1},
                ]
            }
        ],
        "last_updated": BORN,
    }
    return _object(document, changes)


def token(uid: str = "04A1B2C3D4E5F6", *, owner: tuple[str, str] = EMSP, **changes: Any) -> Json:
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "uid": uid,
        "type": "RFID",
        "contract_id": "DE-MSP-C12345678-5",
        "visual_number": "DE-0001",
        "issuer": "Example Mobility",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": BORN,
    }
    return _object(document, changes)


def cdr_token(uid: str = "04A1B2C3D4E5F6", *, owner: tuple[str, str] = EMSP, **changes: Any) -> Json:
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "uid": uid,
        "type": "RFID",
        "contract_id": "DE-MSP-C12345678-5",
    }
    return _object(document, changes)


def charging_period(start_date_time: str = "2026-03-01T10:00:00Z", *, kwh: float = 1.5, **changes: Any) -> Json:
    document = {"start_date_time": start_date_time, "dimensions": [{"type": "ENERGY", "volume": kwh}]}
    return _object(document, changes)


def session(session_id: str = "SESSION1", *, owner: tuple[str, str] = CPO, **changes: Any) -> Json:
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "id": session_id,
        "start_date_time": "2026-03-01T10:00:00Z",
        "kwh": 0,
        "cdr_token": cdr_token(),
        "auth_method": "WHITELIST",
        "location_id": "LOC1",
        "evse_uid": "EVSE1",
        "connector_id": "1",
        "currency": "EUR",
        "status": "ACTIVE",
        "last_updated": BORN,
    }
    return _object(document, changes)


def cdr_location(location_id: str = "LOC1", **changes: Any) -> Json:
    document = {
        "id": location_id,
        "address": "Stationsplein 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": "52.089444", "longitude": "5.110278"},
        "evse_uid": "EVSE1",
        "evse_id": "NL*CPO*EVSE1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    }
    return _object(document, changes)


def cdr(cdr_id: str = "CDR1", *, owner: tuple[str, str] = CPO, **changes: Any) -> Json:
    """One hour, 10 kWh at 0.25 and a start of 0.50: 3.00 without VAT, 3.63 with 21 %."""
    document = {
        "country_code": owner[0],
        "party_id": owner[1],
        "id": cdr_id,
        "start_date_time": "2026-03-01T10:00:00Z",
        "end_date_time": "2026-03-01T11:00:00Z",
        "session_id": "SESSION1",
        "cdr_token": cdr_token(),
        "auth_method": "WHITELIST",
        "cdr_location": cdr_location(),
        "currency": "EUR",
        "tariffs": [tariff(owner=owner)],
        "charging_periods": [charging_period(kwh=10)],
        "total_cost": {"excl_vat": 3.00, "incl_vat": 3.63},
        "total_energy": 10,
        "total_time": 1,
        "last_updated": "2026-03-01T11:00:05Z",
    }
    return _object(document, changes)
