"""OCPP 1.6 in the domain's words and back: one file per block of the specification, put together here.

Each connector is an EVSE with one connector; connector 0 is the charger as a whole.
"""

from collections.abc import Mapping

from bridge_ocpp.dialects.v16 import charging, core, devices, security, upkeep
from bridge_ocpp.dialects.words import Dialect, Inbound, Outbound
from bridge_ocpp.ocppj import CODES_16
from bridge_ocpp.quirks import Leniency

INBOUND: Mapping[str, Inbound] = {**core.INBOUND, **devices.INBOUND, **upkeep.INBOUND, **security.INBOUND}
OUTBOUND: Mapping[type, Outbound] = {
    **core.OUTBOUND,
    **charging.OUTBOUND,
    **devices.OUTBOUND,
    **upkeep.OUTBOUND,
    **security.OUTBOUND,
}

DIALECT = Dialect(
    protocol="ocpp1.6",
    schema_folder="v16",
    request_suffix="",
    codes=CODES_16,
    nameless=None,
    echoes_remote_start=False,
    boots_first=False,
    invites=devices.invites,
    leniency=Leniency(
        informational=frozenset(
            {"errorCode", "reason", "context", "format", "measurand", "phase", "location", "unit"},
        ),
        spared=frozenset({"errorCode", "timestamp", "sampledValue.value"}),
        fractional=frozenset({"meterStart", "meterStop"}),
    ),
    inbound=INBOUND,
    outbound=OUTBOUND,
    own_component=devices.COMPONENT,
    knows_masters=False,
    wishes=devices.WISHES,
    limits=devices.LIMITS,
    meant={**core.MEANT, **charging.MEANT},
)
