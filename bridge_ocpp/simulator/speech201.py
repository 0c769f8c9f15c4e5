"""How a charger says it in OCPP 2.0.1."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Charge, Drawn, Evse, Payload, stamp


class Speech201:
    """How OCPP 2.0.1 says it. Finer 1.6 words become Occupied, and the charging state tells the rest."""

    protocol = "ocpp2.0.1"
    profile_key = "id"
    _OCCUPIED = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing")

    def boot(self, charger: Box) -> tuple[str, Payload]:
        station = {
            "vendorName": charger.vendor,
            "model": charger.model,
            "serialNumber": charger.charger_id[:25],
            "firmwareVersion": charger.firmware,
        }
        return "BootNotification", {"reason": charger.boot_reason, "chargingStation": station}

    def data(self, vendor: str, message: str, data: str) -> tuple[str, Payload]:
        """Something of the maker's own."""
        return "DataTransfer", {"vendorId": vendor, "messageId": message, "data": data}

    def status(self, evse: Evse, at: datetime) -> tuple[str, Payload]:
        status = "Occupied" if evse.status in self._OCCUPIED else evse.status
        payload = {"timestamp": stamp(at), "connectorStatus": status, "evseId": evse.number, "connectorId": 1}
        return "StatusNotification", payload

    def authorize(self, token: str) -> tuple[str, Payload]:
        return "Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}}

    def verdict(self, answer: Payload) -> str:
        return str((answer.get("idTokenInfo") or {}).get("status", "Accepted"))

    def group(self, answer: Payload) -> str | None:
        """The group of the token that the answer is about."""
        return ((answer.get("idTokenInfo") or {}).get("groupIdToken") or {}).get("idToken")

    def _event(self, charge: Charge, kind: str, trigger: str, at: datetime, meter: Decimal, context: str) -> Payload:
        state = "SuspendedEV" if charge.suspended else "SuspendedEVSE" if charge.held else "Charging"
        state = "EVConnected" if charge.waits else state
        info: Payload = {"transactionId": charge.local_id, "chargingState": "Idle" if kind == "Ended" else state}
        if charge.remote_start_id is not None:
            info["remoteStartId"] = charge.remote_start_id
        if kind == "Ended":
            info["stoppedReason"] = charge.stop_reason
        sample = {
            "value": float(meter),
            "context": context,
            "measurand": "Energy.Active.Import.Register",
            "unitOfMeasure": {"unit": "Wh"},
        }
        return {
            "eventType": kind,
            "timestamp": stamp(at),
            "triggerReason": trigger,
            "seqNo": charge.next_seq(),
            "transactionInfo": info,
            "evse": {"id": charge.evse, "connectorId": 1},
            "meterValue": [{"timestamp": stamp(at), "sampledValue": [sample]}],
        }

    def started(self, charge: Charge) -> tuple[str, Payload]:
        trigger = "RemoteStart" if charge.remote_start_id is not None else "Authorized"
        payload = self._event(charge, "Started", trigger, charge.started_at, charge.meter_start, "Transaction.Begin")
        payload["idToken"] = {"idToken": charge.token, "type": charge.shown_as}
        if charge.reservation_id is not None:
            payload["reservationId"] = charge.reservation_id
        return "TransactionEvent", payload

    def name_charge(self, charge: Charge, answer: Payload) -> None:
        charge.ocpp_id = charge.local_id

    def sampled(self, charge: Charge, at: datetime, meter: Decimal, drawn: Drawn) -> tuple[str, Payload]:
        payload = self._event(charge, "Updated", "MeterValuePeriodic", at, meter, "Sample.Periodic")
        payload["meterValue"][0]["sampledValue"] += [
            _sample(drawn.power_w, "Power.Active.Import", "W"),
            _sample(drawn.offered_a, "Current.Offered", "A"),
            *(_sample(drawn.current_on(n), "Current.Import", "A", phase=f"L{n}") for n in (1, 2, 3)),
            *([] if charge.soc is None else [_sample(charge.soc, "SoC", "Percent")]),
        ]
        return "TransactionEvent", payload

    def metered(self, evse: Evse, at: datetime) -> tuple[str, Payload]:
        value = {"value": float(evse.read(at)), "measurand": "Energy.Active.Import.Register", "context": "Trigger"}
        meter_value = [{"timestamp": stamp(at), "sampledValue": [value]}]
        return "MeterValues", {"evseId": evse.number, "meterValue": meter_value}

    def asked_for(self, charge: Charge, at: datetime, meter: Decimal) -> tuple[str, Payload]:
        """The same because of a trigger."""
        return "TransactionEvent", self._event(charge, "Updated", "Trigger", at, meter, "Trigger")

    def stopped(self, charge: Charge, at: datetime, meter: Decimal) -> tuple[str, Payload]:
        trigger = "RemoteStop" if charge.stop_reason == "Remote" else "StopAuthorized"
        return "TransactionEvent", self._event(charge, "Ended", trigger, at, meter, "Transaction.End")


def _sample(value: Decimal, measurand: str, unit: str, *, phase: str | None = None) -> Payload:
    sample: Payload = {"value": float(value), "measurand": measurand, "unitOfMeasure": {"unit": unit}}
    return sample if phase is None else sample | {"phase": phase}
