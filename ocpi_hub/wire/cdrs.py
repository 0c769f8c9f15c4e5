"""Charge detail records (mod_cdrs), and the charging periods that sessions share with them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from ocpi_hub.wire.locations import ConnectorFormat, ConnectorType, GeoLocation, PowerType
from ocpi_hub.wire.parties import OwnedModel
from ocpi_hub.wire.tariffs import Tariff
from ocpi_hub.wire.tokens import AnyTokenType
from ocpi_hub.wire.types import (
    Boolean,
    CiString,
    Currency,
    DateTime,
    Id36,
    Int,
    Many,
    Number,
    OcpiModel,
    Open,
    Price,
    Some,
    String,
)

__all__ = [
    "CDR",
    "AuthMethod",
    "CdrDimension",
    "CdrDimensionType",
    "CdrLocation",
    "CdrToken",
    "ChargingPeriod",
    "Price",
    "SignedData",
    "SignedValue",
]


class AuthMethod(StrEnum):
    """How the driver was authorized (mod_cdrs.asciidoc, AuthMethod)."""

    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


class CdrDimensionType(StrEnum):
    """What a charging period measures: A, kWh, kW, hours or percent (mod_cdrs.asciidoc, CdrDimensionType).

    CURRENT, ENERGY_EXPORT, ENERGY_IMPORT, POWER and STATE_OF_CHARGE belong in sessions only. In a CDR they are taken
    nevertheless: they cost nothing, and a CDR is money.
    """

    CURRENT = "CURRENT"
    ENERGY = "ENERGY"
    ENERGY_EXPORT = "ENERGY_EXPORT"
    ENERGY_IMPORT = "ENERGY_IMPORT"
    MAX_CURRENT = "MAX_CURRENT"
    MIN_CURRENT = "MIN_CURRENT"
    MAX_POWER = "MAX_POWER"
    MIN_POWER = "MIN_POWER"
    PARKING_TIME = "PARKING_TIME"
    POWER = "POWER"
    RESERVATION_TIME = "RESERVATION_TIME"
    STATE_OF_CHARGE = "STATE_OF_CHARGE"
    TIME = "TIME"


class CdrDimension(OcpiModel):
    """One measured volume, in the unit of its type (mod_cdrs.asciidoc, CdrDimension)."""

    type: CdrDimensionType
    volume: Number


class ChargingPeriod(OcpiModel):
    """A stretch of a session until the next one starts (mod_cdrs.asciidoc, ChargingPeriod)."""

    start_date_time: DateTime
    dimensions: Some[CdrDimension]
    tariff_id: Annotated[str, CiString(36)] | None = None


class CdrToken(OwnedModel):
    """Which token a session was started with; its owner is the eMSP (mod_cdrs.asciidoc, CdrToken)."""

    uid: Id36
    type: AnyTokenType
    contract_id: Annotated[str, CiString(36)]


class CdrLocation(OcpiModel):
    """Where a session was, as it was called then (mod_cdrs.asciidoc, CdrLocation).

    `address` and `state` are shorter than a Location's. `#NA` stands where a reservation never became a session;
    its connector's fields may then say anything, so they are open.
    """

    id: Id36
    name: Annotated[str, String(255)] | None = None
    address: Annotated[str, String(45)]
    city: Annotated[str, String(45)]
    postal_code: Annotated[str, String(10)] | None = None
    state: Annotated[str, String(20)] | None = None
    country: Annotated[str, String(3)]
    coordinates: GeoLocation
    evse_uid: Id36
    evse_id: Annotated[str, CiString(48)]
    connector_id: Id36
    connector_standard: Annotated[ConnectorType | str, Open(ConnectorType)]
    connector_format: Annotated[ConnectorFormat | str, Open(ConnectorFormat)]
    connector_power_type: Annotated[PowerType | str, Open(PowerType)]


class SignedValue(OcpiModel):
    """A meter value with its signature, to be passed on to the letter (mod_cdrs.asciidoc, SignedValue).

    Line breaks are taken: some encodings are XML, and a changed character breaks the signature.
    """

    nature: Annotated[str, CiString(32)]
    plain_data: Annotated[str, StringConstraints(max_length=5000)]
    signed_data: Annotated[str, StringConstraints(max_length=5000)]


class SignedData(OcpiModel):
    """What a calibrated meter signed (mod_cdrs.asciidoc, SignedData)."""

    encoding_method: Annotated[str, CiString(36)]
    encoding_method_version: Int | None = None
    public_key: Annotated[str, StringConstraints(max_length=512)] | None = None
    signed_values: Some[SignedValue]
    url: Annotated[str, String(512)] | None = None


class CDR(OwnedModel):
    """A finished session and its cost, never changed afterwards (mod_cdrs.asciidoc, CDR). kWh and hours.

    Only the id of a credit CDR may be longer than 36, and a credit CDR says which CDR it takes back.
    """

    id: Annotated[str, CiString(39, least=1)]
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: Annotated[str, CiString(36)] | None = None
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: Annotated[str, CiString(36)] | None = None
    cdr_location: CdrLocation
    meter_id: Annotated[str, String(255)] | None = None
    currency: Currency
    tariffs: Many[Tariff] = ()
    charging_periods: Some[ChargingPeriod]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Number
    total_energy_cost: Price | None = None
    total_time: Number
    total_time_cost: Price | None = None
    total_parking_time: Number | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: Annotated[str, String(255)] | None = None
    invoice_reference_id: Annotated[str, CiString(39)] | None = None
    credit: Boolean | None = None
    credit_reference_id: Annotated[str, CiString(39)] | None = None
    home_charging_compensation: Boolean | None = None
    last_updated: DateTime

    @model_validator(mode="after")
    def _is_whole_as_credit_or_not(self) -> Self:
        if self.credit and not self.credit_reference_id:
            raise ValueError("credit_reference_id is required when credit is true")
        if not self.credit and len(self.id) > 36:
            raise ValueError("id must be at most 36 characters when this is not a credit CDR")
        return self
