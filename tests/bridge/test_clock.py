"""When a charger's clock is believed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge_ocpp.clock import (
    AHEAD,
    BEHIND,
    IMPOSSIBLE,
    NAIVE,
    NO_TIME,
    Judged,
    Said,
    judge,
    judge_within,
    read_time,
    write_time,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("text", "at", "naive"),
    [
        ("2026-03-01T12:00:00Z", NOON, False),
        ("2026-03-01T12:00:00.000Z", NOON, False),
        ("2026-03-01T12:00:00.1234567Z", NOON.replace(microsecond=123456), False),
        ("2026-03-01T13:00:00+01:00", NOON, False),
        ("2026-03-01T13:00:00+0100", NOON, False),
        ("2026-03-01t12:00:00z", NOON, False),
        ("2026-03-01 12:00:00 Z", NOON, False),
        ("2026-03-01T12:00:00", NOON, True),
        ("2026-03-01T12:00", NOON, True),
    ],
)
def test_times_are_read_as_chargers_write_them(text: str, at: datetime, naive: bool) -> None:
    assert read_time(text) == Said(at, naive, text)


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01T00:00:00Z", 12, "0001-01-01T00:00:00+23:00"])
def test_what_is_no_time_is_none(text: object) -> None:
    assert read_time(text).at is None


def test_times_are_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 3, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert write_time(at) == "2026-03-01T12:00:00.123Z"


@pytest.mark.parametrize(
    ("said", "offline", "behind_since", "expected"),
    [
        pytest.param(NOON - minutes(14), None, None, Judged(NOON - minutes(14), live=True), id="near"),
        pytest.param(NOON + minutes(14), None, None, Judged(NOON + minutes(14), live=True), id="near, ahead"),
        pytest.param(NOON + minutes(120), None, NOON - minutes(999), Judged(NOON, (AHEAD,)), id="two hours ahead"),
        pytest.param(NOON - minutes(120), None, None, Judged(NOON, (BEHIND,)), id="late with nothing outstanding"),
        pytest.param(
            NOON - minutes(120), None, NOON - minutes(180), Judged(NOON - minutes(120)), id="queued while offline"
        ),
        pytest.param(
            NOON - minutes(120), None, NOON - minutes(60), Judged(NOON, (BEHIND,)), id="older than what is outstanding"
        ),
        pytest.param(NOON - minutes(120), True, None, Judged(NOON - minutes(120)), id="says it was offline"),
        pytest.param(NOON - minutes(120), False, NOON - minutes(180), Judged(NOON, (BEHIND,)), id="says it was online"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), True, None, Judged(NOON, (IMPOSSIBLE,)), id="1970, offline"),
        pytest.param(
            datetime(1970, 1, 1, tzinfo=UTC), None, NOON, Judged(NOON, (IMPOSSIBLE,)), id="1970, perhaps queued"
        ),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), None, None, Judged(NOON, (BEHIND,)), id="1970, surely live"),
        pytest.param(None, None, None, Judged(NOON, (NO_TIME,)), id="no time"),
    ],
)
def test_when_a_time_counts(
    said: datetime | None, offline: bool | None, behind_since: datetime | None, expected: Judged
) -> None:
    assert judge(Said(said), received=NOON, offline=offline, behind_since=behind_since) == expected


def test_a_time_without_a_zone_is_utc_and_flagged() -> None:
    judged = judge(read_time("2026-03-01T12:01:00"), received=NOON, behind_since=None)
    assert judged == Judged(NOON + minutes(1), (NAIVE,), live=True)


def test_a_wrong_clock_is_wrong_by_the_same_amount_within_a_message() -> None:
    message, judged = Said(datetime(1970, 1, 1, 3, tzinfo=UTC)), Judged(NOON, (BEHIND,))
    at = judge_within(Said(datetime(1970, 1, 1, 2, 30, tzinfo=UTC)), message=message, judged=judged)
    assert at == NOON - minutes(30)


def test_a_sample_after_its_message_or_without_a_time_takes_the_time_of_the_message() -> None:
    message, judged = Said(NOON), Judged(NOON, live=True)
    assert judge_within(Said(NOON + minutes(60)), message=message, judged=judged) == NOON
    assert judge_within(Said(None), message=message, judged=judged) == NOON
    assert judge_within(Said(NOON), message=Said(None), judged=Judged(NOON, (NO_TIME,))) == NOON
