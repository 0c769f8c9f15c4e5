"""Where to charge: Location, EVSE, Connector and their parts (mod_locations). Its enumerations are in places.py."""

from decimal import Decimal
from typing import Annotated, Self

from annotated_types import Ge, Le
from pydantic import model_validator

from ocpi_hub.wire.parties import OwnedModel
from ocpi_hub.wire.places import (
    Capability,
    ConnectorFormat,
    ConnectorType,
    EnergySourceCategory,
    EnvironmentalImpactCategory,
    Facility,
    ParkingRestriction,
    ParkingType,
    PowerType,
    Status,
)
from ocpi_hub.wire.tokens import AnyTokenType
from ocpi_hub.wire.types import (
    Boolean,
    BusinessDetails,
    CiString,
    DateTime,
    DisplayText,
    Id36,
    Image,
    ImageCategory,
    Int,
    Latitude,
    Longitude,
    Many,
    NaturalInt,
    Number,
    OcpiModel,
    Open,
    Some,
    String,
    TimeOfDay,
    Url,
)

__all__ = [
    "EVSE",
    "AdditionalGeoLocation",
    "BusinessDetails",
    "Capability",
    "Connector",
    "ConnectorFormat",
    "ConnectorType",
    "EnergyMix",
    "EnergySource",
    "EnergySourceCategory",
    "EnvironmentalImpact",
    "EnvironmentalImpactCategory",
    "ExceptionalPeriod",
    "Facility",
    "GeoLocation",
    "Hours",
    "Image",
    "ImageCategory",
    "Location",
    "ParkingRestriction",
    "ParkingType",
    "PowerType",
    "PublishTokenType",
    "RegularHours",
    "Status",
    "StatusSchedule",
]

_ROUNDING = Decimal(1)  # percentages are rounded by those who write them


class GeoLocation(OcpiModel):
    """A point in WGS 84, in decimal degrees as strings (mod_locations.asciidoc, GeoLocation)."""

    latitude: Latitude
    longitude: Longitude


class AdditionalGeoLocation(GeoLocation):
    """A further point that matters to a driver, such as an entrance (mod_locations.asciidoc, AdditionalGeoLocation)."""

    name: DisplayText | None = None


class PublishTokenType(OcpiModel):
    """Whose token may see an unpublished location (mod_locations.asciidoc, PublishTokenType)."""

    uid: Annotated[str, CiString(36)] | None = None
    type: AnyTokenType | None = None
    visual_number: Annotated[str, String(64)] | None = None
    issuer: Annotated[str, String(64)] | None = None
    group_id: Annotated[str, CiString(36)] | None = None

    @model_validator(mode="after")
    def _names_a_token(self) -> Self:
        if self.uid is None and self.visual_number is None and self.group_id is None:
            raise ValueError("needs a uid, a visual_number or a group_id")
        if self.uid is not None and self.type is None:
            raise ValueError("type is required beside uid")
        if self.visual_number is not None and self.issuer is None:
            raise ValueError("issuer is required beside visual_number")
        return self


class RegularHours(OcpiModel):
    """Opening hours of one weekday, Monday is 1, in local time (mod_locations.asciidoc, RegularHours)."""

    weekday: Annotated[Int, Ge(1), Le(7)]
    period_begin: TimeOfDay
    period_end: TimeOfDay

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.period_end <= self.period_begin:
            raise ValueError("period_end must be later than period_begin")
        return self


class ExceptionalPeriod(OcpiModel):
    """One exception to the opening hours, in UTC (mod_locations.asciidoc, ExceptionalPeriod)."""

    period_begin: DateTime
    period_end: DateTime

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.period_end <= self.period_begin:
            raise ValueError("period_end must be later than period_begin")
        return self


class Hours(OcpiModel):
    """When a location can be used: always, or by weekday, with exceptions (mod_locations.asciidoc, Hours)."""

    twentyfourseven: Boolean
    regular_hours: Many[RegularHours] = ()
    exceptional_openings: Many[ExceptionalPeriod] = ()
    exceptional_closings: Many[ExceptionalPeriod] = ()

    @model_validator(mode="after")
    def _is_open_some_time(self) -> Self:
        if not self.twentyfourseven and not self.regular_hours:
            raise ValueError("regular_hours is required when twentyfourseven is false")
        return self


class EnergySource(OcpiModel):
    """A share of the energy, in percent (mod_locations.asciidoc, EnergySource)."""

    source: EnergySourceCategory
    percentage: Annotated[Number, Ge(0), Le(100)]


class EnvironmentalImpact(OcpiModel):
    """What a kWh leaves behind, in g/kWh (mod_locations.asciidoc, EnvironmentalImpact)."""

    category: Annotated[EnvironmentalImpactCategory | str, Open(EnvironmentalImpactCategory)]
    amount: Number


class EnergyMix(OcpiModel):
    """Where the energy comes from; the sources add up to 100 percent (mod_locations.asciidoc, EnergyMix)."""

    is_green_energy: Boolean
    energy_sources: Many[EnergySource] = ()
    environ_impact: Many[EnvironmentalImpact] = ()
    supplier_name: Annotated[str, String(64)] | None = None
    energy_product_name: Annotated[str, String(64)] | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum((one.percentage for one in self.energy_sources), Decimal(0))
        if self.energy_sources and abs(total - 100) > _ROUNDING:
            raise ValueError("energy_sources must add up to 100 percent")
        return self


class StatusSchedule(OcpiModel):
    """A status that is planned, for information only (mod_locations.asciidoc, StatusSchedule)."""

    period_begin: DateTime
    period_end: DateTime | None = None
    status: Status


class Connector(OcpiModel):
    """A socket, or a cable and plug; volts, amperes and watts (mod_locations.asciidoc, Connector)."""

    id: Id36
    standard: Annotated[ConnectorType | str, Open(ConnectorType)]
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: NaturalInt
    max_amperage: NaturalInt
    max_electric_power: NaturalInt | None = None
    tariff_ids: Many[Id36] = ()
    terms_and_conditions: Url | None = None
    last_updated: DateTime


class EVSE(OcpiModel):
    """What supplies one vehicle at a time; its connectors exclude each other (mod_locations.asciidoc, EVSE)."""

    uid: Id36
    evse_id: Annotated[str, CiString(48)] | None = None
    status: Status
    status_schedule: Many[StatusSchedule] = ()
    capabilities: Many[Annotated[Capability | str, Open(Capability)]] = ()
    connectors: Some[Connector]
    floor_level: Annotated[str, String(4)] | None = None
    coordinates: GeoLocation | None = None
    physical_reference: Annotated[str, String(16)] | None = None
    directions: Many[DisplayText] = ()
    parking_restrictions: Many[Annotated[ParkingRestriction | str, Open(ParkingRestriction)]] = ()
    images: Many[Image] = ()
    last_updated: DateTime


class Location(OwnedModel):
    """A place with EVSEs that belong together (mod_locations.asciidoc, Location). `country` is ISO 3166-1 alpha-3,
    `country_code` of the owner is alpha-2. Its lists may be absent; absent operator means the owner's own details."""

    id: Id36
    publish: Boolean
    publish_allowed_to: Many[PublishTokenType] = ()
    name: Annotated[str, String(255)] | None = None
    address: Annotated[str, String(255)]
    city: Annotated[str, String(45)]
    postal_code: Annotated[str, String(10)] | None = None
    state: Annotated[str, String(45)] | None = None
    country: Annotated[str, String(3)]
    coordinates: GeoLocation
    related_locations: Many[AdditionalGeoLocation] = ()
    parking_type: Annotated[ParkingType | str, Open(ParkingType)] | None = None
    evses: Many[EVSE] = ()
    directions: Many[DisplayText] = ()
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: Many[Annotated[Facility | str, Open(Facility)]] = ()
    time_zone: Annotated[str, String(255)]
    opening_times: Hours | None = None
    charging_when_closed: Boolean | None = None
    images: Many[Image] = ()
    energy_mix: EnergyMix | None = None
    last_updated: DateTime
