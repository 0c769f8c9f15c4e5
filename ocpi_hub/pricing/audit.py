"""audit(): every check of one CDR, with what else is known of it. The CDR is only looked at, never changed.

What to do about a finding is decided above (clearing): pass and mark, hold, refuse.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal

from .cdr import Usage, read_usage
from .checks_clock import check_clock, check_periods
from .checks_cuts import check_cuts
from .checks_energy import check_power, check_quantities
from .checks_money import check_costs, check_credit, check_currency, check_sums, check_tariffs
from .errors import CdrError, PricingError, TariffError
from .findings import Audit, Finding
from .pairs import against_session, credit_pair, duplicates, overlaps
from .pricer import Tariffs, price_usage, read_tariffs, tariffs_of
from .reading import Document, Fields, Unreadable, as_mapping, as_zone
from .report import CostReport
from .tariff import PreparedTariff
from .tariff_reading import prepare


def audit(
    cdr: Document,
    *,
    time_zone: str | tzinfo,
    tariff: Tariffs | None = None,
    original: Document | None = None,
    session: Document | None = None,
    others: Iterable[Document] = (),
    max_power_kw: Decimal | None = None,
    now: datetime | None = None,
) -> Audit:
    """Check a CDR against itself, against `tariff` (else its own copies) and against what else is given.

    `original` is the CDR that a Credit CDR credits, `session` the last state of its Session, `others` CDRs that may
    overlap or repeat it, `max_power_kw` what its connector can deliver, `now` (UTC) tells what lies in the future.
    Raises TimeZoneError for `time_zone` and TariffError for `tariff`; what is wrong with the CDR is a finding.
    """
    zone = as_zone(time_zone)
    given = read_tariffs(tariff) if tariff is not None else ()
    try:
        usage = read_usage(cdr)
    except CdrError as error:
        return Audit(_id_of(cdr), (_unreadable(error),), None)
    fields, around = Fields(usage.document, CdrError), list(others)
    own, findings = _own_tariffs(fields)
    report, problem = _price(given or own, usage, zone=zone)
    findings += [problem] if problem else []
    checks = [
        check_clock(usage, now=now),
        check_periods(usage),
        check_quantities(usage),
        check_power(usage, power_type=_power_type(fields), max_power_kw=max_power_kw),
        check_sums(fields),
        check_credit(fields),
        *([_against_tariffs(report, given or own, own=own)] if report else []),
        duplicates(usage.document, around),
        overlaps(usage.document, around),
        *([credit_pair(usage.document, original)] if original is not None else []),
        *([against_session(usage.document, session)] if session is not None else []),
    ]
    for check in checks:
        findings += _run(check)
    return Audit(_id_of(usage.document), tuple(findings), report)


def _against_tariffs(
    report: CostReport, book: tuple[PreparedTariff, ...], *, own: tuple[PreparedTariff, ...]
) -> Iterator[Finding]:
    used = list(dict.fromkeys(tariffs_of(report.usage, book)))
    yield from check_costs(report)
    yield from check_currency(report.usage, used)
    yield from check_tariffs(report.usage, used, own=own)
    yield from check_cuts(report, used)


def _own_tariffs(fields: Fields) -> tuple[tuple[PreparedTariff, ...], list[Finding]]:
    """The tariffs that the CDR brings along; those that cannot be read are findings."""
    own, findings = list[PreparedTariff](), list[Finding]()
    try:
        for index, document in enumerate(fields.items("tariffs")):
            own.append(prepare(document, path=f"tariffs[{index}]"))
    except PricingError as error:
        findings.append(Finding("tariff_unreadable", error.field, error.message))
        own.clear()
    return tuple(own), findings


def _price(book: tuple[PreparedTariff, ...], usage: Usage, *, zone: tzinfo) -> tuple[CostReport | None, Finding | None]:
    if not book:
        return None, Finding("tariff_unknown", "tariffs", "is missing: there is nothing to price with")
    try:
        return price_usage(read_tariffs(book), usage, zone=zone), None
    except CdrError as error:
        return None, Finding("tariff_unknown", error.field, error.message)
    except TariffError as error:
        return None, Finding("tariff_unreadable", f"tariffs{error.field}", error.message)


def _run(check: Iterator[Finding]) -> list[Finding]:
    """The findings of a check; a field that it cannot read is one more."""
    findings = []
    try:
        for finding in check:
            findings.append(finding)
    except CdrError as error:
        findings.append(_unreadable(error))
    return findings


def _unreadable(error: PricingError) -> Finding:
    return Finding("unreadable", error.field, error.message)


def _power_type(fields: Fields) -> str | None:
    location = fields.values.get("cdr_location")
    kind = location.get("connector_power_type") if isinstance(location, Mapping) else None
    return str(kind) if isinstance(kind, str) else None


def _id_of(cdr: Document) -> str:
    try:
        return str(as_mapping(cdr).get("id") or "")
    except Unreadable:
        return ""
