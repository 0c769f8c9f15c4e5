"""Paying at the charger, or on the web beside it (OCPP 2.1: C21, C25, and the driver's VAT number)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.contract import why
from bridge_ocpp.simulator.meter import Charge, Payload, stamp

SHOWN_AS = "DirectPayment"


class Till:
    """The payment terminal of one charger. `receipts` are what the central system gave for each settlement."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.receipts: list[Payload] = []
        self.company: Payload | None = None
        self.vat_number: str | None = None
        self._web: dict[int, datetime] = {}
        self._references = count(1)

    # --- on the web -------------------------------------------------------------------------------------------------

    def web_payment(self, payload: Payload) -> Payload:
        """NotifyWebPaymentStarted: nobody else may start there until it is paid, or the time is over; 0 ends it."""
        evse, seconds = int(payload["evseId"]), int(payload["timeout"])
        for place in [evse] if evse else list(self.charger.evses):
            self._web[place] = self.charger.now() + timedelta(seconds=seconds)
        self.charger.tell("payment", f"somebody pays on the web for EVSE {evse}, for {seconds} s at most")
        return {}

    def is_paid_elsewhere(self, evse: int) -> bool:
        """Whether somebody pays on the web for this EVSE just now."""
        return self._web.get(evse, self.charger.now()) > self.charger.now()

    def paid(self, evse: int) -> None:
        """The remote start that was paid for has come."""
        self._web.pop(evse, None)

    # --- here -------------------------------------------------------------------------------------------------------

    def reference(self) -> str:
        """What the payment provider calls the next payment."""
        return f"PSP-{self.charger.charger_id}-{next(self._references)}"

    async def ask_vat(self, number: str, evse: int) -> bool:
        """Ask whether a company has this VAT number, for the receipt."""
        answer = await self.charger.call("VatNumberValidation", {"vatNumber": number, "evseId": evse})
        accepted = answer.get("status") == "Accepted"
        self.company, self.vat_number = (answer.get("company"), number) if accepted else (None, None)
        told = (self.company or {}).get("name", "known") if accepted else f"refused: {why(answer)}"
        self.charger.tell("vat", f"{number}: {told}")
        return accepted

    async def settle(self, reference: str, charge: Charge, amount: Decimal, *, status: str = "Settled") -> None:
        """The payment provider has taken the money, or says why not."""
        told: Payload = {
            "transactionId": str(charge.ocpp_id),
            "pspRef": reference,
            "status": status,
            "settlementAmount": float(amount),
            "settlementTime": stamp(self.charger.now()),
            "receiptId": f"R-{reference}",
        }
        if self.company is not None and self.vat_number is not None:
            told |= {"vatCompany": self.company, "vatNumber": self.vat_number}
        answer = await self.charger.say("NotifySettlement", told)
        self.receipts.append(answer)
        nothing = "" if amount else " (no tariff here, and nobody told a cost)"
        self.charger.tell("payment", f"{status} {amount:f}{nothing}, {reference}")
