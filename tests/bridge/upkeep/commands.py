"""Every command of upkeep, for the tests of what travels between processes."""

from datetime import UTC, datetime

from bridge_ocpp.port import Command, FetchDiagnostics, FetchSecurityLog, UpdateFirmware, UpdateSignedFirmware

AT = datetime(2026, 3, 1, tzinfo=UTC)
UPKEEP: list[Command] = [
    UpdateFirmware(1, "https://e.example/f", AT, AT, 3, 60),
    UpdateSignedFirmware(1, "https://e.example/f", AT, "PEM", "c2ln"),
    FetchDiagnostics(2, "https://e.example/d", AT, AT),
    FetchSecurityLog(3, "https://e.example/s", retries=1, retry_interval=5),
]
