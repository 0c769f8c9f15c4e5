"""OCPP 2.1: what 2.0.1 says, and more. Put together here; a file per block holds what is new.

SEND and CALLRESULTERROR are new on the wire (part 4, 4.1.3); everything that is said by name of an action is in the
tables.
"""

from collections.abc import Mapping
from dataclasses import replace

from bridge_ocpp.dialects import v201
from bridge_ocpp.dialects.v21 import cars, certificates, charging, notices, streams
from bridge_ocpp.dialects.words import Inbound, Outbound
from bridge_ocpp.ocppj import TYPES_21

INBOUND: Mapping[str, Inbound] = {
    **v201.INBOUND,
    **charging.INBOUND,
    **notices.INBOUND,
    **streams.INBOUND,
    **cars.INBOUND,
}
OUTBOUND: Mapping[type, Outbound] = {**v201.OUTBOUND, **certificates.OUTBOUND}

DIALECT = replace(
    v201.DIALECT,
    protocol="ocpp2.1",
    schema_folder="v21",
    frame_types=TYPES_21,
    inbound=INBOUND,
    sends=streams.SENDS,
    outbound=OUTBOUND,
)
