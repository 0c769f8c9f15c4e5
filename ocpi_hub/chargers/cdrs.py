"""What a transaction is as OCPI documents: its Session, its CDR, and the Credit CDR that takes one back.

One bill prices both, so a session costs at its end what its CDR says. Documents only: nothing is read or written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge_ocpp.port import Sample, StateChange, Transaction
from ocpi_hub.chargers import readings
from ocpi_hub.chargers.mapping import credit_id, kwh, signed_data
from ocpi_hub.chargers.tables import SessionLink
from ocpi_hub.pricing import PricingError, periods, price, reservation_periods
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.types import format_datetime, parse_datetime

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bill:
    """A session until `end`: energy in kWh, ChargingPeriods, and the total_… fields of its CDR.

    `start` is where charging began; `problem` says why there is no price: then there are no periods and no totals.
    """

    start: datetime
    end: datetime
    kwh: Decimal
    periods: list[Document]
    totals: Document
    problem: str | None = None


def bill(
    link: SessionLink,
    transaction: Transaction,
    samples: Sequence[Sample],
    states: Sequence[StateChange],
    *,
    until: datetime,
) -> Bill:
    """A transaction until its end, or until now, by the session's tariffs. Times are cut to milliseconds, as sent.

    A new period begins wherever the price changes. Without a tariff nothing was agreed, so nothing is
    owed: total_cost, which a CDR must have, is 0.
    """
    start = _milliseconds(transaction.started_at)
    energy_wh = max(transaction.energy_wh or Decimal(0), Decimal(0))
    # Energy needs time to flow in: a session of no length that has some is one of a millisecond.
    shortest = start + timedelta(milliseconds=1 if energy_wh else 0)
    end = max(_milliseconds(transaction.ended_at or until), shortest)
    parts = readings.stretches(start, end, states)
    try:
        documents = periods(
            tariff_of(link),
            later=later_tariffs(link),
            start=start,
            end=end,
            samples=readings.register(parts, energy_wh=energy_wh, samples=samples),
            time_zone=link.time_zone,
            parked=readings.parking(parts),
            powers=readings.powers(samples),
            currents=readings.currents(samples),
            reserved_from=link.reserved_from,
        )
        return Bill(start, end, kwh(energy_wh), documents, _totals(link, documents, start=start, end=end))
    except PricingError as error:
        return Bill(start, end, kwh(energy_wh), [], {}, problem=str(error))


def unpriced(start: datetime, *, until: datetime | None = None) -> Bill:
    """The bill of a session of which nothing is known but when it started, and ended."""
    return Bill(_milliseconds(start), _milliseconds(until or start), Decimal(0), [], {})


def reservation_bill(link: SessionLink, *, until: datetime) -> Bill:
    """What a reservation costs that nobody used (mod_tariffs, RESERVATION_EXPIRES). Less than a second was none."""
    start, end = _milliseconds(link.started_at), _milliseconds(until)
    if end - start < timedelta(seconds=1):
        return unpriced(start)
    try:
        documents = reservation_periods(tariff_of(link), start=start, end=end, time_zone=link.time_zone, expired=True)
        return Bill(start, end, Decimal(0), documents, _totals(link, documents, start=start, end=end))
    except PricingError as error:
        return Bill(start, end, Decimal(0), [], {}, problem=str(error))


def _totals(link: SessionLink, charging_periods: list[Document], *, start: datetime, end: datetime) -> Document:
    """The total_… fields; a CDR starts with its reservation if it had one (mod_cdrs, CDR.start_date_time)."""
    bare = {
        "start_date_time": format_datetime(_first_moment(link, start)),
        "end_date_time": format_datetime(end),
        "charging_periods": charging_periods,
    }
    book = tariffs_of(link) or [free_tariff(link)]
    return price(book, bare, time_zone=link.time_zone).totals()


def _first_moment(link: SessionLink, start: datetime) -> datetime:
    return min(_milliseconds(link.reserved_from), start) if link.reserved_from is not None else start


def free_tariff(link: SessionLink) -> Document:
    """A free of charge tariff (mod_tariffs, Tariff object): what a session without a tariff is counted by."""
    return {
        "country_code": link.country_code,
        "party_id": link.party_id,
        "id": "free",
        "currency": link.currency,
        "elements": [{"price_components": [{"type": "FLAT", "price": Decimal(0), "step_size": 1}]}],
        "last_updated": format_datetime(link.started_at),
    }


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def tariff_of(link: SessionLink) -> Document | None:
    """The tariff that was in force when the session started; a free one where there was none and one was chosen later,
    for then every period must say what it is priced by."""
    document: Document | None = wire_json.loads(link.tariff) if link.tariff is not None else None
    return free_tariff(link) if document is None and link.later_tariffs is not None else document


def later_tariffs(link: SessionLink) -> list[tuple[datetime, Document]]:
    """The tariffs that the driver chose on the way, each from when on."""
    return [(parse_datetime(one["from"]), one["tariff"]) for one in wire_json.loads(link.later_tariffs or "[]")]


def tariffs_of(link: SessionLink) -> list[Document]:
    """All tariffs of a session, each once, the first one first."""
    first = tariff_of(link)
    found: dict[str, Document] = {}
    for tariff in ([first] if first is not None else []) + [tariff for _, tariff in later_tariffs(link)]:
        found.setdefault(str(tariff["id"]).lower(), tariff)
    return list(found.values())


def session_document(link: SessionLink, bill: Bill, *, status: str, at: datetime) -> Document:
    """The Session (mod_sessions) as it stands; without `total_cost` where it could not be priced."""
    place = wire_json.loads(link.place or "{}")
    document: Document = {
        "country_code": link.country_code,
        "party_id": link.party_id,
        "id": link.session_id,
        "start_date_time": format_datetime(bill.start),
        "kwh": bill.kwh,
        "cdr_token": link.cdr_token,
        "auth_method": link.auth_method,
        **_reference(link),
        "location_id": place["id"],
        "evse_uid": place["evse_uid"],
        "connector_id": place["connector_id"],
        "currency": link.currency,
        "charging_periods": bill.periods,
        "status": status,
        "last_updated": format_datetime(at),
    }
    if link.ended_at is not None:
        document["end_date_time"] = format_datetime(bill.end)
    if "total_cost" in bill.totals:
        document["total_cost"] = bill.totals["total_cost"]
    return document


def cdr_document(
    link: SessionLink,
    bill: Bill,
    *,
    cdr_id: str,
    samples: Sequence[Sample],
    stop_reason: str | None,
    at: datetime,
) -> Document:
    """The CDR (mod_cdrs): sealed, with location, token and tariff as they were at the start."""
    signed = signed_data(samples)
    return {
        "country_code": link.country_code,
        "party_id": link.party_id,
        "id": cdr_id,
        "start_date_time": format_datetime(_first_moment(link, bill.start)),
        "end_date_time": format_datetime(bill.end),
        "session_id": link.session_id,
        "cdr_token": link.cdr_token,
        "auth_method": link.auth_method,
        **_reference(link),
        "cdr_location": wire_json.loads(link.place or "{}"),
        "currency": link.currency,
        **({"tariffs": tariffs} if (tariffs := tariffs_of(link)) else {}),
        "charging_periods": bill.periods,
        **({"signed_data": signed} if signed is not None else {}),
        **bill.totals,
        **({"remark": f"Stopped: {stop_reason}"[:255]} if stop_reason else {}),
        "last_updated": format_datetime(at),
    }


def credit_document(cdr: Mapping[str, Any], *, at: datetime) -> Document:
    """The Credit CDR of a CDR (mod_cdrs, "Credit CDRs"): all its data, and only total_cost negative."""
    return {
        **cdr,
        "id": credit_id(cdr["id"]),
        "credit": True,
        "credit_reference_id": cdr["id"],
        "total_cost": {name: 0 - Decimal(str(amount)) for name, amount in cdr["total_cost"].items()},
        "last_updated": format_datetime(at),
    }


def same_bill(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two CDRs say the same, leaving out their ids, when they were written, and the remark."""
    return _content(one) == _content(other)


def _content(cdr: Mapping[str, Any]) -> Document:
    said = {name: value for name, value in cdr.items() if name not in ("id", "remark", "last_updated")}
    read: Document = wire_json.loads(wire_json.dumps(said))
    return read


def _reference(link: SessionLink) -> Document:
    return {"authorization_reference": link.authorization_reference} if link.authorization_reference else {}
