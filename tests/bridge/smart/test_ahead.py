"""Shares over time: what a car is told that said when it leaves, and whether what it means to do fits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_ocpp.port import ChargingProfile, Kind, Period, Purpose, RateUnit, Schedule
from bridge_ocpp.smart.ahead import constant, fits, until
from bridge_ocpp.smart.allocate import Car, allocate
from bridge_ocpp.smart.profiles import Circumstances, ceiling_inside

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600


def steps(schedule):
    return [(period.start, period.limit) for period in schedule.periods]


def told(share, *, hours=2, least=6, most=None):
    leaves = None if hours is None else NOON + timedelta(hours=hours)
    return until(share, least=D(least), leaves=leaves, most=most)


def stepped(*periods, start=NOON):
    return Schedule(RateUnit.A, tuple(Period(at, D(limit)) for at, limit in periods), start)


def test_a_car_has_its_share_until_it_leaves_and_the_least_after_that():
    share = constant(D(16), RateUnit.A, NOON)
    assert steps(told(share)) == [(0, D(16)), (2 * HOUR + 60, D(6))]
    assert told(share).start_at == NOON
    assert steps(told(share, hours=None)) == steps(told(share, hours=-1)) == [(0, D(16))]
    assert steps(told(constant(D(0), RateUnit.A, NOON), least=0)) == [(0, D(0))]


def test_a_partners_ceiling_stays_above_it():
    share = stepped((0, 10), (HOUR, 16), (3 * HOUR, 4))
    assert steps(told(share)) == [(0, 10), (HOUR, 16), (2 * HOUR + 60, 4)]


def test_a_schedule_is_no_longer_than_the_car_can_take():
    share = stepped((0, 10), (HOUR, 9), (HOUR + 60, 16))
    assert steps(told(share, most=9)) == [(0, 10), (HOUR, 9), (HOUR + 60, 16), (2 * HOUR + 60, 6)]
    assert steps(told(share, most=3)) == [(0, 10), (HOUR, 9), (HOUR + 60, 16)], "what comes after has no room"
    assert steps(told(share, most=2)) == [(0, 9), (HOUR + 60, 16)], "the two that lose the least become one"
    assert steps(told(share, most=1)) == [(0, 9)]


ceilings = st.lists(st.tuples(st.integers(0, 20 * HOUR), st.integers(0, 32)), max_size=8)
sites = st.lists(
    st.tuples(
        st.integers(6, 12),
        st.integers(12, 32),
        st.sampled_from([D("0.5"), D(1), D(3)]),
        st.none() | st.integers(-2 * HOUR, 30 * HOUR),
        st.none() | st.integers(1, 6),
        ceilings,
    ),
    min_size=1,
    max_size=8,
)


def limit_at(schedule, second):
    return [limit for start, limit in steps(schedule) if start <= second][-1]


def brings(schedule, seconds):
    """A·s until then."""
    ends = [start for start, _ in steps(schedule)[1:]] + [10**9]
    return sum(
        limit * max(0, min(end, seconds) - start) for (start, limit), end in zip(steps(schedule), ends, strict=True)
    )


@given(st.integers(0, 120), sites)
def test_the_limit_holds_over_all_time_whatever_is_lost_from_now_on(limit, cars):
    """Nobody is asked anything any more: what all were told together stays within the limit, at every moment."""
    phases = frozenset({1})
    asked = [Car(str(n), phases, D(c[0]), D(c[1]), weight=c[2]) for n, c in enumerate(cars)]
    shares = allocate({1: D(limit)}, asked)
    found = []
    for n, (minimum, _, _, leaves, most, ceiling) in enumerate(cars):
        share = shares[str(n)]
        whole = constant(share, RateUnit.A, NOON)
        if ceiling:
            above = stepped(*sorted({0: 32, **dict(ceiling)}.items()))
            whole = ceiling_inside(above, share, at=NOON, about=Circumstances(charging_since=NOON))
        end = None if leaves is None else NOON + timedelta(seconds=leaves)
        schedule = until(whole, least=min(share, D(minimum)), leaves=end, most=most)
        found.append(schedule)
        starts = [start for start, _ in steps(schedule)]
        assert starts[0] == 0
        assert all(earlier < later for earlier, later in pairwise(starts))
        assert most is None or len(starts) <= most
        for at in {*starts, *(start for start, _ in steps(whole))}:
            assert limit_at(schedule, at) <= limit_at(whole, at), "neither above the share nor above a ceiling"
        if not ceiling:
            assert all(limit == 0 or limit >= minimum for _, limit in steps(schedule)), "less is a pause"
        if end is not None and end > NOON and (not ceiling or most is None):
            assert brings(schedule, leaves) == brings(whole, leaves), "all that the share can bring until then"
    moments = {start for schedule in found for start, _ in steps(schedule)}
    assert all(sum(limit_at(schedule, at) for schedule in found) <= limit for at in moments)


@given(st.integers(6, 32), st.integers(1, 20 * HOUR), st.integers(0, 100_000))
def test_what_can_be_reached_is_reached(share, seconds, needed):
    """With the share on three phases until the departure; what is missing then was never possible."""
    schedule = told(constant(D(share), RateUnit.A, NOON), hours=seconds / HOUR)
    reached = brings(schedule, seconds) * 230 * 3 / HOUR
    assert reached >= min(needed, D(share) * 230 * 3 * seconds / HOUR - 1)


# --- what a car means to do --------------------------------------------------------------------------------------


def tx(*periods, unit=RateUnit.A):
    schedule = Schedule(unit, tuple(Period(at, D(limit)) for at, limit in periods), NOON)
    return ChargingProfile(7, Purpose.TRANSACTION, Kind.ABSOLUTE, 0, schedule)


@pytest.mark.parametrize(
    ("plan", "fine"),
    [
        ([(0, 16)], True),
        ([(0, 16), (HOUR, 6)], True),
        ([(0, "16.2")], False),
        ([(0, 10), (HOUR + 1, 7)], False),
        ([(0, 6), (HOUR - 1, 16), (HOUR, 6)], True),
        ([(0, 6), (HOUR - 1, 16), (HOUR + 1, 6)], False),
    ],
)
def test_a_plan_within_the_limits(plan, fine):
    about = Circumstances(charging_since=NOON)
    assert fits(stepped(*plan), [tx((0, 16), (HOUR, 6))], about) is fine


def test_where_nobody_limits_a_car_every_plan_fits():
    assert fits(stepped((0, 500)), [], Circumstances(charging_since=NOON))
    assert fits(stepped((0, 500)), [tx((0, 16))], Circumstances()), "a profile for a charge that there is not"


def test_a_plan_ends_with_its_duration():
    plan = Schedule(RateUnit.A, (Period(0, D(16)),), NOON, HOUR)
    about = Circumstances(charging_since=NOON)
    assert fits(plan, [tx((0, 16), (HOUR, 6))], about)
    longer = Schedule(RateUnit.A, plan.periods, NOON, HOUR + 1)
    assert not fits(longer, [tx((0, 16), (HOUR, 6))], about)


def test_watts_beside_amperes_may_be_those_of_a_higher_voltage():
    about = Circumstances(RateUnit.W, NOON)
    profile = tx((0, 16))
    at_253_volts = Schedule(RateUnit.W, (Period(0, D(16 * 253 * 3)),), NOON)
    assert fits(at_253_volts, [profile], about)
    assert not fits(Schedule(RateUnit.W, (Period(0, D(16 * 254 * 3)),), NOON), [profile], about)
    assert not fits(at_253_volts, [tx((0, 16 * 230 * 3), unit=RateUnit.W)], about)
