"""Limits over time for a session (mod_charging_profiles), and the answers to them."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from ocpi_hub.wire.types import DateTime, HttpUrl, Many, NaturalInt, Number, OcpiModel


class ChargingRateUnit(StrEnum):
    """Watts in all, or amperes per phase (mod_charging_profiles.asciidoc, ChargingRateUnit)."""

    W = "W"
    A = "A"


class ChargingProfileResponseType(StrEnum):
    """Whether the CPO takes a request up (mod_charging_profiles.asciidoc, ChargingProfileResponseType)."""

    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class ChargingProfileResultType(StrEnum):
    """What the EVSE made of a request (mod_charging_profiles.asciidoc, ChargingProfileResultType)."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


def _one_decimal(value: Decimal) -> Decimal:
    if value * 10 % 1:
        raise ValueError("must have at most one decimal")
    return value


Rate = Annotated[Number, AfterValidator(_one_decimal)]
"""Watts or amperes with at most one decimal (mod_charging_profiles.asciidoc, ChargingProfilePeriod)."""


class ChargingProfilePeriod(OcpiModel):
    """A limit from `start_period` seconds after the start of the profile (mod_charging_profiles.asciidoc,
    ChargingProfilePeriod)."""

    start_period: NaturalInt
    limit: Rate


class ChargingProfile(OcpiModel):
    """Limits over time; without a start it is relative to the start of charging, duration in seconds
    (mod_charging_profiles.asciidoc, ChargingProfile)."""

    start_date_time: DateTime | None = None
    duration: NaturalInt | None = None
    charging_rate_unit: ChargingRateUnit
    min_charging_rate: Rate | None = None
    charging_profile_period: Many[ChargingProfilePeriod] = ()


class ActiveChargingProfile(OcpiModel):
    """The limits that a charger reckons with, counted from start_date_time (mod_charging_profiles.asciidoc,
    ActiveChargingProfile)."""

    start_date_time: DateTime
    charging_profile: ChargingProfile


class SetChargingProfile(OcpiModel):
    """The body of a PUT: a profile, and where its result goes (mod_charging_profiles.asciidoc, SetChargingProfile)."""

    charging_profile: ChargingProfile
    response_url: HttpUrl


class ChargingProfileResponse(OcpiModel):
    """The CPO's answer at once; timeout in seconds (mod_charging_profiles.asciidoc, ChargingProfileResponse)."""

    result: ChargingProfileResponseType
    timeout: NaturalInt


class ActiveChargingProfileResult(OcpiModel):
    """The result of a GET, posted to response_url (mod_charging_profiles.asciidoc, ActiveChargingProfileResult)."""

    result: ChargingProfileResultType
    profile: ActiveChargingProfile | None = None


class ChargingProfileResult(OcpiModel):
    """The result of a PUT, posted to response_url (mod_charging_profiles.asciidoc, ChargingProfileResult)."""

    result: ChargingProfileResultType


class ClearProfileResult(OcpiModel):
    """The result of a DELETE, posted to response_url (mod_charging_profiles.asciidoc, ClearProfileResult)."""

    result: ChargingProfileResultType
