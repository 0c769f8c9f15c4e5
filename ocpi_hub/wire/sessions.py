"""Charging sessions as they go on (mod_sessions), and what a driver prefers."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from ocpi_hub.wire.cdrs import AuthMethod, CdrToken, ChargingPeriod
from ocpi_hub.wire.parties import OwnedModel
from ocpi_hub.wire.tokens import ProfileType
from ocpi_hub.wire.types import (
    Boolean,
    CiString,
    Currency,
    DateTime,
    Id36,
    Many,
    Number,
    OcpiModel,
    Price,
    String,
)

__all__ = [
    "AuthMethod",
    "CdrToken",
    "ChargingPeriod",
    "ChargingPreferences",
    "ChargingPreferencesResponse",
    "ProfileType",
    "Session",
    "SessionStatus",
]


class SessionStatus(StrEnum):
    """How far a session is; COMPLETED and INVALID are the end of it (mod_sessions.asciidoc, SessionStatus)."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"


class ChargingPreferencesResponse(StrEnum):
    """The answer to a driver's preferences (mod_sessions.asciidoc, ChargingPreferencesResponse)."""

    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"


def _reservation(value: Any) -> Any:
    # The text of mod_sessions says RESERVED where its enumeration says RESERVATION.
    return SessionStatus.RESERVATION if value == "RESERVED" else value


class Session(OwnedModel):
    """One charging session, kWh (mod_sessions.asciidoc, Session).

    `evse_uid` and `connector_id` are `#NA` while a reservation has no EVSE yet. An absent total_cost does not
    mean free of charge. RESERVED is read as RESERVATION.
    """

    id: Id36
    start_date_time: DateTime
    end_date_time: DateTime | None = None
    kwh: Number
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: Annotated[str, CiString(36)] | None = None
    location_id: Id36
    evse_uid: Id36
    connector_id: Id36
    meter_id: Annotated[str, String(255)] | None = None
    currency: Currency
    charging_periods: Many[ChargingPeriod] = ()
    total_cost: Price | None = None
    status: Annotated[SessionStatus, BeforeValidator(_reservation)]
    last_updated: DateTime


class ChargingPreferences(OcpiModel):
    """What a driver wants of a session; energy in kWh (mod_sessions.asciidoc, ChargingPreferences)."""

    profile_type: ProfileType
    departure_time: DateTime | None = None
    energy_need: Number | None = None
    discharge_allowed: Boolean | None = None
