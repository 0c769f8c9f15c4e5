"""How a charger says it in OCPP 1.6."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload, stamp


class Speech16:
    """How OCPP 1.6 says it."""

    protocol = "ocpp1.6"
    profile_key = "chargingProfileId"

    def boot(self, charger: Box) -> tuple[str, Payload]:
        return "BootNotification", {
            "chargePointVendor": charger.vendor,
            "chargePointModel": charger.model,
            "chargePointSerialNumber": charger.charger_id[:25],
            "firmwareVersion": charger.firmware,
        }

    def data(self, vendor: str, message: str, data: str) -> tuple[str, Payload]:
        """Something of the maker's own."""
        return "DataTransfer", {"vendorId": vendor, "messageId": message, "data": data}

    def status(self, evse: Evse, at: datetime) -> tuple[str, Payload]:
        return "StatusNotification", {
            "connectorId": evse.number,
            "errorCode": "OtherError" if evse.status == "Faulted" else "NoError",
            "status": evse.status,
            "timestamp": stamp(at),
        }

    def authorize(self, token: str) -> tuple[str, Payload]:
        return "Authorize", {"idTag": token}

    def verdict(self, answer: Payload) -> str:
        return str((answer.get("idTagInfo") or {}).get("status", "Accepted"))

    def group(self, answer: Payload) -> str | None:
        """The group of the token that the answer is about."""
        return (answer.get("idTagInfo") or {}).get("parentIdTag")

    def started(self, charge: Charge) -> tuple[str, Payload]:
        return "StartTransaction", {
            "connectorId": charge.evse,
            "idTag": charge.token,
            "meterStart": int(charge.meter_start),
            "timestamp": stamp(charge.started_at),
            **({} if charge.reservation_id is None else {"reservationId": charge.reservation_id}),
        }

    def name_charge(self, charge: Charge, answer: Payload) -> None:
        charge.ocpp_id = answer["transactionId"]

    def sampled(self, charge: Charge, at: datetime, meter: Decimal, drawn: Drawn) -> tuple[str, Payload]:
        return "MeterValues", {
            "connectorId": charge.evse,
            "transactionId": charge.ocpp_id,
            "meterValue": [
                {
                    "timestamp": stamp(at),
                    "sampledValue": [
                        {"value": str(meter), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
                        {"value": str(drawn.power_w), "measurand": "Power.Active.Import", "unit": "W"},
                        {"value": str(drawn.offered_a), "measurand": "Current.Offered", "unit": "A"},
                        *(
                            {
                                "value": str(drawn.current_on(n)),
                                "measurand": "Current.Import",
                                "unit": "A",
                                "phase": f"L{n}",
                            }
                            for n in (1, 2, 3)
                        ),
                    ],
                }
            ],
        }

    def metered(self, evse: Evse, at: datetime) -> tuple[str, Payload]:
        value = {"value": str(evse.read(at)), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        meter_value = [{"timestamp": stamp(at), "sampledValue": [{**value, "context": "Trigger"}]}]
        told: Payload = {"connectorId": evse.number, "meterValue": meter_value}
        if evse.charge is not None and evse.charge.ocpp_id is not None:
            told["transactionId"] = evse.charge.ocpp_id
        return "MeterValues", told

    def stopped(self, charge: Charge, at: datetime, meter: Decimal) -> tuple[str, Payload]:
        return "StopTransaction", {
            "transactionId": charge.ocpp_id,
            "idTag": charge.token,
            "meterStop": int(meter),
            "timestamp": stamp(at),
            "reason": charge.stop_reason,
        }
