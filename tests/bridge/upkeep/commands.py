"""Every command of upkeep, for the tests of what travels between processes."""

from datetime import UTC, datetime
from decimal import Decimal

from bridge_ocpp.port import (
    AskCustomer,
    ClearMonitors,
    Command,
    FetchDiagnostics,
    FetchSecurityLog,
    IdToken,
    ListMessages,
    Monitor,
    PublishFirmware,
    RemoveMessage,
    ReportMonitors,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetMonitors,
    ShowMessage,
    TellCost,
    UnpublishFirmware,
    UpdateFirmware,
    UpdateSignedFirmware,
    VariableName,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)
UPKEEP: list[Command] = [
    UpdateFirmware(1, "https://e.example/f", AT, AT, 3, 60),
    UpdateSignedFirmware(1, "https://e.example/f", AT, "PEM", "c2ln"),
    PublishFirmware(2, "https://e.example/f", "d41d8cd98f00b204e9800998ecf8427e", 3, 60),
    UnpublishFirmware("d41d8cd98f00b204e9800998ecf8427e"),
    FetchDiagnostics(2, "https://e.example/d", AT, AT),
    FetchSecurityLog(3, "https://e.example/s", retries=1, retry_interval=5),
    SetMonitors((Monitor(VariableName("Temperature", "EVSE", evse_id=1), "UpperThreshold", Decimal("60.5"), 4),)),
    ClearMonitors((1, 2)),
    SetMonitoringBase("All"),
    SetMonitoringLevel(4),
    ReportMonitors(4),
    ShowMessage(1, "Hello", "InFront", language="en", since=AT, until=AT),
    ListMessages(5),
    RemoveMessage(1),
    TellCost("tx", Decimal("12.40")),
    AskCustomer(6, report=True, clear=True, id_token=IdToken("T"), customer="c"),
]
