"""What a site's chargers may draw, as rows, and how rows change: when cars come and go, before each question, after
each answer. No I/O: the rows are given, and may be of no database.

A charger is limited by TxDefaultProfile and TxProfile, EVSE by EVSE; where it refuses these, as a whole by a station
profile; where it refuses this too, it counts with all that it can draw.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from bridge_ocpp.port import OutcomeStatus
from bridge_ocpp.smart.expecting import came
from bridge_ocpp.smart.outlets import busy, outlets_of
from bridge_ocpp.smart.plan import Outlet, Wish, orders, targets
from bridge_ocpp.smart.sites import Lane, Site
from bridge_ocpp.smart.standing import Ask, Standing, Way, What
from bridge_ocpp.smart.tables import ShareRow

ZERO = Decimal(0)
ASKING = timedelta(seconds=10)
"""How long an answer may take before the question is asked again."""
TRY_AGAIN = timedelta(minutes=15)
"""After that, a charger that refused every way is asked again."""
EARLY = timedelta(minutes=1)
"""So long a car gets no share whose charger waits to hear what it needs, unless it is told before."""
MOST_REFUSALS = 3
_NO = (
    OutcomeStatus.REJECTED,
    OutcomeStatus.NOT_SUPPORTED,
    OutcomeStatus.UNKNOWN_TRANSACTION,
    OutcomeStatus.INVALID,
)


# --- cars come and go ----------------------------------------------------------------------------------------


def follow(standing: Standing, *, now: datetime) -> list[ShareRow]:
    """Rows as the cars are: new ones for new cars; the rows that are needed no more are given back, taken out.

    While a charger is limited as a whole, what its cars were told before stays on record: it holds again when the
    charger is asked for its cars once more.
    """
    whole = standing.whole
    if whole.refused_at is not None and now >= whole.refused_at + TRY_AGAIN:
        _begin_way(whole, 0)
    gone = [
        row
        for evse, row in standing.rows.items()
        if evse and evse not in standing.parked and not _is_expected(row, now)
    ]
    for row in gone:
        del standing.rows[row.evse_id]
    for evse, parked in standing.parked.items():
        known = standing.rows.get(evse)
        if known is not None and known.transaction_id is None:
            came(known, parked.transaction_id, now=now)
        if known is not None and known.transaction_id != parked.transaction_id:
            gone.append(standing.rows.pop(evse))
            known = None
        if known is None and not standing.way.whole:
            standing.rows[evse] = ShareRow(
                charger_key=standing.key,
                evse_id=evse,
                site_key=whole.site_key,
                transaction_id=parked.transaction_id,
                worst=ZERO,
                sure=True,
                since=now,
            )
    return gone


def _is_expected(row: ShareRow, now: datetime) -> bool:
    return row.expected_until is not None and row.expected_until > now


def booted(whole: ShareRow) -> None:
    """After a boot nothing is certain: the charger may have forgotten its profiles, or learned to obey.

    A question that is under way may still reach it: nothing else is asked before it is answered, or its time is over.
    """
    under_way = whole.asking_until
    _begin_way(whole, 0)
    whole.asking_until = under_way


def _begin_way(whole: ShareRow, way: int) -> None:
    whole.way, whole.refusals, whole.refused_at = way, 0, None
    whole.asked, whole.worst, whole.sure, whole.asking_until = None, None, False, None
    whole.number += 1


# --- questions and answers -----------------------------------------------------------------------------------


def decide(site: Site, limits: Mapping[Lane, Decimal], standings: Iterable[Standing], *, now: datetime) -> list[Ask]:
    """What to ask now, written down in the rows as what may happen from now on."""
    chargers = {standing.key: standing for standing in standings}
    outlets = [outlet for standing in chargers.values() for outlet in outlets_of(site, standing, now=now)]
    asks = [_newcomer(site, standing, now) for standing in chargers.values() if _start_is_lowered(site, standing, now)]
    _new_turns(chargers, targets(limits, outlets), outlets, now)
    for order in orders(limits, outlets):
        key, _, evse = order.key.rpartition("/")
        standing = chargers[key]
        what = What.WHOLE if standing.way.whole else What.CAR
        asks.append(_asked(site, standing, int(evse), what, order.to, now))
    if not asks:
        load = {lane: sum((o.counts(lane) for o in outlets), ZERO) for lane in limits}
        asks = [
            _newcomer(site, standing, now)
            for standing in chargers.values()
            if _start_may_rise(site, standing, limits, load, now)
        ]
    return asks


def _new_turns(
    chargers: Mapping[str, Standing], wanted: Mapping[str, Decimal], outlets: Iterable[Outlet], now: datetime
) -> None:
    """A car whose turn is over and that goes on while others wait begins another: next time it is before the others."""
    cars = [outlet for outlet in outlets if outlet.wish is Wish.CHARGE and outlet.key in wanted]
    if all(wanted[outlet.key] >= outlet.minimum for outlet in cars):
        return
    for outlet in cars:
        if -1_000_000 < outlet.waited < 0 and wanted[outlet.key] >= outlet.minimum:
            key, _, evse = outlet.key.rpartition("/")
            chargers[key].rows[int(evse)].since = now


def _start_is_lowered(site: Site, standing: Standing, now: datetime) -> bool:
    """Whether newcomers must be told to start lower, or it is not certain that they were."""
    row = standing.whole
    if standing.way.whole or not standing.obeys or busy(row, now):
        return False
    return row.worst is None or row.worst > site.start or (not row.sure and row.worst == site.start)


def _start_may_rise(
    site: Site, standing: Standing, limits: Mapping[Lane, Decimal], load: dict[Lane, Decimal], now: datetime
) -> bool:
    row = standing.whole
    if standing.way.whole or not standing.obeys or busy(row, now) or row.worst is None or row.worst >= site.start:
        return False
    more = sum(
        (max(site.start - max((standing.rows[e].worst or ZERO) if e in standing.rows else ZERO, row.worst), ZERO)
         for e in standing.evses), ZERO)  # fmt: skip
    if any(load[lane] + more > limits[lane] for lane in standing.member.lanes):
        return False
    for lane in standing.member.lanes:
        load[lane] += more
    return True


def _newcomer(site: Site, standing: Standing, now: datetime) -> Ask:
    return _asked(site, standing, 0, What.NEWCOMER, site.start, now)


def _asked(site: Site, standing: Standing, evse: int, what: What, to: Decimal, now: datetime) -> Ask:
    """Ask: from now on the outlet may draw what it was asked for, and what it drew before."""
    row = standing.rows[evse]
    before, served = row.worst, (row.asked or ZERO) >= site.minimum
    if served != (to >= site.minimum):
        row.since = now
    row.asked, row.sure, row.asking_until = to, False, now + ASKING
    row.worst = None if before is None else max(before, to)
    row.number += 1
    leaves = standing.parked[evse].wanted.until if what is What.CAR and evse in standing.parked else None
    row.again, row.lasts_until = False, leaves if leaves is not None and leaves > now else None
    return Ask(standing.key, evse, what, to, standing.way, row.number, before, row.transaction_id, first=before is None)


def answered(row: ShareRow, whole: ShareRow, ask: Ask, status: OutcomeStatus, *, now: datetime) -> bool:
    """Take note of an answer; whether the limit has changed. An answer to an older question changes nothing.

    One from before a boot frees the charger for the next question. Only a plain yes lowers what may be drawn, and only
    a plain no takes back what it was raised by: a question whose answer was lost may have been obeyed.
    """
    if row.number == ask.number + 1 and row.asked is None and status in (OutcomeStatus.ACCEPTED, *_NO):
        row.asking_until = None  # asked before a boot: nothing of it can come any more
    if row.number != ask.number or (ask.what is What.CAR and row.transaction_id != ask.transaction_id):
        return False  # of a question before, or of a car that is gone: rows of another car count from 1 again
    row.asking_until = None
    if status is OutcomeStatus.ACCEPTED:
        changed = row.worst != ask.to or ask.before != ask.to
        row.worst, row.sure, whole.refusals = ask.to, True, 0
        if ask.before is None or ask.to > ask.before:
            row.raised_at = now
        return changed
    if status is OutcomeStatus.TOO_EARLY:
        row.worst, row.asked, row.early_until = ask.before, ask.before, now + EARLY
    if status in _NO:
        row.worst, row.asked = ask.before, ask.before
    if status in _NO or status is OutcomeStatus.FAILED:
        whole.refusals += MOST_REFUSALS if status is OutcomeStatus.NOT_SUPPORTED else 1
        if whole.refusals >= MOST_REFUSALS and whole.way == list(Way).index(ask.way):
            _refused(whole, now)
    return False


def _refused(whole: ShareRow, now: datetime) -> None:
    """The next way of limiting; after the last one the charger counts with all that it can draw."""
    if whole.way + 1 < len(Way):
        _begin_way(whole, whole.way + 1)
    else:
        _begin_way(whole, 0)
        whole.refused_at = now
