"""The allocator: fair, per phase, never above the limit, nobody below the minimum but paused."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bridge_ocpp.smart.allocate import Car, allocate

D = Decimal
THREE = frozenset({1, 2, 3})


def car(key, *, phases=THREE, minimum=6, maximum=32, **more):
    return Car(key, frozenset(phases), D(minimum), D(maximum), **more)


def site(amperes):
    return dict.fromkeys((1, 2, 3), D(amperes))


def test_equal_cars_get_equal_shares():
    assert allocate(site(63), [car("a"), car("b"), car("c")]) == {"a": D(21), "b": D(21), "c": D(21)}


def test_what_one_cannot_use_goes_to_the_others():
    assert allocate(site(63), [car("a", maximum=10), car("b"), car("c")]) == {
        "a": D(10),
        "b": D("26.5"),
        "c": D("26.5"),
    }


def test_a_car_that_draws_little_leaves_its_share():
    idle = car("a", allotted=D(20), drawing=D(7))
    assert allocate(site(40), [idle, car("b")]) == {"a": D(9), "b": D(31)}


def test_a_car_that_draws_all_it_may_is_given_more():
    busy = car("a", allotted=D(9), drawing=D("8.5"))
    assert allocate(site(40), [busy, car("b")]) == {"a": D(20), "b": D(20)}


def test_who_waited_longest_is_served_when_not_all_can_be():
    cars = [car("a"), car("b", waited=D(5)), car("c", waited=D(9))]
    assert allocate(site(13), cars) == {"a": D(0), "b": D("6.5"), "c": D("6.5")}


def test_phases_are_shared_apart():
    cars = [car("one", phases={1}), car("two", phases={2}), car("all")]
    assert allocate(site(32), cars) == {"one": D(16), "two": D(16), "all": D(16)}
    assert allocate({1: D(20), 2: D(40), 3: D(40)}, cars) == {"one": D(10), "two": D(30), "all": D(10)}


def test_weights_share_what_is_above_the_minimum():
    cars = [car("a", weight=D(3)), car("b"), car("c", weight=D("0.5"))]
    assert allocate(site(36), cars) == {"a": D(18), "b": D(10), "c": D(8)}
    assert allocate(site(18), cars) == {"a": D(6), "b": D(6), "c": D(6)}


def test_what_a_weighty_car_cannot_use_goes_to_the_others():
    assert allocate(site(40), [car("a", weight=D(3), maximum=10), car("b")]) == {"a": D(10), "b": D(30)}


def test_no_power_pauses_everybody():
    assert allocate(site(0), [car("a"), car("b")]) == {"a": D(0), "b": D(0)}
    assert allocate(site(-5), [car("a")]) == {"a": D(0)}


amperes = st.decimals(min_value=0, max_value=200, places=1)
cars_strategy = st.lists(
    st.builds(
        lambda *drawn: drawn,
        st.sets(st.sampled_from([1, 2, 3]), min_size=1).map(frozenset),
        st.decimals(min_value=1, max_value=10, places=1),
        st.decimals(min_value=0, max_value=60, places=1),
        amperes,
        st.none() | amperes,
        amperes,
        st.sampled_from([D("0.5"), D("0.7"), D(1), D(3)]),
    ),
    max_size=12,
).map(
    lambda rows: [
        Car(str(n), phases, minimum, minimum + extra, allotted=allotted, drawing=drawing, waited=waited, weight=weight)
        for n, (phases, minimum, extra, allotted, drawing, waited, weight) in enumerate(rows)
    ]
)
limits_strategy = st.fixed_dictionaries(dict.fromkeys((1, 2, 3), amperes))


def total(cars, shares, phase):
    return sum((shares[c.key] for c in cars if phase in c.phases), D(0))


@given(limits_strategy, cars_strategy)
def test_no_phase_is_ever_above_its_limit(limits, cars):
    shares = allocate(limits, cars)
    assert set(shares) == {c.key for c in cars}
    for phase, limit in limits.items():
        assert total(cars, shares, phase) <= limit
    for c in cars:
        assert shares[c.key] == 0 or c.minimum <= shares[c.key] <= c.maximum


@given(limits_strategy, cars_strategy)
def test_nobody_pauses_who_could_charge(limits, cars):
    """A paused car's minimum does not fit beside the minimums of those that were served before it."""
    shares = allocate(limits, cars)
    served = [c for c in cars if shares[c.key] > 0]
    for c in cars:
        if shares[c.key] == 0:
            assert any(sum(s.minimum for s in served if p in s.phases) + c.minimum > limits[p] for p in c.phases)
