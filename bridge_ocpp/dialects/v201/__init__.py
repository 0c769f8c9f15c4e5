"""OCPP 2.0.1 in the domain's words and back: one file per block of the specification, put together here.

What a later version adds is written as this and more: `INBOUND | {…}`.
"""

from collections.abc import Mapping

from bridge_ocpp.dialects.v201 import cars, charging, core, devices, monitoring, security, upkeep
from bridge_ocpp.dialects.words import Dialect, Inbound, Outbound
from bridge_ocpp.ocppj import CODES_2X
from bridge_ocpp.quirks import Leniency

INBOUND: Mapping[str, Inbound] = {
    **core.INBOUND,
    **charging.INBOUND,
    **devices.INBOUND,
    **upkeep.INBOUND,
    **monitoring.INBOUND,
    **security.INBOUND,
    **cars.INBOUND,
}
OUTBOUND: Mapping[type, Outbound] = {
    **core.OUTBOUND,
    **charging.OUTBOUND,
    **devices.OUTBOUND,
    **upkeep.OUTBOUND,
    **monitoring.OUTBOUND,
    **security.OUTBOUND,
}

DIALECT = Dialect(
    protocol="ocpp2.0.1",
    schema_folder="v201",
    request_suffix="Request",
    codes=CODES_2X,
    nameless="-1",
    echoes_remote_start=True,
    boots_first=True,
    invites=devices.invites,
    leniency=Leniency(
        informational=frozenset(
            {"reason", "triggerReason", "stoppedReason", "chargingState", "context", "measurand", "phase", "location"},
        ),
        spared=frozenset({"timestamp", "generatedAt", "reason", "triggerReason", "sampledValue.value"}),
        unreadable=frozenset({"sampledValue.value"}),
    ),
    inbound=INBOUND,
    outbound=OUTBOUND,
    own_component=devices.COMPONENT,
    knows_masters=True,
    wishes=devices.WISHES,
    limits=devices.LIMITS,
    meant={**core.MEANT, **charging.MEANT},
)
