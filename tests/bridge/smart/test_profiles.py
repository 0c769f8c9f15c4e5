"""Which limit holds when: by hand, and against the simulated charger's own reckoning, which was written apart."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bridge_ocpp.dialects import v16, v201
from bridge_ocpp.port import ChargingProfile, Kind, Period, Purpose, RateUnit, Recurrency, Schedule
from bridge_ocpp.simulator.meter import Charge, Evse
from bridge_ocpp.simulator.stack import Stack
from bridge_ocpp.smart.profiles import Circumstances, ceiling_inside, composite, converted, limit_at

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHARGING = Circumstances(charging_since=NOON)


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def profile(purpose, *limits, level=0, kind=Kind.RELATIVE, unit=RateUnit.A, duration=None, start=None, **more):
    periods = tuple(Period(at, D(str(limit))) for at, limit in limits)
    return ChargingProfile(1, purpose, kind, level, Schedule(unit, periods, start, duration), **more)


def test_the_highest_stack_level_that_has_a_limit_counts():
    low = profile(Purpose.TRANSACTION, (0, 10))
    high = profile(Purpose.TRANSACTION, (60, 20), level=3, duration=120)
    assert composite([low, high], NOON, 300, CHARGING) == ((0, D(10)), (60, D(20)), (120, D(10)))


def test_a_tx_profile_takes_the_place_of_the_default_and_the_station_limits_both():
    default, tx = profile(Purpose.DEFAULT, (0, 6)), profile(Purpose.TRANSACTION, (0, 25), duration=100)
    station = profile(Purpose.STATION, (0, 16), kind=Kind.ABSOLUTE, start=later(50))
    found = composite([default, tx, station], NOON, 300, CHARGING)
    assert found == ((0, D(25)), (50, D(16)), (100, D(6)))


def test_without_a_transaction_only_what_would_hold_for_one():
    about = Circumstances()
    assert limit_at([profile(Purpose.TRANSACTION, (0, 10))], NOON, about) is None
    assert limit_at([profile(Purpose.DEFAULT, (0, 10))], NOON, about) == D(10)


def test_a_daily_profile_comes_back():
    night = profile(Purpose.DEFAULT, (0, 32), (3600, 6), kind=Kind.RECURRING, start=later(-2 * 86400 + 600),
                    duration=7200, recurrency=Recurrency.DAILY)  # fmt: skip
    assert composite([night], NOON, 90000, CHARGING) == (
        (0, None), (600, D(32)), (4200, D(6)), (7800, None), (87000, D(32)),
    )  # fmt: skip


def test_validity_and_units():
    limited = profile(Purpose.DEFAULT, (0, 6900), unit=RateUnit.W, valid_from=later(10), valid_to=later(20))
    assert composite([limited], NOON, 60, CHARGING) == ((0, None), (10, D(10)), (20, None))
    assert converted(D("6907"), RateUnit.W, RateUnit.A, voltage=230, phases=3) == D(10)
    assert converted(D(10), RateUnit.A, RateUnit.W, voltage=230, phases=1) == D(2300)


def test_a_share_inside_a_ceiling():
    ceiling = Schedule(RateUnit.A, (Period(0, D(8)), Period(600, D(20))), duration=1200)
    inside = ceiling_inside(ceiling, D(12), at=later(300), about=CHARGING, kind=Kind.RELATIVE)
    assert inside == Schedule(RateUnit.A, (Period(0, D(8)), Period(300, D(12))), later(300))
    ended = ceiling_inside(ceiling, D(12), at=later(5000), about=CHARGING, kind=Kind.RELATIVE)
    assert ended.periods == (Period(0, D(12)),)


# --- against the simulated charger ---------------------------------------------------------------------------

steps = st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 400)), max_size=4, unique_by=lambda step: step[0])
moments = st.integers(-200_000, 5000).map(later)


@st.composite
def profiles_strategy(draw, number):
    purpose = draw(st.sampled_from([Purpose.TRANSACTION, Purpose.DEFAULT, Purpose.STATION]))
    kind = draw(st.sampled_from(list(Kind)))
    unit = draw(st.sampled_from(list(RateUnit)))
    factor = D("0.1") if unit is RateUnit.A else D(100)
    first = draw(st.integers(0, 400))
    periods = tuple(Period(at, limit * factor) for at, limit in [(0, first), *sorted(draw(steps))])
    recurrency = draw(st.sampled_from(list(Recurrency))) if kind is Kind.RECURRING else None
    start = None if kind is Kind.RELATIVE else draw(moments)
    duration = draw(st.none() | st.integers(1, 6000))
    return ChargingProfile(
        number,
        purpose,
        kind,
        draw(st.integers(0, 3)),
        Schedule(unit, periods, start, duration),
        recurrency,
        draw(st.none() | moments),
        draw(st.none() | moments),
    )


@given(
    st.integers(0, 5).flatmap(lambda n: st.tuples(*(profiles_strategy(i) for i in range(n)))),
    st.integers(0, 3000),
    st.sampled_from([1, 3]),
    st.sampled_from([(v16, "chargingProfileId"), (v201, "id")]),
)
def test_what_we_reckon_is_what_the_charger_answers(profiles, passed, phases, version):
    dialect, key = version
    stack, at = Stack(), later(passed)
    evse = Evse(1, D(22_080) * phases / 3, phases, charge=Charge(1, "T", NOON, D(0)), steps=stack.steps)
    kept = {}
    for one in profiles:
        place = (one.purpose, one.stack_level)
        kept[place] = one
        wire = dialect.charging.written(one, None)
        stack.put(0 if one.purpose is Purpose.STATION else 1, wire, key=key)
    about = Circumstances(charging_since=NOON, phases=phases, most=evse.most_a)
    ours = composite(list(kept.values()), at, 9000, about)
    theirs = stack.composite(evse, at, 9000, unit="A")["chargingSchedulePeriod"]
    assert [(p["startPeriod"], D(str(p["limit"]))) for p in theirs] == [(s, limit) for s, limit in ours]
    for second in (0, 1, 599, 4500):
        assert stack.amperes(evse, at + timedelta(seconds=second)) == limit_at(
            kept.values(), at + timedelta(seconds=second), about
        )


@given(profiles_strategy(1), st.integers(0, 40), st.integers(0, 8000), st.integers(0, 9000))
def test_a_share_is_never_above_its_ceiling_nor_itself(one, share, passed, probe):
    ceiling = ChargingProfile(1, Purpose.TRANSACTION, one.kind, 0, one.schedule, one.recurrency)
    if one.kind is Kind.RECURRING:
        return
    at = later(passed)
    inside = ceiling_inside(one.schedule, D(share), at=at, about=CHARGING, kind=one.kind)
    sent = ChargingProfile(1, Purpose.TRANSACTION, Kind.ABSOLUTE, 0, inside)
    moment = at + timedelta(seconds=probe)
    limit, above = limit_at([sent], moment, CHARGING), limit_at([ceiling], moment, CHARGING)
    assert limit is not None
    assert limit == (D(share) if above is None else min(D(share), above))
