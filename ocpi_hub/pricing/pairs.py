"""Checks that need more than one document: overlaps, duplicates, credit pairs, the session of a CDR, missing CDRs.

The caller finds the other documents; nothing is looked up here. Ids compare without case (CiString).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .errors import CdrError
from .findings import Finding, Severity
from .reading import Document, Fields, Unreadable, as_number

_NOT_AVAILABLE = "#na"
_MAY_CHANGE = {"id", "credit", "credit_reference_id", "total_cost", "last_updated", "remark", "invoice_reference_id"}
"""What a Credit CDR may say otherwise than the CDR that it credits (mod_cdrs, Credit CDRs)."""
_TOUCH = timedelta(seconds=1)
_NUMBERS = (int, float, Decimal)


def overlaps(cdr: Document, others: Iterable[Document]) -> Iterator[Finding]:
    """Other CDRs of the same EVSE at the same time. Credit CDRs and what they credit do not count."""
    this = _Fact(cdr)
    for other in _counting(this, others):
        if this.place and this.place == other.place and this.overlaps(other):
            yield Finding(
                "overlap",
                "start_date_time",
                f"the same EVSE was in use for CDR {other.id}",
                severity=Severity.WARNING,
                numbers={"other": other.id, "start": other.start, "end": other.end},
            )


def duplicates(cdr: Document, others: Iterable[Document]) -> Iterator[Finding]:
    """Other CDRs for the same session: the same session_id, or the same token, EVSE, start and end."""
    this = _Fact(cdr)
    for other in _counting(this, others):
        by_session = this.session is not None and this.session == other.session
        by_facts = this.facts == other.facts and None not in this.facts
        if by_session or by_facts:
            yield Finding(
                "duplicate",
                "session_id" if by_session else "id",
                f"CDR {other.id} is for the same {'session' if by_session else 'token, EVSE, start and end'}",
                numbers={"other": other.id},
            )


def credit_pair(credit: Document, original: Document) -> Iterator[Finding]:
    """A Credit CDR against the CDR that it credits: all data alike, only total_cost negated."""
    new, old = Fields(credit, CdrError), Fields(original, CdrError)
    if _fold(new.text("credit_reference_id")) != _fold(old.text("id")):
        yield Finding("credit_reference_differs", "credit_reference_id", f"is not the id of CDR {old.text('id')}")
    if _fold(new.text("id")) == _fold(old.text("id")):
        yield Finding("credit_same_id", "id", "is the id of the CDR that is credited")
    for part in ("excl_vat", "incl_vat"):
        amounts = [_part(fields, part) for fields in (new, old)]
        if None not in amounts and amounts[0] != -(amounts[1] or Decimal(0)):
            yield Finding(
                "credit_amount_differs",
                f"total_cost.{part}",
                f"is {amounts[0]:f}, the credited CDR has {amounts[1]:f}",
                numbers={"stated": amounts[0], "computed": -(amounts[1] or Decimal(0))},
            )
    for name in sorted({*new.values, *old.values} - _MAY_CHANGE):
        if not _same(new.values.get(name), old.values.get(name)):
            yield Finding("credit_data_differs", name, "is not what the credited CDR says", severity=Severity.WARNING)


def against_session(cdr: Document, session: Document) -> Iterator[Finding]:
    """A CDR against the last state of its Session: energy, cost and currency."""
    bill, seen = Fields(cdr, CdrError), Fields(session, CdrError)
    for name, stated, known in (
        ("total_energy", bill.number("total_energy"), seen.number("kwh")),
        ("total_cost.excl_vat", _part(bill, "excl_vat"), _part(seen, "excl_vat")),
        ("total_cost.incl_vat", _part(bill, "incl_vat"), _part(seen, "incl_vat")),
    ):
        if stated is not None and known is not None and stated != known:
            yield Finding(
                "session_differs",
                name,
                f"is {stated:f}, the session ended with {known:f}",
                severity=Severity.WARNING,
                numbers={"stated": stated, "session": known, "difference": stated - known},
            )
    if seen.has("currency") and bill.has("currency") and seen.values["currency"] != bill.values["currency"]:
        yield Finding(
            "session_differs", "currency", f"is {bill.text('currency')}, in the session {seen.text('currency')}"
        )


def missing_cdrs(
    sessions: Iterable[Document], cdrs: Iterable[Document], *, now: datetime, after: timedelta = timedelta(days=1)
) -> list[tuple[str, Finding]]:
    """(session id, finding) for each Session that is COMPLETED longer than `after` ago and has no CDR."""
    billed = {_fold(Fields(cdr, CdrError).text("session_id")) for cdr in cdrs}
    missing = []
    for session in sessions:
        fields = Fields(session, CdrError)
        ended, session_id = fields.moment("end_date_time") or fields.moment("last_updated"), fields.text("id") or ""
        if fields.values.get("status") != "COMPLETED" or ended is None or now - ended <= after:
            continue
        if _fold(session_id) not in billed:
            message = f"session {session_id} was completed at {ended:%Y-%m-%d %H:%M} UTC and has no CDR"
            missing.append(
                (session_id, Finding("cdr_missing", "session_id", message, Severity.WARNING, {"ended": ended}))
            )
    return missing


class _Fact:
    """What identifies one CDR among others."""

    def __init__(self, cdr: Document) -> None:
        fields = Fields(cdr, CdrError)
        self.id = fields.text("id") or ""
        self.session = _fold(fields.text("session_id"))
        self.start, self.end = fields.moment("start_date_time"), fields.moment("end_date_time")
        self.is_credit = fields.values.get("credit") is True
        self.credits = _fold(fields.text("credit_reference_id"))
        self.place = _place(fields)
        token = fields.values.get("cdr_token")
        uid = token.get("uid") if isinstance(token, Mapping) else None
        self.facts = (_fold(uid) if isinstance(uid, str) else None, self.place, self.start, self.end)

    def overlaps(self, other: "_Fact") -> bool:
        if self.start is None or self.end is None or other.start is None or other.end is None:
            return False
        return min(self.end, other.end) - max(self.start, other.start) > _TOUCH


def _counting(this: _Fact, others: Iterable[Document]) -> Iterator[_Fact]:
    """The other CDRs that still stand: no Credit CDRs, none that was credited, not this one itself."""
    facts = [fact for fact in map(_fact, others) if fact is not None]
    credited = {fact.credits for fact in (*facts, this) if fact.is_credit}
    if this.is_credit or _fold(this.id) in credited:
        return
    for fact in facts:
        if not fact.is_credit and _fold(fact.id) not in credited and _fold(fact.id) != _fold(this.id):
            yield fact


def _fact(other: Document) -> _Fact | None:
    """Another CDR; None where it cannot be read: that is a finding about the other one."""
    try:
        return _Fact(other)
    except CdrError:
        return None


def _place(fields: Fields) -> tuple[str, str] | None:
    location = fields.values.get("cdr_location")
    if not isinstance(location, Mapping):
        return None
    ids = location.get("id"), location.get("evse_uid")
    if not all(isinstance(one, str) for one in ids) or _fold(ids[1]) == _NOT_AVAILABLE:
        return None
    return str(ids[0]).casefold(), str(ids[1]).casefold()


def _part(fields: Fields, part: str) -> Decimal | None:
    if not fields.has("total_cost"):
        return None
    return fields.inner("total_cost").number(part)


def _fold(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _same(a: Any, b: Any) -> bool:
    """Whether two JSON values say the same: numbers by value; null, absent and an empty list alike."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return all(_same(a.get(name), b.get(name)) for name in {*a, *b})
    if _is_nothing(a) or _is_nothing(b):
        return _is_nothing(a) and _is_nothing(b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(one, other) for one, other in zip(a, b, strict=True))
    if type(a) in _NUMBERS and type(b) in _NUMBERS:
        return bool(_comparable(a) == _comparable(b))
    return bool(a == b)


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, list | tuple) and not value)


def _comparable(value: Any) -> Any:
    try:
        return as_number(value)
    except Unreadable:
        return value
