"""Smart charging in OCPP 2.1: as in 2.0.1, with one more answer to a car. Pure table.

PullDynamicScheduleUpdate is missing on purpose: we keep no dynamic schedules, so its answer is NotSupported.
"""

from collections.abc import Mapping

from bridge_ocpp.dialects import needs
from bridge_ocpp.dialects.words import Inbound

INBOUND: Mapping[str, Inbound] = needs.table(never="NoChargingProfile")
