"""What everybody works with who hears chargers or asks them something."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.ledger import Ledger
from bridge_ocpp.port import HubPort
from bridge_ocpp.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Desk:
    """One per bridge process."""

    config: BridgeConfig
    ledger: Ledger
    hub: HubPort
    now: Callable[[], datetime]

    def hearing(self, speaker: Speaker, received: datetime) -> Hearing:
        return Hearing(speaker, received, self.hub, timedelta(seconds=self.config.settle_window))
