"""What every step about a message needs to know of its circumstances."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge_ocpp.port import HubPort
from bridge_ocpp.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who speaks, when it arrived (UTC), who is told, and how long an end with gaps waits."""

    speaker: Speaker
    received: datetime
    hub: HubPort
    settle_window: timedelta
