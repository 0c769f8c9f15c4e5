"""What charging costs (mod_tariffs): elements of price components under restrictions. The reckoning is in pricing/."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from ocpi_hub.wire.locations import EnergyMix
from ocpi_hub.wire.parties import OwnedModel
from ocpi_hub.wire.types import (
    Currency,
    Date,
    DateTime,
    DisplayText,
    Id36,
    Many,
    NaturalInt,
    Number,
    OcpiModel,
    Price,
    Some,
    TimeOfDay,
    Url,
)

__all__ = [
    "DayOfWeek",
    "DisplayText",
    "EnergyMix",
    "Price",
    "PriceComponent",
    "ReservationRestrictionType",
    "Tariff",
    "TariffDimensionType",
    "TariffElement",
    "TariffRestrictions",
    "TariffType",
]


class DayOfWeek(StrEnum):
    """A day by its name (mod_tariffs.asciidoc, DayOfWeek)."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class ReservationRestrictionType(StrEnum):
    """Whether an element prices a reservation or an expired one (mod_tariffs.asciidoc, ReservationRestrictionType)."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class TariffDimensionType(StrEnum):
    """What is priced: per kWh, once, or per hour (mod_tariffs.asciidoc, TariffDimensionType)."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class TariffType(StrEnum):
    """Which sessions a tariff is for (mod_tariffs.asciidoc, TariffType)."""

    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class PriceComponent(OcpiModel):
    """A price per unit without VAT (mod_tariffs.asciidoc, PriceComponent). `step_size` counts Wh or seconds, `vat` is
    a percentage; a missing vat says that none applies, which is not 0 %."""

    type: TariffDimensionType
    price: Number
    vat: Number | None = None
    step_size: NaturalInt


class TariffRestrictions(OcpiModel):
    """When an element applies; all that are set must hold (mod_tariffs.asciidoc, TariffRestrictions).

    Times and dates are local to the location; kWh, A, kW and s. A minimum is inclusive, a maximum exclusive.
    """

    start_time: TimeOfDay | None = None
    end_time: TimeOfDay | None = None
    start_date: Date | None = None
    end_date: Date | None = None
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: NaturalInt | None = None
    max_duration: NaturalInt | None = None
    day_of_week: Many[DayOfWeek] = ()
    reservation: ReservationRestrictionType | None = None


_OF_RESERVATIONS = frozenset({TariffDimensionType.FLAT, TariffDimensionType.TIME})


class TariffElement(OcpiModel):
    """Price components under the same restrictions (mod_tariffs.asciidoc, TariffElement). A reservation has only
    FLAT and TIME."""

    price_components: Some[PriceComponent]
    restrictions: TariffRestrictions | None = None

    @model_validator(mode="after")
    def _prices_what_a_reservation_has(self) -> Self:
        if self.restrictions is not None and self.restrictions.reservation is not None:
            for index, component in enumerate(self.price_components):
                if component.type not in _OF_RESERVATIONS:
                    raise ValueError(f"price_components.{index}: a reservation can only have FLAT and TIME")
        return self


class Tariff(OwnedModel):
    """What charging at a connector costs (mod_tariffs.asciidoc, Tariff). The times of its validity are UTC."""

    id: Id36
    currency: Currency
    type: TariffType | None = None
    tariff_alt_text: Many[DisplayText] = ()
    tariff_alt_url: Url | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    elements: Some[TariffElement]
    start_date_time: DateTime | None = None
    end_date_time: DateTime | None = None
    energy_mix: EnergyMix | None = None
    last_updated: DateTime
