"""Tariffs that a 2.1 charger prices by itself (block I): kept, chosen when a charge starts, told as the cost of it.

Prices may not depend on anything: a tariff with conditions is ConditionNotSupported.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Charge, Payload

DEFAULT, DRIVER = "DefaultTariff", "DriverTariff"
_PARTS = ("energy", "chargingTime", "idleTime", "fixedFee")
_KWH, _MINUTE = Decimal(1000), Decimal(60)


@dataclass
class Priced:
    """What one charge costs by one tariff, from `since_wh` and `since` on; `before` is what it cost until then, with
    the fixed fee."""

    tariff: Payload
    kind: str
    since: datetime
    since_wh: Decimal
    before: Decimal | None = None


class Tariffs:
    """The tariffs at one charger: one for each EVSE (0: all), those of drivers, and those of running charges."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.defaults: dict[int, Payload] = {}
        self.drivers: dict[str, Payload] = {}
        self._running: dict[str, Priced] = {}

    # --- what the central system asks for ---------------------------------------------------------------------------

    def set_default(self, payload: Payload) -> Payload:
        """SetDefaultTariff (I07)."""
        evse, tariff = int(payload["evseId"]), payload["tariff"]
        if evse and evse not in self.charger.evses:
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
        if (wrong := _wrong(tariff)) is not None:
            return {"status": wrong}
        if any(at != evse and kept["tariffId"] == tariff["tariffId"] for at, kept in self.defaults.items()):
            return {"status": "DuplicateTariffId"}
        if evse == 0:
            self.defaults.clear()
        self.defaults[evse] = tariff
        self.charger.tell("tariff", f"{tariff['tariffId']} at {f'EVSE {evse}' if evse else 'all EVSEs'}")
        return {"status": "Accepted"}

    def assigned(self, payload: Payload) -> Payload:
        """GetTariffs (I09)."""
        wanted = int(payload["evseId"])
        found: list[Payload] = []
        for evse, tariff in self.defaults.items():
            if wanted in (0, evse) or evse == 0:
                evses = [evse] if evse else sorted(self.charger.evses)
                found.append(_assigned(tariff, DEFAULT) | {"evseIds": evses})
        for priced in self._running.values():
            if priced.kind == DRIVER:
                found.append(_assigned(priced.tariff, DRIVER))
        return {"status": "Accepted", "tariffAssignments": found} if found else {"status": "NoTariff"}

    def clear(self, payload: Payload) -> Payload:
        """ClearTariffs (I10). A charge that runs keeps the tariff that it started with."""
        evse, ids = payload.get("evseId"), payload.get("tariffIds") or []
        there = {at: kept["tariffId"] for at, kept in self.defaults.items() if evse in (None, 0, at)}
        results: list[Payload] = [{"tariffId": one, "status": "NoTariff"} for one in ids if one not in there.values()]
        for at, name in there.items():
            if not ids or name in ids:
                del self.defaults[at]
                results.append({"tariffId": name, "status": "Accepted"})
        return {"clearTariffsResult": results or [{"status": "NoTariff"}]}

    def change(self, payload: Payload) -> Payload:
        """ChangeTransactionTariff: prices from now on; what it cost before stays (I11)."""
        charge, tariff = self.charger.charge_named(payload["transactionId"]), payload["tariff"]
        if charge is None:
            return {"status": "TxNotFound"}
        if (wrong := _wrong(tariff)) is not None:
            return {"status": wrong}
        old = self._running.get(charge.local_id)
        if old is not None and old.tariff["currency"] != tariff["currency"]:
            return {"status": "NoCurrencyChange"}
        now = self.charger.now()
        meter = self.charger.evses[charge.evse].read(now)
        before = None if old is None else self._total(old, charge, now, meter)
        self._running[charge.local_id] = Priced(tariff, DRIVER, now, meter, before)
        self.charger.tell("tariff", f"{tariff['tariffId']} for the charge at EVSE {charge.evse}")
        return {"status": "Accepted"}

    # --- a charge ---------------------------------------------------------------------------------------------------

    def driver(self, token: str, tariff: Payload | None) -> None:
        """What the central system said of a driver's own tariff when it was asked about the token."""
        if tariff is None:
            self.drivers.pop(token.casefold(), None)
        elif _wrong(tariff) is None:
            self.drivers[token.casefold()] = tariff

    def begins(self, charge: Charge) -> None:
        """Which tariff counts: the driver's, the EVSE's, the charger's; what is not yet valid does not (I08)."""
        own = self.drivers.get(charge.token.casefold())
        tariff = own or self.defaults.get(charge.evse) or self.defaults.get(0)
        if tariff is None or (
            "validFrom" in tariff and datetime.fromisoformat(tariff["validFrom"]) > charge.started_at
        ):
            return
        kind = DEFAULT if own is None else DRIVER
        self._running[charge.local_id] = Priced(tariff, kind, charge.started_at, charge.meter_start)

    def tariff_of(self, charge: Charge) -> str | None:
        priced = self._running.get(charge.local_id)
        return None if priced is None else str(priced.tariff["tariffId"])

    def cost(self, charge: Charge, at: datetime, meter: Decimal) -> Payload | None:
        """CostDetailsType of a charge, or None where no tariff counts here."""
        priced = self._running.get(charge.local_id)
        if priced is None:
            return None
        total = self._total(priced, charge, at, meter)
        taxed = _taxed(priced, total)
        charging, idle = _seconds(charge, charge.started_at, at)
        usage = {"energy": float(charge.got_wh(meter) / _KWH), "chargingTime": charging, "idleTime": idle}
        price = {"currency": priced.tariff["currency"], "typeOfCost": "NormalCost", "total": taxed}
        return {"totalCost": price, "totalUsage": usage}

    def over(self, charge: Charge) -> None:
        self._running.pop(charge.local_id, None)

    def _total(self, priced: Priced, charge: Charge, at: datetime, meter: Decimal) -> Decimal:
        tariff, (charging, idle) = priced.tariff, _seconds(charge, priced.since, at)
        total = _price(tariff, "fixedFee", "priceFixed") if priced.before is None else priced.before
        total += _price(tariff, "energy", "priceKwh") * (meter - priced.since_wh) / _KWH
        total += _price(tariff, "chargingTime", "priceMinute") * charging / _MINUTE
        total += _price(tariff, "idleTime", "priceMinute") * idle / _MINUTE
        least, most = tariff.get("minCost") or {}, tariff.get("maxCost") or {}
        total = max(total, Decimal(str(least.get("exclTax", 0))))
        return min(total, Decimal(str(most["exclTax"]))) if "exclTax" in most else total


def _assigned(tariff: Payload, kind: str) -> Payload:
    found: Payload = {"tariffId": tariff["tariffId"], "tariffKind": kind}
    return found | {"validFrom": tariff["validFrom"]} if "validFrom" in tariff else found


def _wrong(tariff: Payload) -> str | None:
    """Why this charger cannot price by it, as SetDefaultTariff and its like say it."""
    prices: list[Any] = [price for part in _PARTS for price in (tariff.get(part) or {}).get("prices", ())]
    if any("conditions" in price for price in prices):
        return "ConditionNotSupported"
    return "TooManyElements" if any(len((tariff.get(part) or {}).get("prices", ())) > 1 for part in _PARTS) else None


def _seconds(charge: Charge, since: datetime, at: datetime) -> tuple[int, int]:
    """How long the car charged, and how long it stood there full."""
    full = max(charge.suspended_at or at, since)
    return int((full - since).total_seconds()), int((at - full).total_seconds())


def _price(tariff: Payload, part: str, name: str) -> Decimal:
    prices = (tariff.get(part) or {}).get("prices") or [{name: 0}]
    return Decimal(str(prices[0][name]))


def _taxed(priced: Priced, total: Decimal) -> Payload:
    """Without tax, and with it where the price of energy names its rates."""
    rates = (priced.tariff.get("energy") or {}).get("taxRates") or ()
    said: Payload = {"exclTax": float(round(total, 4))}
    if rates:
        factor = 1 + sum((Decimal(str(rate["tax"])) for rate in rates), Decimal(0)) / 100
        said["inclTax"] = float(round(total * factor, 4))
    return said
