"""The site's limit in virtual time: never exceeded, whatever is refused, lost, or offline; and shared fairly."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_ocpp.port import OutcomeStatus
from bridge_ocpp.smart.expecting import CLOCKS, VALID
from bridge_ocpp.smart.outlets import TURN
from bridge_ocpp.smart.shares import ASKING, TRY_AGAIN, answered, decide, follow
from bridge_ocpp.smart.standing import Parked, What
from bridge_ocpp.smart.wishes import Wanted
from tests.bridge.smart.virtual import Box, Car, member, world

D = Decimal


def boxes(n, **more):
    return [Box(f"b{i}", member(f"B{i}", **more)) for i in range(1, n + 1)]


def settled(place, seconds=5):
    for _ in range(seconds):
        place.step()
    return {key: box.draws() for key, box in place.boxes.items()}


def plug(place, key, takes=32, evse=1, **more):
    place.boxes[key].cars[evse] = Car(D(takes), **more)


def measured(place, seconds=60):
    for _ in range(seconds):
        place.measure()
        place.step()
    return {key: box.draws() for key, box in place.boxes.items()}


def test_cars_share_and_what_one_leaves_is_the_others():
    place = world(63, boxes(3))
    settled(place)
    plug(place, "b1")
    assert settled(place)["b1"] == D(32)
    plug(place, "b2")
    plug(place, "b3")
    assert settled(place) == {"b1": D(21), "b2": D(21), "b3": D(21)}
    del place.boxes["b1"].cars[1]
    assert settled(place) == {"b1": D(0), "b2": D("31.5"), "b3": D("31.5")}


def test_a_new_car_draws_nothing_before_its_share_has_come():
    place = world(32, boxes(2))
    settled(place)
    plug(place, "b1")
    settled(place)
    plug(place, "b2")
    assert place.load()["", 1] == D(32)
    for _ in range(5):
        place.step()
        assert place.load()["", 1] <= D(32)
    assert settled(place) == {"b1": D(16), "b2": D(16)}


def test_a_full_car_frees_its_share_at_once():
    place = world(32, boxes(2))
    settled(place)
    plug(place, "b1")
    plug(place, "b2")
    settled(place)
    place.boxes["b1"].cars[1].full = True
    assert settled(place)["b2"] == D(32)
    place.boxes["b1"].cars[1].full = False
    assert settled(place) == {"b1": D(16), "b2": D(16)}


def test_measured_use_is_what_counts():
    place = world(40, boxes(2))
    settled(place)
    plug(place, "b1", takes=10)
    plug(place, "b2")
    assert settled(place) == {"b1": D(10), "b2": D(20)}
    for _ in range(30):
        place.measure()
        place.step()
    assert {key: box.draws() for key, box in place.boxes.items()} == {"b1": D(10), "b2": D(28)}
    place.boxes["b1"].cars[1].takes = D(32)
    for _ in range(30):
        place.measure()
        place.step()
    assert settled(place) == {"b1": D(20), "b2": D(20)}


def test_with_too_little_for_all_they_pause_in_turn():
    place = world(13, boxes(3))
    settled(place)
    for key in place.boxes:
        plug(place, key)
    served = dict.fromkeys(place.boxes, 0)
    for _ in range(int(3 * TURN.total_seconds()) // 5):
        place.step(5)
        drawing = {key: box.draws() for key, box in place.boxes.items()}
        assert sum(drawing.values()) <= 13
        assert all(amperes == 0 or amperes >= 6 for amperes in drawing.values())
        for key, amperes in drawing.items():
            served[key] += amperes > 0
    assert max(served.values()) - min(served.values()) <= TURN.total_seconds() / 5 + 5, served


def test_single_phases_are_shared_apart():
    one = Box("one", member("One", phases=(1,)))
    three = Box("three", member("Three"))
    two = Box("two", member("Two", phases=(2,)))
    place = world(32, [one, two, three])
    settled(place)
    for key in place.boxes:
        plug(place, key)
    assert settled(place) == {"one": D(16), "two": D(16), "three": D(16)}


def test_phases_that_a_car_does_not_load_are_the_others_once_it_was_measured():
    place = world(32, boxes(2))
    settled(place)
    plug(place, "b1", loads=1)
    plug(place, "b2", loads=3)
    assert settled(place) == {"b1": D(16), "b2": D(16)}
    rotated = Box("b3", member("B3", phases=(2, 3, 1)))
    place = world(32, [*boxes(1), rotated])
    settled(place)
    plug(place, "b1", loads=1)
    plug(place, "b3", loads=1)
    assert settled(place) == {"b1": D(16), "b3": D(16)}
    assert measured(place) == {"b1": D(32), "b3": D(32)}
    assert place.load() == {("", 1): D(32), ("", 2): D(32), ("", 3): D(0)}


def test_a_site_that_does_not_want_it_learns_no_phases():
    place = world(32, boxes(2), learn_phases=False)
    place.site.members["b2"] = place.boxes["b2"].member = place.standings["b2"].member = member("B2", phases=(2, 3, 1))
    settled(place)
    plug(place, "b1", loads=1)
    plug(place, "b2", loads=1)
    assert measured(place) == {"b1": D(16), "b2": D(16)}


def test_a_car_that_loads_another_phase_after_all_counts_there_at_once():
    place = world(32, [*boxes(1), Box("b2", member("B2", phases=(2, 3, 1)))])
    settled(place)
    plug(place, "b1", loads=1)
    plug(place, "b2", loads=1)
    measured(place)
    place.boxes["b1"].cars[1].loads = 3
    assert measured(place, 3) == {"b1": D(16), "b2": D(16)}


def test_what_newcomers_may_draw_stays_free_on_phases_that_a_car_does_not_load():
    place = world(40, [*boxes(1), Box("b2", member("B2", phases=(2, 3, 1)))], start=D(6))
    settled(place)
    plug(place, "b1", takes=40, loads=1)
    plug(place, "b2", takes=40, loads=1)
    assert measured(place) == {"b1": D(32), "b2": D(32)}
    place.boxes["b1"].cars[1] = Car(D(40))  # a car goes and one of three phases comes, between two looks
    assert place.load()["", 2] == D(38)


def test_who_is_in_a_hurry_gets_more_of_what_is_above_the_minimum():
    place = world(36, boxes(3))
    settled(place)
    plug(place, "b1", weight=D(3))
    plug(place, "b2", weight=D(2))
    plug(place, "b3")
    assert settled(place) == {"b1": D(15), "b2": D(12), "b3": D(9)}
    place.lanes = place.site.lanes(D(18))
    assert settled(place) == {"b1": D(6), "b2": D(6), "b3": D(6)}


def test_a_circuit_inside_the_site():
    garage = [Box(f"g{i}", member(f"G{i}", circuits=("", "garage"))) for i in (1, 2)]
    place = world(63, [*garage, *boxes(1)], limits={"garage": D(20)})
    settled(place)
    for key in place.boxes:
        plug(place, key)
    assert settled(place) == {"g1": D(10), "g2": D(10), "b1": D(32)}


def test_a_start_above_zero_is_kept_free_for_every_place():
    place = world(40, boxes(3), start=D(6))
    settled(place)
    plug(place, "b1")
    assert settled(place)["b1"] == D(28)
    plug(place, "b2")
    assert place.boxes["b2"].draws() == D(6)
    assert place.load()["", 1] == D(34)
    assert settled(place)["b2"] == D(17)


def test_a_charger_that_is_away_keeps_what_it_may_still_draw():
    place = world(40, boxes(2))
    settled(place)
    plug(place, "b1")
    settled(place)
    place.boxes["b1"].online = False
    plug(place, "b2")
    assert settled(place) == {"b1": D(32), "b2": D(8)}
    place.boxes["b1"].online = True
    assert settled(place) == {"b1": D(20), "b2": D(20)}


def test_one_that_takes_no_profiles_of_cars_is_limited_as_a_whole():
    stubborn = Box("b1", member("B1"), refuses=frozenset({What.CAR}))
    place = world(40, [stubborn, *boxes(2)[1:]])
    settled(place)
    plug(place, "b1")
    plug(place, "b2")
    assert settled(place, 20) == {"b1": D(20), "b2": D(20)}
    assert place.standings["b1"].way.whole


def test_one_that_refuses_everything_counts_with_all_it_can_draw_and_is_asked_again_later():
    deaf = Box("b1", member("B1"), refuses=frozenset(What))
    place = world(40, [deaf, *boxes(2)[1:]])
    settled(place, 20)
    assert place.standings["b1"].whole.refused_at is not None
    plug(place, "b2")
    assert settled(place)["b2"] == D(8)
    deaf.refuses = frozenset()
    place.now += TRY_AGAIN
    assert settled(place)["b2"] == D(32)
    assert place.standings["b1"].whole.refused_at is None


def test_a_lower_limit_lowers_everybody_first():
    place = world(63, boxes(3))
    settled(place)
    for key in place.boxes:
        plug(place, key)
    settled(place)
    place.lanes = place.site.lanes(D(30))
    place.step()
    assert settled(place) == {"b1": D(10), "b2": D(10), "b3": D(10)}
    place.lanes = place.site.lanes()
    assert settled(place) == {"b1": D(21), "b2": D(21), "b3": D(21)}


def test_a_remote_start_brings_the_share_along():
    place = world(32, boxes(2))
    settled(place)
    assert place.start(place.boxes["b1"], 1) == D(32)
    settled(place)
    place.boxes["b1"].plugs(1, Car(D(32)), place.now)
    assert place.load()["", 1] == D(32), "from the first ampere, before anybody looked"
    assert settled(place) == {"b1": D(32), "b2": D(0)}
    assert place.start(place.boxes["b2"], 1) == D(0), "the other one must be lowered first"
    place.boxes["b2"].plugs(1, Car(D(32)), place.now)
    assert settled(place) == {"b1": D(16), "b2": D(16)}


def test_what_a_remote_start_was_given_counts_until_it_ends_by_itself():
    place = world(32, boxes(2), start=D(6))
    settled(place)
    assert place.start(place.boxes["b1"], 1) == D(26)
    plug(place, "b2")
    assert settled(place)["b2"] == D(6)
    place.step((VALID + CLOCKS).total_seconds())
    assert settled(place)["b2"] == D(26)
    place.boxes["b1"].plugs(1, Car(D(32)), place.now)
    assert place.boxes["b1"].draws() == D(6), "too late: like any newcomer"
    assert place.load()["", 1] == D(32)


def test_an_answer_about_a_car_that_is_gone_says_nothing_of_the_next():
    place = world(32, boxes(1))
    settled(place)
    plug(place, "b1")
    standing = place.standings["b1"]
    standing.parked = {1: Parked("T-old")}
    follow(standing, now=place.now)
    [old] = decide(place.site, place.lanes, [standing], now=place.now)
    standing.parked = {}
    follow(standing, now=place.now)
    assert place.start(place.boxes["b1"], 1) == D(32)
    row = standing.rows[1]
    assert row.number == old.number
    assert not answered(row, standing.whole, old, OutcomeStatus.REJECTED, now=place.now)
    assert (row.worst, row.asked) == (D(32), D(32))


def test_a_remote_start_that_was_refused_keeps_nothing():
    place = world(32, boxes(2))
    settled(place)
    place.start(place.boxes["b1"], 1, refused=True)
    plug(place, "b2")
    assert settled(place)["b2"] == D(32)


def test_a_remote_start_brings_nothing_where_no_profile_of_a_car_holds():
    stubborn = Box("b1", member("B1"), refuses=frozenset({What.CAR}))
    place = world(40, [stubborn, *boxes(2)[1:]])
    settled(place)
    plug(place, "b1")
    settled(place, 20)
    del place.boxes["b1"].cars[1]
    settled(place)
    assert place.start(place.boxes["b1"], 1) is None
    assert place.start(place.boxes["b2"], 7) is None
    plug(place, "b2")
    settled(place)
    assert place.start(place.boxes["b2"], 1) is None
    place.boxes["b2"].online = False
    settled(place)
    del place.boxes["b2"].cars[1]
    assert place.start(place.boxes["b2"], 1) is None


def test_after_a_boot_nothing_is_asked_before_what_was_under_way_is_over():
    """The old question could be obeyed after the new one, and nobody would know which limit holds."""
    place = world(32, boxes(1))
    settled(place)
    place.standings["b1"].whole.asking_until = place.now + timedelta(seconds=5)
    place.reboot(place.boxes["b1"])
    before = place.asked
    place.step()
    assert place.asked == before
    place.step(10)
    assert place.asked == before + 1
    assert place.standings["b1"].whole.worst == D(0)


@pytest.mark.parametrize(
    ("status", "over"),
    [
        (OutcomeStatus.ACCEPTED, True),
        (OutcomeStatus.REJECTED, True),
        (OutcomeStatus.NOT_SUPPORTED, True),
        (OutcomeStatus.TIMEOUT, False),
        (OutcomeStatus.OFFLINE, False),
        (OutcomeStatus.FAILED, False),
    ],
)
def test_a_plain_answer_to_what_was_under_way_ends_the_waiting_after_a_boot(status, over):
    place = world(32, boxes(1))
    settled(place)
    standing = place.standings["b1"]
    standing.whole.sure = False
    [old] = decide(place.site, place.lanes, [standing], now=place.now)
    place.reboot(place.boxes["b1"])
    assert not answered(standing.whole, standing.whole, old, status, now=place.now)
    assert (standing.whole.worst, standing.whole.asked, standing.whole.sure) == (None, None, False)
    before = place.asked
    place.step(1)
    assert place.asked == before + over


def test_an_old_answer_does_not_free_a_charger_that_is_asked_anew():
    place = world(32, boxes(1))
    settled(place)
    standing = place.standings["b1"]
    standing.whole.sure = False
    [old] = decide(place.site, place.lanes, [standing], now=place.now)
    place.reboot(place.boxes["b1"])
    later = place.now + ASKING
    [new] = decide(place.site, place.lanes, [standing], now=later)
    assert not answered(standing.whole, standing.whole, old, OutcomeStatus.ACCEPTED, now=later)
    assert standing.whole.asking_until == later + ASKING
    assert new.number == old.number + 2


# --- cars that say what they need --------------------------------------------------------------------------------


def test_a_charger_that_waits_for_the_needs_of_its_car_is_not_one_that_refuses():
    place = world(32, boxes(2))
    settled(place)
    plug(place, "b1", early=True)
    plug(place, "b2")
    assert settled(place, 30) == {"b1": D(0), "b2": D(32)}, "nothing lies idle for a car that cannot have it yet"
    assert not place.standings["b1"].way.whole
    place.boxes["b1"].cars[1].says(place.standings["b1"], 1, Wanted(until=place.now + timedelta(hours=1)))
    assert settled(place) == {"b1": D(16), "b2": D(16)}


def test_without_needs_it_is_asked_again_after_a_minute():
    place = world(32, boxes(1))
    settled(place)
    plug(place, "b1", early=True)
    settled(place)
    place.boxes["b1"].cars[1].early = False
    assert settled(place, 40) == {"b1": D(0)}
    assert settled(place, 40) == {"b1": D(32)}


def test_needs_are_answered_by_the_share_also_when_a_question_was_under_way():
    place = world(32, boxes(1))
    settled(place)
    plug(place, "b1")
    settled(place)
    car, row = place.boxes["b1"].cars[1], place.standings["b1"].rows[1]
    row.asking_until, row.sure, asked = place.now + timedelta(seconds=3), False, place.asked
    car.says(place.standings["b1"], 1, Wanted())
    assert row.again
    place.step(1)
    assert place.asked == asked
    settled(place, 6)
    assert (place.asked, row.again, row.sure) == (asked + 1, False, True)
    settled(place, 20)
    assert place.asked == asked + 1, "once"


def test_a_schedule_is_told_anew_when_the_departure_is_there():
    place = world(32, boxes(1))
    settled(place)
    plug(place, "b1", wanted=Wanted(until=place.now + timedelta(minutes=10)))
    settled(place)
    row, asked = place.standings["b1"].rows[1], place.asked
    assert row.lasts_until == place.boxes["b1"].cars[1].wanted.until
    place.step(500)
    assert place.asked == asked
    place.step(100)
    assert (place.asked, row.lasts_until) == (asked + 1, None)
    assert settled(place, 100) == {"b1": D(32)}, "it stays: what was told before fell to the minimum"
    place.boxes["b1"].cars[1].says(place.standings["b1"], 1, Wanted(until=place.now + timedelta(minutes=1)))
    settled(place)
    place.boxes["b1"].online = False
    assert settled(place, 130) == {"b1": D(6)}, "nobody can tell it anything: it fell by itself"
    assert row.worst == D(32), "but a charger's clock is no promise: it counts as before"


def test_a_car_that_needs_more_to_charge_at_all_pauses_with_less():
    place = world(16, boxes(2))
    settled(place)
    plug(place, "b1", wanted=Wanted(least=D(10)))
    assert settled(place)["b1"] == D(16)
    plug(place, "b2")
    assert settled(place) == {"b1": D(10), "b2": D(6)}
    place.boxes["b1"].cars[1].wanted = Wanted(least=D(11))
    found = settled(place)
    assert sorted(found.values()) == [D(0), D(16)]
    place.boxes["b1"].cars[1].wanted = Wanted(least=D(33))
    assert settled(place, 20) == {"b1": D(8), "b2": D(8)}, "more than its charger can ever give is not believed"


def test_nothing_is_asked_while_nothing_changes():
    place = world(63, boxes(10))
    settled(place)
    for key in list(place.boxes)[:6]:
        plug(place, key)
    settled(place, 20)
    before = place.asked
    for _ in range(300):
        place.measure()
        place.step()
    assert place.asked == before


# --- whatever happens ----------------------------------------------------------------------------------------


def happens(place, random):
    """Cars come, leave and are full; chargers go away, come back and boot."""
    box = random.choice(list(place.boxes.values()))
    evse = random.choice(box.evses)
    match random.choice(
        ["come", "come", "start", "start", "leave", "full", "away", "back", "boot", "nothing", "nothing"]
    ):
        case "come" if evse not in box.cars:
            weight = random.choice([D("0.5"), D(1), D(3)])
            box.plugs(evse, Car(D(random.randint(6, 40)), loads=random.choice([1, 3]), weight=weight), place.now)
        case "start" if evse not in box.cars and box.online:
            place.start(box, evse, refused=random.random() < 0.2 and evse not in box.coming)
        case "leave":
            box.cars.pop(evse, None)
        case "full" if evse in box.cars:
            box.cars[evse].full = not box.cars[evse].full
        case "away":
            box.online = False
        case "back":
            box.online = True
        case "boot" if box.online:
            place.reboot(box)


def says(place, random):
    """A car says what it needs; some chargers took no profile for it before."""
    box = random.choice(list(place.boxes.values()))
    evse = random.choice(box.evses)
    car = box.cars.get(evse)
    if car is not None and car.share is None and random.random() < 0.3:
        car.early = True
    if car is not None and box.online and random.random() < 0.5:
        until = random.choice([None, place.now + timedelta(seconds=random.randint(-60, 600))])
        least, most = random.choice([None, D(6), D(9), D(40)]), random.choice([None, D(10), D(16)])
        car.says(place.standings[box.key], evse, Wanted(until=until, least=least, most=most))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 5), st.integers(12, 60), st.sampled_from([0, 6]))
def test_the_limit_holds_at_every_moment(random, n, limit, start):
    """With refusals, lost answers, obeyed questions whose answer is lost, late answers and chargers that are away."""
    the_limit_holds(random, n, limit, start)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 5), st.integers(12, 60), st.sampled_from([0, 6]))
def test_the_limit_holds_whatever_cars_need(random, n, limit, start):
    the_limit_holds(random, n, limit, start, beside=says)


@pytest.mark.parametrize("seed", [2812, 3195, 5189])
def test_the_limit_holds_in_histories_that_once_exceeded_it(seed):
    """A charger that took no profiles of cars any more: its first limit as a whole raised what it really drew, or what
    a car there had been told was forgotten."""
    random = Random(seed)
    the_limit_holds(random, random.randint(2, 4), random.randint(12, 30), random.choice([0, 6]))


def the_limit_holds(random, n, limit, start, *, beside=lambda place, random: None):
    chargers = [
        Box(f"b{i}", member(f"B{i}", phases=random.choice([(1, 2, 3), (2, 3, 1), (1,), (2,)])),
            evses=random.choice([(1,), (1, 2)]),
            refuses=frozenset({What.CAR}) if random.random() < 0.2 else frozenset())
        for i in range(n)
    ]  # fmt: skip
    place = world(limit, chargers, start=D(start))
    settled(place, 40)
    if any(standing.whole.worst != start for standing in place.standings.values()) or start * 2 * n > limit:
        return  # the site cannot hold its own beginning: nothing to be proved
    place.chaos = random
    for _ in range(150):
        happens(place, random)
        beside(place, random)
        place.measure()
        place.step(random.choice([0.3, 1, 2, 7]))
        for lane, amperes in place.load().items():
            assert amperes <= place.lanes[lane], (lane, amperes)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 6), st.integers(16, 120))
def test_when_all_is_quiet_again_nothing_lies_idle(random, n, limit):
    place = world(limit, boxes(n), chaos=None)
    settled(place, 10)
    place.chaos = random
    for _ in range(60):
        happens(place, random)
        place.step(2)
    place.chaos = None
    for box in place.boxes.values():
        box.online = True
        for car in box.cars.values():
            car.full = False
    place.step((VALID + CLOCKS).total_seconds())  # what was kept for cars that never came is free again
    settled(place, 40)
    load = place.load()["", 1]
    hungry = [
        box for box in place.boxes.values() for car in box.cars.values() if car.draws(D(0)) < min(car.takes, D(32)) - 1
    ]
    assert not hungry or load >= min(D(limit), D(6)) - 1
    assert load <= limit
    if hungry and len(hungry) == sum(len(box.cars) for box in place.boxes.values()) and limit >= 6 * len(hungry):
        assert load >= limit - 1 - len(hungry) * D("0.5")


@pytest.mark.parametrize("pause", [timedelta(0), timedelta(seconds=30)])
def test_two_that_decide_on_the_same_rows_cannot_give_the_same_current_twice(pause):
    """What was asked for is written down before it is asked: another process that takes over counts it."""
    place = world(32, boxes(2))
    settled(place)
    plug(place, "b1")
    place.step()
    assert place.standings["b1"].rows[1].worst == D(32)
    plug(place, "b2")
    place.now += pause
    place.step()
    assert place.load()["", 1] <= D(32)
