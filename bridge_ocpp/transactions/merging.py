"""One transaction and its news put together: what counts when messages come doubled, late and shuffled. No I/O."""

from collections.abc import Collection

from bridge_ocpp import clock, meter
from bridge_ocpp.clock import Judged
from bridge_ocpp.dialects.words import Stage, TransactionTold
from bridge_ocpp.hearing import Hearing
from bridge_ocpp.port import Verdict
from bridge_ocpp.tables import TransactionRow

NO_START = "no_start"
SECOND_END = "second_end"
MISSING_EVENTS = "missing_events"
NO_EVSE = "no_evse"
SEQ_REUSED = "seq_reused"
NO_END = "no_end"

_SUSPECT = frozenset({NO_START, NO_END, NO_EVSE, SECOND_END, clock.IMPOSSIBLE, clock.BACKWARDS, meter.METER_BACKWARDS})


def flag(row: TransactionRow, *flags: str, cleared: Collection[str] = ()) -> None:
    """Say what is wrong with a transaction, and what is not any more; some of it makes it suspect."""
    wanted = [name for name in row.flags if name not in cleared or name in flags]
    wanted += [name for name in dict.fromkeys(flags) if name not in wanted]
    if wanted != row.flags:
        row.flags = wanted
        row.suspect = not _SUSPECT.isdisjoint(wanted)


def merge(
    row: TransactionRow, told: TransactionTold, hearing: Hearing, judged: Judged, verdict: Verdict | None
) -> bool:
    """Put the news into the row; whether anything changed that the business side would want to know."""
    before = (row.id_token, row.charging_state, row.ended_at, row.evse_id)
    flag(row, *judged.flags)
    if told.stage is Stage.STARTED and not row.start_seen:
        row.start_seen, row.first_seq = True, told.seq_no
        row.started_at, row.started_received_at = judged.at, hearing.received
        flag(row, cleared=[NO_START])
    elif not row.start_seen:
        row.started_at = min(row.started_at, judged.at)
    if told.evse_id == 0 and told.stage is Stage.STARTED:
        flag(row, NO_EVSE)
    if told.evse_id and (not row.evse_id or told.stage is Stage.STARTED):
        flag(row, cleared=[NO_EVSE])
        row.evse_id, row.connector_id = told.evse_id, told.connector_id or 1
    _merge_token(row, told, verdict)
    row.remote_start_id = row.remote_start_id if told.remote_start_id is None else told.remote_start_id
    row.reservation_id = row.reservation_id if told.reservation_id is None else told.reservation_id
    if told.charging_state is not None and (row.state_at is None or judged.at >= row.state_at):
        row.charging_state, row.state_at = told.charging_state, judged.at
    if told.stage is Stage.ENDED:
        _end(row, told, hearing, judged)
    _keep_order(row)
    return before != (row.id_token, row.charging_state, row.ended_at, row.evse_id)


def _merge_token(row: TransactionRow, told: TransactionTold, verdict: Verdict | None) -> None:
    """Whose transaction it is: the token of its start, else the first one shown, but an accepted one before a refused.

    The token that ends a transaction may be another of the same group and does not pay for it.
    """
    token = told.id_token
    if token is None or told.stage is Stage.ENDED:
        return
    accepted = verdict is not None and verdict.accepted
    if row.id_token is None or (accepted and not row.authorized) or told.stage is Stage.STARTED:
        row.id_token, row.id_token_type, row.token_key = token.value, token.type, token.value.casefold()
        row.authorized = accepted
        group = verdict.group if verdict is not None else None
        row.group_token, row.group_token_type = (group.value, group.type) if group else (None, None)


def _end(row: TransactionRow, told: TransactionTold, hearing: Hearing, judged: Judged) -> None:
    if row.ended_at is not None and NO_END not in row.flags:
        flag(row, SECOND_END)
        return
    flag(row, cleared=[NO_END])
    row.ended_at, row.ended_received_at = judged.at, hearing.received
    row.last_seq, row.stop_reason = told.seq_no, told.stop_reason
    if row.stray_key:
        row.started_at = judged.at


def _keep_order(row: TransactionRow) -> None:
    """No transaction ends before it starts: a clock that jumped back tells nothing, so the times of arrival count."""
    if row.ended_at is None or row.ended_received_at is None or row.ended_at >= row.started_at:
        return
    flag(row, clock.BACKWARDS)
    row.started_at = min(row.started_received_at, row.ended_received_at)
    row.ended_at = row.ended_received_at
