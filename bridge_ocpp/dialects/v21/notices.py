"""What 2.1 chargers report and we keep as it came: grid control (DER), battery swaps, payments. Pure tables."""

from collections.abc import Mapping

from bridge_ocpp.clock import read_time
from bridge_ocpp.dialects.words import Inbound, Notice, nothing


def _notice(topic: str, *, time: str = "timestamp") -> Inbound:
    return Inbound(lambda payload: Notice(topic, read_time(payload.get(time)), payload), nothing)


INBOUND: Mapping[str, Inbound] = {
    "BatterySwap": _notice("BatterySwap"),
    "NotifyDERAlarm": _notice("NotifyDERAlarm"),
    "NotifyDERStartStop": _notice("NotifyDERStartStop"),
    "NotifyPriorityCharging": _notice("NotifyPriorityCharging"),
    "NotifySettlement": _notice("NotifySettlement", time="settlementTime"),
    "ReportDERControl": _notice("ReportDERControl"),
}
