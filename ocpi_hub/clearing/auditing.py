"""What an audit needs to know beside the CDR, gathered from what is kept here; the checks themselves are pricing's.

Reads only. Every query is by key or bounded; a CDR that reaches this file is a valid one (wire/cdrs.py).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ocpi_hub.clearing.tables import CdrAudit, Verdict
from ocpi_hub.clearing.zones import ONLY_ZONES
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS, Kind
from ocpi_hub.objects.tables import KeptCdr
from ocpi_hub.pricing import Audit, Finding, Severity, TariffError, TimeZoneError, audit
from ocpi_hub.pricing.reading import as_zone
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import dumps, loads
from ocpi_hub.wire.types import parse_datetime, same_id

Document = Mapping[str, Any]

_MOST_OTHERS = 50
_MOST_TARIFFS = 20
_NOT_AVAILABLE = "#na"
_PHASES = {"AC_1_PHASE": 1, "AC_3_PHASE": 3, "DC": 1}
"""How often max_voltage times max_amperage a connector gives (mod_locations, Connector: line to neutral)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a CDR's session was, as its audit is found again: `key` is None where no EVSE is named."""

    key: str | None
    location_key: str | None
    start: datetime
    end: datetime

    @classmethod
    def of(cls, cdr: Document, owner: PartyId) -> "Place":
        where = cdr["cdr_location"]
        named = where["evse_uid"].lower() != _NOT_AVAILABLE
        return cls(
            f"{owner.key}/{where['id']}/{where['evse_uid']}".lower() if named else None,
            where["id"].lower(),
            parse_datetime(cdr["start_date_time"]),
            parse_datetime(cdr["end_date_time"]),
        )


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, and digests of what it rests on beside the CDR: location, session, tariffs, original (None: not known,
    or not asked)."""

    audit: Audit
    basis: dict[str, str | None]


async def audit_cdr(db: AsyncSession, document: Document, *, owner: PartyId, reader: PartyId, at: datetime) -> Audited:
    """Audit a valid CDR of `owner` for `reader` with all that is known here. `at` is now; the CDR is only looked at."""
    location = await _document(db, LOCATIONS, owner, document["cdr_location"]["id"])
    zone, notes = _zone(document, location)
    notes += _elsewhere(document, reader)
    others = await _others(db, document, owner)
    credited = any(other.get("credit") for other in others)
    known: dict[str, Any] = {
        "time_zone": zone,
        "original": await _original(db, document, owner),
        # A correction says something else than its Session, and so does a Credit CDR: that is what they are for.
        "session": None if credited or document.get("credit") else await _session(db, document, owner),
        "others": others,
        "max_power_kw": _max_power(document, location),
        "now": at,
    }
    book = await _tariffs(db, document, owner, location) if not document.get("tariffs") else []
    try:
        found = audit(document, tariff=book or None, **known)
    except TariffError as error:
        notes.append(
            Finding("kept_tariff_unreadable", "tariffs", f"as kept here: {error}", Severity.INFO),
        )
        book, found = [], audit(document, **known)
    if book:
        notes.append(
            Finding("tariff_from_here", "tariffs", "is missing: priced by the tariff that is kept here", Severity.INFO)
        )
    basis = {
        "location": facts(location, _connector(document, location)) if location is not None else None,
        "session": _digest(known["session"]),
        "tariffs": _digest(book) if not document.get("tariffs") else None,
        "original": _digest(known["original"]),
    }
    return Audited(replace(found, findings=(*found.findings, *notes)), basis)


def facts(location: Document, connector: Document | None) -> str:
    """A digest of what an audit asks of a Location and one of its connectors: zone, power and tariffs."""
    asked = ("power_type", "max_voltage", "max_amperage", "max_electric_power", "tariff_ids")
    return str(_digest([location.get("time_zone"), *((connector or {}).get(name) for name in asked)]))


def every_facts(location: Document) -> set[str]:
    """The digests that an audit at this Location can rest on as it stands now."""
    connectors = [connector for evse in location.get("evses") or [] for connector in evse["connectors"]]
    return {facts(location, connector) for connector in [None, *connectors]}


def _digest(known: Any) -> str | None:
    return hashlib.blake2b(dumps(known, by_name=True).encode(), digest_size=8).hexdigest() if known else None


def _elsewhere(cdr: Document, reader: PartyId) -> list[Finding]:
    """A CDR that was sent to another party than the owner of its token."""
    token = CDRS.reader_of(cdr)
    if token is None or token == reader:
        return []
    message = f"is a token of {token}, but the CDR is for {reader}"
    return [Finding("addressed_elsewhere", "cdr_token", message, Severity.WARNING)]


async def _document(db: AsyncSession, kind: Kind, owner: PartyId, object_id: str | None) -> Document | None:
    kept = await reading.get(db, kind, owner=owner, object_id=object_id) if object_id else None
    return loads(kept.document) if kept is not None else None


def _zone(cdr: Document, location: Document | None) -> tuple[Any, list[Finding]]:
    """The zone of the CDR's place: its Location's, its country's only one, else UTC with a finding."""
    for name in (location.get("time_zone") if location else None, ONLY_ZONES.get(cdr["cdr_location"]["country"])):
        try:
            return as_zone(name), []
        except TimeZoneError:
            continue
    message = "names a Location that is not known here: local times were read in UTC"
    return as_zone("UTC"), [Finding("time_zone_unknown", "cdr_location.id", message, Severity.INFO)]


async def _original(db: AsyncSession, cdr: Document, owner: PartyId) -> Document | None:
    named = cdr.get("credit_reference_id") if cdr.get("credit") else None
    kept = await _document(db, CDRS, owner, named)
    if kept is not None or named is None:
        return kept
    passed = select(col(CdrAudit.document)).where(
        *_passed_on(owner), col(CdrAudit.key) == CDRS.object_key(str(named)), col(CdrAudit.document).is_not(None)
    )
    text = await db.scalar(passed)
    return loads(text) if text is not None else None


def _passed_on(owner: PartyId) -> tuple[ColumnElement[bool], ...]:
    """CDRs of an owner that went, or are to go, straight to their eMSP: they are kept with their audit only."""
    stands = col(CdrAudit.decision).not_in((Verdict.REJECTED.value, Verdict.REFUSED.value))
    return col(CdrAudit.owner_key) == owner.key, col(CdrAudit.addressed).is_(True), stands


async def _session(db: AsyncSession, cdr: Document, owner: PartyId) -> Document | None:
    """The CDR's Session, once it has ended: a running one may be behind."""
    session = await _document(db, SESSIONS, owner, cdr.get("session_id"))
    return session if session is not None and session.get("status") == "COMPLETED" else None


async def _others(db: AsyncSession, cdr: Document, owner: PartyId) -> list[Document]:
    """Kept CDRs of the same session, or of the same EVSE at the same time; not what was rejected."""
    place = Place.of(cdr, owner)
    same_cdr = and_(col(CdrAudit.key) == col(KeptCdr.key), col(CdrAudit.owner_key) == col(KeptCdr.owner_key))
    stands = ~exists().where(same_cdr, col(CdrAudit.decision) == Verdict.REJECTED.value)
    ways: list[ColumnElement[bool]] = []
    if cdr.get("session_id"):
        ways.append(col(KeptCdr.session_key) == cdr["session_id"].lower())
    if place.key is not None:
        there = select(col(CdrAudit.key)).where(
            col(CdrAudit.place_key) == place.key,
            col(CdrAudit.ended_at) >= place.start,
            col(CdrAudit.started_at) <= place.end,
        )
        keys = list(await db.scalars(there.order_by(col(CdrAudit.ended_at)).limit(_MOST_OTHERS)))
        ways.append(col(KeptCdr.key).in_(keys))
    if not ways:
        return []
    others = await _others_passed_on(db, cdr, owner)
    own = col(KeptCdr.key) == CDRS.object_key(cdr)
    query = select(col(KeptCdr.document)).where(col(KeptCdr.owner_key) == owner.key, or_(*ways), ~own, stands)
    kept = await db.scalars(query.order_by(col(KeptCdr.pk).desc()).limit(2 * _MOST_OTHERS))
    return [loads(text) for text in kept] + others


async def _others_passed_on(db: AsyncSession, cdr: Document, owner: PartyId) -> list[Document]:
    """The same among CDRs that are only passed on."""
    place = Place.of(cdr, owner)
    ways: list[ColumnElement[bool]] = []
    if cdr.get("session_id"):
        ways.append(col(CdrAudit.session_key) == cdr["session_id"].lower())
    if place.key is not None:
        at_once = (col(CdrAudit.ended_at) >= place.start, col(CdrAudit.started_at) <= place.end)
        ways.append(and_(col(CdrAudit.place_key) == place.key, *at_once))
    query = select(col(CdrAudit.document)).where(
        *_passed_on(owner), or_(*ways), col(CdrAudit.key) != CDRS.object_key(cdr), col(CdrAudit.document).is_not(None)
    )
    found = await db.scalars(query.order_by(col(CdrAudit.pk).desc()).limit(_MOST_OTHERS))
    return [loads(text) for text in found if text is not None]


async def _tariffs(db: AsyncSession, cdr: Document, owner: PartyId, location: Document | None) -> list[Document]:
    """The owner's tariffs that the periods name; where none does, the only one of the connector."""
    periods = cdr.get("charging_periods") or []
    names = list(dict.fromkeys(period["tariff_id"] for period in periods if period.get("tariff_id")))
    if not names:
        connector = _connector(cdr, location) or {}
        offered = connector.get("tariff_ids") or []
        names = offered if len(offered) == 1 else []
    found = [await _document(db, TARIFFS, owner, name) for name in names[:_MOST_TARIFFS]]
    return [tariff for tariff in found if tariff is not None]


def _max_power(cdr: Document, location: Document | None) -> Decimal | None:
    """kW that the CDR's connector can deliver, None where that is not known."""
    connector = _connector(cdr, location)
    if connector is None:
        return None
    watts = connector.get("max_electric_power")
    if watts is None:
        phases = _PHASES.get(connector["power_type"])
        watts = phases * connector["max_voltage"] * connector["max_amperage"] if phases else None
    return Decimal(watts) / 1000 if watts else None


def _connector(cdr: Document, location: Document | None) -> Document | None:
    where = cdr["cdr_location"]
    for evse in (location or {}).get("evses") or []:
        for connector in evse["connectors"] if same_id(evse["uid"], where["evse_uid"]) else []:
            if same_id(connector["id"], where["connector_id"]):
                found: Document = connector
                return found
    return None
