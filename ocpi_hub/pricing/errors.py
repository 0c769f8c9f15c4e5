"""What pricing says about bad input: one small tree, every error naming the field it is about.

Bad input never becomes a number. The class says which document is meant, `field` the path inside it.
"""


class PricingError(ValueError):
    """Something cannot be priced. `field` is a path such as `elements[0].restrictions.end_time`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class TariffError(PricingError):
    """A tariff that cannot be read or makes no sense (mod_tariffs.asciidoc)."""


class CdrError(PricingError):
    """A CDR, or a session, that cannot be read or cannot have happened (mod_cdrs.asciidoc)."""


class TimeZoneError(PricingError):
    """A time zone that the IANA database does not know."""
