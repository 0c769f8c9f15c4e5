"""How a charger says it in OCPP 2.1: as in 2.0.1, and what a charge costs where the charger prices it by itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bridge_ocpp.simulator.meter import Charge, Payload
from bridge_ocpp.simulator.speech201 import Speech201


class Speech21(Speech201):
    """How OCPP 2.1 says it."""

    protocol = "ocpp2.1"

    def _event(self, charge: Charge, kind: str, trigger: str, at: datetime, meter: Decimal, context: str) -> Payload:
        payload = super()._event(charge, kind, trigger, at, meter, context)
        if charge.tariff_id is not None:
            payload["transactionInfo"]["tariffId"] = charge.tariff_id
        if charge.cost is not None and kind != "Started":
            payload["costDetails"] = charge.cost
        return payload
