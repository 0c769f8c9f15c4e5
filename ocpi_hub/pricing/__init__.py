"""PURE: what charging costs. Tariffs and CDRs in, explained Decimal amounts out; no I/O, no clock, no logging.

price() bills a CDR or a running session, periods() cuts our own chargers' sessions so that this is exact,
estimate() tells a driver beforehand, audit() checks everybody's CDRs. prepare() reads a tariff once for many.
"""

from .audit import audit
from .comparison import Difference, differences
from .cutting import periods, reservation_periods
from .errors import CdrError, PricingError, TariffError, TimeZoneError
from .estimate import estimate
from .findings import Audit, Finding, Severity
from .lines import Line
from .moments import cut_points
from .money import WIRE, Price, Rounding
from .pairs import against_session, credit_pair, duplicates, missing_cdrs, overlaps
from .pricer import price
from .report import CostReport
from .tariff import Kind, PreparedTariff, choose
from .tariff_reading import prepare

__all__ = [
    "WIRE",
    "Audit",
    "CdrError",
    "CostReport",
    "Difference",
    "Finding",
    "Kind",
    "Line",
    "PreparedTariff",
    "Price",
    "PricingError",
    "Rounding",
    "Severity",
    "TariffError",
    "TimeZoneError",
    "against_session",
    "audit",
    "choose",
    "credit_pair",
    "cut_points",
    "differences",
    "duplicates",
    "estimate",
    "missing_cdrs",
    "overlaps",
    "periods",
    "prepare",
    "price",
    "reservation_periods",
]
